package db

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// subscriptionChange is a change of a subscription: the account before and after it.
type subscriptionChange struct {
	before, after plan.Account
	from          time.Time // from which on it holds
	now           time.Time
}

// mustNotMoveArchived refuses a change of a subscription that gives usage of archived
// months another period or plan: its log rows are in a file, and can't be moved. It
// looks at whole days, of which the totals are kept.
func (t *tx) mustNotMoveArchived(ctx context.Context, change subscriptionChange) error {
	first := usage.MonthOf(change.from)
	var months []usage.Month
	for m := first; m <= usage.MonthOf(change.now); m = m.Next() {
		months = append(months, m)
	}
	if err := t.HoldMonths(ctx, months); err != nil {
		return err
	}
	var days []int32
	err := t.query(ctx, func(row scanner) error {
		var day int32
		err := row.Scan(&day)
		days = append(days, day)
		return err
	}, "SELECT DISTINCT day FROM usage_archived_totals WHERE month >= $1 AND user_id = $2 ORDER BY day", int64(first), change.after.UserID)
	if err != nil {
		return err
	}
	for _, day := range days {
		if !change.moves(dayTime(day)) {
			continue
		}
		month := usage.MonthOf(dayTime(day))
		return failure.Conflictf("usage of %s would move to another period or plan, and the month %s is archived: it can't be changed", change.after.UserID, month).
			WithReason("archived").WithHint("choose a later start, or bring the month back first: alwrity-sub usage restore %s", month.FileName())
	}
	return nil
}

// moves tells whether the change gives any moment of a day another period or plan.
func (c subscriptionChange) moves(day time.Time) bool {
	from, to := day, day.AddDate(0, 0, 1)
	if c.from.After(from) {
		from = c.from
	}
	moments := []time.Time{from}
	for _, s := range c.after.Segments {
		moments = append(moments, s.From)
	}
	for at := from; at.Before(to); { // where a period ends another begins
		end := c.after.PeriodAt(at).End
		if other := c.before.PeriodAt(at).End; other.Before(end) {
			end = other
		}
		moments, at = append(moments, end), end
	}
	return slices.ContainsFunc(moments, func(at time.Time) bool { return !at.Before(from) && at.Before(to) && !c.same(at) })
}

// same tells whether a moment has the same period and plan before and after.
func (c subscriptionChange) same(at time.Time) bool {
	before, errBefore := c.before.PlanAt(at)
	after, errAfter := c.after.PlanAt(at)
	return errBefore == nil && errAfter == nil && before.ID == after.ID && c.before.PeriodAt(at).Start.Equal(c.after.PeriodAt(at).Start)
}
