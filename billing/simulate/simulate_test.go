package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// memory is a store that holds everything in memory.
type memory struct {
	usage.Reader
	accounts []billing.BillingAccount // by user
	log      []usage.Entry            // oldest first
	archived map[plan.Month]string
	moved    map[plan.Month]string // what is archived once it has been asked
}

func (s *memory) Catalogue(context.Context) (*pricing.Book, error) { return nil, errors.ErrUnsupported }

func (s *memory) View(_ context.Context, fn func(usage.Reader) error) error { return fn(s) }

func (s *memory) ArchivedMonths(context.Context) (map[plan.Month]string, error) {
	archived := s.archived
	if s.moved != nil {
		s.archived = s.moved
	}
	return archived, nil
}

func (s *memory) Customers(_ context.Context, month plan.Month, after string, limit int) ([]Customer, error) {
	var page []Customer
	for _, f := range s.accounts {
		a := f.Account
		if a.UserID > after && len(page) < limit {
			used := slices.ContainsFunc(s.log,
				func(e usage.Entry) bool { return e.UserID == a.UserID && plan.MonthOf(e.Time) == month })
			page = append(page, Customer{Account: f, Used: used})
		}
	}
	return page, nil
}

func (s *memory) UserLog(_ context.Context, q usage.UserLogQuery) ([]usage.Entry, error) {
	var page []usage.Entry
	passed := q.AfterTime.IsZero()
	for _, e := range s.log {
		if e.UserID == q.User && passed && !e.Time.Before(q.From) && e.Time.Before(q.To) && len(page) < q.Limit {
			page = append(page, e)
		}
		passed = passed || e.ID == q.AfterID
	}
	return page, nil
}

func limitOf(meter plan.Meter, max int64, providers ...string) plan.Limit {
	return plan.Limit{Name: "l", Meter: meter, Max: max, Action: plan.Block, Scope: plan.Scope{Providers: providers}}
}

func mustOverage(t *rapid.T, terms billing.Terms, series []billing.Series) []pricing.USD {
	amounts, err := terms.Overage(series, nil)
	if err != nil {
		t.Fatal(err)
	}
	return amounts
}

func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 12, 0, 0, 0, time.UTC) }

func plans(overage plan.Overage, max int64) plan.Plans {
	calls := limitOf(plan.Calls, max, "gemini")
	calls.Name = "gemini_calls"
	return plan.Plans{
		{ID: 1, Name: "Free", Tier: "free", Figures: plan.Figures{Limits: []plan.Limit{calls}, Overage: overage}},
		{ID: 2, Name: "Pro", Tier: "pro", Figures: plan.Figures{Monthly: 30 * pricing.Dollar, Yearly: 300*pricing.Dollar + 6,
			Limits: []plan.Limit{calls}, Overage: overage, MarkupMillionths: 500_000}},
	}
}

// add records a call of gemini.
func (s *memory) add(user string, at time.Time, cost pricing.USD) {
	e := usage.Entry{Event: usage.Event{ID: fmt.Sprint(user, len(s.log)), UserID: user, Provider: "gemini", Model: "m",
		Vendor: "google", Time: at, StatusCode: 200}, Cost: cost, Basis: pricing.Exact}
	e.Quantities[pricing.Requests] = 1
	s.log = append(s.log, e)
}

// subscriber returns the account of a user with a subscription to Pro since September 15th.
func subscriber(user string, cycle plan.Cycle, all plan.Plans) billing.BillingAccount {
	start := day(9, 15)
	sub := plan.Subscription{PlanID: 2, Cycle: cycle, Anchor: start, AutoRenew: true}
	sub.PaidUntil = sub.CycleAt(start).End
	return billing.BillingAccount{Account: plan.Account{UserID: user, Plans: all,
		Segments: []plan.Segment{{From: start, Anchor: start, PlanID: 2}}, Subscription: &sub},
		Phases: []billing.SubscriptionPhase{{Action: plan.New, From: start, Subscription: sub,
			Price: all[1].At(start).Price(cycle)}}}
}

// visitor returns the account of a user without a subscription.
func visitor(user string, all plan.Plans) billing.BillingAccount {
	return billing.BillingAccount{Account: plan.Account{UserID: user, Plans: all}}
}

func simulated(t testing.TB, s *memory, wanted plan.Plans) Result {
	t.Helper()
	result, err := replay(t.Context(), s, scenario{month: 202610, plans: wanted})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func figures(f Figures) string {
	return fmt.Sprint(f.Fees, " ", f.Overage, " ", f.Cost, " ", f.Revenue(), " ", f.Margin())
}

func TestSimulate(t *testing.T) {
	all := plans(plan.OverageBlock, 100)
	s := &memory{accounts: []billing.BillingAccount{visitor("anna", all), subscriber("bert", plan.Monthly, all),
		subscriber("carl", plan.Yearly, all), visitor("dora", all)}}
	for i := range 4 {
		s.add("anna", day(10, 1+i), pricing.Dollar)
	}
	s.add("bert", day(9, 14), pricing.Dollar) // in the period before
	s.add("bert", day(9, 20), pricing.Dollar) // used when the month begins
	for i := range 3 {
		s.add("bert", day(10, 1+i), pricing.Dollar)
	}
	s.add("bert", day(10, 20), 4*pricing.Dollar) // in the next period
	s.add("bert", day(11, 1), pricing.Dollar)    // after the month
	s.add("dora", day(9, 30), pricing.Dollar)    // a calendar month before

	got := simulated(t, s, plans(plan.OverageBlock, 3))
	if got.Events != 8 || got.Total.Users != 3 || len(got.Gone) != 0 {
		t.Errorf("%+v", got)
	}
	// A yearly price of 300.000000000006 is 25.0000000000005 a month, which is rounded to the even one.
	for i, want := range []string{"Free 1 users, 0 0 4 0 -4, 0 0 3 0 -3, 1 calls of 1",
		"Pro 2 users, 55 0 7 55 48, 55 0 6 55 49, 1 calls of 1"} {
		p := got.Plans[i]
		if row := fmt.Sprint(p.Plan, " ", p.Users, " users, ", figures(p.Then), ", ", figures(p.Now), ", ",
			p.RefusedCalls, " calls of ", p.RefusedUsers); row != want {
			t.Errorf("got  %s\nwant %s", row, want)
		}
	}
	if total := figures(got.Total.Then) + ", " + figures(got.Total.Now); total != "55 0 11 55 44, 55 0 9 55 46" ||
		got.Total.RefusedCalls != 2 || got.Total.RefusedUsers != 2 {
		t.Errorf("in total: %s, %+v", total, got.Total)
	}
	want := []UserResult{
		{UserID: "anna", Plan: "Free", PlanNow: "Free", Calls: 1, Cost: pricing.TotalOf(pricing.Dollar),
			Limit: "gemini_calls", Reason: usage.LimitExceeded, At: day(10, 4)},
		{UserID: "bert", Plan: "Pro", PlanNow: "Pro", Calls: 1, Cost: pricing.TotalOf(pricing.Dollar),
			Limit: "gemini_calls", Reason: usage.LimitExceeded, At: day(10, 3)},
	}
	if fmt.Sprint(got.Refused) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got.Refused, want)
	}

	// With overage nobody is refused. Of bert's 4 calls in the period until October 15th 1 is beyond the 3: a quarter of 4
	// dollars, with the mark-up of a half.
	got = simulated(t, s, plans(plan.OverageAllow, 3))
	if len(got.Refused) != 0 || figures(got.Plans[0].Now) != "0 1 4 1 -3" ||
		figures(got.Plans[1].Now) != "55 1.5 7 56.5 49.5" {
		t.Errorf("%+v", got)
	}

	// A plan of 0, and one that is gone: those on it are on the default plan.
	free := plans(plan.OverageAllow, 0)[:1]
	free[0].Monthly = 5 * pricing.Dollar
	got = simulated(t, s, free)
	if fmt.Sprint(got.Gone) != "[pro]" || got.Plans[1].PlanNow != "Free" || figures(got.Plans[0].Now) != "0 0 0 0 0" ||
		figures(got.Plans[1].Now) != "5 0 0 5 5" || got.Refused[0].Reason != usage.NotInPlan {
		t.Errorf("%+v", got)
	}
}

func TestSimulateOtherPrices(t *testing.T) {
	all := plans(plan.OverageBlock, 100)
	s := &memory{accounts: []billing.BillingAccount{visitor("anna", all)}}
	s.add("anna", day(10, 1), pricing.Dollar)
	s.add("anna", day(10, 20), pricing.Dollar)
	s.add("anna", day(10, 21), pricing.Dollar)
	s.log[2].StatusCode, s.log[2].Cost = 500, 0
	price := func(model string, from time.Time, cost pricing.USD) pricing.Price {
		p := pricing.Price{ID: 1, Provider: "gemini", Model: model, EffectiveFrom: from}
		p.Rates[pricing.Requests] = cost
		return p
	}
	providers := pricing.Providers{"gemini": {Name: "gemini", Vendor: "google"}}
	have := pricing.NewBook(providers, []pricing.Price{price("m", pricing.Beginning(), pricing.Dollar),
		price("m", day(10, 10), pricing.Dollar)})
	for name, c := range map[string]struct {
		file []pricing.Price
		want string
	}{
		"of the model":     {[]pricing.Price{price("m", pricing.Beginning(), 3*pricing.Dollar)}, "6"},
		"from a moment on": {[]pricing.Price{price("m", day(10, 15), 3*pricing.Dollar)}, "4"},
		"two of a model": {[]pricing.Price{price("m", pricing.Beginning(), 5*pricing.Dollar),
			price("m", day(10, 15), 3*pricing.Dollar)}, "8"},
		"of another model":     {[]pricing.Price{price("n", pricing.Beginning(), 3*pricing.Dollar)}, "2"},
		"a default, not its":   {[]pricing.Price{price("default", pricing.Beginning(), 3*pricing.Dollar)}, "2"},
		"after the month":      {[]pricing.Price{price("m", day(11, 15), 3*pricing.Dollar)}, "2"},
		"nothing for anything": {[]pricing.Price{price("m", pricing.Beginning(), 0)}, "0"},
	} {
		with := newRates(providers, have, pricing.Catalogue{Prices: c.file})
		got, err := replay(t.Context(), s, scenario{month: 202610, rates: with})
		if err != nil || got.Total.Now.Cost.String() != c.want || got.Total.Then.Cost.String() != "2" {
			t.Errorf("%s: %+v, %v, want %s", name, got.Total, err, c.want)
		}
	}
}

func TestSimulateNeedsTheLog(t *testing.T) {
	all := plans(plan.OverageBlock, 100)
	s := &memory{accounts: []billing.BillingAccount{subscriber("bert", plan.Monthly, all)}}
	s.add("bert", day(10, 2), pricing.Dollar)
	refused := func(texts ...string) {
		t.Helper()
		_, err := replay(t.Context(), s, scenario{month: 202610})
		if !failure.Is(err, failure.Conflict) {
			t.Fatalf("got %v, want a conflict", err)
		}
		for _, text := range texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%q does not say %q", err, text)
			}
		}
	}
	s.archived = map[plan.Month]string{202610: "usage-2026-10.jsonl.gz"}
	refused("the month 2026-10 is archived in usage-2026-10.jsonl.gz")
	s.archived = map[plan.Month]string{202609: "usage-2026-09.jsonl.gz"}
	refused("bert", "the month 2026-09 is archived")
	s.archived = map[plan.Month]string{202608: "x"}
	if _, err := replay(t.Context(), s, scenario{month: 202610}); err != nil {
		t.Errorf("a month that is not needed: %v", err)
	}
	s.moved = map[plan.Month]string{202608: "x", 202609: "y"}
	refused("while the log was read")
}

// More users, and a longer log of one, than are read at a time.
func TestSimulateReadsPages(t *testing.T) {
	all := plans(plan.OverageBlock, 100)
	s := &memory{}
	for i := range 1_001 {
		s.accounts = append(s.accounts, visitor(fmt.Sprintf("u%04d", i), all))
	}
	for i := range 4_001 {
		s.add("u1000", day(10, 1).Add(time.Duration(i/7)*time.Microsecond), 1)
	}
	got := simulated(t, s, plans(plan.OverageBlock, 4_000))
	if got.Events != 4_001 || got.Total.RefusedCalls != 1 || got.Total.Users != 1 ||
		got.Total.Then.Cost.String() != "0.000000004001" {
		t.Errorf("%+v", got)
	}
}

// anyShelf has usage of one subscriber from September to November.
func anyShelf(t *rapid.T, all plan.Plans) *memory {
	s := &memory{accounts: []billing.BillingAccount{subscriber("bert", plan.Monthly, all)}}
	days := rapid.SliceOfN(rapid.IntRange(0, 60), 1, 40).Draw(t, "days")
	slices.Sort(days)
	for _, d := range days {
		s.add("bert", day(9, 16).AddDate(0, 0, d), pricing.USD(rapid.Int64Range(0, 1e6).Draw(t, "cost")))
	}
	return s
}

// The overage of months sums to that of their periods: nothing is charged twice, and nothing is left out.
func TestOverageOfMonthsSumsToThatOfPeriods(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := plans(plan.OverageAllow, rapid.Int64Range(1, 10).Draw(t, "max"))
		s := anyShelf(t, all)
		var months, periods pricing.Total
		for _, m := range []plan.Month{202609, 202610, 202611} {
			got, err := replay(context.Background(), s, scenario{month: m})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Refused) != 0 || figures(got.Total.Then) != figures(got.Total.Now) {
				t.Fatalf("the same plans come out otherwise: %+v", got)
			}
			months = months.Add(got.Total.Now.Overage)
		}
		sums := map[time.Time]usage.Amounts{}
		for i := range s.log {
			start := s.accounts[0].Account.PeriodAt(s.log[i].Time).Start
			sum, err := sums[start].Add(s.log[i].Amounts())
			if err != nil {
				t.Fatal(err)
			}
			sums[start] = sum
		}
		for _, sum := range sums {
			billed := mustOverage(t, billing.Terms{Limits: all[1].Limits, MarkupMillionths: all[1].MarkupMillionths},
				[]billing.Series{{Provider: "gemini", Vendor: "google", Model: "m", Usage: sum}})
			periods = periods.Add(pricing.TotalOf(billed[0]))
		}
		if months.Cmp(periods) != 0 {
			t.Fatalf("the months sum to %s, the periods to %s", months, periods)
		}
	})
}

// What passes and what is refused is all that was used, and what passes keeps to the limit.
func TestSimulationRefusesWhatIsBeyond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, most := plans(plan.OverageBlock, 1000), rapid.Int64Range(1, 10).Draw(t, "max")
		s := anyShelf(t, all)
		got, err := replay(context.Background(), s, scenario{month: 202610, plans: plans(plan.OverageBlock, most)})
		if err != nil {
			t.Fatal(err)
		}
		if sum := got.Total.Now.Cost.Add(got.Total.RefusedCost); sum.Cmp(got.Total.Then.Cost) != 0 {
			t.Fatalf("%s passes and %s is refused, of %s", got.Total.Now.Cost, got.Total.RefusedCost,
				got.Total.Then.Cost)
		}
		refused, counted := int64(0), map[time.Time]int64{}
		for _, e := range s.log {
			if start := s.accounts[0].Account.PeriodAt(e.Time).Start; plan.MonthOf(e.Time) < 202610 {
				counted[start]++
			} else if plan.MonthOf(e.Time) == 202610 {
				if counted[start] < most {
					counted[start]++
				} else {
					refused++
				}
			}
		}
		if got.Total.RefusedCalls != refused {
			t.Fatalf("%d calls are refused, want %d", got.Total.RefusedCalls, refused)
		}
	})
}

// The plans as they were are those of each moment: what a plan became later refuses nothing, and what it cost until
// then is its price.
func TestSimulateWithTheirPast(t *testing.T) {
	all := plans(plan.OverageBlock, 2)
	for i := range all {
		now, calls := &all[i], all[i].Limits[0]
		calls.Max = 4
		now.Past = []plan.Version{{Until: day(10, 10), Figures: plan.Figures{Monthly: now.Monthly / 3, Yearly: now.Yearly / 3,
			Limits: []plan.Limit{calls}, Overage: plan.OverageAllow}}}
	}
	s := &memory{accounts: []billing.BillingAccount{visitor("anna", all), subscriber("bert", plan.Monthly, all)}}
	for i := range 3 {
		s.add("anna", day(10, 1+i), pricing.Dollar)
		s.add("bert", day(10, 1+i), pricing.Dollar)
	}
	s.add("anna", day(10, 9), pricing.Dollar)
	s.add("anna", day(10, 10), pricing.Dollar) // the fifth: refused by the 2 of now, and by the 4 of before

	// bert's cycle of October 15th begins at the price of now.
	got := simulated(t, s, nil)
	if got.Total.RefusedCalls != 1 || got.Refused[0].At != day(10, 10) || figures(got.Total.Then) != "30 0 8 30 22" ||
		figures(got.Total.Now) != "30 0 7 30 23" {
		t.Errorf("%+v", got)
	}
	// Until the change nobody is refused, and what is beyond is billed: of anna's at the end of the month, when it blocks;
	// of bert's nothing.
	s.log = s.log[:len(s.log)-1]
	if got = simulated(t, s, nil); len(got.Refused) != 0 || figures(got.Total.Then) != figures(got.Total.Now) {
		t.Errorf("%+v", got)
	}
	// September had the price of before, and so would other plans be compared with it.
	september, err := replay(t.Context(), s, scenario{month: 202609, plans: plans(plan.OverageBlock, 2)})
	if err != nil || figures(september.Total.Then) != "10 0 0 10 10" || figures(september.Total.Now) != "30 0 0 30 30" {
		t.Errorf("%+v, %v", september, err)
	}
}

// What is recorded of a subscription that had ended is billed 0, and so it is simulated.
func TestSimulateNoOverageOfWhatHadEnded(t *testing.T) {
	all := plans(plan.OverageAllow, 1)
	f := subscriber("bert", plan.Monthly, all)
	f.Account.Subscription.AutoRenew, f.Phases[0].Subscription.AutoRenew = false, false // until October 15th
	s := &memory{accounts: []billing.BillingAccount{f}}
	for _, d := range []int{1, 2, 16, 17} {
		s.add("bert", day(10, d), pricing.Dollar)
	}
	if got := simulated(t, s, all); figures(got.Total.Then) != "30 1.5 4 31.5 27.5" ||
		figures(got.Total.Now) != figures(got.Total.Then) {
		t.Errorf("%+v", got)
	}
}
