package billing

import (
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

func TestLastSubscribed(t *testing.T) {
	date := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	october := plan.CalendarMonth(date(10, 1))
	const tick = time.Microsecond
	type change struct{ anchor, from, paid, ends time.Time }
	none := time.Time{}
	of := func(renews bool, changes ...change) BillingAccount {
		f := BillingAccount{Account: plan.Account{Plans: prices()}}
		for _, c := range changes {
			sub := plan.Subscription{PlanID: 2, Cycle: plan.Monthly, Anchor: c.anchor, PaidUntil: c.paid,
				EndsAt: c.ends, AutoRenew: renews}
			f.Phases = append(f.Phases, SubscriptionPhase{From: c.from, Subscription: sub})
			f.Account.Segments = append(f.Account.Segments,
				plan.Segment{From: c.from, Anchor: c.anchor, PlanID: 2, EndsAt: c.ends})
			f.Account.Subscription = &sub
		}
		return f
	}
	begun := func(from, paid time.Time) change { return change{from, from, paid, none} }
	for name, c := range map[string]struct {
		account BillingAccount
		last    time.Time // zero: not subscribed in October
	}{
		"never":                  {of(true), none},
		"all along":              {of(true, begun(date(1, 31), date(2, 28))), october.End.Add(-tick)},
		"begins within":          {of(true, begun(date(10, 20), date(11, 20))), october.End.Add(-tick)},
		"begins with the next":   {of(true, begun(date(11, 1), date(12, 1))), none},
		"expired before":         {of(false, begun(date(8, 5), date(9, 5))), none},
		"expires with its start": {of(false, begun(date(9, 1), date(10, 1))), none},
		"expires within":         {of(false, begun(date(9, 5), date(10, 5))), date(10, 5).Add(-tick)},
		"expired, then again in between": {of(false, begun(date(8, 5), date(9, 5)), begun(date(11, 3), date(12, 3))),
			none},
		"cancelled within": {of(true, begun(date(9, 5), date(11, 5)),
			change{date(9, 5), date(10, 7), date(11, 5), date(10, 7)}), date(10, 7).Add(-tick)},
		"cancelled, then again": {of(true, begun(date(9, 5), date(11, 5)),
			change{date(9, 5), date(10, 7), date(11, 5), date(10, 7)}, begun(date(10, 20), date(11, 20))),
			october.End.Add(-tick)},
		"cancelled before it began": {of(true, begun(date(10, 20), date(11, 20)),
			change{date(10, 20), date(10, 20), date(11, 20), date(10, 3)}), none},
	} {
		last, ok := c.account.LastSubscribed(october)
		if ok == c.last.IsZero() || !last.Equal(c.last) {
			t.Errorf("%s: %s, %t, want %s", name, last, ok, c.last)
		}
	}
}

// A month costs what was agreed on for its cycle, whatever plans cost by now.
func TestPriceOfAMonth(t *testing.T) {
	dearer := day(t, "2026-03-10")
	priced := func(f BillingAccount) BillingAccount {
		for i, p := range f.Account.Plans {
			f.Account.Plans[i].Past = []plan.Version{{Until: dearer, Figures: plan.Figures{Monthly: p.Monthly,
				Yearly: p.Yearly}}}
			f.Account.Plans[i].Monthly *= 2
			f.Account.Plans[i].Yearly *= 2
		}
		return f
	}
	monthly, yearly := priced(phases(t, "2026-01-31 basic monthly")),
		priced(phases(t, "2026-01-31 basic yearly", "2026-04-02 pro"))
	noted := monthly.Phases[0].Subscription
	noted.PaidUntil = noted.CycleAt(day(t, "2026-05-01")).End
	monthly.Phases = append(monthly.Phases, SubscriptionPhase{Action: plan.Renewal, From: day(t, "2026-04-30"),
		Subscription: noted, Price: 5 * pricing.Dollar, Continues: true})
	yearly.Phases[1].Price *= 2 // of the day
	ahead := priced(phases(t, "2026-01-31 basic monthly"))
	ahead.Account.Subscription.NextPlanID, ahead.Account.Subscription.NextAt = 3, day(t, "2026-02-28")
	yearly.Voided = []time.Time{day(t, "2026-01-31")}
	for _, c := range []struct {
		account BillingAccount
		at      string
		want    pricing.USD
	}{
		{monthly, "2026-02-01", 29 * pricing.Dollar},
		{monthly, "2026-03-20", 29 * pricing.Dollar}, // in a cycle that began before
		{monthly, "2026-04-01", 58 * pricing.Dollar}, // renewed, which nothing has noted
		{monthly, "2026-05-01", 5 * pricing.Dollar},
		{yearly, "2026-03-20", 290 * pricing.Dollar},
		{yearly, "2026-05-01", 1580 * pricing.Dollar},
		{ahead, "2026-02-01", 29 * pricing.Dollar},
		{ahead, "2026-03-20", 79 * pricing.Dollar}, // changed and renewed before, which nothing has noted
		{ahead, "2026-04-01", 158 * pricing.Dollar},
	} {
		at := day(t, c.at)
		holds, err := c.account.Account.PlanThen(at)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := c.account.PriceAt(at, holds); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.account.Phases[0].Subscription.Cycle, c.at, got, c.want)
		}
	}
}
