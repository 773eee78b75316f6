package billing

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Folder is what is kept of one user for billing.
type Folder struct {
	Account   plan.Account
	Contracts []Contract // as they were recorded
	// ClosedUntil is the end of the last period that was closed; zero for none.
	ClosedUntil time.Time
	BilledFrom  time.Time   // what lies before it is billed by nobody here; zero for all
	ClosesAt    time.Time   // the end of the next one, where it is known
	FirstUse    time.Time   // the start of the first usage period with usage; zero for none
	Voided      []time.Time // where periods begin whose bill is void
	Balance     pricing.USD
	// SuspendedUnpaid says that the subscription was suspended for an unpaid bill.
	SuspendedUnpaid bool
}

// Contract is a subscription as one change left it.
type Contract struct {
	Action       plan.ChangeAction
	From         time.Time // since when it holds
	Subscription plan.Subscription
	Price        pricing.USD // of one paid cycle that begins under it, or that it pays
	Continues    bool        // plan and anchor are those before, as at a renewal when a period is closed
}

// Series is what was used of a model of a provider, served by a vendor, in one usage
// period.
type Series struct {
	Provider string
	Vendor   string
	Model    string
	Usage    usage.Amounts
}

// SeriesKey tells series apart.
type SeriesKey struct{ Provider, Vendor, Model string }

func (s Series) key() SeriesKey { return SeriesKey{s.Provider, s.Vendor, s.Model} }

// Difference is usage of a closed period that no bill has, or, where it is negative,
// that bills have too much of.
type Difference struct {
	Period plan.Period
	Series
}

// begins returns where the user's first period begins: with the first usage or the
// first subscription, whichever is earlier, else in the running month.
func (f Folder) begins(now time.Time) time.Time {
	first := f.FirstUse
	for _, c := range f.Contracts {
		if first.IsZero() || c.From.Before(first) {
			first = c.From
		}
	}
	if first.IsZero() || first.After(now) {
		first = now
	}
	return f.Account.PeriodAt(first).Start
}

// opened returns the folder of a user whose periods have never been closed, with where
// they begin: not before the period that holds since, where that is given.
func (f Folder) opened(since, now time.Time) Folder {
	if !f.ClosedUntil.IsZero() {
		return f
	}
	f.ClosedUntil = f.begins(now)
	if f.ClosedUntil.Before(since) {
		f.ClosedUntil = f.Account.PeriodAt(since).Start
		f.BilledFrom = f.ClosedUntil
	}
	return f
}

// next returns the period that is closed next.
func (f Folder) next() plan.Period {
	from := f.ClosedUntil
	p := f.Account.PeriodAt(from)
	p.Start = from // where it began before, the part before is closed
	return p
}

// inForce returns the contracts in the order in which they follow each other, without
// renewals: what was recorded later overrides, from its moment on, everything before.
func (f Folder) inForce() []Contract {
	var line []Contract
	for _, c := range f.Contracts {
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

// keepsPriceOf tells whether a contract leaves the price of the one before it: one that
// cancels, suspends or resumes agrees on none, and a renewal by hand on none that
// begins at the same moment.
func (c Contract) keepsPriceOf(before Contract) bool {
	switch c.Action {
	case plan.Cancel, plan.Suspend, plan.Resume:
		return true
	case plan.Renewal:
		return c.continues(before) && c.From.Equal(before.From)
	}
	return false
}

// continues tells whether a contract has plan and anchor of the one before it.
func (c Contract) continues(before Contract) bool {
	return c.Subscription.PlanID == before.Subscription.PlanID && c.Subscription.Anchor.Equal(before.Subscription.Anchor)
}

// at returns the contract in force at a moment, and whether its subscription ran then.
func (f Folder) at(moment time.Time) (Contract, bool) {
	var found Contract
	for _, c := range f.inForce() {
		if !c.From.After(moment) {
			found = c
		}
	}
	if found.From.IsZero() {
		return found, false
	}
	return found, f.last(found.Subscription.Anchor).RunsAt(moment)
}

// endedBefore tells whether a period is one of a subscription that had ended before it
// began: its calls were refused, and what was recorded all the same is no overage.
func (f Folder) endedBefore(p plan.Period) bool {
	c, _ := f.at(p.End.Add(-time.Microsecond))
	if c.From.IsZero() {
		return false
	}
	begins := c.Subscription.Anchor
	if p.Start.After(begins) {
		begins = p.Start
	}
	return !f.last(c.Subscription.Anchor).RunsAt(begins)
}

// last returns the subscription of an anchor as its last change left it.
func (f Folder) last(anchor time.Time) plan.Subscription {
	if now := f.Account.Subscription; now != nil && now.Anchor.Equal(anchor) {
		return *now
	}
	var last plan.Subscription
	for _, c := range f.Contracts {
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

// cyclePrice returns what the paid cycle costs that begins at a moment under a contract:
// what its renewal noted; where nothing has, what the plan cost then; and of a cycle that
// was paid with a contract, as by a renewal by hand, what the first of those says that have
// paid it. The renewal of a plan that was changed at the same moment does not count.
func (f Folder) cyclePrice(c Contract, begins time.Time) pricing.USD {
	for _, renewal := range f.Contracts {
		if renewal.Continues && renewal.Action == plan.Renewal && renewal.From.Equal(begins) && renewal.continues(c) {
			return renewal.Price
		}
	}
	if p, ok := f.Account.Plans.ByID(c.Subscription.PlanID); ok && !begins.Before(c.Subscription.PaidUntil) {
		return p.At(begins).Price(c.Subscription.Cycle)
	}
	for _, before := range slices.Backward(f.inForce()) {
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

// paid returns what was paid for a cycle under the last of some contracts, and the contract
// that this was paid for. Those within the cycle that continue another, as a renewal by
// hand does, are about later cycles; and what a void bill had charged for a change was
// taken back.
func (f Folder) paid(line []Contract, cycle plan.Period) (Contract, pricing.USD) {
	last := len(line) - 1
	for last > 0 && line[last].From.After(cycle.Start) && (line[last].continues(line[last-1]) || f.voided(line[last].From)) {
		last--
	}
	switch c := line[last]; {
	case c.From.After(cycle.Start):
		return c, c.Price
	case f.voided(cycle.Start):
		return c, 0 // the bill with the fee was taken back
	default:
		return c, f.cyclePrice(c, cycle.Start)
	}
}

// voided tells whether the bill of the period that holds a moment was taken back.
func (f Folder) voided(at time.Time) bool {
	return len(f.Voided) > 0 && slices.ContainsFunc(f.Voided, f.Account.PeriodAt(at).Start.Equal)
}
