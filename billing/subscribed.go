package billing

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// LastSubscribed returns the last moment of a period at which the user has a subscription, be it a suspended one, and
// false where there is none.
func (a BillingAccount) LastSubscribed(within plan.Period) (time.Time, bool) {
	const tick = time.Microsecond
	moments := []time.Time{within.Start, within.End.Add(-tick)}
	note := func(s plan.Subscription) {
		moments = append(moments, s.EndsAt.Add(-tick), s.PaidUntil.Add(-tick))
	}
	for _, c := range a.Phases {
		moments = append(moments, c.From, c.From.Add(-tick))
		note(c.Subscription)
	}
	if a.Account.Subscription != nil {
		note(*a.Account.Subscription)
	}
	slices.SortFunc(moments, func(a, b time.Time) int { return b.Compare(a) })
	for _, at := range moments {
		if !within.Contains(at) {
			continue
		}
		if _, runs := a.phaseAt(at); runs {
			return at, true
		}
	}
	return time.Time{}, false
}

// PriceAt returns what the paid cycle costs that a subscription is in at a moment, and which cycle that is. The plan is
// the one that holds then. Whether the bill was taken back later does not count.
func (a BillingAccount) PriceAt(at time.Time, holds plan.Plan) (pricing.USD, plan.Cycle) {
	a.Voided = nil
	in, _ := a.phaseAt(at)
	sub := in.Subscription
	if sub.PlanID != holds.ID { // a change has come with a cycle, and is not noted yet
		return holds.At(sub.CycleAt(at).Start).Price(sub.Cycle), sub.Cycle
	}
	line := slices.DeleteFunc(a.phasesInForce(), func(c SubscriptionPhase) bool { return c.From.After(at) })
	_, price := a.paidPhase(line, sub.CycleAt(at))
	return price, sub.Cycle
}
