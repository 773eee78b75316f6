package db_test

import (
	"testing"

	"github.com/alwrity/alwrity-sub/db/dbtest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	dbtest.RunCreate(t, dbtest.SQLite)
	dbtest.Run(t, dbtest.PreparedSQLite)
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	dbtest.PostgreSQLURL(t) // skip all of it at once
	dbtest.RunCreate(t, dbtest.PostgreSQL)
	dbtest.Run(t, dbtest.Prepared(t))
}

// The server's default isolation must not matter: a transaction that waited for a
// user's lock and then read an old snapshot would overshoot every limit.
func TestPostgreSQLOfAnotherIsolation(t *testing.T) {
	t.Parallel()
	dbtest.PostgreSQLURL(t)
	fresh := dbtest.Prepared(t)
	dbtest.RunCreate(t, func(t testing.TB) dbtest.Place {
		return dbtest.PostgreSQL(t).WithDefaultIsolation(t, "repeatable read")
	})
	dbtest.RunRaces(t, func(t testing.TB) dbtest.Place {
		return fresh(t).WithDefaultIsolation(t, "repeatable read")
	})
}
