package billing

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

func day(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func prices() plan.Plans {
	return plan.Plans{{ID: 1, Name: "Free", Tier: "free"},
		{ID: 2, Name: "Basic", Tier: "basic", Figures: plan.Figures{Monthly: 29 * pricing.Dollar,
			Yearly: 290 * pricing.Dollar}},
		{ID: 3, Name: "Pro", Tier: "pro", Figures: plan.Figures{Monthly: 79 * pricing.Dollar, Yearly: 790 * pricing.Dollar}}}
}

// phases makes an account of steps such as "2026-01-31 basic monthly": who subscribes, and changes of plan after it.
func phases(t testing.TB, steps ...string) BillingAccount {
	f := BillingAccount{Account: plan.Account{UserID: "ann", Plans: prices()}}
	for _, step := range steps {
		words := strings.Fields(step)
		at := day(t, words[0])
		var c plan.Change
		var err error
		wanted, findErr := f.Account.Plans.Find(words[1])
		if findErr != nil {
			t.Fatal(findErr)
		}
		if len(words) > 2 {
			c, err = f.Account.Subscribe(plan.Order{Plan: wanted, Cycle: plan.Cycle(words[2]), Start: at,
				AutoRenew: true}, at)
		} else {
			c, err = f.Account.ChangePlan(wanted, at)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Account = f.Account.After(c)
		p, _ := f.Account.Plans.ByID(c.Subscription.PlanID)
		f.Phases = append(f.Phases, SubscriptionPhase{From: c.EffectiveAt, Subscription: c.Subscription,
			Price: p.Price(c.Subscription.Cycle)})
	}
	return f
}

func TestFees(t *testing.T) {
	tests := []struct {
		name  string
		steps []string
		at    string // within the period
		want  string
	}{
		{"a month", []string{"2026-01-31 basic monthly"}, "2026-02-01", "fee 29 until 2026-02-28"},
		{"the next month", []string{"2026-01-31 basic monthly"}, "2026-02-28", "fee 29 until 2026-03-31"},
		{"the first month of a year", []string{"2024-02-29 pro yearly"}, "2024-03-01", "fee 790 until 2025-02-28"},
		{"another month of it", []string{"2024-02-29 pro yearly"}, "2024-06-01", "fee 0 until 2024-06-29"},
		{"the next year", []string{"2024-02-29 pro yearly"}, "2025-02-28", "fee 790 until 2026-02-28"},
		{"before it", []string{"2026-01-31 basic monthly"}, "2026-01-15", ""},
		{"nothing to pay", []string{"2026-01-31 free monthly"}, "2026-02-01", "fee 0 until 2026-02-28"},
		{"half of a month dearer", []string{"2026-04-01 basic monthly", "2026-04-16 pro"}, "2026-04-01",
			"fee 29 until 2026-05-01; proration -14.5 until 2026-05-01; proration 39.5 until 2026-05-01"},
		{"a third, rounded", []string{"2026-04-01 pro monthly", "2026-04-21 basic"}, "2026-04-01",
			"fee 79 until 2026-05-01; proration -26.333333333333 until 2026-05-01; proration 9.666666666667 until 2026-05-01"},
		{"twice in a month", []string{"2026-04-01 basic monthly", "2026-04-11 pro", "2026-04-21 basic"}, "2026-04-01",
			"fee 29 until 2026-05-01; proration -19.333333333333 until 2026-05-01; proration 52.666666666667 until " +
				"2026-05-01; " +
				"proration -26.333333333333 until 2026-05-01; proration 9.666666666667 until 2026-05-01"},
		{"at the boundary of a month", []string{"2026-04-01 basic monthly", "2026-05-01 pro"}, "2026-05-01",
			"fee 79 until 2026-06-01"},
		{"at the boundary, before it", []string{"2026-04-01 basic monthly", "2026-05-01 pro"}, "2026-04-30",
			"fee 29 until 2026-05-01"},
		{"within a year, between two months", []string{"2026-01-01 basic yearly", "2026-07-01 pro"}, "2026-07-01",
			"fee 0 until 2026-08-01; proration -146.191780821918 until 2027-01-01; proration 398.246575342466 until 2027-01-01"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := phases(t, test.steps...)
			lines, err := f.fees(f.Account.PeriodAt(day(t, test.at)))
			var got []string
			for _, l := range lines {
				got = append(got, fmt.Sprintf("%s %s until %s", l.Kind, l.Amount, l.Period.End.Format(time.DateOnly)))
			}
			if text := strings.Join(got, "; "); err != nil || text != test.want {
				t.Errorf("got  %s\nwant %s (%v)", text, test.want, err)
			}
		})
	}
}

// What a renewal noted is the price of its cycle, whatever the plan costs by now.
func TestFeeOfARenewal(t *testing.T) {
	f := phases(t, "2026-01-01 basic monthly")
	sub := f.Phases[0].Subscription
	f.Phases = append(f.Phases, SubscriptionPhase{Action: plan.Renewal, From: day(t, "2026-02-01"), Subscription: sub,
		Price: 33 * pricing.Dollar, Continues: true},
		SubscriptionPhase{Action: plan.Suspend, From: day(t, "2026-03-01"), Subscription: sub,
			Price: 55 * pricing.Dollar, Continues: true})
	for at, want := range map[string]pricing.USD{"2026-01-01": 29 * pricing.Dollar, "2026-02-01": 33 * pricing.Dollar,
		"2026-03-01": 29 * pricing.Dollar} {
		lines, err := f.fees(f.Account.PeriodAt(day(t, at)))
		if err != nil || len(lines) != 1 || lines[0].Amount != want {
			t.Errorf("%s: %v, %v, want %s", at, lines, err, want)
		}
	}
}

// A cycle that was renewed by hand has the price of that renewal: one more, of a later cycle, leaves it.
func TestFeeOfRenewalsByHand(t *testing.T) {
	f := phases(t, "2026-01-01 basic monthly")
	renew := func(at string, price pricing.USD) {
		c, err := f.Account.Renew(day(t, at))
		if err != nil {
			t.Fatal(err)
		}
		f.Account = f.Account.After(c)
		f.Phases = append(f.Phases, SubscriptionPhase{Action: c.Action, From: c.EffectiveAt,
			Subscription: c.Subscription, Price: price * pricing.Dollar})
	}
	renew("2026-01-10", 33)
	renew("2026-01-20", 44)
	renew("2026-02-10", 55)
	for at, want := range map[string]pricing.USD{"2026-01-01": 29, "2026-02-01": 33, "2026-03-01": 44,
		"2026-04-01": 55} {
		lines, err := f.fees(f.Account.PeriodAt(day(t, at)))
		if err != nil || len(lines) != 1 || lines[0].Amount != want*pricing.Dollar {
			t.Errorf("%s: %v, %v, want %d", at, lines, err, want)
		}
	}
}

// Changes of plan, in any number, cost what each plan costs for the time that it was held, to within a rounding of half
// a pico-dollar a line.
func TestProrationIsTheTimeHeld(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		start := time.Date(2024, 1, rapid.IntRange(1, 31).Draw(rt, "day"), rapid.IntRange(0, 23).Draw(rt, "hour"), 0, 0,
			0, time.UTC)
		cycle := rapid.SampledFrom([]plan.Cycle{plan.Monthly, plan.Yearly}).Draw(rt, "cycle")
		f := BillingAccount{Account: plan.Account{UserID: "ann", Plans: prices()}}
		held, at := rapid.SampledFrom(f.Account.Plans).Draw(rt, "plan"), start
		c, err := f.Account.Subscribe(plan.Order{Plan: held, Cycle: cycle, Start: start, AutoRenew: true}, start)
		if err != nil {
			rt.Fatal(err)
		}
		exact, whole := new(big.Rat), c.Subscription.CycleAt(start)
		lines := 1
		for n := rapid.IntRange(0, 5).Draw(rt, "changes"); ; n-- {
			f.Account = f.Account.After(c)
			f.Phases = append(f.Phases, SubscriptionPhase{From: c.EffectiveAt, Subscription: c.Subscription,
				Price: held.Price(cycle)})
			next := whole.End
			if n > 0 {
				left := whole.End.Sub(at).Microseconds()
				next = at.Add(time.Duration(rapid.Int64Range(1, max(left-1, 1)).Draw(rt, "later")) * time.Microsecond)
			}
			share := big.NewRat(min(next.Sub(at), whole.End.Sub(at)).Microseconds(),
				whole.End.Sub(whole.Start).Microseconds())
			exact.Add(exact, share.Mul(share, new(big.Rat).SetInt64(int64(held.Price(cycle)))))
			if n <= 0 || !next.Before(whole.End) {
				break
			}
			at = next
			to := rapid.SampledFrom(f.Account.Plans).Draw(rt, "to")
			for to.ID == held.ID {
				to = f.Account.Plans[(to.ID)%int64(len(f.Account.Plans))]
			}
			if c, err = f.Account.ChangePlan(to, at); err != nil {
				rt.Fatal(err)
			}
			held = to
			lines += 2
		}
		billed := new(big.Rat)
		for p := f.Account.PeriodAt(start); p.Start.Before(whole.End); p = f.Account.PeriodAt(p.End) {
			made, err := f.fees(p)
			if err != nil {
				rt.Fatal(err)
			}
			for _, l := range made {
				billed.Add(billed, new(big.Rat).SetInt64(int64(l.Amount)))
			}
		}
		if off := new(big.Rat).Sub(billed, exact); off.Abs(off).Cmp(big.NewRat(int64(lines), 2)) > 0 {
			rt.Errorf("billed %s, held %s", billed.FloatString(3), exact.FloatString(3))
		}
	})
}
