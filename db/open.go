package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// DB is an open database.
type DB struct {
	dialect
	target Target
	writer *sql.DB
	reader *sql.DB // the same pool as writer, except on a SQLite file

	catalogue catalogue

	rehearsal bool
	refused   error // what writing fails with; nil: it is allowed
}

// lockTimeout is how long a lock is waited for before that is an error.
const lockTimeout = 10 * time.Second

// Open opens a database whose schema must be there and fit this binary; if not,
// or if it can't be reached, that is an unavailable failure.
func Open(ctx context.Context, target Target) (*DB, error) {
	d, err := Inspect(ctx, target)
	if err != nil {
		return nil, err
	}
	if err := d.checkSchema(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Inspect opens a database whatever its schema. It never creates a file.
func Inspect(ctx context.Context, target Target) (*DB, error) {
	d, err := connect(ctx, target, "rw")
	if err == nil {
		_ = d.readRehearsal(ctx) // an older schema does not say: then it is a real one
	}
	return d, err
}

// createMode is the mode that makes a SQLite file where there is none.
const createMode = "rwc"

func connect(ctx context.Context, target Target, mode string) (*DB, error) {
	d := &DB{target: target, dialect: dialectOf(target.Kind)}
	if err := d.open(d, mode); err != nil {
		return nil, err
	}
	if err := d.reader.PingContext(ctx); err != nil {
		return nil, errors.Join(d.classify(err), d.Close())
	}
	return d, nil
}

// Create opens a database, makes a SQLite file that is not there, and brings the
// schema up to date. It returns the schema's version before and after.
func Create(ctx context.Context, target Target) (d *DB, before, after int64, err error) {
	if d, err = connect(ctx, target, createMode); err != nil {
		return nil, 0, 0, err
	}
	if before, after, err = d.migrate(ctx); err == nil {
		err = d.readRehearsal(ctx)
	}
	if err != nil {
		return nil, 0, 0, errors.Join(err, d.Close())
	}
	return d, before, after, nil
}

// Scratch makes an empty database of the target's kind, with a schema of its own,
// and returns it with the function that removes it: a temporary file, or a
// temporary schema in the same PostgreSQL database.
func Scratch(ctx context.Context, target Target) (*DB, func() error, error) {
	return dialectOf(target.Kind).scratch(ctx, target)
}

// Close closes the database.
func (d *DB) Close() error {
	err := d.writer.Close()
	if d.reader != d.writer {
		err = errors.Join(d.reader.Close(), err)
	}
	if d.ignoreCloseErrors {
		return nil
	}
	return err
}

// String returns what the database is, for messages; never a password.
func (d *DB) String() string { return fmt.Sprintf("%s (%s)", d.target.redacted, d.kind) }
