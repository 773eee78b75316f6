package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"github.com/alwrity/alwrity-sub/failure"
)

//go:embed migrations
var migrations embed.FS

// versionTable is where goose notes which migrations have been applied.
const versionTable = "schema_versions"

// SchemaVersion is the version of the schema that this binary works with: the
// number of the last migration.
const SchemaVersion = 9

// migrate brings the schema up to date, one process at a time. On SQLite those who
// begin at once get in each other's way, also where SQLite waits for no lock (a
// change of the journal mode): they try again until one has done the work.
func (d *DB) migrate(ctx context.Context) (before, after int64, err error) {
	patience, cancel := context.WithTimeout(ctx, d.target.lockTimeout())
	defer cancel()
	for {
		was, _ := d.schemaVersion(ctx) // if that fails, so will what follows
		before, after, err = d.migrateOnce(ctx)
		if err == nil || !d.mayMigrateAgain(ctx, was, err) || patience.Err() != nil {
			return before, after, err
		}
		select {
		case <-patience.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// mayMigrateAgain tells whether a migration that failed may find its way on: another one
// was in the way, or has done a part of the work meanwhile, or there was a deadlock with
// those who are recording.
func (d *DB) mayMigrateAgain(ctx context.Context, was int64, err error) bool {
	if d.kind != SQLite {
		return d.retry(err)
	}
	is, readErr := d.schemaVersion(ctx)
	return inTheWay(err) || readErr == nil && is > was
}

// inTheWay tells whether an error of a migration comes of another one beside it.
func inTheWay(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked || strings.Contains(e.Error(), "already exists"))
}

func (d *DB) migrateOnce(ctx context.Context) (before, after int64, err error) {
	if d.kind == SQLite && d.target.Path != "" {
		// The journal mode belongs to the file and is set once; every other setting
		// belongs to a connection and is in its URL.
		if _, err := d.writer.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
			return 0, 0, d.classify(err)
		}
	}
	if before, err = d.schemaVersion(ctx); err != nil {
		return 0, 0, err
	}
	if before > SchemaVersion {
		return 0, 0, d.tooNew(before)
	}
	if before == SchemaVersion {
		return before, before, nil
	}
	if before == 0 { // a database that has tables already is left to doctor
		if err := d.checkEncoding(ctx); err != nil {
			return 0, 0, err
		}
	}
	err = d.runMigrations(ctx)
	// SQLite has no lock that spans migrations: whoever fails may find the work
	// done by another.
	if after, versionErr := d.schemaVersion(ctx); versionErr == nil && after == SchemaVersion {
		return before, after, nil
	}
	if err == nil {
		err = errors.New("the schema is not up to date after its migration")
	}
	return 0, 0, d.classify(err)
}

func (d *DB) runMigrations(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations/"+string(d.kind))
	if err != nil {
		return err
	}
	gooseDialect, alone := database.DialectSQLite3, func(run func() error) error { return run() }
	if d.kind == PostgreSQL {
		gooseDialect = database.DialectPostgres
		alone = func(run func() error) error { return d.migrateAlone(ctx, run) }
	}
	provider, err := goose.NewProvider(gooseDialect, d.writer, files, goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	return alone(func() error {
		_, err := provider.Up(ctx)
		return err
	})
}

// errMigrating says that another process is at work on the tables.
var errMigrating = errors.New("another process migrates")

// migrateAlone runs migrations while no other process does, on PostgreSQL. The lock is that of a transaction beside
// them and not of a session, which a pooler would not keep; and nobody waits for it within a transaction, which would
// keep a connection of the pooler from the one who has it. Its number is goose's own, for versions before this one.
func (d *DB) migrateAlone(ctx context.Context, run func() error) error {
	for range mostMigrationWaits {
		err := d.once(ctx, func(t *tx) error {
			free := false
			err := t.query(ctx, func(row scanner) error { return row.Scan(&free) },
				"SELECT pg_try_advisory_xact_lock($1)", lock.DefaultLockID)
			if err == nil && !free {
				err = errMigrating
			}
			if err == nil {
				err = t.do(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0")
			}
			if err != nil {
				return err
			}
			return run()
		})
		if !errors.Is(err, errMigrating) {
			return err
		}
		if err := pause(ctx, migrationWait); err != nil {
			return err
		}
	}
	return failure.Unavailablef("another process has been at work on the tables for 5 minutes").
		WithHint("try again once it is done").Because(errMigrating)
}

const (
	migrationWait      = 100 * time.Millisecond
	mostMigrationWaits = int(5 * time.Minute / migrationWait)
)

// schemaVersion returns the number of the last migration that was applied, 0
// where there is none yet.
func (d *DB) schemaVersion(ctx context.Context) (int64, error) {
	var version sql.NullInt64
	err := d.reader.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+versionTable).Scan(&version)
	if err == nil {
		return version.Int64, nil
	}
	if err = d.classify(err); failure.Is(err, failure.Unavailable) && isSchemaMissing(err) {
		return 0, nil
	}
	return 0, err
}

// checkEncoding refuses a database that can't keep every text.
func (d *DB) checkEncoding(ctx context.Context) error {
	var version, encoding string
	err := d.view(ctx, func(t *tx) error {
		return t.query(ctx, func(row scanner) error { return row.Scan(&version, &encoding) }, d.softwareQuery)
	})
	if err == nil && encoding != "UTF8" {
		return notUTF8(encoding)
	}
	return err
}

func isSchemaMissing(err error) bool {
	var f *failure.Error
	return errors.As(err, &f) && f.Message == schemaMissing().Message
}

func (d *DB) checkSchema(ctx context.Context) error {
	version, err := d.schemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case version < SchemaVersion:
		return failure.Unavailablef("the tables in %s have not been created yet, or are out of date (schema %d, needed is %d)",
			d.target.redacted, version, int64(SchemaVersion)).WithReason("not_initialized")
	case version > SchemaVersion:
		return d.tooNew(version)
	}
	return nil
}

func (d *DB) tooNew(version int64) error {
	return failure.Unavailablef("the tables in %s were made by a newer alwrity-sub (schema %d, this one knows %d)",
		d.target.redacted, version, int64(SchemaVersion)).WithHint("use a newer version of alwrity-sub")
}
