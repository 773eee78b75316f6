package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/alwrity/alwrity-sub/db/packedrows"
	"github.com/alwrity/alwrity-sub/failure"
)

// DB is an open database.
type DB struct {
	dialect
	target Target
	writer *sql.DB
	reader *sql.DB // the same pool as writer, except on a SQLite file

	catalogue catalogue
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
	if target.Kind == SQLite && target.Path != "" {
		if err := mustBeFile(target); err != nil {
			return nil, err
		}
	}
	return connect(ctx, target, "rw")
}

func mustBeFile(target Target) error {
	info, err := os.Stat(target.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return failure.Unavailablef("there is no database at %s", target.Path).WithReason("no_database_file")
	case err != nil:
		return failure.Unavailablef("the database file can't be opened: %s", err).
			WithHint("check its path and the permissions of its directory").Because(err)
	case info.IsDir():
		return failure.Unavailablef("%s is a directory and no database file", target.Path).WithHint("check DATABASE_URL")
	}
	return nil
}

func connect(ctx context.Context, target Target, mode string) (*DB, error) {
	d := &DB{target: target}
	var err error
	if target.Kind == SQLite {
		err = d.openSQLite(mode)
	} else {
		err = d.openPostgreSQL()
	}
	if err != nil {
		return nil, err
	}
	if err := d.reader.PingContext(ctx); err != nil {
		return nil, errors.Join(d.classify(err), d.Close())
	}
	return d, nil
}

// openSQLite opens two pools: one connection that writes, whose transactions take
// the lock when they begin, so that none fails half way; and some that read
// beside it.
func (d *DB) openSQLite(mode string) error {
	d.dialect = sqliteDialect()
	settings := url.Values{"_busy_timeout": {d.target.lockTimeoutMS()}, "_foreign_keys": {"on"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"}, "_cache_size": {"-65536"}, "_stmt_cache_size": {"64"}, "mode": {mode}}
	name := "file:" + (&url.URL{Path: d.target.Path}).EscapedPath()
	if d.target.Path == "" {
		name = "file::memory:"
		settings.Del("mode")
	}
	if err := packedrows.Register(); err != nil {
		return err
	}
	waiting := settings.Get("_busy_timeout")
	if mode != "rwc" {
		settings.Set("_busy_timeout", "0") // begin waits for the lock
	}
	d.writer = sql.OpenDB(sqliteConnector{name + "?" + settings.Encode(), mode == "rwc"})
	d.writer.SetMaxOpenConns(1)
	d.reader = d.writer
	if d.target.Path == "" {
		return nil
	}
	settings.Set("_txlock", "deferred")
	settings.Set("_busy_timeout", waiting)
	// Readers look at a page once. What has to be cleared away is used again while it is
	// still in the processor's cache, and no memory has to be asked for.
	settings.Set("_cache_size", "-4096")
	d.reader = sql.OpenDB(sqliteConnector{name + "?" + settings.Encode(), false})
	d.reader.SetMaxOpenConns(4)
	return nil
}

// sqliteConnector opens connections to one SQLite database.
type sqliteConnector struct {
	name string
	// migrates gives them what migrations use.
	migrates bool
}

// Connect implements driver.Connector.
func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	return c.Driver().Open(c.name)
}

// Driver implements driver.Connector.
func (c sqliteConnector) Driver() driver.Driver {
	if !c.migrates {
		return &sqlite3.SQLiteDriver{}
	}
	return &sqlite3.SQLiteDriver{ConnectHook: func(conn *sqlite3.SQLiteConn) error {
		return conn.RegisterFunc("event_key", eventKey, true)
	}}
}

// Create opens a database, makes a SQLite file that is not there, and brings the
// schema up to date. It returns the schema's version before and after.
func Create(ctx context.Context, target Target) (d *DB, before, after int64, err error) {
	if target.Kind == SQLite && target.Path != "" {
		if info, statErr := os.Stat(filepath.Dir(target.Path)); statErr != nil || !info.IsDir() {
			return nil, 0, 0, failure.Unavailablef("the directory %s for the database file does not exist", filepath.Dir(target.Path)).
				WithHint("create it, or check DATABASE_URL")
		}
	}
	if d, err = connect(ctx, target, "rwc"); err != nil {
		return nil, 0, 0, err
	}
	if before, after, err = d.migrate(ctx); err != nil {
		return nil, 0, 0, errors.Join(err, d.Close())
	}
	return d, before, after, nil
}

// Scratch makes an empty database of the target's kind, with a schema of its own,
// and returns it with the function that removes it: a temporary file, or a
// temporary schema in the same PostgreSQL database.
func Scratch(ctx context.Context, target Target) (*DB, func() error, error) {
	if target.Kind == SQLite {
		return scratchFile(ctx)
	}
	suffix := make([]byte, 6)
	if _, err := rand.Read(suffix); err != nil {
		return nil, nil, err
	}
	schema := "alwrity_scratch_" + hex.EncodeToString(suffix)
	parent, err := connect(ctx, target, "")
	if err != nil {
		return nil, nil, err
	}
	if _, err := parent.writer.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return nil, nil, errors.Join(parent.classify(err), parent.Close())
	}
	drop := func() error {
		_, err := parent.writer.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE")
		return errors.Join(err, parent.Close())
	}
	d, _, _, err := Create(ctx, target.withSchema(schema))
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return d, func() error { return errors.Join(d.Close(), drop()) }, nil
}

func scratchFile(ctx context.Context) (*DB, func() error, error) {
	dir, err := os.MkdirTemp("", "alwrity-sub-")
	if err != nil {
		return nil, nil, failure.Unavailablef("no temporary directory can be made: %s", err)
	}
	d, _, _, err := Create(ctx, SQLiteFile(filepath.Join(dir, "scratch.db")))
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return d, func() error { return errors.Join(d.Close(), os.RemoveAll(dir)) }, nil
}

// Close closes the database.
func (d *DB) Close() error {
	if d.kind == PostgreSQL {
		// A connection that is broken can't say goodbye, and has nothing to lose.
		_ = d.writer.Close()
		return nil
	}
	if d.reader == d.writer {
		return d.writer.Close()
	}
	var err error
	if d.reader != nil {
		err = d.reader.Close()
	}
	return errors.Join(err, d.writer.Close())
}

// String returns what the database is, for messages; never a password.
func (d *DB) String() string { return fmt.Sprintf("%s (%s)", d.target.redacted, d.kind) }

// SQLiteVersion returns the version of the SQLite that is embedded.
func SQLiteVersion() string {
	version, _, _ := sqlite3.Version()
	return version
}
