package plan

import (
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// ChangeAction names what a change did to a subscription.
type ChangeAction string

// The actions of a subscription's history.
const (
	New       ChangeAction = "new"
	Renewal   ChangeAction = "renewal"
	Upgrade   ChangeAction = "upgrade"
	Downgrade ChangeAction = "downgrade"
	Cancel    ChangeAction = "cancel"
	Expire    ChangeAction = "expire"
	Suspend   ChangeAction = "suspend"
	Resume    ChangeAction = "resume"
)

// Change is the outcome of one step in a subscription's life.
type Change struct {
	Action       ChangeAction
	EffectiveAt  time.Time
	Subscription Subscription
	Email        string // empty where it stays as it is
	// Continues says that neither plan nor anchor change: the periods go on as they were.
	Continues bool
	// Planned says that nothing happens yet: the subscription notes what lies ahead.
	Planned bool
}

// Order is what a new subscription asks for.
type Order struct {
	Plan      Plan
	Cycle     Cycle
	Start     time.Time
	AutoRenew bool
	Email     string
}

// Subscribe begins a subscription. It is a conflict failure where one is running, and an invalid one where it would
// begin before the last one ended.
func (a Account) Subscribe(o Order, now time.Time) (Change, error) {
	if old := a.Subscription; old != nil {
		if !old.StatusAt(now).Ended() {
			refused := failure.Conflictf("%s already has a subscription (%s, %s)", a.UserID, a.planName(old.PlanID),
				old.StatusAt(now))
			if old.Suspended && !now.Before(old.Anchor) && !old.RunsAt(now) {
				return Change{}, refused.WithReason("ended_while_suspended", "user", a.UserID)
			}
			return Change{}, refused.WithReason("already_subscribed", "user", a.UserID, "plan", o.Plan.Name)
		}
		if o.Start.Before(old.endedAt()) || o.Start.After(now) {
			return Change{}, failure.Invalidf(
				"start is %s: it must not lie before the end of the last subscription (%s) nor in the future",
				o.Start.Format(time.RFC3339), old.endedAt().Format(time.RFC3339))
		}
	}
	sub := Subscription{PlanID: o.Plan.ID, Cycle: o.Cycle, Anchor: o.Start, AutoRenew: o.AutoRenew}
	sub.PaidUntil = sub.CycleAt(o.Start).End
	return Change{Action: New, EffectiveAt: o.Start, Subscription: sub, Email: o.Email}, nil
}

// ChangePlan moves a running subscription to another plan from now on; its anchor, cycle and usage stay. A subscription
// that has ended, or is on that plan already, is a conflict failure.
func (a Account) ChangePlan(to Plan, now time.Time) (Change, error) {
	c, err := a.running(Upgrade, now)
	if err != nil {
		return Change{}, err
	}
	ahead := c.Subscription.NextPlanID != 0
	c.Subscription.NextPlanID, c.Subscription.NextAt = 0, time.Time{}
	if c.Subscription.PlanID == to.ID {
		if !ahead {
			return Change{}, failure.Conflictf("%s is on the plan %s already", a.UserID, to.Name)
		}
		c.Planned = true
		return c, nil
	}
	c.Action = a.direction(c.Subscription.PlanID, to)
	c.Subscription.PlanID = to.ID
	return c, nil
}

// ChangePlanAtEnd moves a running subscription to another plan from the end of its paid cycle on, in place of another
// change that lies ahead. One that ends then is a conflict failure, as is one that is on that plan already.
func (a Account) ChangePlanAtEnd(to Plan, now time.Time) (Change, error) {
	c, err := a.running(Upgrade, now)
	if err != nil {
		return Change{}, err
	}
	end := later(c.Subscription.CycleAt(c.EffectiveAt).End, c.Subscription.PaidUntil)
	switch {
	case c.Subscription.PlanID == to.ID:
		return Change{}, failure.Conflictf("%s is on the plan %s already", a.UserID, to.Name).
			WithReason("already_on_plan", "user", a.UserID, "plan", to.Name)
	case !c.Subscription.RunsAt(end):
		return Change{}, failure.Conflictf("the subscription of %s ends at %s: there is no plan to change to then", a.UserID,
			end.Format(time.RFC3339)).
			WithReason("ends_before_change", "user", a.UserID)
	case c.Subscription.NextPlanID == to.ID:
		return Change{}, failure.Conflictf("%s changes to the plan %s at %s already", a.UserID, to.Name,
			c.Subscription.NextAt.Format(time.RFC3339))
	}
	c.Action = a.direction(c.Subscription.PlanID, to)
	c.Subscription.NextPlanID, c.Subscription.NextAt, c.Planned = to.ID, end, true
	return c, nil
}

// direction tells whether a change of plan goes up or down, by the monthly price.
func (a Account) direction(from int64, to Plan) ChangeAction {
	if p, ok := a.Plans.ByID(from); ok && to.Monthly < p.Monthly {
		return Downgrade
	}
	return Upgrade
}

// Due returns the change of plan that was set for a moment that has come by now, and whether there is one.
func (a Account) Due(now time.Time) (Change, bool) {
	if a.Subscription == nil || a.Subscription.NextPlanID == 0 || a.Subscription.NextAt.After(now) {
		return Change{}, false
	}
	sub := *a.Subscription
	c := Change{Action: Upgrade, EffectiveAt: sub.NextAt}
	if to, ok := a.Plans.ByID(sub.NextPlanID); ok {
		c.Action = a.direction(sub.PlanID, to)
	}
	sub.PlanID, sub.NextPlanID, sub.NextAt = sub.NextPlanID, 0, time.Time{}
	c.Subscription = sub
	return c, true
}

// Rolled returns the renewal of a subscription whose paid cycle has ended at a moment and that goes on: one more cycle
// is paid. There is none where it ends, or is paid beyond it.
func (a Account) Rolled(at time.Time) (Change, bool) {
	sub := a.Subscription
	if sub == nil || !sub.AutoRenew || sub.PaidUntil.After(at) || !sub.RunsAt(at) {
		return Change{}, false
	}
	next := *sub
	next.PaidUntil = sub.CycleAt(at).End
	return Change{Action: Renewal, EffectiveAt: at, Subscription: next, Continues: true}, true
}

// Cancel ends a running subscription now or at the end of its last paid cycle.
func (a Account) Cancel(atPeriodEnd bool, now time.Time) (Change, error) {
	c, err := a.running(Cancel, now)
	if err != nil {
		return Change{}, err
	}
	ends := now
	if atPeriodEnd {
		ends = c.Subscription.PaidUntil
		if c.Subscription.AutoRenew {
			ends = later(ends, c.Subscription.CycleAt(c.EffectiveAt).End)
		}
		if c.Subscription.EndsAt.Equal(ends) {
			return Change{}, failure.Conflictf("the subscription of %s is set to end at %s already", a.UserID,
				ends.Format(time.RFC3339))
		}
	}
	c.Subscription.EndsAt = ends
	if !c.Subscription.NextAt.Before(ends) { // it never comes to that
		c.Subscription.NextPlanID, c.Subscription.NextAt = 0, time.Time{}
	}
	return c, nil
}

// Renew pays for one more cycle: of a running subscription from the end of what is paid, also taking back a
// cancellation that lies ahead; of an ended one from now on, which is its new anchor.
func (a Account) Renew(now time.Time) (Change, error) {
	if err := a.requireSubscription(); err != nil {
		return Change{}, err
	}
	sub := *a.Subscription
	sub.EndsAt = time.Time{}
	if p, ok := a.Plans.ByID(sub.PlanID); ok && p.Withdrawn {
		return Change{}, failure.Conflictf("the plan %s of %s is no longer on offer", p.Name, a.UserID).
			WithReason("plan_withdrawn", "user", a.UserID)
	}
	switch status := a.Subscription.StatusAt(now); {
	case status == Suspended:
		return Change{}, failure.Conflictf("the subscription of %s is suspended", a.UserID).
			WithReason("subscription_suspended", "user", a.UserID)
	case status.Ended():
		sub.Anchor = now
		sub.PaidUntil = sub.CycleAt(now).End
		return Change{Action: Renewal, EffectiveAt: now, Subscription: sub}, nil
	}
	paid := later(sub.CycleAt(a.effective(now)).End, sub.PaidUntil)
	sub.PaidUntil = sub.CycleAt(paid).End
	return Change{Action: Renewal, EffectiveAt: a.effective(now), Subscription: sub}, nil
}

// Suspend stops a running subscription until it is resumed.
func (a Account) Suspend(now time.Time) (Change, error) {
	c, err := a.running(Suspend, now)
	if err == nil && c.Subscription.Suspended {
		err = failure.Conflictf("the subscription of %s is suspended already", a.UserID)
	}
	c.Subscription.Suspended = true
	return c, err
}

// Resume takes back a suspension.
func (a Account) Resume(now time.Time) (Change, error) {
	if err := a.requireSubscription(); err != nil {
		return Change{}, err
	}
	if !a.Subscription.Suspended {
		return Change{}, failure.Conflictf("the subscription of %s is not suspended, it is %s", a.UserID, a.StatusAt(now))
	}
	sub := *a.Subscription
	sub.Suspended = false
	return Change{Action: Resume, EffectiveAt: a.effective(now), Subscription: sub}, nil
}

// running starts a change of a subscription that has not ended.
func (a Account) running(action ChangeAction, now time.Time) (Change, error) {
	if err := a.requireSubscription(); err != nil {
		return Change{}, err
	}
	if status := a.Subscription.StatusAt(now); status.Ended() {
		return Change{}, failure.Conflictf("the subscription of %s has ended: it is %s since %s", a.UserID, status,
			a.Subscription.endedAt().Format(time.RFC3339)).
			WithReason("subscription_ended", "user", a.UserID)
	}
	return Change{Action: action, EffectiveAt: a.effective(now), Subscription: *a.Subscription}, nil
}

// effective returns now, or the beginning of a subscription that lies ahead.
func (a Account) effective(now time.Time) time.Time { return later(now, a.Subscription.Anchor) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (a Account) requireSubscription() error {
	if a.Subscription != nil {
		return nil
	}
	return failure.NotFoundf("%s has no subscription", a.UserID).
		WithReason("no_subscription", "user", a.UserID)
}

func (a Account) planName(id int64) string {
	if p, ok := a.Plans.ByID(id); ok {
		return p.Name
	}
	return "a plan that is gone"
}

// HistoryEntry is one step in a subscription's life, as it is kept.
type HistoryEntry struct {
	ID           int64 // no other step has it
	UserID       string
	Action       ChangeAction
	RecordedAt   time.Time
	EffectiveAt  time.Time
	PlanBefore   string // name; empty where there was no subscription
	PlanAfter    string
	Cycle        Cycle
	Anchor       time.Time   // of the subscription since then
	Price        pricing.USD // of one paid cycle since then; 0 where it was not kept
	PeriodBefore Period      // the usage period before and after the change
	PeriodAfter  Period
	CallsBefore  int64 // used in PeriodBefore until then
	TokensBefore int64
	CostBefore   pricing.USD
	Actor        string
}

// PaidCycle returns the paid cycle that runs since the step.
func (h HistoryEntry) PaidCycle() Period { return h.cycleAt(h.EffectiveAt) }

// PaidCycleBefore returns the paid cycle that the subscription as this step left it had before a moment.
func (h HistoryEntry) PaidCycleBefore(at time.Time) Period {
	return h.cycleAt(at.Add(-time.Microsecond))
}

func (h HistoryEntry) cycleAt(at time.Time) Period { return cycleAt(h.Anchor, at, h.Cycle.Months()) }
