package simulate

import (
	"context"
	"math"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// userMonth is one user's month under way.
type userMonth struct {
	*simulation
	billed    billing.BillingAccount
	account   plan.Account // of it
	period    plan.Period  // the usage period that is being replayed
	then, now *periodUsage // of it
	seen      map[*planRow]bool
	refusedIn map[*planRow]bool
	refused   *UserResult
}

// replay reads the user's log from the beginning of the period that holds the month's first moment.
func (u *userMonth) replay(ctx context.Context) error {
	q := usage.UserLogQuery{User: u.account.UserID, From: u.account.PeriodAt(u.month.Start).Start, To: u.month.End}
	for m := plan.MonthOf(q.From); m < u.scenario.month; m = m.Next() {
		if err := u.requireLog(m); err != nil {
			return failure.Within(err, "the usage period of %s began in %s", failure.Shorten(u.account.UserID), m)
		}
	}
	err := usage.EachRow(userLogPage, func(last usage.Entry, limit int) ([]usage.Entry, error) {
		q.AfterTime, q.AfterID, q.Limit = last.Time, last.ID, limit
		return u.store.UserLog(ctx, q)
	}, u.event)
	if err != nil {
		return err
	}
	return u.close()
}

// event replays one event.
func (u *userMonth) event(e *usage.Entry) error {
	if !u.period.Contains(e.Time) {
		if err := u.close(); err != nil {
			return err
		}
		u.period, u.then, u.now = u.account.PeriodAt(e.Time), newPeriodUsage(), newPeriodUsage()
	}
	amounts := e.Amounts()
	early := e.Time.Before(u.month.Start)
	if err := u.then.add(e, amounts, early); err != nil {
		return err
	}
	if early {
		return u.now.add(e, amounts, true)
	}
	u.result.Events++
	_, row, now, err := u.planAt(e.Time)
	if err != nil {
		return err
	}
	row.Then.Cost = row.Then.Cost.Add(pricing.TotalOf(amounts.Cost))
	if amounts.Cost, err = u.scenario.rates.cost(e); err != nil {
		return err
	}
	if e.Counts() {
		d := usage.Decide(plan.Active, now.Overage, u.now.uses(now, e, amounts))
		if !d.Allowed {
			u.refuse(e, row, amounts, d)
			return nil
		}
	}
	row.Now.Cost = row.Now.Cost.Add(pricing.TotalOf(amounts.Cost))
	return u.now.add(e, amounts, false)
}

// refuse notes a call that would not have been made.
func (u *userMonth) refuse(e *usage.Entry, row *planRow, amounts usage.Amounts, d usage.Verdict) {
	if u.refused == nil {
		u.refused = &UserResult{UserID: u.account.UserID, Plan: row.Plan, PlanNow: row.PlanNow, Limit: d.Limit,
			Reason: d.Reason, At: e.Time}
	}
	cost := pricing.TotalOf(amounts.Cost)
	u.refused.Calls += amounts.Calls
	u.refused.Cost = u.refused.Cost.Add(cost)
	row.RefusedCalls += amounts.Calls
	row.RefusedCost = row.RefusedCost.Add(cost)
	u.refusedIn[row] = true
}

// close counts the overage of the period that was replayed; there is none of a subscription that had ended.
func (u *userMonth) close() error {
	if u.then == nil || u.billed.EndedBefore(u.period) {
		return nil
	}
	last := u.period.End
	if last.After(u.month.End) {
		last = u.month.End
	}
	at := last.Add(-time.Microsecond)
	then, err := u.account.PlanThen(at)
	if err != nil {
		return err
	}
	now, err := u.planFor(then, at)
	if err != nil {
		return err
	}
	was, err := u.then.overage(&then)
	if err != nil {
		return err
	}
	is, err := u.now.overage(now)
	if none := (pricing.Total{}); err != nil || was.Cmp(none) == 0 && is.Cmp(none) == 0 {
		return err // nobody counts for a plan who neither called under it nor pays by it
	}
	_, row, _, err := u.planAt(at)
	if err != nil {
		return err
	}
	row.Then.Overage, row.Now.Overage = row.Then.Overage.Add(was), row.Now.Overage.Add(is)
	return nil
}

// periodUsage is what one user has used in one usage period.
type periodUsage struct {
	index  map[billing.SeriesKey]int
	series []billing.Series
	before []billing.Series // of it, before the month began
	plan   *plan.Plan       // whose limits are counted
	used   []int64          // of each of them
}

func newPeriodUsage() *periodUsage { return &periodUsage{index: map[billing.SeriesKey]int{}} }

// add counts an event, which may lie before the month.
func (t *periodUsage) add(e *usage.Entry, amounts usage.Amounts, early bool) error {
	key := billing.SeriesKey{Provider: e.Provider, Vendor: e.Vendor, Model: e.Model}
	i, ok := t.index[key]
	if !ok {
		i = len(t.series)
		t.index[key] = i
		s := billing.Series{Provider: e.Provider, Vendor: e.Vendor, Model: e.Model}
		t.series, t.before = append(t.series, s), append(t.before, s)
	}
	sum, err := t.series[i].Usage.Add(amounts)
	if err != nil {
		return err
	}
	t.series[i].Usage = sum
	if early {
		t.before[i].Usage = sum
	}
	if t.plan != nil {
		t.count(e.Provider, e.Vendor, amounts)
	}
	return nil
}

// count adds to what is used of the limits that cover a provider and vendor. Beyond the largest number there is, what
// is used up stays so.
func (t *periodUsage) count(provider, vendor string, amounts usage.Amounts) {
	for i, l := range t.plan.Limits {
		if l.Scope.Covers(provider, vendor) {
			sum := t.used[i] + amounts.Of(l.Meter)
			if sum < 0 {
				sum = math.MaxInt64
			}
			t.used[i] = sum
		}
	}
}

// uses returns how far the limits of a plan are used that cover an event, and what it asks of them.
func (t *periodUsage) uses(p *plan.Plan, e *usage.Entry, amounts usage.Amounts) []usage.LimitUse {
	if t.plan != p {
		t.plan, t.used = p, make([]int64, len(p.Limits))
		for _, s := range t.series {
			t.count(s.Provider, s.Vendor, s.Usage)
		}
	}
	var uses []usage.LimitUse
	for i, l := range p.Limits {
		if l.Scope.Covers(e.Provider, e.Vendor) {
			uses = append(uses, usage.LimitUse{Limit: l, Used: t.used[i], Requested: amounts.Of(l.Meter)})
		}
	}
	return uses
}

// overage returns what the usage of the month adds to the period's overage.
func (t *periodUsage) overage(p *plan.Plan) (pricing.Total, error) {
	var sum pricing.Total
	if p.Overage != plan.OverageAllow {
		return sum, nil
	}
	terms := billing.Terms{Limits: p.Limits, MarkupMillionths: p.MarkupMillionths}
	all, err := billing.OverageOf(terms, t.series)
	if err != nil {
		return sum, err
	}
	before, err := billing.OverageOf(terms, t.before)
	if err != nil {
		return sum, err
	}
	for i := range all {
		sum = sum.Add(pricing.TotalOf(all[i])).Sub(pricing.TotalOf(before[i]))
	}
	return sum, nil
}
