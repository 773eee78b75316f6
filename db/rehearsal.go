package db

import (
	"context"
	"errors"

	"github.com/alwrity/alwrity-sub/failure"
)

// Rehearsal tells whether the database is for rehearsals, where nothing is real and the clock may be ahead.
func (d *DB) Rehearsal() bool { return d.rehearsal }

// RefuseWrites has whatever would be written from now on fail with an error.
func (d *DB) RefuseWrites(err error) { d.refused = err }

// readRehearsal finds out what Rehearsal tells.
func (d *DB) readRehearsal(ctx context.Context) error {
	return d.classify(d.reader.QueryRowContext(ctx, "SELECT rehearsal FROM database_kind").Scan(&d.rehearsal))
}

// BeginRehearsal makes a database that has nothing in it yet one for rehearsals, for good. One with anything in it is a
// conflict failure, unless it is one already.
func (d *DB) BeginRehearsal(ctx context.Context) error {
	if d.rehearsal {
		return nil
	}
	err := d.update(ctx, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE database_kind SET rehearsal = TRUE WHERE NOT EXISTS (SELECT 1 FROM users)
			AND NOT EXISTS (SELECT 1 FROM subscription_plans) AND NOT EXISTS (SELECT 1 FROM api_providers)`)
		if err == nil && n == 0 {
			return failure.Conflictf("the database %s is a real one, with plans, prices or users in it: "+
				"it can't become one for rehearsals", d.target.redacted).WithReason("no_rehearsal")
		}
		return err
	})
	d.rehearsal = err == nil
	return err
}

// markRehearsal makes a copy of a SQLite database one for rehearsals.
func markRehearsal(ctx context.Context, file string) error {
	d, err := connect(ctx, SQLiteFile(file), "rw")
	if err != nil {
		return err
	}
	err = d.update(ctx, func(t *tx) error { return t.do(ctx, "UPDATE database_kind SET rehearsal = TRUE") })
	return errors.Join(err, d.Close())
}
