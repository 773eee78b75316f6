package db

import (
	"context"
	"database/sql"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// Impatient returns the target with a short wait for locks.
func Impatient(t Target) Target {
	t.LockTimeout = 100 * time.Millisecond
	return t
}

// DSN returns the URL that lib/pq gets.
func (t Target) DSN() string { return t.dsn }

// WithoutPassword returns what pg_dump gets.
func (t Target) WithoutPassword() (dsn, password string, err error) { return t.withoutPassword() }

// MigrateTo makes a database with the tables of an older version of the schema.
func MigrateTo(ctx context.Context, target Target, version int64) (*DB, error) {
	d, err := connect(ctx, target, createMode)
	if err != nil {
		return nil, err
	}
	provider, err := d.migrations()
	if err == nil {
		_, err = provider.UpTo(ctx, version)
	}
	return d, err
}

// Pool returns the connections that write.
func (d *DB) Pool() *sql.DB { return d.writer }

// Classify returns the failure that an error of the driver becomes.
func (d *DB) Classify(err error) error { return d.classify(err) }

// Retry tells whether a transaction that failed so runs again.
func (d *DB) Retry(err error) bool { return d.retry(err) }

// OnDriver calls do with the driver's connection of a transaction that writes.
func (d *DB) OnDriver(ctx context.Context, do func(driverConn any) error) error {
	return d.update(ctx, func(t *tx) error { return t.onDriver(do) })
}

// ExplainLogs returns how the database reads a page of the log.
func (d *DB) ExplainLogs(ctx context.Context, q usage.LogQuery) (lines []string, err error) {
	err = d.view(ctx, func(t *tx) error {
		s := &logSearch{tx: t, query: q}
		if err := s.inOrder(ctx); err != nil {
			return err
		}
		page, explain := s.page(stretch{q.From, q.To}), "EXPLAIN "
		if d.kind == SQLite {
			explain += "QUERY PLAN "
		}
		return t.send(ctx, statement{explain + page.text, page.args, func(row scanner) error {
			var line string
			into := []any{&line}
			if d.kind == SQLite {
				into = []any{new(int), new(int), new(int), &line}
			}
			err := row.Scan(into...)
			lines = append(lines, line)
			return err
		}})
	})
	return lines, err
}

// ExplainEntries returns how PostgreSQL finds known events.
func (d *DB) ExplainEntries(ctx context.Context, ids []string) (lines []string, err error) {
	err = d.view(ctx, func(t *tx) error {
		lines, err = selectColumn[string](ctx, t, "EXPLAIN "+entriesQuery(), ids)
		return err
	})
	return lines, err
}

// ExplainReconcile returns how SQLite compares the totals with the log.
func (d *DB) ExplainReconcile(ctx context.Context) (lines []string, err error) {
	err = d.view(ctx, func(t *tx) error {
		for _, table := range t.totalsTables() {
			err := t.query(ctx, func(row scanner) error {
				var line string
				err := row.Scan(new(int), new(int), new(int), &line)
				lines = append(lines, line)
				return err
			}, "EXPLAIN QUERY PLAN "+table.comparison().statement())
			if err != nil {
				return err
			}
		}
		return nil
	})
	return lines, err
}

// Listen begins to listen for changes.
func Listen(d *DB) (told <-chan struct{}, open func() bool, stop func()) {
	e := d.listen(d)
	return e.told, e.open.Load, e.stop
}

// ListenAt listens for changes at a target, of which nothing is looked at.
func ListenAt(t Target) (stop func()) {
	d := &DB{target: t, dialect: dialectOf(PostgreSQL)}
	return d.listen(d).stop
}
