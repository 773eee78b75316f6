package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/db"
)

// importedTables are those that an import on PostgreSQL fills beside the log.
func importedTables() []string {
	return []string{"usage_event_ids", "usage_daily", "usage_summaries", "usage_fleet_daily", "usage_user_monthly"}
}

// copyAll returns how many events a second `\copy` loads where it has to store, like an
// import, not only the log but also the ids and the finished totals, and does so by two
// connections at once, also like an import. Nobody rates a call or adds anything up.
func (l *lab) copyAll(ctx context.Context, f *filled) (float64, error) {
	files := map[string]string{}
	var err error
	if files["log"], err = l.csvFile(ctx, f); err != nil {
		return 0, err
	}
	if _, err := l.psql(ctx, f.database, "-c", "CREATE TABLE peer_log (LIKE "+logTable+" INCLUDING ALL)"); err != nil {
		return 0, err
	}
	for _, table := range importedTables() {
		files[table] = l.path(table + ".csv")
		if err := l.preparePeer(ctx, f.database, table, files[table]); err != nil {
			return 0, err
		}
	}
	if err := l.settle(ctx, db.PostgreSQL); err != nil {
		return 0, err
	}
	load := func(tables ...string) (err error) {
		for _, table := range tables {
			_, loadErr := l.psql(ctx, f.database, "-c", `\copy peer_`+table+" FROM "+quoted(files[table])+" CSV")
			err = errors.Join(err, loadErr)
		}
		return err
	}
	began := time.Now()
	var beside error
	var work sync.WaitGroup
	work.Go(func() { beside = load(importedTables()...) })
	err = load("log")
	work.Wait()
	took := time.Since(began)
	l.say(`psql \copy of all tables, two at once: %.1f s`, took.Seconds())
	return float64(f.sample.rows) / took.Seconds(), errors.Join(err, beside)
}
