package main

import (
	"context"

	"github.com/alwrity/alwrity-sub/db"
)

// importedTables are those that an import on PostgreSQL fills beside the log.
func importedTables() []string {
	return []string{"usage_event_ids", "usage_daily", "usage_summaries", "usage_fleet_daily", "usage_user_monthly"}
}

// copyAll returns how many events a second `\copy` loads where it has to store, like an
// import, not only the log, for which logRate a second are known, but also the ids and the
// finished totals. Nobody adds them up.
func (l *lab) copyAll(ctx context.Context, f *filled, logRate float64) (float64, error) {
	seconds := float64(f.sample.rows) / logRate
	for _, table := range importedTables() {
		if err := l.settle(ctx, db.PostgreSQL); err != nil {
			return 0, err
		}
		took, err := l.copyTable(ctx, f.database, "", table, l.path(table+".csv"))
		if err != nil {
			return 0, err
		}
		seconds += took.wall.Seconds()
		l.say(`psql \copy of %s: %.1f s`, table, took.wall.Seconds())
	}
	return float64(f.sample.rows) / seconds, nil
}
