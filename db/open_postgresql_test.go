package db_test

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// setting opens a target and asks what its sessions are set to.
func setting(t *testing.T, target db.Target, name string) string {
	t.Helper()
	d, err := db.Inspect(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var value string
	if err := d.Pool().QueryRowContext(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// What an URL says reaches the session, and what it leaves out comes from us.
func TestPostgreSQLSettings(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	for option, want := range map[string][2]string{
		"":                                              {"application_name", "alwrity-sub"},
		"application_name=me%20%26+you%2B":              {"application_name", "me & you+"},
		"search_path=a,b":                               {"search_path", "a,b"},
		"work_mem=7MB":                                  {"work_mem", "7MB"},
		"TimeZone=Asia/Tokyo":                           {"TimeZone", "Asia/Tokyo"},
		"lock_timeout=1":                                {"lock_timeout", "10s"},
		"client_encoding=utf8":                          {"client_encoding", "UTF8"},
		"DateStyle=ISO,+MDY":                            {"DateStyle", "ISO, MDY"},
		"default_query_exec_mode=exec":                  {"lock_timeout", "10s"},
		"ssl_min_protocol_version=TLSv1.2":              {"lock_timeout", "10s"},
		"target_session_attrs=read-write":               {"lock_timeout", "10s"},
		"binary_parameters=yes&passfile=":               {"lock_timeout", "10s"},
		"fallback_application_name=x":                   {"application_name", "alwrity-sub"},
		"load_balance_hosts=random":                     {"lock_timeout", "10s"},
		"options=-c+statement_timeout%3D5s":             {"statement_timeout", "5s"},
		"options=-c%20geqo=off%20-c%20jit=1":            {"geqo", "off"},
		"default_transaction_isolation=repeatable+read": {"default_transaction_isolation", "repeatable read"},
	} {
		more, err := url.ParseQuery(option)
		if err != nil {
			t.Fatal(err)
		}
		target := changed(t, place, func(_ *url.URL, q url.Values) { maps.Copy(q, more) })
		if got := setting(t, target, want[0]); got != want[1] {
			t.Errorf("%q: %s is %q, want %q", option, want[0], got, want[1])
		}
	}
	for _, option := range []string{"sslpassword=x", "require_auth=scram-sha-256", "load_balance_hosts=some",
		"ssl_min_protocol_version=3", "hostaddr=here", "datestyle=German", "hostaddr=127.0.0.1,127.0.0.2"} {
		_, err := db.Inspect(t.Context(), changed(t, place, func(u *url.URL, q url.Values) {
			name, value, _ := strings.Cut(option, "=")
			q.Set(name, value)
			u.User = url.UserPassword("u", secret)
		}))
		wantFailure(t, err, failure.Invalid)
	}
}

// The ways to name a server and a password.
func TestPostgreSQLAddresses(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	var sockets string
	if err := place.SQL.QueryRow("SHOW unix_socket_directories").Scan(&sockets); err != nil {
		t.Fatal(err)
	}
	const password = "p@:/?#[]&=+% 'ü\\"
	name, _ := role(t, place, "")
	execute(t, place.SQL, "ALTER ROLE "+name+" PASSWORD '"+strings.ReplaceAll(password, "'", "''")+"'")
	for what, change := range map[string]func(*url.URL, url.Values){
		"password before the host": func(u *url.URL, _ url.Values) { u.User = url.UserPassword(name, password) },
		"password as an option": func(u *url.URL, q url.Values) {
			u.User = url.UserPassword(name, "other")
			q.Set("password", password)
		},
		"user as an option": func(u *url.URL, q url.Values) {
			u.User = nil
			q.Set("user", name)
			q.Set("password", password)
		},
		"hostaddr and a name": func(u *url.URL, q url.Values) {
			u.User = url.UserPassword(name, password)
			u.Host = "nowhere.invalid:" + u.Port()
			q.Set("hostaddr", "127.0.0.1")
		},
		"hostaddr alone": func(u *url.URL, q url.Values) {
			u.User = url.UserPassword(name, password)
			q.Set("port", u.Port())
			u.Host = ""
			q.Set("hostaddr", "127.0.0.1")
		},
		"a host as an option": func(u *url.URL, q url.Values) {
			u.User = url.UserPassword(name, password)
			q.Set("host", u.Hostname())
			q.Set("port", u.Port())
			u.Host = ""
		},
		"two hosts": func(u *url.URL, q url.Values) {
			u.User = url.UserPassword(name, password)
			_, closed, _ := strings.Cut(closedPort(t), ":")
			q.Set("host", u.Hostname()+","+u.Hostname())
			q.Set("port", closed+","+u.Port())
			u.Host = ""
		},
		"localhost where none is named": func(u *url.URL, q url.Values) {
			u.User = url.UserPassword(name, password)
			q.Set("port", u.Port())
			u.Host = ""
		},
		"an empty option": func(u *url.URL, q url.Values) {
			u.User = url.UserPassword(name, password)
			q.Set("host", "")
		},
		"a socket": func(u *url.URL, q url.Values) {
			u.User = url.UserPassword(name, password)
			q.Set("host", sockets)
			q.Set("port", u.Port())
			u.Host = ""
		},
	} {
		t.Run(what, func(t *testing.T) {
			if got := setting(t, changed(t, place, change), "session_authorization"); got != name {
				t.Errorf("it is %s who is logged in", got)
			}
		})
	}
	t.Run("from the environment", func(t *testing.T) {
		u, err := url.Parse(place.URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("PGHOST", u.Hostname())
		t.Setenv("PGPORT", u.Port())
		t.Setenv("PGUSER", name)
		t.Setenv("PGPASSWORD", password)
		t.Setenv("PGOPTIONS", "-c work_mem=9MB")
		t.Setenv("PGSSLMODE", "verify-full") // the URL's own wins, and so does what we choose
		target := changed(t, place, func(u *url.URL, _ url.Values) { u.Host, u.User = "", nil })
		if got := setting(t, target, "session_authorization"); got != name {
			t.Errorf("it is %s who is logged in", got)
		}
		if got := setting(t, target, "work_mem"); got != "9MB" {
			t.Errorf("work_mem is %s", got)
		}
		t.Setenv("PGHOST", "/no/such/directory")
		_, err = db.Inspect(t.Context(), target)
		wantFailure(t, err, failure.Unavailable, "/no/such/directory")
	})
	t.Run("password file", func(t *testing.T) {
		u, err := url.Parse(place.URL)
		if err != nil {
			t.Fatal(err)
		}
		file := t.TempDir() + "/pgpass"
		escaped := strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(password)
		if err := os.WriteFile(file, []byte("*:"+u.Port()+":*:"+name+":"+escaped+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		target := changed(t, place, func(u *url.URL, q url.Values) { u.User = url.User(name); q.Set("passfile", file) })
		if got := setting(t, target, "session_authorization"); got != name {
			t.Errorf("it is %s who is logged in", got)
		}
	})
}

// What is interrupted here does not go on at the server, and the connection can be
// used again.
func TestPostgreSQLInterrupted(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	d := place.Create(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	mark := schema(t, place)
	if _, err := d.Pool().ExecContext(ctx, "SELECT pg_sleep(36000) /* "+mark+" */"); err == nil {
		t.Error("it went on to its end")
	}
	var running int
	if err := place.SQL.QueryRow("SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' "+
		"AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'", mark).Scan(&running); err != nil {
		t.Fatal(err)
	}
	if running != 0 {
		t.Error("the server still runs it")
	}
	if err := write(d); err != nil {
		t.Errorf("afterwards: %s", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	other, err := place.SQL.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	if _, err := other.Exec("SELECT user_id FROM users FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	err = d.Update(ctx, []string{"alice"}, time.Unix(0, 0), func(usage.Tx) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a transaction that waits and is interrupted: %v", err)
	}
}

// A COMMIT whose answer is lost may have been done: nothing runs again.
func TestPostgreSQLLostCommitIsNotRepeated(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	place.Create(t)
	name := schema(t, place)
	d, err := db.Open(t.Context(), changed(t, place, func(_ *url.URL, q url.Values) { q.Set("application_name", name) }))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	attempts := 0
	err = d.Update(t.Context(), []string{"alice"}, time.Unix(0, 0), func(usage.Tx) error {
		attempts++
		execute(t, place.SQL, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "+
			"WHERE application_name = '"+name+"'")
		return nil
	})
	wantFailure(t, err, failure.Unavailable)
	if attempts != 1 {
		t.Errorf("it ran %d times", attempts)
	}
}

// A server that takes no changes, such as a standby.
func TestPostgreSQLReadOnly(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	place.Create(t)
	d, err := db.Open(t.Context(), changed(t, place,
		func(_ *url.URL, q url.Values) { q.Set("default_transaction_read_only", "on") }))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	wantFailure(t, write(d), failure.Unavailable, "read-only transaction")
}

// The other classes of errors of the server, made by hand.
func TestPostgreSQLStates(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	d := place.Create(t)
	for state, says := range map[string]string{
		"53100": "can't be used now", "53200": "can't be used now", "53300": "can't be used now",
		"57P01": "can't be used now", "57P03": "can't be used now",
		"08006": "can't be used now", "40001": "several times", "40P01": "several times", "55P03": "locked",
		"25006": "takes no changes", "42501": "does not allow",
		"42P01": "init", "28000": "login", "57014": "ended the work", "25P03": "ended the work", "25P04": "ended the work",
		"57P05": "ended the work",
		"58030": "can't be used now", "XX000": "can't be used now", "XX001": "can't be used now", "22P05": "UTF8",
	} {
		_, err := d.Pool().ExecContext(t.Context(),
			"DO $$ BEGIN RAISE EXCEPTION 'made by hand' USING ERRCODE = '"+state+"'; END $$")
		wantFailure(t, d.Classify(err), failure.Unavailable, says)
		if again := state == "40001" || state == "40P01"; d.Retry(err) != again {
			t.Errorf("%s: tried again: %t", state, !again)
		}
	}
	var rows sql.NullString
	err := d.Pool().QueryRowContext(t.Context(), "SELECT 9223372036854775807 + 1").Scan(&rows)
	if err = d.Classify(err); !failure.Is(err, failure.Invalid) || !strings.Contains(err.Error(), "too large") {
		t.Errorf("an overflow is %v", err)
	}
}

// An authority that is named is trusted.
func TestPostgreSQLNamedAuthority(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	var file string
	if err := place.SQL.QueryRow("SHOW ssl_cert_file").Scan(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(file); err != nil {
		t.Skipf("the server's certificate can't be read: %s", err)
	}
	for _, mode := range []string{"require", "verify-ca", "verify-full"} {
		if got := setting(t, changed(t, place, func(_ *url.URL, q url.Values) {
			q.Set("sslmode", mode)
			q.Set("sslrootcert",
				file)
		}), "ssl"); got != "on" {
			t.Errorf("%s: TLS is %s", mode, got)
		}
	}
	noCertificate := t.TempDir() + "/none.crt"
	if err := os.WriteFile(noCertificate, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := db.Inspect(t.Context(), changed(t, place,
		func(_ *url.URL, q url.Values) { q.Set("sslmode", "verify-full"); q.Set("sslrootcert", noCertificate) }))
	wantFailure(t, err, failure.Unavailable, "sslrootcert")
}

// Known events are found by their ids, and each row by its key, also where the planner would rather read the whole log.
func TestPostgreSQLFindsEntriesByKey(t *testing.T) {
	place := dbtest.PostgreSQL(t)
	place.Create(t)
	d, err := db.Open(t.Context(), changed(t, place, func(_ *url.URL, q url.Values) {
		q.Set("options", "-c enable_nestloop=off -c enable_seqscan=on")
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	lines, err := d.ExplainEntries(t.Context(), []string{"a", "b", "c"})
	plan := strings.Join(lines, "\n")
	if err != nil || !strings.Contains(plan, "Nested Loop") || strings.Contains(plan, "Hash Join") ||
		strings.Contains(plan, "Merge Join") {
		t.Errorf("%v:\n%s", err, plan)
	}
}
