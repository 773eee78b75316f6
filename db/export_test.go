package db

import "time"

// Impatient returns the target with a short wait for locks.
func Impatient(t Target) Target {
	t.patience = 100 * time.Millisecond
	return t
}

// DSN returns what lib/pq gets.
func (t Target) DSN() string { return t.dsn }

// WithoutPassword returns what pg_dump gets.
func (t Target) WithoutPassword() (dsn, password string, err error) { return t.withoutPassword() }
