package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// CountOverview implements health.OverviewStore.
func (d *DB) CountOverview(ctx context.Context, now time.Time) (c usage.Counts, err error) {
	today, month := now.UTC().Truncate(24*time.Hour), plan.CalendarMonth(now)
	err = d.view(ctx, func(t *tx) error {
		return t.query(ctx, into(&c.UnreadAlerts, &c.UsedUp, &c.Due, &c.Held), `SELECT
			(SELECT COUNT(*) FROM usage_alerts WHERE read_at IS NULL AND withdrawn_at IS NULL),
			(SELECT COUNT(*) FROM usage_alerts WHERE created_at >= $1 AND threshold >= 100 AND withdrawn_at IS NULL),
			(SELECT COUNT(*) FROM users u LEFT JOIN billing_accounts b ON b.user_id = u.user_id
				WHERE b.closes_at <= $2 OR b.closes_at IS NULL AND u.created_at < $3),
			(SELECT COUNT(*) FROM usage_reservations WHERE status = 'held' AND calls >= 0 AND expires_at > $2)`,
			today, now, month.Start)
	})
	return c, err
}
