package dbtest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func bookTests() []test {
	return []test{
		{"books/a bill is in the month in which its period ends, a credit note in that of its issue", booksByMonth},
		{"books/come a page at a time, with the lines of the page", booksByPage},
		{"books/are summed as they are listed, and come from the newest on", booksSummed},
		{"books/what is only tried leaves nothing", onlyTried},
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

func booksSummed(t *testing.T, p Place) {
	f := seeded(t, p)
	f.addBooks()
	for _, q := range []billing.Query{{}, {Month: 202610}, {UserID: "user-3"}, {Month: 201001},
		{Statuses: []billing.Status{billing.Void}, Kind: billing.Invoice}} {
		bills, err := f.db.Bills(f.ctx, q)
		f.must(err)
		want := billing.MonthSums{Bills: len(bills)}
		for _, b := range bills {
			want.Revenue, want.Cost = want.Revenue.Add(pricing.TotalOf(b.Total)), want.Cost.Add(pricing.TotalOf(b.Cost))
		}
		sums, err := f.db.SumBills(f.ctx, q)
		f.must(err)
		if sums.Bills != want.Bills || sums.Revenue.Cmp(want.Revenue) != 0 || sums.Cost.Cmp(want.Cost) != 0 {
			t.Errorf("%+v sums up to %+v, want %+v", q, sums, want)
		}
	}
	all, err := f.db.Bills(f.ctx, billing.Query{})
	f.must(err)
	after, seen := int64(0), len(all)
	for {
		page, err := f.billing(f.db).Bills(f.ctx, billing.Query{Newest: true, After: after, Limit: 3})
		f.must(err)
		for _, b := range page.Rows {
			seen--
			wantEqual(t, "the number", b.Number, all[seen].Number)
			after = b.Number
		}
		if !page.More {
			break
		}
	}
	wantEqual(t, "bills left", seen, 0)
}

func onlyTried(t *testing.T, p Place) {
	f := seeded(t, p)
	service := f.billing(f.db)
	audit := usage.Audit{At: now(), Actor: "test", Action: "users subscribe"}
	before, err := f.db.Audit(f.ctx, 0, usage.PageSize)
	f.must(err)
	order := billing.Order{Plan: "pro", Cycle: plan.Monthly, AutoRenew: true}
	tried, err := service.Dry().Subscribe(f.ctx, audit, "alice", order)
	f.must(err)
	if s := tried.Account.Subscription; s == nil || !s.Anchor.Equal(now()) {
		t.Errorf("it says %+v", s)
	}
	_, err = service.Account(f.ctx, "alice")
	wantFailure(t, err, failure.NotFound, "alice")
	_, err = service.Subscribe(f.ctx, audit, "alice", order)
	f.must(err)
	_, err = service.Dry().Subscribe(f.ctx, audit, "alice", order)
	wantFailure(t, err, failure.Conflict, "already")
	credited, err := service.Dry().Credit(f.ctx, audit, billing.CreditEntry{UserID: "alice", Amount: 500 * pricing.Cent,
		Reason: "a test"})
	f.must(err)
	wantEqual(t, "the balance", credited.Balance, 500*pricing.Cent)
	credits, err := service.AllCredits(f.ctx, "alice")
	f.must(err)
	wantEqual(t, "credits", len(credits), 0)
	after, err := f.db.Audit(f.ctx, 0, usage.PageSize)
	f.must(err)
	wantEqual(t, "new rows of the audit log", len(after)-len(before), 1)
}
