package plan_test

import (
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

func TestSubscribed(t *testing.T) {
	day := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	october := plan.CalendarMonth(day(10, 1))
	const tick = time.Microsecond
	sub := func(anchor, paid, ends time.Time, renews bool) *plan.Subscription {
		return &plan.Subscription{PlanID: 2, Cycle: plan.Monthly, Anchor: anchor, PaidUntil: paid, AutoRenew: renews, EndsAt: ends}
	}
	from := func(start, ends time.Time) plan.Segment {
		return plan.Segment{From: start, Anchor: start, PlanID: 2, EndsAt: ends}
	}
	none := time.Time{}
	for name, c := range map[string]struct {
		account plan.Account
		last    time.Time // zero: not subscribed in October
	}{
		"never":                     {plan.Account{}, none},
		"all along":                 {plan.Account{Subscription: sub(day(1, 31), day(2, 28), none, true), Segments: []plan.Segment{from(day(1, 31), none)}}, october.End.Add(-tick)},
		"begins within":             {plan.Account{Subscription: sub(day(10, 20), day(11, 20), none, true), Segments: []plan.Segment{from(day(10, 20), none)}}, october.End.Add(-tick)},
		"begins with the next":      {plan.Account{Subscription: sub(day(11, 1), day(12, 1), none, true), Segments: []plan.Segment{from(day(11, 1), none)}}, none},
		"expired before":            {plan.Account{Subscription: sub(day(8, 5), day(9, 5), none, false), Segments: []plan.Segment{from(day(8, 5), none)}}, none},
		"expires with its start":    {plan.Account{Subscription: sub(day(9, 1), day(10, 1), none, false), Segments: []plan.Segment{from(day(9, 1), none)}}, none},
		"expires within":            {plan.Account{Subscription: sub(day(9, 5), day(10, 5), none, false), Segments: []plan.Segment{from(day(9, 5), none)}}, day(10, 5).Add(-tick)},
		"cancelled within":          {plan.Account{Subscription: sub(day(9, 5), day(11, 5), day(10, 7), true), Segments: []plan.Segment{from(day(9, 5), none), {From: day(10, 7), Anchor: day(9, 5), PlanID: 2, EndsAt: day(10, 7)}}}, day(10, 7).Add(-tick)},
		"cancelled, then again":     {plan.Account{Subscription: sub(day(10, 20), day(11, 20), none, true), Segments: []plan.Segment{from(day(9, 5), none), {From: day(10, 7), Anchor: day(9, 5), PlanID: 2, EndsAt: day(10, 7)}, from(day(10, 20), none)}}, october.End.Add(-tick)},
		"cancelled before it began": {plan.Account{Subscription: sub(day(10, 20), day(11, 20), day(10, 3), true), Segments: []plan.Segment{from(day(10, 20), none), {From: day(10, 20), Anchor: day(10, 20), PlanID: 2, EndsAt: day(10, 3)}}}, none},
	} {
		last, ok := c.account.LastSubscribed(october)
		if ok == c.last.IsZero() || !last.Equal(c.last) {
			t.Errorf("%s: %s, %t, want %s", name, last, ok, c.last)
		}
		if ok && (!c.account.SubscribedAt(last) || c.account.SubscribedAt(last.Add(tick)) && october.Contains(last.Add(tick))) {
			t.Errorf("%s: %s is not the last moment", name, last)
		}
	}
}
