package db

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"github.com/alwrity/alwrity-sub/failure"
)

func postgresDialect() dialect {
	return dialect{
		kind:              PostgreSQL,
		open:              func(d *DB, _ string) error { return d.openPostgreSQL() },
		ignoreCloseErrors: true,
		scratch:           scratchSchema,
		backup:            dump,
		rebind:            func(query string) string { return query },
		value:             postgresValue,
		rowsOf:            func(list, column string) string { return "unnest(" + list + "::text[]) AS " + column },
		list:              func(texts []string) any { return texts },
		briefly:           briefly,
		lockTable:         func(table, mode string) string { return "LOCK TABLE " + table + " IN " + mode + " MODE" },
		among:             func(column, list string) string { return column + " = ANY(" + list + ")" },
		lockRows:          lockRowsPostgreSQL,
		walkIndex:         []string{"SET LOCAL enable_sort = off", "SET LOCAL jit = off"},
		softwareQuery:     "SELECT 'PostgreSQL ' || current_setting('server_version'), current_setting('server_encoding')",
		sizeQuery:         "SELECT pg_database_size(current_database())",
		ownTables:         []string{"usage_event_ids"},
		classify:          classifyPostgreSQL,
		retry:             retryPostgreSQL,
		mayBegin:          mayBeginPostgreSQL,
		listen:            listenPostgreSQL,
		goose:             database.DialectPostgres,
		migrateAlone:      migrateAlone,
		isMigrationRace:   retryPostgreSQL,
		assume:            (*DB).withoutTransaction,
		rows:              16_000,
		writers:           2,
		dayOf:             "CAST(to_char(occurred_at AT TIME ZONE 'UTC', 'YYYYMMDD') AS BIGINT)",
		monthOf:           "date_trunc('month', l.occurred_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'",
		minuteOfWeek:      "CAST(FLOOR(EXTRACT(EPOCH FROM occurred_at) / 60) AS BIGINT) % 10080",
		slots:             16,
		readEntries:       readEntriesPostgreSQL,
		insertEntries:     insertEntriesPostgreSQL,
		writeUsage:        writePostgreSQL,
		insertMany:        insertArrays,
		forgetIDs:         forgetIDs,
		removeMonth:       dropPartition,
		restoreMonth:      restorePartition,
	}
}

func lockRowsPostgreSQL(skipLocked bool) string {
	if skipLocked {
		return " FOR UPDATE SKIP LOCKED"
	}
	return " FOR UPDATE"
}

func postgresValue(arg any) any {
	switch v := arg.(type) {
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.UTC()
	case []byte: // as text: lib/pq takes bytes for a value in binary
		return string(v)
	}
	return arg
}

// scratchSchema makes a schema of its own in a database.
func scratchSchema(ctx context.Context, target Target) (*DB, func() error, error) {
	parent, err := connect(ctx, target, "")
	if err != nil {
		return nil, nil, err
	}
	schema := "alwrity_scratch_" + strings.ToLower(rand.Text())
	if _, err := parent.writer.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return nil, nil, errors.Join(parent.classify(err), parent.Close())
	}
	drop := func() error {
		_, err := parent.writer.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE")
		return errors.Join(err, parent.Close())
	}
	target.schema = schema
	d, _, _, err := Create(ctx, target)
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return d, func() error { return errors.Join(d.Close(), drop()) }, nil
}

// dump runs pg_dump, which is what PostgreSQL's own tools restore from. The
// password goes through the environment, where no list of processes shows it.
func dump(ctx context.Context, d *DB, file string) error {
	path, err := exec.LookPath("pg_dump")
	if err != nil {
		return failure.Unavailablef("a backup of PostgreSQL needs pg_dump, and it is not installed").
			WithHint("install the package postgresql-client, or run pg_dump where the server is").Because(err)
	}
	dsn, password, err := d.target.withoutPassword()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, path, "--format=custom", "--no-owner", "--file="+file, "--dbname="+dsn)
	if password != "" {
		command.Env = append(command.Environ(), "PGPASSWORD="+password)
	}
	if output, err := command.CombinedOutput(); err != nil {
		return failure.Unavailablef("pg_dump failed: %s", output).Because(err)
	}
	return nil
}

// errMigrating says that another process is at work on the tables.
var errMigrating = errors.New("another process migrates")

const (
	migrationWait      = 100 * time.Millisecond
	mostMigrationWaits = int(5 * time.Minute / migrationWait)
)

// migrateAlone runs migrations while no other process does. The lock is that of a transaction beside them and not of a
// session, which a pooler would not keep; and nobody waits for it within a transaction, which would keep a connection
// of the pooler from the one who has it. Its number is goose's own, for versions before this one.
func migrateAlone(ctx context.Context, d *DB, run func() error) error {
	for range mostMigrationWaits {
		err := d.once(ctx, func(t *tx) error {
			free := false
			err := t.query(ctx, into(&free), "SELECT pg_try_advisory_xact_lock($1)", lock.DefaultLockID)
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

// briefly gives fn 50 milliseconds for each lock that it has to wait for.
func briefly(ctx context.Context, t *tx, fn func() error) error {
	var usual string
	err := t.query(ctx, into(&usual), "SELECT current_setting('lock_timeout')")
	for _, statement := range []string{"SAVEPOINT briefly", "SET LOCAL lock_timeout = 50"} {
		if err == nil {
			err = t.do(ctx, statement)
		}
	}
	if err != nil {
		return err
	}
	switch err := fn(); {
	case stateOf(err) == "55P03":
		return cmp.Or(t.do(ctx, "ROLLBACK TO SAVEPOINT briefly"), errBusy)
	case err != nil:
		return err
	}
	return t.do(ctx, "SELECT set_config('lock_timeout', $1, TRUE)", usual)
}
