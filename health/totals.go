package health

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Reconcile compares the totals with the log, with repair rebuilds those that differ, and says what it found: a check
// for each table of totals.
func (s *Service) Reconcile(ctx context.Context, repair bool) (usage.Reconciliation, []Check, error) {
	result, err := s.Store.Reconcile(ctx, repair)
	return result, TotalsChecks(result), err
}

// TotalsChecks says whether the totals are the sums of the log, a check for each table of totals.
func TotalsChecks(r usage.Reconciliation) []Check {
	return []Check{
		totalsCheck(r, "usage_summaries", r.Summaries),
		totalsCheck(r, "usage_daily", r.Daily),
		rollupCheck(r, "usage_fleet_daily", r.FleetDaily),
		rollupCheck(r, "usage_user_monthly", r.UserMonthly),
	}
}

// rollupCheck is for a table that sums usage_daily up.
func rollupCheck(r usage.Reconciliation, name string, rows int64) Check {
	if !r.Rollups && !r.Repaired {
		return Check{Name: name, OK: true, Detail: "not compared: it is the sum of usage_daily, which comes first"}
	}
	return totalsCheck(r, name, rows)
}

func totalsCheck(r usage.Reconciliation, name string, rows int64) Check {
	differ := 0
	for _, d := range r.Discrepancies {
		if d.Table == name {
			differ++
		}
	}
	log := failure.Counted(r.LogRows, "log row")
	if r.ArchivedRows > 0 {
		log += " and " + humanize.Comma(r.ArchivedRows) + " archived"
	}
	differences := failure.Counted(differ, "difference")
	switch {
	case differ == 0:
		return Check{Name: name, OK: true, Detail: fmt.Sprintf("%s agree with %s", failure.Counted(rows, "total"), log)}
	case r.Repaired:
		return Check{Name: name, OK: true, Detail: differences + " repaired from " + log}
	}
	return Check{Name: name, Detail: differences + " from the sums of " + log, Reason: "totals_to_rebuild"}
}
