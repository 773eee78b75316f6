package db_test

import (
	"database/sql"
	"database/sql/driver"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// changed returns a place's URL with something changed in it.
func changed(t *testing.T, place dbtest.Place, change func(*url.URL, url.Values)) db.Target {
	t.Helper()
	u, err := url.Parse(place.URL)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	change(u, query)
	u.RawQuery = query.Encode()
	target, err := db.ParseURL(u.String(), "")
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func closedPort(t testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestPostgreSQLThatCannotBeReached(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	place.Create(t)
	for name, c := range map[string]struct {
		change func(*url.URL, url.Values)
		says   string
	}{
		"down": {func(u *url.URL, _ url.Values) { u.Host = closedPort(t); u.User = url.UserPassword("u", secret) },
			"refused"},
		"unknown host": {func(u *url.URL, _ url.Values) {
			u.Host = "nowhere.invalid"
			u.User = url.UserPassword("u",
				secret)
		}, "nowhere.invalid"},
		"no socket": {func(u *url.URL, q url.Values) { u.Host = ""; q.Set("host", "/no/such/directory") },
			"can't be reached"},
		"wrong password": {func(u *url.URL, _ url.Values) { u.User = url.UserPassword(u.User.Username(), secret) }, "login"},
		"wrong password as an option": {func(u *url.URL, q url.Values) {
			u.User = url.User(u.User.Username())
			q.Set("password", secret)
		}, "login"},
		"unknown user": {func(u *url.URL, _ url.Values) { u.User = url.UserPassword("nobody-here", secret) },
			"login"},
		"missing database": {func(u *url.URL, _ url.Values) { u.Path = "/no-such-database" }, "no-such-database"},
		"missing schema":   {func(_ *url.URL, q url.Values) { q.Set("search_path", "no_such_schema") }, "search_path"},
		"missing certificate": {func(_ *url.URL, q url.Values) {
			q.Set("sslmode", "verify-full")
			q.Set("sslrootcert",
				"/no/such.crt")
		}, "such.crt"},
		"unknown authority":    {func(_ *url.URL, q url.Values) { q.Set("sslmode", "verify-full") }, "certificate"},
		"unknown authority ca": {func(_ *url.URL, q url.Values) { q.Set("sslmode", "verify-ca") }, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			target := changed(t, place, c.change)
			_, err := db.Open(t.Context(), target)
			wantFailure(t, err, failure.Unavailable, c.says)
			if name != "missing schema" {
				_, _, err = db.Scratch(t.Context(), target)
				wantFailure(t, err, failure.Unavailable, c.says)
			}
		})
	}
	t.Run("unknown option", func(t *testing.T) {
		_, err := db.Open(t.Context(), changed(t, place, func(_ *url.URL, q url.Values) { q.Set("no_such_option", "1") }))
		wantFailure(t, err, failure.Invalid, "no_such_option")
	})
}

// role makes a role that may do nothing yet, and returns the place's URL with it.
func role(t *testing.T, place dbtest.Place, attributes string) (name string, target db.Target) {
	t.Helper()
	u, err := url.Parse(place.URL)
	if err != nil {
		t.Fatal(err)
	}
	name = strings.Replace(u.Query().Get("search_path"), "alwrity_test_", "alwrity_role_", 1)
	execute(t, place.SQL, "CREATE ROLE "+name+" LOGIN PASSWORD '"+secret+"' "+attributes)
	t.Cleanup(func() {
		execute(t, place.SQL, "DROP OWNED BY "+name)
		execute(t, place.SQL, "DROP ROLE "+name)
	})
	return name, changed(t, place, func(u *url.URL, _ url.Values) { u.User = url.UserPassword(name, secret) })
}

func execute(t *testing.T, d *sql.DB, statement string) {
	t.Helper()
	if _, err := d.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func schema(t *testing.T, place dbtest.Place) string {
	u, err := url.Parse(place.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("search_path")
}

func TestPostgreSQLPrivileges(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	name, target := role(t, place, "")
	execute(t, place.SQL, "GRANT USAGE ON SCHEMA "+schema(t, place)+" TO "+name)
	_, _, _, err := db.Create(t.Context(), target)
	wantFailure(t, err, failure.Unavailable, "permission denied", "role")
	_, _, err = db.Scratch(t.Context(), target)
	wantFailure(t, err, failure.Unavailable, "permission denied", "role")
	place.Create(t)
	_, err = db.Open(t.Context(), target)
	wantFailure(t, err, failure.Unavailable, "permission denied")
	execute(t, place.SQL, "GRANT SELECT ON ALL TABLES IN SCHEMA "+schema(t, place)+" TO "+name)
	d, err := db.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := read(d); err != nil {
		t.Errorf("reading: %s", err)
	}
	wantFailure(t, write(d), failure.Unavailable, "permission denied")
}

func TestPostgreSQLWithoutFreeConnections(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	_, target := role(t, place, "CONNECTION LIMIT 0")
	_, err := db.Open(t.Context(), target)
	wantFailure(t, err, failure.Unavailable, "too many connections")
}

// A database that nobody may connect to, as one that is being moved.
func TestPostgreSQLWithoutConnections(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	name := schema(t, place) + "_closed"
	closed := place.Database(t, name, "ALLOW_CONNECTIONS false")
	_, err := db.Open(t.Context(), closed.Target)
	wantFailure(t, err, failure.Unavailable, "not currently accepting connections", "ALLOW_CONNECTIONS")
}

// A database that can't keep every text is refused before anything is in it, and named once there is.
func TestPostgreSQLOfAnotherEncoding(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		name := schema(t, place) + "_" + strings.ToLower(encoding)
		other := place.Database(t, name, "ENCODING '"+encoding+"' LOCALE 'C' TEMPLATE template0 "+libc(t, place))
		_, _, _, err := db.Create(t.Context(), other.Target)
		wantFailure(t, err, failure.Unavailable, encoding, "createdb", "UTF8")
		var tables int
		err = other.SQL.QueryRow("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables)
		if err != nil || tables != 0 {
			t.Errorf("%d tables were made, %v", tables, err)
		}
		d, err := db.Inspect(t.Context(), other.Target)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		status, err := d.Status(t.Context())
		if err != nil || status.Encoding != encoding {
			t.Errorf("its encoding is %q, %v", status.Encoding, err)
		}
		if encoding == "LATIN1" {
			_, err = d.Pool().ExecContext(t.Context(), "SELECT $1", "漢")
			wantFailure(t, d.Classify(err), failure.Unavailable, "UTF8")
		}
	}
}

// libc is the option of CREATE DATABASE for a locale of the C library, which servers before 15 don't know.
func libc(t *testing.T, place dbtest.Place) string {
	t.Helper()
	var version int
	if err := place.SQL.QueryRow("SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if version < 150_000 {
		return ""
	}
	return "LOCALE_PROVIDER libc"
}

// Time-outs of the server itself are no fault of the program.
func TestPostgreSQLTimeOuts(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	place.Create(t)
	with := func(setting string) *db.DB {
		d, err := db.Open(t.Context(), changed(t, place, func(_ *url.URL, q url.Values) { q.Set(setting, "1s") }))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	d := with("statement_timeout")
	_, err := d.Pool().ExecContext(t.Context(), "SELECT pg_sleep(36000)")
	wantFailure(t, d.Classify(err), failure.Unavailable, "statement timeout", "statement_timeout")
	d = with("idle_in_transaction_session_timeout")
	err = d.Update(t.Context(), []string{"alice"}, time.Unix(0, 0), func(tx usage.Tx) error {
		var err error
		for idle := 2 * time.Second; err == nil && idle < hang; idle *= 2 { // the server counts from the last statement
			time.Sleep(idle)
			_, err = tx.Book(t.Context(), "")
		}
		return err
	})
	wantFailure(t, err, failure.Unavailable, "time-out")
}

func TestPostgreSQLLockedByAnother(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	place.Create(t)
	d, err := db.Open(t.Context(), db.Impatient(place.Target))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := write(d); err != nil {
		t.Fatal(err)
	}
	other, err := place.SQL.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("SELECT user_id FROM users FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, write(d), failure.Unavailable, "locked")
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := write(d); err != nil {
		t.Errorf("once the lock is gone: %s", err)
	}
}

// The server ends a connection in the middle of a transaction; nothing of it
// stays, and the next one gets another connection.
func TestPostgreSQLConnectionIsCut(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	place.Create(t)
	name := schema(t, place)
	d, err := db.Open(t.Context(), changed(t, place, func(_ *url.URL, q url.Values) { q.Set("application_name", name) }))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	cut := func() {
		execute(t, place.SQL, "SELECT pg_terminate_backend(pid, 5000) "+
			"FROM pg_stat_activity WHERE application_name = '"+name+"' AND pid <> pg_backend_pid()")
	}
	err = d.Update(t.Context(), []string{"alice"}, time.Unix(0, 0), func(tx usage.Tx) error {
		cut()
		_, err := tx.Book(t.Context(), "")
		return err
	})
	wantFailure(t, err, failure.Unavailable)
	if users, err := d.Users(t.Context(), usage.UserQuery{Limit: 1}); err != nil || len(users) != 0 {
		t.Errorf("it left %+v, %v", users, err)
	}
	cut() // while nothing is going on nobody notices
	if err := write(d); err != nil {
		t.Errorf("with a new connection: %s", err)
	}
}

// What lib/pq says of a lost connection while rows are copied must not reach database/sql within the transaction: that
// would wait for the transaction's end, for ever.
func TestPostgreSQLConnectionIsLostWhileCopying(t *testing.T) {
	d := dbtest.PostgreSQL(t).Create(t)
	err := d.OnDriver(t.Context(), func(any) error { return driver.ErrBadConn })
	wantFailure(t, err, failure.Unavailable, "the connection was cut")
}

// Two transactions that wait for each other: one is sent back, and runs again.
func TestPostgreSQLDeadlockIsTriedAgain(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	d := place.Create(t)
	other, err := place.SQL.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	if err := d.Update(t.Context(), []string{"alice", "bob"}, time.Unix(0, 0),
		func(usage.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	_, err = other.Exec("SET deadlock_timeout = '1h'; SELECT user_id FROM users WHERE user_id = 'bob' FOR UPDATE")
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := other.QueryRow("SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	attempts := 0
	waits := make(chan error, 1)
	err = d.Update(t.Context(), []string{"alice"}, time.Unix(0, 0), func(tx usage.Tx) error {
		if _, err := tx.UserKnown(t.Context(), "alice"); err != nil { // locks her first
			return err
		}
		if attempts++; attempts == 1 {
			go func() {
				_, err := other.Exec("SELECT user_id FROM users WHERE user_id = 'alice' FOR UPDATE")
				if err == nil {
					err = other.Commit()
				}
				waits <- err
			}()
			for blocked := 0; blocked == 0; time.Sleep(5 * time.Millisecond) {
				const waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'"
				if err := place.SQL.QueryRow(waiting, pid).Scan(&blocked); err != nil {
					return err
				}
			}
		}
		_, err := tx.AddAlerts(t.Context(), []usage.Alert{{UserID: "bob", CreatedAt: time.Unix(0, 0),
			PeriodStart: time.Unix(0, 0)}})
		if err == nil {
			err = tx.Write(t.Context(), usage.Changes{Reservations: []*usage.Reservation{{
				ID: "r", UserID: "bob", PeriodStart: time.Unix(0, 0), Status: usage.Held,
				CreatedAt: time.Unix(0, 0), ExpiresAt: time.Unix(1, 0),
			}}})
		}
		return err
	})
	if err != nil {
		t.Errorf("the transaction failed: %s", err)
	}
	if err := <-waits; err != nil {
		t.Errorf("the other failed: %s", err)
	}
	if attempts < 2 { // more where it has alice again before the other wakes up
		t.Errorf("it ran %d times, want 2", attempts)
	}
}

func TestTLS(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	works := func(t *testing.T, want map[string]bool) {
		for option, works := range want {
			target := changed(t, place, func(_ *url.URL, q url.Values) {
				q.Del("sslmode")
				if name, value, ok := strings.Cut(option, "="); ok {
					q.Set(name, value)
				}
			})
			d, err := db.Inspect(t.Context(), target)
			switch {
			case err == nil && !works:
				t.Errorf("%q works", option)
			case err != nil && works:
				t.Errorf("%q: %s", option, err)
			case err != nil:
				wantFailure(t, err, failure.Unavailable, "refused TLS")
			}
			if err == nil {
				_ = d.Close()
			}
		}
	}
	var tls string
	if err := place.SQL.QueryRow("SHOW ssl").Scan(&tls); err != nil {
		t.Fatal(err)
	}
	if tls == "on" {
		t.Run("on", func(t *testing.T) {
			works(t, map[string]bool{"": true, "sslmode=disable": true, "sslmode=allow": true, "sslmode=prefer": true,
				"sslmode=require": true, "ssl=true": true})
		})
		setTLS(t, place, "off")
		defer setTLS(t, place, "on")
	}
	t.Run("off", func(t *testing.T) {
		works(t, map[string]bool{"": true, "sslmode=disable": true, "sslmode=allow": true, "sslmode=prefer": true,
			"sslmode=require": false, "ssl=true": false,
			"sslmode=verify-full": false})
	})
}

// setTLS turns TLS on or off for new connections.
func setTLS(t *testing.T, place dbtest.Place, value string) {
	t.Helper()
	execute(t, place.SQL, "ALTER SYSTEM SET ssl = "+value)
	execute(t, place.SQL, "SELECT pg_reload_conf()")
	for {
		var now string
		if err := place.SQL.QueryRow("SHOW ssl").Scan(&now); err != nil {
			t.Fatal(err)
		}
		if now == value {
			execute(t, place.SQL, "ALTER SYSTEM RESET ssl")
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
