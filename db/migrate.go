package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/alwrity/alwrity-sub/failure"
)

//go:embed migrations
var migrationFiles embed.FS

// versionTable is where goose notes which migrations have been applied.
const versionTable = "schema_versions"

// SchemaVersion is the version of the schema that this binary works with: the
// number of the last migration.
const SchemaVersion = 22

// migrate brings the schema up to date, one process at a time. On SQLite those who
// begin at once get in each other's way, also where SQLite waits for no lock (a
// change of the journal mode): they try again until one has done the work.
func (d *DB) migrate(ctx context.Context) (before, after int64, err error) {
	patience, cancel := context.WithTimeout(ctx, d.target.lockTimeout())
	defer cancel()
	for {
		was, _ := d.schemaVersion(ctx) // if that fails, so will what follows
		before, after, err = d.migrateOnce(ctx)
		if err == nil || patience.Err() != nil {
			return before, after, err
		}
		if is, readErr := d.schemaVersion(ctx); !d.isMigrationRace(err) && (readErr != nil || is == was) {
			return before, after, err
		}
		_ = pause(patience, 20*time.Millisecond) // once more, when its time is up
	}
}

func (d *DB) migrateOnce(ctx context.Context) (before, after int64, err error) {
	if d.fileSetting != "" {
		if _, err := d.writer.ExecContext(ctx, d.fileSetting); err != nil {
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

// migrations returns what runs the migrations.
func (d *DB) migrations() (*goose.Provider, error) {
	files, err := fs.Sub(migrationFiles, "migrations/"+string(d.kind))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(d.goose, d.writer, files, goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true))
}

func (d *DB) runMigrations(ctx context.Context) error {
	provider, err := d.migrations()
	if err != nil {
		return err
	}
	return d.migrateAlone(ctx, d, func() error {
		_, err := provider.Up(ctx)
		return err
	})
}

// schemaVersion returns the number of the last migration that was applied, 0
// where there is none yet.
func (d *DB) schemaVersion(ctx context.Context) (int64, error) {
	var version sql.NullInt64
	err := d.reader.QueryRowContext(ctx, "SELECT MAX(version_id) FROM "+versionTable).Scan(&version)
	if err == nil {
		return version.Int64, nil
	}
	if err = d.classify(err); failure.Is(err, failure.Unavailable) && isSchemaMissing(err) {
		return 0, d.checkSearchPath(ctx)
	}
	return 0, err
}

// checkSearchPath refuses a search_path that names no schema: there is no place for tables, and whoever looks for some
// finds none, though others of the database may have them.
func (d *DB) checkSearchPath(ctx context.Context) error {
	if d.kind != PostgreSQL {
		return nil
	}
	var there bool
	err := d.reader.QueryRowContext(ctx, "SELECT current_schema() IS NOT NULL").Scan(&there)
	if err != nil {
		return d.classify(err)
	}
	if !there {
		return noSchema()
	}
	return nil
}

// checkEncoding refuses a database that can't keep every text.
func (d *DB) checkEncoding(ctx context.Context) error {
	var version, encoding string
	err := d.view(ctx, func(t *tx) error {
		return t.query(ctx, into(&version, &encoding), d.softwareQuery)
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
		return failure.Unavailablef(
			"the tables in %s have not been created yet, or are out of date (schema %d, needed is %d)",
			d.target.redacted, version, int64(SchemaVersion)).WithReason("not_initialized").Because(failure.ErrOtherSchema)
	case version > SchemaVersion:
		return d.tooNew(version)
	}
	return nil
}

func (d *DB) tooNew(version int64) error {
	return failure.Unavailablef("the tables in %s were made by a newer alwrity-sub (schema %d, this one knows %d)",
		d.target.redacted, version, int64(SchemaVersion)).
		WithHint("use a newer version of alwrity-sub").Because(failure.ErrOtherSchema)
}
