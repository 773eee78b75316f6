package billing_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func october() plan.Period { return plan.CalendarMonth(date(2026, 10, 1)) }

func revenueOf(bills []billing.Bill) billing.Revenue {
	r := billing.NewRevenueBuilder(october().Start, date(2026, 11, 23), 12,
		plan.Plans{{ID: 1, Name: "Free"}, {ID: 2, Name: "Basic", Figures: plan.Figures{Yearly: 290 * pricing.Dollar}}})
	for _, b := range bills {
		r.Add(b)
	}
	return r.Revenue()
}

// someBill is any bill at all: also with amounts whose sum over many bills is beyond an int64.
func someBill(t *rapid.T) billing.Bill {
	kinds := []billing.LineKind{billing.Fee, billing.Proration, billing.Usage, billing.Overage, billing.Adjustment,
		billing.Credit, billing.Carried, billing.Rounding}
	amount := rapid.OneOf(rapid.Int64Range(-5e12, 5e12), rapid.Int64Range(-1<<60, 1<<60))
	b := billing.Bill{Kind: billing.Invoice,
		UserID:   rapid.SampledFrom([]string{"alice", "bob", "carol", "dora"}).Draw(t, "user"),
		PlanName: rapid.SampledFrom([]string{"Free", "Basic", "Pro"}).Draw(t, "plan"), Period: october()}
	for range rapid.IntRange(0, 8).Draw(t, "lines") {
		l := billing.Line{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		switch l.Kind {
		case billing.Usage, billing.Overage, billing.Adjustment:
			l.Provider = rapid.SampledFrom([]string{"gemini", "openai", "exa"}).Draw(t, "provider")
			l.Usage.Cost = pricing.USD(amount.Draw(t, "cost"))
		}
		if l.Kind != billing.Usage {
			l.Amount = pricing.USD(amount.Draw(t, "amount"))
		}
		b.Lines = append(b.Lines, l)
	}
	return b
}

// By plan, by user and by provider there is the same sum, part by part, and the revenue is the sum of all lines; the
// cost is that of usage and of what was corrected.
func TestSumsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bills := rapid.SliceOf(rapid.Custom(someBill)).Draw(t, "bills")
		var amounts, cost pricing.Total
		for _, b := range bills {
			for _, l := range b.Lines {
				amounts = amounts.Add(pricing.TotalOf(l.Amount))
				if l.Kind == billing.Usage || l.Kind == billing.Adjustment {
					cost = cost.Add(pricing.TotalOf(l.Usage.Cost))
				}
			}
		}
		r := revenueOf(bills)
		if r.Sum.Bills != len(bills) || r.Sum.Revenue().Cmp(amounts) != 0 || r.Sum.Cost.Cmp(cost) != 0 ||
			r.Sum.Margin().Cmp(amounts.Sub(cost)) != 0 {
			t.Fatalf("the sums are %+v, want %s and %s", r.Sum, amounts, cost)
		}
		for name, shares := range map[string][]billing.Share{"plan": r.Plans, "user": r.Users,
			"provider": r.Providers} {
			var sum billing.Sums
			seen := map[string]bool{}
			for _, s := range shares {
				if seen[s.Key] {
					t.Fatalf("%s is there twice by %s", s.Key, name)
				}
				seen[s.Key] = true
				sum.Bills += s.Bills
				sum.Fees, sum.Overage, sum.Adjustments = sum.Fees.Add(s.Fees), sum.Overage.Add(s.Overage),
					sum.Adjustments.Add(s.Adjustments)
				sum.Credits, sum.Rounding, sum.Cost = sum.Credits.Add(s.Credits), sum.Rounding.Add(s.Rounding),
					sum.Cost.Add(s.Cost)
			}
			for part, pair := range map[string][2]pricing.Total{"fees": {sum.Fees, r.Sum.Fees},
				"overage":     {sum.Overage, r.Sum.Overage},
				"adjustments": {sum.Adjustments, r.Sum.Adjustments}, "credits": {sum.Credits, r.Sum.Credits},
				"rounding": {sum.Rounding, r.Sum.Rounding},
				"cost":     {sum.Cost, r.Sum.Cost}} {
				if pair[0].Cmp(pair[1]) != 0 {
					t.Fatalf("the %s by %s are %s, in total %s", part, name, pair[0], pair[1])
				}
			}
			if name != "provider" && sum.Bills != len(bills) {
				t.Fatalf("%d bills by %s, want %d", sum.Bills, name, len(bills))
			}
		}
	})
}

func TestLastClosed(t *testing.T) {
	for _, c := range [][2]time.Time{
		{date(2026, 11, 1), date(2026, 10, 1)}, {date(2026, 11, 30), date(2026, 10, 1)},
		{date(2026, 11, 1).Add(-1), date(2026, 9, 1)}, {date(2027, 1, 5), date(2026, 12, 1)},
	} {
		if got := billing.LastClosed(c[0]); !got.Start().Equal(c[1]) {
			t.Errorf("at %s the last month that ended is %s, want %s", c[0], got, c[1])
		}
	}
}

// cabinet has bills, and refuses to be asked for all of them, or for the lines of other months than one.
type cabinet struct {
	billing.Store
	month plan.Month
	bills []billing.Bill
}

func (c cabinet) Plans(context.Context, time.Time) (plan.Plans, map[int64]int, error) {
	return nil, nil, nil
}

// nobody is a store of metering without users.
type nobody struct{ usage.Store }

func (n nobody) View(_ context.Context, fn func(usage.Reader) error) error { return fn(noUsers{}) }

type noUsers struct{ usage.Reader }

func (noUsers) UserIDs(context.Context, string, int) ([]string, error) { return nil, nil }

func (c cabinet) Bills(_ context.Context, q billing.Query) ([]billing.Bill, error) {
	if !q.UnsettledAt.IsZero() {
		return nil, nil
	}
	if q.Month == 0 || q.Lines && q.Month != c.month || q.After != 0 {
		return nil, fmt.Errorf("asked for %+v", q)
	}
	return slices.DeleteFunc(slices.Clone(c.bills), func(b billing.Bill) bool { return b.BookedIn() != q.Month }), nil
}

// SumBills adds up what Bills returns.
func (c cabinet) SumBills(ctx context.Context, q billing.Query) (s billing.MonthSums, err error) {
	bills, err := c.Bills(ctx, q)
	for _, b := range bills {
		s.Bills++
		s.Revenue, s.Cost = s.Revenue.Add(pricing.TotalOf(b.Total)), s.Cost.Add(pricing.TotalOf(b.Cost))
	}
	return s, err
}

// A bill is in the month in which its period ends, a credit note in that of its issue.
func TestHistory(t *testing.T) {
	at := func(end time.Time, total, cost pricing.USD) billing.Bill {
		return billing.Bill{Period: plan.Period{Start: end.AddDate(0, -1, 0), End: end}, Total: total, Cost: cost}
	}
	note := at(date(2026, 2, 1), -7, 0)
	note.Kind, note.IssuedAt = billing.CreditNote, date(2026, 2, 28)
	store := cabinet{month: 202602, bills: []billing.Bill{note, at(date(2026, 3, 1), 5, 2), at(date(2026, 2, 1), 7, 1),
		at(date(2026, 1, 15), -3, 0), at(date(2025, 12, 1), 100, 0), at(date(2026, 3, 2), 100, 0)}}
	r, err := (&billing.Service{Store: store, Usage: &usage.Service{Store: nobody{}}}).Revenue(context.Background(),
		date(2026, 3, 5), 0)
	if err != nil || len(r.Months) != 12 {
		t.Fatal(len(r.Months), err)
	}
	months := r.Months[9:]
	want := []struct {
		month         time.Time
		bills         int
		revenue, left pricing.USD
	}{{date(2025, 12, 1), 0, 0, 0}, {date(2026, 1, 1), 2, 4, 3}, {date(2026, 2, 1), 2, -2, -4}}
	if len(months) != len(want) {
		t.Fatalf("%d months, want %d", len(months), len(want))
	}
	for i, w := range want {
		m := months[i]
		if !m.Month.Equal(w.month) || m.Bills != w.bills || m.Revenue.Cmp(pricing.TotalOf(w.revenue)) != 0 ||
			m.Margin().Cmp(pricing.TotalOf(w.left)) != 0 {
			t.Errorf("month %d is %s with %d bills, %s and %s; want %+v", i, m.Month, m.Bills, m.Revenue, m.Margin(), w)
		}
	}
}

func TestIdle(t *testing.T) {
	fee := billing.Line{Kind: billing.Fee, Amount: 79 * pricing.Dollar}
	used := billing.Line{Kind: billing.Usage, Usage: usage.Amounts{Calls: 1}}
	failed := billing.Line{Kind: billing.Usage, Usage: usage.Amounts{Errors: 1}}
	late := billing.Line{Kind: billing.Adjustment, Usage: usage.Amounts{Calls: 1}}
	bill := func(user string, change func(*billing.Bill), lines ...billing.Line) billing.Bill {
		b := billing.Bill{Kind: billing.Invoice, UserID: user, Period: october(), Lines: lines}
		if change != nil {
			change(&b)
		}
		return b
	}
	r := revenueOf([]billing.Bill{
		bill("idle", nil, fee), bill("late", nil, fee, late), bill("used", nil, fee, used),
		bill("failed", nil, fee, failed), bill("free", nil),
		bill("void", func(b *billing.Bill) { b.Status = billing.Void }, fee),
		bill("note", func(b *billing.Bill) { b.Kind = billing.CreditNote }, fee),
		bill("back", nil, fee, billing.Line{Kind: billing.Proration, Amount: -79 * pricing.Dollar}),
	})
	var users []string
	for _, i := range r.Idle {
		users = append(users, i.UserID)
	}
	if len(users) != 2 || users[0] != "idle" || users[1] != "late" {
		t.Errorf("never used it: %v", users)
	}
}

// Who pays by the year is idle in each of its months, also in those whose bill is of nothing: what they pay is what the
// plan costs by the year.
func TestIdleWithinAYear(t *testing.T) {
	within := billing.Line{Kind: billing.Fee, Period: october(), Description: "Basic plan, within the yearly fee"}
	begins := billing.Line{Kind: billing.Fee,
		Period: plan.Period{Start: october().Start, End: plan.AddMonths(october().Start, 12)},
		Amount: 250 * pricing.Dollar}
	bill := func(user string, planID int64, lines ...billing.Line) billing.Bill {
		return billing.Bill{Kind: billing.Invoice, UserID: user, PlanID: planID, Cycle: plan.Yearly, Period: october(),
			Lines: lines}
	}
	r := revenueOf([]billing.Bill{
		bill("within", 2, within), bill("begins", 2, begins), bill("free", 1, within), bill("former", 3, within),
		bill("used", 2, within, billing.Line{Kind: billing.Usage, Usage: usage.Amounts{Calls: 1}}),
		bill("upgraded", 2, within, billing.Line{Kind: billing.Proration, Amount: 40 * pricing.Dollar}),
	})
	var got []string
	for _, i := range r.Idle {
		got = append(got, fmt.Sprint(i.UserID, " ", i.Fee, " ", i.Cycle))
	}
	if want := []string{"upgraded 290 yearly", "within 290 yearly", "begins 250 yearly"}; !slices.Equal(got, want) {
		t.Errorf("never used it: %q, want %q", got, want)
	}
}

// The ages border on each other: a bill is due from its moment on, and 30 days are over when the 31st day begins.
func TestAges(t *testing.T) {
	due := time.Date(2026, 11, 15, 8, 30, 0, 0, time.UTC)
	const h24 = 24 * time.Hour
	for _, c := range []struct {
		after time.Duration
		days  int
		age   billing.Age
	}{
		{-h24, 0, billing.NotDue}, {-time.Microsecond, 0, billing.NotDue}, {0, 1, billing.UpTo30Days},
		{h24 - 1, 1, billing.UpTo30Days}, {h24, 2, billing.UpTo30Days},
		{30*h24 - 1, 30, billing.UpTo30Days}, {30 * h24, 31, billing.UpTo60Days}, {60*h24 - 1, 60, billing.UpTo60Days},
		{60 * h24, 61, billing.UpTo90Days},
		{90*h24 - 1, 90, billing.UpTo90Days}, {90 * h24, 91, billing.Older}, {900 * h24, 901, billing.Older},
	} {
		b := billing.Bill{DueAt: due}
		if days, age := billing.DaysOverdue(b, due.Add(c.after)),
			billing.AgeOf(b, due.Add(c.after)); days != c.days || age != c.age {
			t.Errorf("%s after it was due it is %d days and %s, want %d and %s", c.after, days, age, c.days, c.age)
		}
	}
}

func TestAgeing(t *testing.T) {
	now := date(2026, 11, 23)
	bill := func(number int64, status billing.Status, due time.Time, total pricing.USD) billing.Bill {
		return billing.Bill{Number: number, Status: status, DueAt: due, Total: total}
	}
	a := billing.AgeingOf([]billing.Bill{bill(4, billing.Open, date(2026, 12, 1), 1),
		bill(3, billing.PastDue, date(2026, 11, 1), 10), bill(2, billing.PastDue, date(2026, 11, 1), 100),
		bill(1, billing.Paid, date(2026, 1, 1), 1000), bill(5, billing.Void, date(2026, 1, 1), 1000),
		bill(6, billing.PastDue, date(2026, 1, 1), 10_000)}, now)
	var numbers []int64
	for _, b := range a.Bills {
		numbers = append(numbers, b.Number)
	}
	if len(numbers) != 4 || numbers[0] != 6 || numbers[1] != 2 || numbers[2] != 3 || numbers[3] != 4 {
		t.Errorf("the unpaid bills are %v", numbers)
	}
	for age, want := range [billing.AgeCount]billing.AgeSum{{1, pricing.TotalOf(1)}, {2, pricing.TotalOf(110)}, {}, {},
		{1, pricing.TotalOf(10_000)}} {
		if got := a.Ages[age]; got.Bills != want.Bills || got.Amount.Cmp(want.Amount) != 0 {
			t.Errorf("%s: %d bills of %s, want %d of %s", billing.Age(age), got.Bills, got.Amount, want.Bills,
				want.Amount)
		}
	}
	if a.Sum.Bills != 4 || a.Sum.Amount.Cmp(pricing.TotalOf(10_111)) != 0 {
		t.Errorf("in all %d bills of %s", a.Sum.Bills, a.Sum.Amount)
	}
}

func TestAgainst(t *testing.T) {
	line := func(kind billing.LineKind, provider, vendor string, calls, in int64, cost pricing.USD) billing.Line {
		l := billing.Line{Kind: kind, Provider: provider, Vendor: vendor}
		l.Usage.Calls, l.Usage.Cost = calls, cost
		l.Usage.Quantities[pricing.InputTokens] = in
		return l
	}
	b := billing.Bill{Lines: []billing.Line{line(billing.Usage, "gemini", "google", 3, 100, 5),
		line(billing.Usage, "video", "wavespeed", 2, 0, 7),
		line(billing.Overage, "gemini", "google", 3, 100, 5), line(billing.Adjustment, "gemini", "google", 50, 100, 5)}}
	limits := []plan.Limit{{Meter: plan.Calls}, {Meter: plan.Tokens, Scope: plan.Scope{Providers: []string{"gemini"}}},
		{Meter: plan.Cost},
		{Meter: plan.Calls, Scope: plan.Scope{Vendors: []string{"wavespeed"}}},
		{Meter: plan.Calls, Scope: plan.Scope{Providers: []string{"exa"}}}}
	for i, want := range []int64{5, 100, 12, 2, 0} {
		if got := billing.LimitUsage(b, limits)[i].Used; got != want {
			t.Errorf("limit %d: %d used, want %d", i, got, want)
		}
	}
	huge := billing.Bill{Lines: []billing.Line{line(billing.Usage, "a", "", 1<<62, 0, 0),
		line(billing.Usage, "b", "", 1<<62, 0, 0)}}
	if got := billing.LimitUsage(huge, limits)[0].Used; got != 1<<63-1 {
		t.Errorf("%d used", got)
	}
}
