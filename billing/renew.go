package billing

import (
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// goOn notes that a period is closed, and does what was to happen at its end: a change of
// plan that was set for then, the renewal of the paid cycle, or the end of the
// subscription.
func (r *round) goOn(m material) error {
	f, p := m.folder, m.period
	used, err := summed(m.used)
	if err != nil {
		return err
	}
	if due, ok := f.Account.Due(p.End); ok {
		r.changed++
		f.Account = r.step(f.Account, due, p, used)
	}
	if renewal, ok := f.Account.Rolled(p.End); ok {
		r.renewed++
		f.Account = r.step(f.Account, renewal, p, used)
	}
	if sub := f.Account.Subscription; sub != nil {
		if end, ok := sub.EndsWithin(p.Start, p.End); ok {
			r.expired++
			if sub.EndsAt.IsZero() || end.Equal(p.End) { // a cancellation within the period is in the history already, as what ended it
				r.step(f.Account, plan.Change{Action: plan.Expire, EffectiveAt: end, Subscription: *sub, Continues: true}, p, used)
			}
			r.notices = append(r.notices, ExpiredNotice(f.Account, end, r.run.now))
		}
	}
	f.ClosedUntil = p.End
	f.ClosesAt = f.Account.PeriodAt(p.End).End
	r.folders = append(r.folders, f)
	if !f.ClosesAt.After(r.run.now) {
		r.more = append(r.more, f.Account.UserID)
	}
	return nil
}

// step makes a change and returns the account after it.
func (r *round) step(before plan.Account, c plan.Change, p plan.Period, used usage.Amounts) plan.Account {
	after := before.After(c)
	s := Step{Account: before, Change: c, At: r.run.now, Before: p, After: after.PeriodAt(p.End), Used: used, Actor: r.run.Actor, PlanID: c.Subscription.PlanID}
	if then, err := after.PlanAt(c.EffectiveAt); err == nil { // which may be another than that of now
		s.PlanID = then.ID
	}
	if priced, ok := before.Plans.ByID(s.PlanID); ok {
		s.Price = priced.At(c.EffectiveAt).Price(c.Subscription.Cycle)
	}
	r.steps = append(r.steps, s)
	return after
}
