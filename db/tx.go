package db

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// maxAttempts is how often a transaction runs that the database, or a race for an
// event id, sends back.
const maxAttempts = 8

// tx is a transaction that reads and writes through the dialect.
type tx struct {
	*dialect
	conn      *sql.Conn // on which it runs, for what only the driver can do
	run       runner
	catalogue *catalogue
	version   int64          // of the catalogue; 0: not known yet
	months    []time.Time    // in which log rows were added
	pending   *pendingTotals // what they add to the totals, until that is written
	short     bool           // no statement of it lasts long enough to be interrupted
	begun     *sql.Tx        // nil: each statement is a transaction of its own
}

// runner runs single statements: a transaction, or a connection that is in one.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Update implements usage.Store.
func (d *DB) Update(ctx context.Context, users []string, now time.Time, fn func(usage.Tx) error) error {
	return d.update(ctx, func(t *tx) error {
		t.short = d.shortUpdates
		if err := t.Lock(ctx, users, now); err != nil {
			return err
		}
		return fn(t)
	})
}

// Assume implements usage.Store.
func (d *DB) Assume(ctx context.Context, fn func(usage.Tx) error) error {
	return d.attempts(ctx, d.assume, func(t *tx) error {
		t.short = d.shortUpdates
		return fn(t)
	})
}

// Load implements usage.Store. Large transactions change fewer pages, and have more rows in memory. SQLite's one writer
// leaves other processes a moment after each.
func (d *DB) Load() usage.Load {
	return usage.Load{Rows: d.rows, Pause: d.pause, GoesOn: d.goesOn, Writers: d.writers}
}

// View implements usage.Store.
func (d *DB) View(ctx context.Context, fn func(usage.Reader) error) error {
	return d.view(ctx, func(t *tx) error { return fn(t) })
}

// update runs fn in a transaction that writes.
func (d *DB) update(ctx context.Context, fn func(*tx) error) error {
	return d.attempts(ctx, (*DB).once, fn)
}

// attempts runs fn once, and again where the database sends it back.
func (d *DB) attempts(
	ctx context.Context, once func(d *DB, ctx context.Context, fn func(*tx) error) error, fn func(*tx) error,
) error {
	if d.refused != nil {
		return d.refused
	}
	var months []time.Time
	complete := func(t *tx) error {
		err := fn(t)
		months = t.months
		return err
	}
	var err error
	for attempt := range maxAttempts {
		err = once(d, ctx, complete)
		if isIDTaken(err) {
			err = errLostRace
		}
		if isPartitionMissing(err) {
			err = d.ensurePartitions(ctx, months)
			if err == nil {
				err = errPartitionMade
				continue
			}
		}
		if !errors.Is(err, errLostRace) && !d.retry(err) {
			break
		}
		if err := pause(ctx, time.Duration(rand.Int64N(int64(attempt+1)*int64(20*time.Millisecond)))); err != nil {
			return err
		}
	}
	if errors.Is(err, errLostRace) {
		err = failure.Unavailablef("other transactions recorded the same id again and again").
			WithHint("try again").Because(err)
	}
	return d.failure(ctx, err)
}

// pause waits, or returns the error of a context that ends before.
func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// view runs fn in a transaction that reads one state of the database.
func (d *DB) view(ctx context.Context, fn func(*tx) error) error {
	return d.failure(ctx, d.within(ctx, d.reader, &sql.TxOptions{ReadOnly: true}, fn))
}

// once runs fn in a transaction that writes, one time.
func (d *DB) once(ctx context.Context, fn func(*tx) error) error {
	return d.within(ctx, d.writer, nil, fn)
}

// within runs fn in a transaction.
func (d *DB) within(ctx context.Context, pool *sql.DB, options *sql.TxOptions, fn func(*tx) error) error {
	conn, sqlTx, err := d.begin(ctx, pool, options)
	if err != nil {
		return err
	}
	defer conn.Close()     // gives it back to the pool
	defer sqlTx.Rollback() // after a commit it does nothing, after an error that error counts
	t := &tx{dialect: &d.dialect, conn: conn, run: sqlTx, begun: sqlTx, catalogue: &d.catalogue}
	if err := fn(t); err != nil {
		return err
	}
	return sqlTx.Commit()
}

// withoutTransaction runs fn on PostgreSQL in no transaction but one that fn begins. If the server may have closed an
// idle connection, BEGIN finds out: with that nothing is lost.
func (d *DB) withoutTransaction(ctx context.Context, fn func(*tx) error) error {
	conn, err := d.writer.Conn(ctx)
	if err != nil {
		return err
	}
	t := &tx{dialect: &d.dialect, conn: conn, run: conn, catalogue: &d.catalogue}
	quiet := false
	err = t.onDriver(func(driverConn any) error {
		quiet = isQuiet(driverConn.(*postgresConn).dialer.link)
		return nil
	})
	if err != nil || !quiet {
		_ = conn.Close() // it goes back to the pool
		return d.once(ctx, fn)
	}
	defer conn.Close()
	defer func() {
		if t.begun != nil {
			_ = t.begun.Rollback() // after a commit it does nothing, after an error that error counts
		}
	}()
	if err := fn(t); err != nil || t.begun == nil {
		return err
	}
	return t.begun.Commit()
}

// begin begins a transaction, if none is under way.
func (t *tx) begin(ctx context.Context) error {
	if t.begun != nil {
		return nil
	}
	begun, err := t.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	t.begun, t.run = begun, begun
	return nil
}

// begin begins a transaction, on a connection of its own. What fails before anything was done in it may be tried again:
// mayBegin says so.
func (d *DB) begin(ctx context.Context, pool *sql.DB, options *sql.TxOptions) (*sql.Conn, *sql.Tx, error) {
	began := time.Now() //nolint:forbidigo // how long to wait is no matter of --now
	for attempt := 1; ; attempt++ {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return nil, nil, err
		}
		sqlTx, err := conn.BeginTx(ctx, options)
		if err == nil {
			return conn, sqlTx, nil
		}
		_ = conn.Close()                                                     // the error before it counts
		again, wait := d.mayBegin(err, attempt, time.Since(began), d.target) //nolint:forbidigo // as above
		if !again {
			return nil, nil, err
		}
		if err := pause(ctx, wait); err != nil {
			return nil, nil, err
		}
	}
}

// failure returns what went wrong as a failure. An interruption is told from the
// errors that it causes in the driver.
func (d *DB) failure(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return d.classify(err)
}

// onDriver calls do with the driver's own connection. Its error goes past database/sql: that closes a connection at
// driver.ErrBadConn, and waits for the end of the transaction to do so, which would be for ever.
func (t *tx) onDriver(do func(driverConn any) error) error {
	var failed error
	err := t.conn.Raw(func(driverConn any) error {
		failed = do(driverConn)
		return nil
	})
	return cmp.Or(err, failed)
}

// exec runs a statement, and returns how many rows it has changed.
func (t *tx) exec(ctx context.Context, query string, args ...any) (changed int64, err error) {
	result, err := t.run.ExecContext(t.interruptible(ctx), t.rebind(query), t.values(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t *tx) interruptible(ctx context.Context) context.Context {
	if t.short {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// do runs a statement whose result does not matter, if it is no error.
func (t *tx) do(ctx context.Context, query string, args ...any) error {
	_, err := t.exec(ctx, query, args...)
	return err
}

// statement is one of several reads that are declared together.
type statement struct {
	text string
	args []any
	scan func(row scanner) error // of each row
}

// send runs reads, one after another.
func (t *tx) send(ctx context.Context, statements ...statement) error {
	for _, s := range statements {
		if err := t.query(ctx, s.scan, s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// query runs a SELECT and calls scan for each row.
func (t *tx) query(ctx context.Context, scan func(row scanner) error, query string, args ...any) error {
	rows, err := t.run.QueryContext(t.interruptible(ctx), t.rebind(query), t.values(args)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// scanner is a row, as *sql.Rows is one.
type scanner interface{ Scan(dest ...any) error }

// moreColumns is a row with columns before those that somebody scans.
type moreColumns struct {
	scanner
	first []any
}

// Scan implements scanner.
func (m moreColumns) Scan(dest ...any) error { return m.scanner.Scan(append(m.first, dest...)...) }

func (t *tx) values(args []any) []any {
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = t.value(arg)
	}
	return values
}

func (t *tx) lock(ctx context.Context, table, mode string) error {
	statement := t.lockTable(table, mode)
	if statement == "" {
		return nil
	}
	return t.do(ctx, statement)
}

// chunkSize bounds how many values one statement lists.
const chunkSize = 500
