package dbtest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func bookTests() []test {
	return []test{
		{"books/a bill is in the month in which its period ends, a credit note in that of its issue", booksByMonth},
		{"books/come a page at a time, with the lines of the page", booksByPage},
	}
}

// addBooks adds bills whose periods end on and around the borders of months, and a
// credit note for each that is issued on one, and returns them with their numbers.
func (f *fixture) addBooks() []billing.Bill {
	f.Helper()
	var bills []billing.Bill
	var users []string
	for i, end := range []time.Time{date(2026, 10, 1), date(2026, 10, 1).Add(time.Microsecond), date(2026, 10, 15),
		date(2026, 11, 1),
		date(2026, 11, 1).Add(time.Microsecond), date(2026, 12, 1), date(2027, 1, 31)} {
		user := fmt.Sprintf("user-%d", i)
		users = append(users, user)
		b := billing.Bill{Kind: billing.Invoice, UserID: user, PlanID: 1, PlanName: "Free",
			Period:   plan.Period{Start: plan.AddMonths(end, -1), End: end},
			IssuedAt: now(), DueAt: now(), Status: billing.Void, Terms: &billing.Terms{MarkupMillionths: 5},
			Lines: []billing.Line{
				{Kind: billing.Usage, Description: "ü", Period: plan.Period{Start: plan.AddMonths(end, -1), End: end},
					Provider: "exa", Vendor: "exa", Model: "exa-search",
					Usage: usage.Amounts{Calls: 1, Cost: 5, Quantities: pricing.Quantities{pricing.Requests: 1, pricing.Searches: 7}},
					Prices: []billing.UnitPrice{{From: date(2026, 1, 1), Rates: map[string]pricing.USD{"search": 1},
						Basis: pricing.Exact, Above: &pricing.LongContext{OverInputTokens: 9}}}},
				{Kind: billing.Rounding, Period: plan.Period{Start: plan.AddMonths(end, -1), End: end}, Amount: -pricing.USD(i)}},
			Subtotal: pricing.USD(i), Rounding: -pricing.USD(i), Cost: 5}
		note := b
		note.Kind, note.Terms, note.Lines, note.IssuedAt, note.RefersTo = billing.CreditNote, nil, nil,
			plan.AddMonths(end, 1), int64(2*i+1)
		bills = append(bills, b, note)
	}
	f.must(f.db.UpdateBilling(f.ctx, users, now(), func(tx billing.Tx) error { return tx.AddBills(f.ctx, bills) }))
	return bills
}

func booksByMonth(t *testing.T, p Place) {
	f := seeded(t, p)
	all := f.addBooks()
	found := 0
	for month := plan.Month(202608); month <= 202704; month = month.Next() {
		got, err := f.db.Bills(f.ctx, billing.Query{Month: month, Lines: true})
		f.must(err)
		var want []billing.Bill
		for _, b := range all {
			if b.BookedIn() == month {
				want = append(want, b)
			}
		}
		if found += len(got); !reflect.DeepEqual(got, want) {
			t.Errorf("in %s are\n%+v, want\n%+v", month, got, want)
		}
	}
	if found != len(all) {
		t.Errorf("%d bills of %d are in some month", found, len(all))
	}
}

func booksByPage(t *testing.T, p Place) {
	f := seeded(t, p)
	all := f.addBooks()
	for _, size := range []int{1, 3, len(all), len(all) + 1} {
		var got []billing.Bill
		for after := int64(0); ; after = got[len(got)-1].Number {
			page, err := f.db.Bills(f.ctx, billing.Query{Lines: true, After: after, Limit: size})
			f.must(err)
			got = append(got, page...)
			if len(page) > size {
				t.Errorf("%d bills are on a page of %d", len(page), size)
			}
			if len(page) < size {
				break
			}
		}
		if !reflect.DeepEqual(got, all) {
			t.Errorf("in pages of %d come\n%+v, want\n%+v", size, got, all)
		}
	}
}
