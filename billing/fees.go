package billing

import (
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// fees returns the lines of what a subscription costs that is billed with a period: the whole fee of a paid cycle that
// begins with it, in advance for all of its time (in the other months of a year that is paid a fee of 0), and of each
// change of plan within a cycle what it takes back and what it adds.
func (a BillingAccount) fees(p plan.Period) ([]Line, error) {
	var lines []Line
	if c, runs := a.phaseAt(p.Start); runs {
		cycle := c.Subscription.CycleAt(p.Start)
		fee := Line{Kind: Fee, Period: p, Description: a.planName(c.Subscription.PlanID) +
			" plan, within the yearly fee"}
		if cycle.Start.Equal(p.Start) {
			fee = Line{Kind: Fee, Period: cycle, Amount: a.cyclePrice(c, cycle.Start),
				Description: fmt.Sprintf("%s plan, %s fee", a.planName(c.Subscription.PlanID), c.Subscription.Cycle)}
		}
		lines = append(lines, fee)
	}
	line := a.phasesInForce()
	for i := 1; i < len(line); i++ {
		was, is := line[i-1], line[i]
		if !p.Contains(is.From) || was.Subscription.PlanID == is.Subscription.PlanID ||
			!was.Subscription.Anchor.Equal(is.Subscription.Anchor) {
			continue
		}
		cycle := is.Subscription.CycleAt(is.From)
		if cycle.Start.Equal(is.From) {
			continue // its fee is that of the new plan
		}
		if !was.Subscription.RunsAt(is.From) {
			continue // it had ended while it was suspended: nothing is left of a cycle
		}
		changed, err := a.proration(line[:i], is, cycle)
		if err != nil {
			return nil, err
		}
		lines = append(lines, changed...)
	}
	return lines, nil
}

// proration returns the two lines of a change of plan within a paid cycle, to a phase after others. Each plan costs its
// price times the exact share of the cycle that is left, each line rounded half to even to a pico-dollar.
func (a BillingAccount) proration(before []SubscriptionPhase, is SubscriptionPhase, cycle plan.Period) ([]Line, error) {
	was, paid := a.paidPhase(before, cycle)
	left, whole := cycle.End.Sub(is.From).Microseconds(), cycle.End.Sub(cycle.Start).Microseconds()
	back, err := share(paid, -left, whole)
	if err != nil {
		return nil, err
	}
	added, err := share(is.Price, left, whole)
	if err != nil {
		return nil, err
	}
	rest := plan.Period{Start: is.From, End: cycle.End}
	on := is.From.Format(time.DateOnly)
	return []Line{
		{Kind: Proration, Period: rest, Amount: back,
			Description: fmt.Sprintf("%s plan, unused from %s on", a.planName(was.Subscription.PlanID), on)},
		{Kind: Proration, Period: rest, Amount: added,
			Description: fmt.Sprintf("%s plan, from %s on", a.planName(is.Subscription.PlanID), on)},
	}, nil
}

func (a BillingAccount) planName(id int64) string {
	if p, ok := a.Account.Plans.ByID(id); ok {
		return p.Name
	}
	return "Former" // plans are never deleted
}
