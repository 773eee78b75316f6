package db

import (
	"context"
	"database/sql"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Figures implements health.Store. It reads indexes and totals by the day, and never the log.
func (d *DB) Figures(ctx context.Context, now time.Time) (usage.Figures, error) {
	return inView(ctx, d, func(t *tx) (f usage.Figures, err error) {
		for _, q := range []struct {
			to    *int64
			query string
			args  []any
		}{
			{&f.Held, "SELECT COUNT(*) FROM usage_reservations WHERE status = 'held' AND calls >= 0 AND expires_at > $1",
				[]any{now}},
			{&f.Unpriced, "SELECT CAST(COALESCE(SUM(unpriced_calls), 0) AS BIGINT) FROM usage_fleet_daily WHERE day >= $1",
				[]any{plan.Day(now.AddDate(0, 0, -usage.UnpricedDays))}},
			{&f.Estimated, "SELECT CAST(COALESCE(SUM(estimated_calls), 0) AS BIGINT) FROM usage_fleet_daily WHERE day >= $1",
				[]any{plan.Day(now.AddDate(0, 0, -usage.UnpricedDays))}},
			{&f.NotClosed, "SELECT COUNT(*) FROM billing_accounts WHERE closes_at <= $1", []any{now}},
			{&f.DatabaseBytes, d.sizeQuery, nil},
		} {
			if err := t.query(ctx, into(q.to), q.query, q.args...); err != nil {
				return f, err
			}
		}
		row := `SELECT COUNT(*), CAST(COALESCE(SUM(cost_pico / 1000000), 0) AS BIGINT),
			CAST(COALESCE(SUM(cost_pico % 1000000), 0) AS BIGINT) FROM usage_reservations
			WHERE outcome = 'unknown' AND closed_at >= $1`
		var high, low int64
		if err := t.query(ctx, into(&f.Unknown.Calls, &high, &low), row,
			now.AddDate(0, 0, -usage.UnknownDays)); err != nil {
			return f, err
		}
		f.Unknown.Cost = pricing.TotalFromParts(high, low)
		return f, nil
	})
}

// Ready returns nil if the database can be read and its schema is the one that this binary works with, else an
// unavailable failure.
func (d *DB) Ready(ctx context.Context) error { return d.checkSchema(ctx) }

// Pools says how far the connections are used. It asks no database.
func (d *DB) Pools() []usage.PoolState {
	if d.reader == d.writer {
		return []usage.PoolState{poolState("all", d.writer)}
	}
	return []usage.PoolState{poolState("write", d.writer), poolState("read", d.reader)}
}

func poolState(name string, pool *sql.DB) usage.PoolState {
	s := pool.Stats()
	return usage.PoolState{Pool: name, Most: s.MaxOpenConnections, Open: s.OpenConnections, InUse: s.InUse, Idle: s.Idle,
		Waits: s.WaitCount, Waited: s.WaitDuration}
}
