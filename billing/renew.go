package billing

import (
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// advance notes that a period is closed, and does what was to happen at its end: a change of
// plan that was set for then, the renewal of the paid cycle, or the end of the
// subscription.
func (r *round) advance(in billInput) error {
	a, p := in.account, in.period
	used, err := totalOf(in.used)
	if err != nil {
		return err
	}
	recorded := len(r.changes)
	if due, ok := a.Account.Due(p.End); ok {
		r.changed++
		a.Account = r.change(a.Account, due, p, used)
	}
	if renewal, ok := a.Account.Rolled(p.End); ok {
		r.renewed++
		a.Account = r.change(a.Account, renewal, p, used)
	}
	if sub := a.Account.Subscription; sub != nil {
		if end, ok := sub.EndsWithin(p.Start, p.End); ok {
			r.expired++
			if sub.EndsAt.IsZero() || end.Equal(p.End) { // a cancellation within the period is in the history already, as what ended it
				r.change(a.Account, plan.Change{Action: plan.Expire, EffectiveAt: end, Subscription: *sub, Continues: true}, p, used)
			}
			r.notifications = append(r.notifications, expiredNotice(a.Account, end, r.run.now))
		}
	}
	if len(r.changes) > recorded {
		r.subscriptions = append(r.subscriptions, a.Account)
	}
	a.ClosedUntil = p.End
	a.ClosesAt = a.Account.PeriodAt(p.End).End
	r.accounts = append(r.accounts, a)
	if !a.ClosesAt.After(r.run.now) {
		r.more = append(r.more, a.Account.UserID)
	}
	return nil
}

// change records a change at the end of a period and returns the account after it.
func (r *round) change(before plan.Account, c plan.Change, p plan.Period, used usage.Amounts) plan.Account {
	after := before.After(c)
	change := SubscriptionChange{
		Account: before, Change: c, At: r.run.now, Actor: r.run.Actor, PlanID: c.Subscription.PlanID,
		PeriodBefore: p, PeriodAfter: after.PeriodAt(p.End), Used: used,
	}
	if then, err := after.PlanAt(c.EffectiveAt); err == nil { // which may be another than that of now
		change.PlanID = then.ID
	}
	if priced, ok := before.Plans.ByID(change.PlanID); ok {
		change.Price = priced.At(c.EffectiveAt).Price(c.Subscription.Cycle)
	}
	r.changes = append(r.changes, change)
	return after
}
