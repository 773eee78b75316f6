package db

import (
	"database/sql"
	"time"
)

// Impatient returns the target with a short wait for locks.
func Impatient(t Target) Target {
	t.patience = 100 * time.Millisecond
	return t
}

// DSN returns the URL that pgx gets.
func (t Target) DSN() string { return t.dsn }

// WithoutPassword returns what pg_dump gets.
func (t Target) WithoutPassword() (dsn, password string, err error) { return t.withoutPassword() }

// Pool returns the connections that write.
func (d *DB) Pool() *sql.DB { return d.writer }

// Classify returns the failure that an error of the driver becomes.
func (d *DB) Classify(err error) error { return d.classify(err) }

// Retry tells whether a transaction that failed so runs again.
func (d *DB) Retry(err error) bool { return d.retry(err) }

// QuietBetween tells whether, of the transactions that have ended between two snapshots
// as PostgreSQL writes them, all are our own.
func QuietBetween(before, after string, own ...int64) (bool, error) {
	first, err := parseSnapshot(before)
	if err != nil {
		return false, err
	}
	then, err := parseSnapshot(after)
	if err != nil {
		return false, err
	}
	numbers := map[int64]bool{}
	for _, n := range own {
		numbers[n] = true
	}
	return first.until(then, numbers), nil
}
