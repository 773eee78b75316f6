package db_test

import (
	"testing"

	"github.com/alwrity/alwrity-sub/db/dbtest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, dbtest.SQLite)
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	dbtest.PostgreSQLURL(t) // skip all of it at once
	dbtest.Run(t, dbtest.PostgreSQL)
}
