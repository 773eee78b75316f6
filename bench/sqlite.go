package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/db"
)

// logTable is the log, in both databases. The events of a sample all differ in time,
// so logOrder is the order of their file.
const (
	logTable = "api_usage_logs"
	logOrder = "occurred_at"
)

// sqlite3 runs statements and dot commands in SQLite's shell, the peer on SQLite.
func (l *lab) sqlite3(ctx context.Context, path string, commands ...string) (ran, error) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		return ran{}, skipped("the sqlite3 shell is not installed (Debian, Ubuntu: apt-get install sqlite3)")
	}
	return l.run(ctx, nil, "sqlite3", append([]string{"-batch", "-bail", "-csv", path}, commands...)...)
}

// removeSQLite removes a database file and what SQLite keeps beside it.
func removeSQLite(path string) error {
	for _, file := range []string{path, path + "-wal", path + "-shm", path + "-journal"} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// csvFile returns the log of a filled database as a CSV file, made the first time.
func (l *lab) csvFile(ctx context.Context, f *filled) (string, error) {
	if f.csv != "" {
		return f.csv, nil
	}
	file := l.path(string(f.database.kind) + "-" + f.sample.name() + ".csv")
	rows := "SELECT * FROM " + logTable + " ORDER BY " + logOrder
	var err error
	if f.database.kind == db.SQLite {
		_, err = l.sqlite3(ctx, f.path, ".once "+quoted(file), rows)
	} else {
		_, err = l.psql(ctx, f.database, "-c", `\copy (`+rows+") TO "+quoted(file)+" CSV")
	}
	if err != nil {
		return "", err
	}
	f.csv = file
	return file, nil
}

// sqliteLogSchema returns the statements that make the log table and its indexes, as
// they stand in a database of ours: so the peer follows every change of the schema.
func (l *lab) sqliteLogSchema(ctx context.Context, path string) (string, error) {
	r, err := l.sqlite3(ctx, path, ".mode list", ".separator '' '\n'",
		"SELECT sql || ';' FROM sqlite_schema WHERE tbl_name = '"+
			logTable+"' AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC, rowid")
	return string(r.out), err
}

// sqlitePeer imports the same rows with `.import` into a fresh file that has the
// identical table and indexes, and returns rows a second.
func (l *lab) sqlitePeer(ctx context.Context, f *filled, journal string) (float64, error) {
	csv, err := l.csvFile(ctx, f)
	if err != nil {
		return 0, err
	}
	schema, err := l.sqliteLogSchema(ctx, f.path)
	if err != nil {
		return 0, err
	}
	path := l.path("peer.db")
	if err := removeSQLite(path); err != nil {
		return 0, err
	}
	if _, err := l.sqlite3(ctx, path, "PRAGMA journal_mode = "+journal, schema); err != nil {
		return 0, err
	}
	if err := l.settle(ctx, db.SQLite); err != nil {
		return 0, err
	}
	r, err := l.sqlite3(ctx, path, ".import "+quoted(csv)+" "+logTable)
	if err != nil {
		return 0, err
	}
	if err := l.checkCount(ctx, path, f.sample.rows, r); err != nil {
		return 0, err
	}
	rate := float64(f.sample.rows) / r.wall.Seconds()
	l.say("sqlite3 .import, journal mode %s: %s rows/s", journal, figure(rate))
	return rate, removeSQLite(path)
}

// checkCount makes sure that the peer has done the whole work: the shell says what it
// could not import and goes on.
func (l *lab) checkCount(ctx context.Context, path string, rows int, imported ran) error {
	r, err := l.sqlite3(ctx, path, "SELECT count(*) FROM "+logTable)
	if err != nil {
		return err
	}
	if count := strings.TrimSpace(string(r.out)); count != strconv.Itoa(rows) {
		return fmt.Errorf("sqlite3 .import took %s of %d rows: %s", count, rows, lastOf(imported.err))
	}
	return nil
}

// quoted puts a path into single quotes, as both shells read them.
func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", "''") + "'" }
