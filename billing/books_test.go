package billing_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
)

func TestBookedIn(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, test := range []struct {
		kind       billing.Kind
		ends, sent string
		want       plan.Month
	}{
		{billing.Invoice, "2026-12-01T00:00:00Z", "2026-12-01T02:00:00Z", 202611}, // a month of the calendar
		{billing.Invoice, "2026-12-01T00:00:00.000001Z", "2026-12-02T00:00:00Z", 202612},
		{billing.Invoice, "2026-12-15T09:30:00Z", "2026-12-15T09:30:00Z", 202612},
		{billing.Invoice, "2026-12-15T09:30:00Z", "2027-02-01T00:00:00Z", 202612}, // closed late
		{billing.Invoice, "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", 202612},
		{billing.CreditNote, "2026-12-01T00:00:00Z", "2027-01-31T23:59:59.999999Z", 202701},
		{billing.CreditNote, "2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z", 202702},
	} {
		b := billing.Bill{Kind: test.kind, Period: plan.Period{End: at(test.ends)}, IssuedAt: at(test.sent)}
		if got := b.BookedIn(); got != test.want {
			t.Errorf("%s that ends at %s, issued at %s, is in %s, want %s", test.kind, test.ends, test.sent, got,
				test.want)
		}
	}
}

// shelf has so many bills, and counts how often it is asked and for how many.
type shelf struct {
	billing.Store
	bills, asked, most int
}

func (s *shelf) Bills(_ context.Context, q billing.Query) ([]billing.Bill, error) {
	s.asked++
	var found []billing.Bill
	for n := q.After + 1; n <= int64(s.bills) && len(found) < q.Limit; n++ {
		found = append(found, billing.Bill{Number: n})
	}
	s.most = max(s.most, len(found))
	return found, nil
}

// Each bill comes once and in order, and few are held at a time: of those without lines more.
func TestEachBill(t *testing.T) {
	for _, test := range []struct {
		lines       bool
		bills, page int
	}{{true, 0, 200}, {true, 1, 200}, {true, 199, 200}, {true, 200, 200}, {true, 201, 200}, {true, 1000, 200},
		{false, 4999, 5000}, {false, 5000, 5000}, {false, 12_000, 5000}} {
		bills := test.bills
		s := &shelf{bills: bills}
		next := int64(1)
		err := (&billing.Service{Store: s}).EachBill(context.Background(), billing.Query{Lines: test.lines},
			func(b billing.Bill) error {
				if b.Number != next {
					t.Errorf("bill %d comes in place of %d", b.Number, next)
				}
				next++
				return nil
			})
		if err != nil || next != int64(bills)+1 || s.most > test.page || s.asked > bills/test.page+1 {
			t.Errorf("%d of %d bills, asked %d times for at most %d: %v", next-1, bills, s.asked, s.most, err)
		}
	}
	stop := errors.New("stop")
	s := &shelf{bills: 1000}
	if err := (&billing.Service{Store: s}).EachBill(context.Background(), billing.Query{},
		func(billing.Bill) error { return stop }); !errors.Is(err, stop) || s.asked != 1 {
		t.Errorf("%v after %d pages", err, s.asked)
	}
}
