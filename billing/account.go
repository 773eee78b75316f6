package billing

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// BillingAccount is all that billing keeps about one user.
//
//nolint:revive // the word of the field; a plan.Account is the subscription alone
type BillingAccount struct {
	Account plan.Account
	Phases  []SubscriptionPhase // as they were recorded
	// ClosedUntil is the end of the last period that was closed; zero for none.
	ClosedUntil time.Time
	BilledFrom  time.Time   // what lies before it is billed by nobody here; zero for all
	ClosesAt    time.Time   // the end of the next one, where it is known
	FirstUse    time.Time   // the start of the first usage period with usage; zero for none
	Voided      []time.Time // where periods begin whose bill is void
	Balance     pricing.USD
	// SuspendedUnpaid says that the subscription was suspended for an unpaid bill.
	SuspendedUnpaid bool

	lateBilled bool // a bill that was drafted in memory has all that was unbilled
}

// SubscriptionPhase is a subscription as one change left it.
type SubscriptionPhase struct {
	Action       plan.ChangeAction
	From         time.Time // since when it holds
	Subscription plan.Subscription
	Price        pricing.USD // of one paid cycle that begins under it, or that it pays
	Continues    bool        // plan and anchor are those before, as at a renewal when a period is closed
}

// Series is what was used of a model of a provider, served by a vendor, in one usage period.
type Series struct {
	Provider string
	Vendor   string
	Model    string
	Usage    usage.Amounts
}

// SeriesKey tells series apart.
type SeriesKey struct{ Provider, Vendor, Model string }

// Key returns what tells the series from others.
func (s Series) Key() SeriesKey { return SeriesKey{s.Provider, s.Vendor, s.Model} }

// Difference is usage of a closed period that no bill has, or, where it is negative, that bills have too much of.
type Difference struct {
	Period plan.Period
	Series
	Overage pricing.USD // what it changes of the overage that was billed
	Charges []Charge    // what it changes of those on bills; nil where that is not known
}

// firstPeriodStart returns where the user's first period begins: with the first usage or the first subscription,
// whichever is earlier, else in the running month.
func (a BillingAccount) firstPeriodStart(now time.Time) time.Time {
	first := a.FirstUse
	for _, c := range a.Phases {
		if first.IsZero() || c.From.Before(first) {
			first = c.From
		}
	}
	if first.IsZero() || first.After(now) {
		first = now
	}
	return a.Account.PeriodAt(first).Start
}

// withStart returns the account of a user whose periods have never been closed, with where they begin: not before the
// period that holds since, where that is given.
func (a BillingAccount) withStart(since, now time.Time) BillingAccount {
	if !a.ClosedUntil.IsZero() {
		return a
	}
	a.ClosedUntil = a.firstPeriodStart(now)
	if a.ClosedUntil.Before(since) {
		a.ClosedUntil = a.Account.PeriodAt(since).Start
		a.BilledFrom = a.ClosedUntil
	}
	return a
}

// nextPeriod returns the period that is closed next.
func (a BillingAccount) nextPeriod() plan.Period {
	from := a.ClosedUntil
	p := a.Account.PeriodAt(from)
	p.Start = from // where it began before, the part before is closed
	return p
}

// phasesInForce returns the phases in the order in which they follow each other, without renewals: what was recorded
// later overrides, from its moment on, everything before.
func (a BillingAccount) phasesInForce() []SubscriptionPhase {
	var line []SubscriptionPhase
	for _, c := range a.Phases {
		if c.Continues {
			continue
		}
		for len(line) > 0 && line[len(line)-1].From.After(c.From) {
			line = line[:len(line)-1]
		}
		if n := len(line) - 1; n >= 0 {
			if c.keepsPriceOf(line[n]) {
				c.Price = line[n].Price
			}
			if line[n].From.Equal(c.From) {
				line = line[:n]
			}
		}
		line = append(line, c)
	}
	return line
}

// keepsPriceOf tells whether a phase leaves the price of the one before it: one that cancels, suspends or resumes
// agrees on none, and a renewal by hand on none that begins at the same moment.
func (c SubscriptionPhase) keepsPriceOf(before SubscriptionPhase) bool {
	switch c.Action {
	case plan.Cancel, plan.Suspend, plan.Resume:
		return true
	case plan.Renewal:
		return c.continues(before) && c.From.Equal(before.From)
	}
	return false
}

// continues tells whether a phase has plan and anchor of the one before it.
func (c SubscriptionPhase) continues(before SubscriptionPhase) bool {
	return c.Subscription.PlanID == before.Subscription.PlanID && c.Subscription.Anchor.Equal(before.Subscription.Anchor)
}

// phaseAt returns the phase in force at a moment, and whether its subscription ran then.
func (a BillingAccount) phaseAt(moment time.Time) (SubscriptionPhase, bool) {
	var found SubscriptionPhase
	for _, c := range a.phasesInForce() {
		if !c.From.After(moment) {
			found = c
		}
	}
	if found.From.IsZero() {
		return found, false
	}
	return found, a.lastSubscription(found.Subscription.Anchor).RunsAt(moment)
}

// EndedBefore tells whether a period is one of a subscription that had ended before it began: its calls were refused,
// and what was recorded all the same is no overage.
func (a BillingAccount) EndedBefore(p plan.Period) bool {
	c, _ := a.phaseAt(p.End.Add(-time.Microsecond))
	if c.From.IsZero() {
		return false
	}
	begins := c.Subscription.Anchor
	if p.Start.After(begins) {
		begins = p.Start
	}
	return !a.lastSubscription(c.Subscription.Anchor).RunsAt(begins)
}

// lastSubscription returns the subscription of an anchor as its last change left it.
func (a BillingAccount) lastSubscription(anchor time.Time) plan.Subscription {
	if now := a.Account.Subscription; now != nil && now.Anchor.Equal(anchor) {
		return *now
	}
	var last plan.Subscription
	for _, c := range a.Phases {
		if !c.Subscription.Anchor.Equal(anchor) {
			continue
		}
		last = c.Subscription
		if last.PaidUntil.IsZero() { // from before that was noted: it ended before the next one began
			last.PaidUntil, last.AutoRenew = last.CycleAt(c.From).End, false
		}
	}
	return last
}

// cyclePrice returns what the paid cycle costs that begins at a moment under a phase: what its renewal noted; where
// nothing has, what the plan cost then; and of a cycle that was paid with a phase, as by a renewal by hand, what the
// first of those says that have paid it. The renewal of a plan that was changed at the same moment does not count.
func (a BillingAccount) cyclePrice(c SubscriptionPhase, begins time.Time) pricing.USD {
	for _, renewal := range a.Phases {
		if renewal.Continues && renewal.Action == plan.Renewal && renewal.From.Equal(begins) && renewal.continues(c) {
			return renewal.Price
		}
	}
	if p, ok := a.Account.Plans.ByID(c.Subscription.PlanID); ok && !begins.Before(c.Subscription.PaidUntil) {
		return p.At(begins).Price(c.Subscription.Cycle)
	}
	for _, before := range slices.Backward(a.phasesInForce()) {
		if !before.From.Before(c.From) {
			continue
		}
		if !c.continues(before) || !before.Subscription.PaidUntil.After(begins) {
			break
		}
		c = before
	}
	return c.Price
}

// paidPhase returns what was paid for a cycle under the last of some phases, and the phase that this was paid for.
// Those within the cycle that continue another, as a renewal by hand does, are about later cycles; and what a void bill
// had charged for a change was taken back.
func (a BillingAccount) paidPhase(line []SubscriptionPhase, cycle plan.Period) (SubscriptionPhase, pricing.USD) {
	last := len(line) - 1
	for last > 0 && line[last].From.After(cycle.Start) &&
		(line[last].continues(line[last-1]) || a.voided(line[last].From)) {
		last--
	}
	switch c := line[last]; {
	case c.From.After(cycle.Start):
		return c, c.Price
	case a.voided(cycle.Start):
		return c, 0 // the bill with the fee was taken back
	default:
		return c, a.cyclePrice(c, cycle.Start)
	}
}

// voided tells whether the bill of the period that holds a moment was taken back.
func (a BillingAccount) voided(at time.Time) bool {
	return len(a.Voided) > 0 && slices.ContainsFunc(a.Voided, a.Account.PeriodAt(at).Start.Equal)
}

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
