package db

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"slices"
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
	tx *sql.Tx
}

// Update implements usage.Store.
func (d *DB) Update(ctx context.Context, users []string, now time.Time, fn func(usage.Tx) error) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.lockUsers(ctx, users, now); err != nil {
			return err
		}
		return fn(t)
	})
}

// View implements usage.Store.
func (d *DB) View(ctx context.Context, fn func(usage.Reader) error) error {
	return d.view(ctx, func(t *tx) error { return fn(t) })
}

// update runs fn in a transaction that writes.
func (d *DB) update(ctx context.Context, fn func(*tx) error) error {
	var options *sql.TxOptions
	if d.kind == PostgreSQL {
		// A transaction that has waited for a lock must read what the one before it
		// wrote, whatever the server's default is.
		options = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	var err error
	for attempt := range maxAttempts {
		if err = d.once(ctx, d.writer, options, fn); !errors.Is(err, errLostRace) && !d.retry(err) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(rand.Int64N(int64(attempt+1) * int64(20*time.Millisecond)))):
		}
	}
	if errors.Is(err, errLostRace) {
		err = failure.Unavailablef("other transactions recorded the same id again and again").WithHint("try again").Because(err)
	}
	return d.failure(ctx, err)
}

// view runs fn in a transaction that reads one state of the database.
func (d *DB) view(ctx context.Context, fn func(*tx) error) error {
	var options *sql.TxOptions
	if d.kind == PostgreSQL {
		options = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return d.failure(ctx, d.once(ctx, d.reader, options, fn))
}

func (d *DB) once(ctx context.Context, pool *sql.DB, options *sql.TxOptions, fn func(*tx) error) error {
	sqlTx, err := pool.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer sqlTx.Rollback() // after a commit it does nothing, after an error that error counts
	if err := fn(&tx{&d.dialect, sqlTx}); err != nil {
		return err
	}
	return sqlTx.Commit()
}

// failure returns what went wrong as a failure. An interruption is told from the
// errors that it causes in the driver.
func (d *DB) failure(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return d.classify(err)
}

func (t *tx) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, t.rebind(query), t.values(args)...)
}

// query runs a SELECT and calls scan for each row.
func (t *tx) query(ctx context.Context, scan func(row scanner) error, query string, args ...any) error {
	rows, err := t.tx.QueryContext(ctx, t.rebind(query), t.values(args)...)
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
	_, err := t.exec(ctx, statement)
	return err
}

// lockUsers locks the rows of users, and adds those that are new. They are locked
// in one order by everyone, so that a deadlock is rare; one is run again.
func (t *tx) lockUsers(ctx context.Context, users []string, now time.Time) error {
	users = slices.Clone(users)
	slices.Sort(users)
	users = slices.Compact(users)
	for chunk := range slices.Chunk(users, chunkSize) {
		found, err := t.selectUsers(ctx, chunk)
		if err != nil {
			return err
		}
		if found == len(chunk) {
			continue
		}
		if err := t.insertUsers(ctx, chunk, now); err != nil {
			return err
		}
		if _, err := t.selectUsers(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

// chunkSize bounds how many values one statement lists.
const chunkSize = 500

func (t *tx) selectUsers(ctx context.Context, users []string) (int, error) {
	found := 0
	err := t.query(ctx, func(row scanner) error {
		found++
		return row.Scan(new(string))
	}, "SELECT user_id FROM users WHERE user_id IN ("+placeholders(1, len(users))+") ORDER BY user_id"+t.forUpdate, anys(users)...)
	return found, err
}

func (t *tx) insertUsers(ctx context.Context, users []string, now time.Time) error {
	args := make([]any, 0, 2*len(users))
	for _, user := range users {
		args = append(args, user, now)
	}
	_, err := t.exec(ctx, "INSERT INTO users (user_id, created_at) VALUES "+valueList(len(users), 2)+" ON CONFLICT (user_id) DO NOTHING", args...)
	return err
}

func anys(texts []string) []any {
	args := make([]any, len(texts))
	for i, text := range texts {
		args[i] = text
	}
	return args
}
