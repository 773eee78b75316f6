package db_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/failure"
)

// pgbouncer returns the path of the program. Without it the test is skipped or, under CI=true, fails.
func pgbouncer(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const help = "there is no PgBouncer to test with: scripts/postgres.sh installs it, as does apt-get install pgbouncer"
	if os.Getenv("CI") == "true" {
		t.Fatal(help)
	}
	t.Skip(help)
	return ""
}

// startPgBouncer starts a PgBouncer before the server that tests may use, in transaction mode with few connections to
// it, and returns its address.
func startPgBouncer(t testing.TB, settings string) string {
	t.Helper()
	server, err := url.Parse(dbtest.PostgreSQLURL(t))
	if err != nil {
		t.Fatal("ALWRITY_TEST_POSTGRES_URL can't be read")
	}
	dir, err := os.MkdirTemp("/tmp", "alwrity-pgbouncer-") // and not TMPDIR: another user must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	address := closedPort(t)
	host, port, _ := net.SplitHostPort(address)
	password, _ := server.User.Password()
	text := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s password=%s
[pgbouncer]
listen_addr = %s
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
max_client_conn = 500
%s
`, server.Hostname(), server.Port(), server.User.Username(), password, host, port, settings)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"-q", file}
	if os.Getuid() == 0 { // as which it does not run
		args = append([]string{"-u", "nobody"}, args...)
	}
	command := exec.Command(pgbouncer(t), args...)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for end := time.Now().Add(hang); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address
		}
		if time.Now().After(end) {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("PgBouncer does not start: %s", said)
		}
	}
}

// hang is how long something may take before that is a hang, however slow the machine is.
const hang = 10 * time.Minute

// behind returns a place as a client of a PgBouncer sees it.
func behind(t testing.TB, place dbtest.Place, address string) dbtest.Place {
	t.Helper()
	u, err := url.Parse(place.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = address
	query := u.Query()
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	target, err := db.ParseURL(u.String(), "")
	if err != nil {
		t.Fatal(err)
	}
	place.URL, place.Target = u.String(), target
	return place
}

// A PgBouncer in transaction mode refuses the settings of a session, or is told to ignore them: neither is noticed but
// by who looks. Many clients share few connections to the server.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	pgbouncer(t)
	for name, settings := range map[string]string{
		"refuses settings": "",
		"ignores settings": "ignore_startup_parameters = lock_timeout, search_path, alwrity_sub.session",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := startPgBouncer(t, settings)
			if settings != "" { // once is enough
				t.Run("races", func(t *testing.T) {
					fresh := func(t testing.TB) dbtest.Place { return behind(t, dbtest.PostgreSQL(t), address) }
					dbtest.RunCreate(t, fresh)
					dbtest.RunRaces(t, fresh)
				})
			}
			t.Run("settings", func(t *testing.T) { behindPgBouncer(t, address) })
			t.Run("clients at once", func(t *testing.T) { shareServer(t, address) })
		})
	}
}

// behindPgBouncer checks that what a session would have, each transaction has: tables in the schema that the URL names,
// and a time after which a lock is no longer waited for.
func behindPgBouncer(t *testing.T, address string) {
	direct := dbtest.PostgreSQL(t)
	place := behind(t, direct, address)
	place.Create(t)
	var tables int
	err := direct.SQL.QueryRow("SELECT COUNT(*) FROM pg_tables WHERE schemaname = $1", schema(t, direct)).Scan(&tables)
	if err != nil || tables < 20 {
		t.Errorf("%d tables, %v", tables, err)
	}
	d, err := db.Open(t.Context(), db.Impatient(place.Target))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := write(d); err != nil {
		t.Fatal(err)
	}
	other, err := direct.SQL.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	if _, err := other.Exec("SELECT user_id FROM users FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, write(d), failure.Unavailable, "locked")
	var setting string
	err = d.Pool().QueryRowContext(t.Context(), "SELECT current_setting('search_path') WHERE $1", true).Scan(&setting)
	if err != nil || setting != schema(t, direct) {
		t.Errorf("outside of a transaction search_path is %q, %v", setting, err)
	}
	if _, err := d.Pool().ExecContext(t.Context(), "SELECT no_such_function()"); err == nil {
		t.Error("an error outside of a transaction is none")
	}
}

// shareServer runs many different statements of several clients, again and again: none gets the answer to another's.
func shareServer(t *testing.T, address string) {
	place := behind(t, dbtest.PostgreSQL(t), address)
	place.Create(t)
	var clients sync.WaitGroup
	for client := range 8 {
		d := place.Open(t)
		clients.Go(func() {
			for n := range 60 {
				want, got := fmt.Sprint(client, " ", n%6), ""
				err := d.Pool().QueryRowContext(t.Context(), "SELECT $1 || '"+strings.Repeat("!", n%6)+"'", want).Scan(&got)
				if err != nil || got != want+strings.Repeat("!", n%6) {
					t.Errorf("got %q, want %q: %v", got, want, err)
					return
				}
			}
		})
	}
	clients.Wait()
	var prepared int
	err := place.Open(t).Pool().QueryRow("SELECT COUNT(*) FROM pg_prepared_statements").Scan(&prepared)
	if err != nil || prepared != 0 {
		t.Errorf("%d statements are prepared, %v", prepared, err)
	}
}
