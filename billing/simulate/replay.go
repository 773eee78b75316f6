package simulate

import (
	"context"
	"math"
	"slices"
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
	on, err := u.account.PlanAt(e.Time)
	if err != nil {
		return err
	}
	if err := u.then.add(e, on.ID, amounts, early); err != nil {
		return err
	}
	if early {
		return u.now.add(e, on.ID, amounts, true)
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
	return u.now.add(e, on.ID, amounts, false)
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
	then, now, err := u.parts(at)
	if err != nil {
		return err
	}
	was, err := u.then.overage(then)
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

// parts returns the parts of the period, with the figures that their plans had by a moment, and with those that take
// their place.
func (u *userMonth) parts(by time.Time) (then, now []plan.Part, err error) {
	if then, err = u.account.PartsOf(u.period); err != nil {
		return nil, nil, err
	}
	now = slices.Clone(then)
	for i := range then {
		at := then[i].Until.Add(-time.Microsecond)
		if at.After(by) {
			at = by
		}
		then[i].Plan = then[i].Plan.At(at)
		replaced, err := u.planFor(then[i].Plan, at)
		if err != nil {
			return nil, nil, err
		}
		now[i].Plan = *replaced
		now[i].Plan.ID = then[i].Plan.ID // by which its usage is told
	}
	return then, now, nil
}

// periodUsage is what one user has used in one usage period.
type periodUsage struct {
	index  map[planSeries]int
	plans  []int64          // of each series, the plan at the time of the calls
	series []billing.Series // by series and plan
	before []billing.Series // of it, before the month began
	plan   *plan.Plan       // whose limits are counted
	used   []int64          // of each of them
}

// planSeries is a series under a plan.
type planSeries struct {
	billing.SeriesKey
	planID int64
}

func newPeriodUsage() *periodUsage { return &periodUsage{index: map[planSeries]int{}} }

// add counts an event, which may lie before the month, under the plan of its time.
func (t *periodUsage) add(e *usage.Entry, on int64, amounts usage.Amounts, early bool) error {
	key := planSeries{billing.SeriesKey{Provider: e.Provider, Vendor: e.Vendor, Model: e.Model}, on}
	i, ok := t.index[key]
	if !ok {
		i = len(t.series)
		t.index[key] = i
		s := billing.Series{Provider: e.Provider, Vendor: e.Vendor, Model: e.Model}
		t.series, t.before, t.plans = append(t.series, s), append(t.before, s), append(t.plans, on)
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
func (t *periodUsage) overage(parts []plan.Part) (pricing.Total, error) {
	all, err := t.overageOf(t.series, parts)
	if err != nil {
		return pricing.Total{}, err
	}
	before, err := t.overageOf(t.before, parts)
	return all.Sub(before), err
}

// overageOf returns the overage of a period in which so much was used of each series under each plan.
func (t *periodUsage) overageOf(series []billing.Series, parts []plan.Part) (pricing.Total, error) {
	var sum pricing.Total
	used, whole, places := billing.ByPlan{}, []billing.Series{}, map[billing.SeriesKey]int{}
	for i, s := range series {
		used[t.plans[i]] = append(used[t.plans[i]], s)
		n, ok := places[s.Key()]
		if !ok {
			places[s.Key()], whole = len(whole), append(whole, s)
			continue
		}
		var err error
		if whole[n].Usage, err = whole[n].Usage.Add(s.Usage); err != nil {
			return sum, err
		}
	}
	terms := billing.TermsOf(parts, used)
	if terms == nil {
		return sum, nil
	}
	amounts, err := terms.Overage(whole, used)
	for _, amount := range amounts {
		sum = sum.Add(pricing.TotalOf(amount))
	}
	return sum, err
}
