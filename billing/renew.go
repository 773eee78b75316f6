package billing

import (
	"slices"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// advance notes that a period is closed, and does what was to happen at its end: a change of plan that was set for
// then, the renewal of the paid cycle, or the end of the subscription. It returns the account after that.
func (r *round) advance(in billInput) (BillingAccount, error) {
	a, p := in.account, in.period
	used, err := totalOf(in.used)
	if err != nil {
		return a, err
	}
	recorded := len(r.changes)
	if due, ok := a.Account.Due(p.End); ok {
		r.changed++
		r.change(&a, due, p, used)
	}
	if renewal, ok := a.Account.Rolled(p.End); ok {
		r.renewed++
		r.change(&a, renewal, p, used)
	}
	if sub := a.Account.Subscription; sub != nil {
		if end, ok := sub.EndsWithin(p.Start, p.End); ok {
			r.expired++
			// A cancellation within the period is in the history already, as what ended it.
			if sub.EndsAt.IsZero() || end.Equal(p.End) {
				r.change(&a, plan.Change{Action: plan.Expire, EffectiveAt: end, Subscription: *sub, Continues: true}, p, used)
			}
			r.notifications = append(r.notifications, expiredNotification(a.Account, end, r.run.now))
		}
	}
	if len(r.changes) > recorded {
		r.subscriptions = append(r.subscriptions, a.Account)
	}
	a.ClosedUntil, a.ClosesAt = p.End, a.Account.PeriodAt(p.End).End
	r.accounts = append(r.accounts, a)
	if !a.ClosesAt.After(r.run.now) {
		r.more = append(r.more, a.Account.UserID)
	}
	return a, nil
}

// change makes a change at the end of a period.
func (r *round) change(a *BillingAccount, c plan.Change, p plan.Period, used usage.Amounts) {
	before, after := a.Account, a.Account.After(c)
	entry := SubscriptionChange{
		Account: before, Change: c, At: r.run.now, Actor: r.run.Actor, PlanID: c.Subscription.PlanID,
		PeriodBefore: p, PeriodAfter: after.PeriodAt(p.End), Used: used,
	}
	if then, err := after.PlanAt(c.EffectiveAt); err == nil { // which may be another than that of now
		entry.PlanID = then.ID
	}
	if priced, ok := before.Plans.ByID(entry.PlanID); ok {
		entry.Price = priced.At(c.EffectiveAt).Price(c.Subscription.Cycle)
	}
	r.changes = append(r.changes, entry)
	a.Account, a.Phases = after, append(slices.Clip(a.Phases), entry.phase())
}

// phase returns the phase that a change begins.
func (c *SubscriptionChange) phase() SubscriptionPhase {
	p := SubscriptionPhase{
		Action: c.Change.Action, From: c.Change.EffectiveAt, Subscription: c.Change.Subscription,
		Price: c.Price, Continues: c.Change.Continues,
	}
	p.Subscription.PlanID = c.PlanID
	return p
}
