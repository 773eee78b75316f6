package usage

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// withdraw takes back the alerts whose thresholds are no longer reached.
func (run *correcting) withdraw(ctx context.Context) error {
	alerts, err := run.tx.PeriodAlerts(ctx, sortedPeriods(run.places))
	if err != nil {
		return err
	}
	var over []Alert
	for _, a := range alerts {
		where := run.places[NewPeriodKey(a.UserID, a.PeriodStart)]
		if used, known := run.usedOf(&a, where); known && !reached(&a.Limit, used, a.Threshold) {
			over = append(over, a)
		}
	}
	if len(over) == 0 {
		return nil
	}
	return run.tx.WithdrawAlerts(ctx, over, run.At)
}

// usedOf returns how much is used of the limit that an alert is about, by the plan that had it when the alert was made,
// or has it at the end of the period.
func (run *correcting) usedOf(a *Alert, where *userPeriod) (used int64, known bool) {
	account := run.state.users[a.UserID].account
	moments := []time.Time{a.CreatedAt, where.period.End.Add(-time.Microsecond), where.period.Start}
	plans := []*plan.Plan{where.plan}
	for _, at := range moments {
		if p, err := account.PlanAt(at); err == nil && where.period.Contains(at) {
			plans = append(plans, run.state.planOf(p))
		}
	}
	for _, p := range plans {
		for i, l := range p.Limits {
			if l.Name == a.Limit.Name && l.Meter == a.Limit.Meter {
				return where.usage.used(p)[i], true
			}
		}
	}
	return 0, false
}

// WithdrawAlerts takes back the alerts whose thresholds are no longer reached once calls were rated again: those of the
// running periods of all who are concerned, and of the periods that have changed.
func (c *Corrections) WithdrawAlerts(ctx context.Context, now time.Time, again RerateResult) error {
	users := again.Concerned
	for some := range slices.Chunk(users, checkedTogether) {
		err := c.Store.UpdateVoids(ctx, some, now, func(tx VoidTx) error {
			run := &correcting{Correction: Correction{Audit: Audit{At: now}}, tx: tx, places: map[PeriodKey]*userPeriod{},
				batch: &batch{service: c.Usage, tx: tx, state: newState(now)}}
			if err := run.addPeriods(ctx, some, again.Periods); err != nil {
				return err
			}
			return run.withdraw(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addPeriods adds the running periods of users to the places, and others by one of their moments.
func (run *correcting) addPeriods(ctx context.Context, users []string, others map[string][]time.Time) error {
	periods := func(yield func(string, time.Time) bool) {
		for _, user := range users {
			for _, at := range append([]time.Time{run.At}, others[user]...) {
				if !yield(user, at) {
					return
				}
			}
		}
	}
	if err := run.state.loadUsers(ctx, run.tx, slices.Values(users)); err != nil {
		return err
	}
	if err := run.state.loadPeriods(ctx, run.tx, periods); err != nil {
		return err
	}
	for user, at := range periods {
		where, err := run.state.periodOf(user, at)
		if err != nil {
			return err
		}
		run.places[NewPeriodKey(user, where.period.Start)] = where
	}
	return nil
}

func sortedPeriods(of map[PeriodKey]*userPeriod) []PeriodKey {
	keys := slices.Collect(maps.Keys(of))
	slices.SortFunc(keys, func(a, b PeriodKey) int {
		return cmp.Or(strings.Compare(a.UserID, b.UserID), cmp.Compare(a.Start, b.Start))
	})
	return keys
}
