// Package dbtest is the conformance suite of the storage: what every database
// behind package db has to do, and to do alike. Each test gets an empty database
// of its own.
package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
)

// Place is an empty database that belongs to one test.
type Place struct {
	Kind   db.Kind
	URL    string // as DATABASE_URL has it
	Target db.Target
	// SQL reaches into the tables behind the store's back.
	SQL *sql.DB
}

// SQLite returns the place of a SQLite file that is not there yet.
func SQLite(t testing.TB) Place {
	file := filepath.Join(t.TempDir(), "test.db")
	return place(t, "sqlite:///"+file, openBehind(t, "sqlite3", "file:"+file+"?_busy_timeout=10000&mode=rw"))
}

// PreparedSQLite returns the place of a SQLite file in which the tables are there already: a copy of one that is made
// once, which costs a fraction of making them for each test.
func PreparedSQLite(t testing.TB) Place {
	t.Helper()
	p := SQLite(t)
	WriteTables(t, p.Target.Path)
	return p
}

// WriteTables writes a SQLite file with the tables and nothing in them.
func WriteTables(t testing.TB, file string) {
	t.Helper()
	content, err := tables()
	if err == nil {
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tables is the content of a SQLite file with the tables and nothing in them.
var tables = sync.OnceValues(func() ([]byte, error) { //nolint:gochecknoglobals // made once for all tests
	dir, err := os.MkdirTemp("", "alwrity-tables-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "tables.db")
	d, _, _, err := db.Create(context.Background(), db.SQLiteFile(file))
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil { // what is in the log goes to the file
		return nil, err
	}
	return os.ReadFile(file)
})

// Memory returns a place in memory: only what its one handle creates is there, and
// nothing can reach behind it.
func Memory(t testing.TB) Place { return place(t, "sqlite://", nil) }

// PostgreSQL returns an empty schema in the database that tests may use. It is
// dropped when the test ends.
func PostgreSQL(t testing.TB) Place {
	base, err := url.Parse(PostgreSQLURL(t))
	if err != nil {
		t.Fatal("ALWRITY_TEST_POSTGRES_URL can't be read")
	}
	schema := ownName("test")
	query := base.Query()
	query.Set("search_path", schema)
	query.Set("connect_timeout", "3600") // no machine is too slow
	if !query.Has("sslmode") {
		query.Set("sslmode", "prefer") // a test turns TLS off for a while
	}
	base.RawQuery = query.Encode()
	behind := openBehind(t, "postgres", base.String())
	if _, err := behind.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := behind.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Errorf("the schema of the test is left over: %s", err)
		}
	})
	return place(t, base.String(), behind)
}

// ownName is a name on the server that nothing else has.
func ownName(purpose string) string { return "alwrity_" + purpose + "_" + strings.ToLower(rand.Text()) }

// Prepared returns how to make copies of a PostgreSQL database in which the tables are there already: that costs a
// fraction of making them for each test.
func Prepared(t testing.TB) func(testing.TB) Place {
	t.Helper()
	server, template := PostgreSQL(t), ownName("template")
	d, _, _, err := db.Create(t.Context(), server.Database(t, template).Target)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil { // what is in use can't be copied
		t.Fatal(err)
	}
	return func(t testing.TB) Place { return server.Database(t, ownName("test"), "TEMPLATE "+template) }
}

// Database makes a database beside that of a place on PostgreSQL: one that has nothing
// of other tests in it, made with options of CREATE DATABASE. It is dropped when the test ends.
func (p Place) Database(t testing.TB, name string, options ...string) Place {
	t.Helper()
	if _, err := p.SQL.Exec("CREATE DATABASE " + name + " " + strings.Join(options, " ")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := p.SQL.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	address, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Del("search_path")
	address.Path, address.RawQuery = "/"+name, query.Encode()
	behind := openBehind(t, "postgres", address.String())
	return place(t, address.String(), behind)
}

func openBehind(t testing.TB, driver, name string) *sql.DB {
	behind, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	behind.SetMaxOpenConns(2)
	t.Cleanup(func() {
		if err := behind.Close(); err != nil {
			t.Error(err)
		}
	})
	return behind
}

// PostgreSQLURL returns the address of the PostgreSQL that tests may use. Without
// one the test is skipped or, under CI=true, fails.
func PostgreSQLURL(t testing.TB) string {
	t.Helper()
	if address := os.Getenv("ALWRITY_TEST_POSTGRES_URL"); address != "" {
		return address
	}
	const help = "there is no PostgreSQL to test on: " +
		"run the tests with scripts/postgres.sh go test …, or set ALWRITY_TEST_POSTGRES_URL"
	if os.Getenv("CI") == "true" {
		t.Fatal(help)
	}
	t.Skip(help)
	return ""
}

func place(t testing.TB, address string, behind *sql.DB) Place {
	target, err := db.ParseURL(address, "")
	if err != nil {
		t.Fatal(err)
	}
	target.LockTimeout = time.Hour // no machine is too slow
	return Place{Kind: target.Kind, URL: address, Target: target, SQL: behind}
}

// Create makes the tables and returns a handle that is closed with the test.
func (p Place) Create(t testing.TB) *db.DB {
	t.Helper()
	d, _, _, err := db.Create(context.Background(), p.Target)
	return kept(t, d, err)
}

// Open returns one more handle of its own, as another process would have it.
func (p Place) Open(t testing.TB) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), p.Target)
	return kept(t, d, err)
}

func kept(t testing.TB, d *db.DB, err error) *db.DB {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("closing: %s", err)
		}
	})
	return d
}

// WithDefaultIsolation returns the place with sessions whose transactions have
// another isolation level where they ask for none.
func (p Place) WithDefaultIsolation(t testing.TB, level string) Place {
	t.Helper()
	address, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal("the place has no URL that can be read")
	}
	query := address.Query()
	query.Set("default_transaction_isolation", level)
	address.RawQuery = query.Encode()
	return place(t, address.String(), p.SQL)
}

// RunRaces runs the races of the suite alone.
func RunRaces(t *testing.T, fresh func(testing.TB) Place) {
	runGroup(t, append(raceTests(), tokenRaceTests()...), fresh)
}

// RunCreate runs what makes the tables itself: empty makes a database without them.
func RunCreate(t *testing.T, empty func(testing.TB) Place) { runGroup(t, createTests(), empty) }

// Run runs the rest of the suite; fresh makes a database for each test, in which the tables may be there already.
func Run(t *testing.T, fresh func(testing.TB) Place) {
	for _, group := range [][]test{
		priceTests(), planTests(), subscriptionTests(), entryTests(), reservationTests(), alertTests(), refusalTests(),
		notificationTests(), outboxTests(), listTests(), accessTests(), tokenLimitTests(), rerateTests(),
		reconcileTests(), adminTests(), importTests(), writerTests(), largeTests(), archiveTests(),
		billingTests(), bookTests(), simulationTests(), nearTests(), voidTests(), raceTests(), tokenRaceTests(),
		modelTests(),
	} {
		runGroup(t, group, fresh)
	}
}

func runGroup(t *testing.T, group []test, fresh func(testing.TB) Place) {
	for _, c := range group {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, fresh(t))
		})
	}
}

// test is one test of the suite.
type test struct {
	name string
	run  func(t *testing.T, p Place)
}
