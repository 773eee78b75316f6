package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3/database"

	"github.com/alwrity/alwrity-sub/db/packedrows"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

func sqliteDialect() dialect {
	return dialect{
		kind:    SQLite,
		open:    openSQLite,
		scratch: scratchFile,
		backup:  copySQLite,
		// Unrewritten, SQLite would bind $n in the order of appearance.
		rebind: func(query string) string { return strings.ReplaceAll(query, "$", "?") },
		value:  sqliteValue,
		rowsOf: func(list, column string) string {
			return "(SELECT value AS " + column + " FROM json_each(" + list + "))"
		},
		list: func(texts []string) any { return jsonText(texts, false) },
		among: func(column, list string) string {
			return column + " IN (SELECT value FROM json_each(" + list + "))"
		},
		lockRows:        func(bool) string { return "" },
		briefly:         func(_ context.Context, _ *tx, fn func() error) error { return fn() }, // BEGIN has locked all
		lockTable:       func(string, string) string { return "" },
		softwareQuery:   "SELECT 'SQLite ' || sqlite_version(), 'UTF8'",
		sizeQuery:       "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
		classify:        classifySQLite,
		retry:           func(error) bool { return false },
		mayBegin:        mayBeginSQLite,
		listen:          deaf,
		goose:           database.DialectSQLite3,
		fileSetting:     journalWAL,
		migrateAlone:    func(_ context.Context, _ *DB, run func() error) error { return run() },
		isMigrationRace: isMigrationRace,
		shortUpdates:    true, // the driver would wait for an interruption in a goroutine of its own each time
		assume:          (*DB).once,
		rows:            50_000,
		writers:         1,
		goesOn:          true, // the file is locked for everyone anyway
		pause:           15 * time.Millisecond,
		dayOf:           "CAST(strftime('%Y%m%d', occurred_at / 1000000, 'unixepoch') AS INTEGER)",
		monthOf:         "CAST(strftime('%s', l.occurred_at / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000",
		minuteOfWeek:    "occurred_at / 60000000 % 10080",
		slots:           1,
		readEntries:     readEntriesSQLite,
		insertEntries:   insertEntriesSQLite,
		writeUsage:      writeApart,
		insertMany:      insertPacked,
		enoughRows:      fewRows,
		forgetIDs:       func(context.Context, *tx, plan.Month) error { return nil },
		removeMonth:     deleteMonth,
		restoreMonth: func(ctx context.Context, t *tx, _ plan.Month, fill fillMonth) error {
			return fill(func(batch []usage.Entry) error { return insertEntriesSQLite(ctx, t, batch) })
		},
	}
}

// journalWAL belongs to the file and is set once; every other setting belongs to a connection and is in its URL.
const journalWAL = "PRAGMA journal_mode = WAL"

// sqliteValue stores times as microseconds since 1970, and no time as NULL.
func sqliteValue(arg any) any {
	if t, ok := arg.(time.Time); ok {
		if t.IsZero() {
			return nil
		}
		return t.UnixMicro()
	}
	return arg
}

// openSQLite opens two pools: one connection that writes, whose transactions take the lock when they begin, so that
// none fails half way; and some that read beside it.
func openSQLite(d *DB, mode string) error {
	if err := checkPath(d.target.Path, mode); err != nil {
		return err
	}
	if err := packedrows.Register(); err != nil {
		return err
	}
	if mode == createMode && d.target.Path != "" {
		makePrivate(d.target.Path)
	}
	waiting := d.target.lockTimeoutMS()
	settings := url.Values{
		"mode": {mode}, "_foreign_keys": {"on"}, "_synchronous": {"FULL"}, "_txlock": {"immediate"},
		"_cache_size": {"-32768"}, "_stmt_cache_size": {"64"}, "_busy_timeout": {"0"}, // begin waits for the lock
	}
	if mode == createMode {
		settings.Set("_busy_timeout", waiting)
	}
	name := "file:" + (&url.URL{Path: d.target.Path}).EscapedPath()
	if d.target.Path == "" {
		name = "file::memory:"
		settings.Del("mode")
	}
	d.writer = sql.OpenDB(sqliteConnector{name + "?" + settings.Encode(), mode == createMode})
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

// makePrivate makes a file that only its owner may read: it holds what customers did. SQLite gives the files beside it
// the same permissions. That it can't be made is SQLite's to say.
func makePrivate(path string) {
	if file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = file.Close() // nothing was written
	}
}

// checkPath refuses a path at which there is no database file or, where one is to be made, no directory for it.
func checkPath(path, mode string) error {
	if path == "" {
		return nil
	}
	if mode == createMode {
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return failure.Unavailablef("the directory %s for the database file does not exist", filepath.Dir(path)).
				WithHint("create it, or check DATABASE_URL")
		}
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return failure.Unavailablef("there is no database at %s", path).WithReason("no_database_file")
	case err != nil:
		return failure.Unavailablef("the database file can't be opened: %s", err).
			WithHint("check its path and the permissions of its directory").Because(err)
	case info.IsDir():
		return failure.Unavailablef("%s is a directory and no database file", path).WithHint("check DATABASE_URL")
	}
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

// scratchFile makes a database in a temporary directory.
func scratchFile(ctx context.Context, _ Target) (*DB, func() error, error) {
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

// copySQLite writes a SQLite database into an empty file. VACUUM INTO does not copy the journal mode.
func copySQLite(ctx context.Context, d *DB, file string) error {
	if _, err := d.reader.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		return d.failure(ctx, err)
	}
	copied, err := connect(ctx, SQLiteFile(file), "rw")
	if err != nil {
		return err
	}
	_, err = copied.writer.ExecContext(ctx, journalWAL)
	return errors.Join(d.classify(err), copied.Close())
}

// classifySQLite turns what SQLite reports into a failure. What is none of the
// known cases stays as it is: a fault of the program.
func classifySQLite(err error) error {
	e, ok := errors.AsType[sqlite3.Error](err)
	if !ok {
		return err
	}
	text := e.Error()
	switch e.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return failure.Unavailablef("the database is locked: " +
			"another process has been writing to it for longer than 10 seconds").
			WithHint("try again; if it stays locked, look which process has the file open").Because(err)
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return failure.Unavailablef("the database can't be written: its file or directory is read-only").
			WithHint("check the permissions of the file, of its directory, " +
				"and of the files beside it that end in -wal and -shm").Because(err)
	case sqlite3.ErrNotADB, sqlite3.ErrCorrupt, sqlite3.ErrFormat:
		return failure.Unavailablef("the file is no usable SQLite database: %s", e.Code).
			WithHint("check the path in DATABASE_URL; if it is the right file, restore it from a backup").Because(err)
	case sqlite3.ErrCantOpen:
		return failure.Unavailablef("the database file can't be opened").
			WithHint("check its path and permissions").Because(err)
	case sqlite3.ErrFull, sqlite3.ErrIoErr:
		if e.Code == sqlite3.ErrFull || e.SystemErrno == syscall.ENOSPC {
			return failure.Unavailablef("the disk is full").WithHint("free some space and run the command again").Because(err)
		}
		return failure.Unavailablef("the database file can't be read or written: %s", text).
			WithHint("check the disk that the file is on").Because(err)
	}
	switch {
	case e.ExtendedCode == sqliteConstraintDatatype, strings.Contains(text, "integer overflow"):
		return tooLarge(err)
	case strings.Contains(text, "no such table"), strings.Contains(text, "no such column"):
		return schemaMissing().Because(err)
	}
	return err
}

// sqliteConstraintDatatype is SQLITE_CONSTRAINT_DATATYPE: a sum left the range
// of integers, and a STRICT table refuses the REAL that SQLite makes of it.
const sqliteConstraintDatatype = 3091

// isBusy tells whether another connection holds the lock of a file.
func isBusy(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
}

// isMigrationRace tells whether a migration failed since another one is under way, or has made its tables meanwhile.
func isMigrationRace(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && (isBusy(e) || strings.Contains(e.Error(), "already exists"))
}

// mayBeginSQLite asks for the lock of a file that another process holds again every few milliseconds: SQLite's own
// waiting sleeps longer and longer, so that of many processes some would never have their turn.
func mayBeginSQLite(err error, _ int, waited time.Duration, target Target) (again bool, wait time.Duration) {
	if !isBusy(err) || waited > target.lockTimeout() {
		return false, 0
	}
	longest := min(2*time.Millisecond+waited/16, 12*time.Millisecond)
	return true, time.Millisecond + rand.N(longest)
}

// deleteMonth removes the log rows of a month.
func deleteMonth(ctx context.Context, t *tx, month plan.Month) error {
	return t.do(ctx, "DELETE FROM api_usage_logs WHERE occurred_at >= $1 AND occurred_at < $2", month.Start(), month.End())
}

// SQLiteVersion returns the version of the SQLite that is embedded.
func SQLiteVersion() string {
	version, _, _ := sqlite3.Version()
	return version
}
