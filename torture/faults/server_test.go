package faults_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
)

// server is a PostgreSQL of its own, which a test may stop, kill and fill up.
type server struct {
	bin  string // where its programs are
	dir  string
	port int
	// janitor stops the server and removes its files when it is told to, or when this
	// process is gone, however it ended.
	janitor *exec.Cmd
	alive   io.Closer
	names   atomic.Int64
}

const password = "faults"

// servers are those to stop in the end.
var servers struct {
	sync.Mutex
	all []*server
}

func stopServers() {
	servers.Lock()
	defer servers.Unlock()
	for _, s := range servers.all {
		s.stop()
	}
}

// postgresPrograms returns the directory of PostgreSQL's programs, "" if there is none.
func postgresPrograms() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(found, func(a, b string) int { return strings.Compare(b, a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append([]string{filepath.Dir(path)}, found...)
		}
	}
	for _, dir := range found {
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
			return dir
		}
	}
	return ""
}

// needPostgreSQL skips the test where there is no PostgreSQL; under CI=true that is
// a failure, since a test that did not run has not passed.
func needPostgreSQL(t testing.TB) string {
	t.Helper()
	bin := postgresPrograms()
	if bin == "" {
		const help = "there is no PostgreSQL to do harm to: initdb is neither in PATH nor in /usr/lib/postgresql/*/bin; " +
			"scripts/postgres.sh installs it"
		if os.Getenv("CI") == "true" {
			t.Fatal(help)
		}
		t.Skip(help)
	}
	return bin
}

// common returns the server for tests that harm no more than a database of their own.
func common(t testing.TB) *server {
	t.Helper()
	needPostgreSQL(t)
	s, err := commonServer()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var commonServer = sync.OnceValues(func() (*server, error) { return newServer("") })

// own returns a server that belongs to the test alone. Its data are a copy of those
// that a cluster has after its first start, since initdb takes long.
func own(t testing.TB, settings ...string) *server {
	t.Helper()
	s, err := newServer(strings.Join(settings, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}

// cluster returns the data that every server begins with: an empty database, and one
// named ready, which init has filled.
var cluster = sync.OnceValues(func() (*server, error) {
	s, err := place()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "password"), []byte(password), 0o644); err != nil {
		return nil, err
	}
	if err := s.run("initdb", "-D", s.data(), "--username=alwrity", "--pwfile="+filepath.Join(s.dir, "password"),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"); err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	if err := s.exec("postgres", "CREATE DATABASE ready"); err != nil {
		return nil, err
	}
	programs, err := built()
	if err != nil {
		return nil, err
	}
	initialize := exec.Command(filepath.Join(programs, "patient"), "--now", "2026-11-20", "init")
	initialize.Env = []string{"DATABASE_URL=" + s.url("ready"), "ALWRITY_SUB_ACTOR=faults"}
	if out, err := initialize.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("init: %w: %s", err, out)
	}
	return s, s.run("pg_ctl", "-D", s.data(), "-m", "fast", "-w", "stop")
})

// newServer starts a server with its own copy of the data.
func newServer(settings string) (*server, error) {
	from, err := cluster()
	if err != nil {
		return nil, err
	}
	s, err := place()
	if err != nil {
		return nil, err
	}
	if err := s.run("cp", "-a", from.data(), s.data()); err != nil {
		return nil, err
	}
	return s, s.startWith(settings)
}

// place makes the directory of a server, and who cleans it up.
func place() (*server, error) {
	s := &server{bin: postgresPrograms()}
	var err error
	if s.dir, err = os.MkdirTemp(scratch, "pg-"); err != nil {
		return nil, err
	}
	if err := os.Chown(s.dir, serverUser(), -1); err != nil {
		return nil, err
	}
	s.janitor = exec.Command("/bin/sh", "-c", `read -r _; "$1/pg_ctl" -D "$2/data" -m immediate -w stop; rm -rf "$2"`,
		"sh", s.bin, s.dir)
	s.janitor.Dir = "/"
	s.janitor.SysProcAttr = credential()
	s.janitor.SysProcAttr.Setpgid = true // out of the reach of Ctrl-C
	s.alive, err = s.janitor.StdinPipe()
	if err == nil {
		err = s.janitor.Start()
	}
	if err != nil {
		return nil, err
	}
	servers.Lock()
	defer servers.Unlock()
	servers.all = append(servers.all, s)
	return s, nil
}

// stop stops the server and removes its data.
func (s *server) stop() {
	s.alive.Close()
	_ = s.janitor.Wait() // a second time it fails, and that is all it does
}

// serverUser returns the user who runs servers: PostgreSQL refuses root.
func serverUser() int {
	if os.Getuid() != 0 {
		return os.Getuid()
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			if id, err := strconv.Atoi(u.Uid); err == nil {
				return id
			}
		}
	}
	return 65534
}

func credential() *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}
	}
	id := uint32(serverUser())
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}}
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

// run runs one of the server's programs, as the server's user.
func (s *server) run(name string, args ...string) error {
	path := filepath.Join(s.bin, name)
	if _, err := os.Stat(path); err != nil {
		path = name
	}
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	c := exec.CommandContext(ctx, path, args...)
	c.Dir, c.SysProcAttr = "/", credential()
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "PGPASSWORD=" + password}
	out, err := os.CreateTemp(s.dir, "out-") // and no pipe: a server that is started would keep it open
	if err != nil {
		return err
	}
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	if err := c.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("%s %v: %w: %s%s", name, args, err, text, log[max(0, len(log)-2000):])
	}
	return nil
}

// start starts the server on a port that is free.
func (s *server) start() error { return s.startWith("") }

// startWith starts the server with settings of its own. The port stays the same when
// it is started again.
func (s *server) startWith(settings string) error {
	var err error
	for range 5 {
		if s.port, err = freePort(); err != nil {
			return err
		}
		text := fmt.Sprintf("port = %d\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '%s'\nmax_connections = "+
			"60\n"+
			"shared_buffers = 16MB\nlc_messages = 'C'\nfsync = off\nfull_page_writes = off\nmin_wal_size = 32MB\n%s\n", s.port,
			s.dir, settings)
		file := filepath.Join(s.data(), "faults.conf")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
		if err := include(filepath.Join(s.data(), "postgresql.conf")); err != nil {
			return err
		}
		if err = s.up(); err == nil || !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
	return err
}

// include makes a configuration file read faults.conf, once.
func include(file string) error {
	const line = "include 'faults.conf'\n"
	text, err := os.ReadFile(file)
	if err != nil || strings.HasSuffix(string(text), line) {
		return err
	}
	return os.WriteFile(file, append(text, line...), 0o600)
}

// up starts the server as it is configured.
func (s *server) up() error {
	return s.run("pg_ctl", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-w", "start")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// patience is the option of a URL with which connecting takes as long as it takes, on a slow machine.
const patience = "connect_timeout=3600"

func (s *server) url(database string) string {
	return fmt.Sprintf("postgresql://alwrity:%s@127.0.0.1:%d/%s?%s", password, s.port, database, patience)
}

// pool opens a database behind the program's back, by the driver that package db uses.
func (s *server) pool(database string) (*sql.DB, error) {
	return sql.Open("postgres", s.url(database)+"&sslmode=disable")
}

func (s *server) exec(database string, statements ...string) error {
	pool, err := s.pool(database)
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, statement := range statements {
		if _, err := pool.Exec(statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// database makes a database that init has filled, on this server, and returns its URL.
func (s *server) database(t testing.TB, options ...string) (name, url string) {
	t.Helper()
	name = fmt.Sprintf("d%d", s.names.Add(1))
	must(t, s.exec("postgres", "CREATE DATABASE "+name+" TEMPLATE ready "+strings.Join(options, " ")))
	return name, s.url(name)
}

// session is a connection of another client, for locks.
type session struct {
	t    testing.TB
	conn *sql.Conn
}

func (s *server) session(t testing.TB, database string) *session {
	t.Helper()
	pool, err := s.pool(database)
	must(t, err)
	conn, err := pool.Conn(context.Background())
	must(t, err)
	t.Cleanup(func() {
		conn.Close()
		pool.Close()
	})
	return &session{t, conn}
}

func (s *session) exec(statements ...string) {
	s.t.Helper()
	for _, statement := range statements {
		ctx, cancel := context.WithTimeout(context.Background(), hang)
		if _, err := s.conn.ExecContext(ctx, statement); err != nil {
			cancel()
			s.t.Fatalf("%s: %s", statement, err)
		}
		cancel()
	}
}

// end ends the session's transaction; the session may be gone.
func (s *session) end() { _, _ = s.conn.ExecContext(context.Background(), "ROLLBACK") }

// number returns the one number that a query returns.
func (s *server) number(t testing.TB, database, query string) int {
	t.Helper()
	pool, err := s.pool(database)
	must(t, err)
	defer pool.Close()
	var n int
	must(t, pool.QueryRow(query).Scan(&n))
	return n
}

// theirs are the connections of the program to the database.
const theirs = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'alwrity-sub'"

// blocked returns how many of the program's connections wait for a lock.
func (s *server) blocked(t testing.TB, database string) int {
	t.Helper()
	return s.number(t, database, "SELECT COUNT(*) "+theirs+" AND wait_event_type = 'Lock'")
}

// waitBlocked waits until the program waits for a lock of this database, with all
// the connections that will: an import may record on several.
func (s *server) waitBlocked(t testing.TB, database string) {
	t.Helper()
	blocked := 0
	waitFor(t, "a command waits for the lock", func() bool {
		before := blocked
		if blocked = s.blocked(t, database); blocked == 0 || blocked == before {
			return blocked > 0
		}
		time.Sleep(100 * time.Millisecond)
		return false
	})
}

// pid returns the process id of the server.
func (s *server) pid(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	must(t, err)
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	must(t, err)
	return pid
}

// restart stops the server in one of the ways and starts it again.
func (s *server) restart(t testing.TB, how string) {
	t.Helper()
	if how != "kill -9" {
		must(t, s.run("pg_ctl", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-w", "-m", how, "restart"))
		return
	}
	must(t, syscall.Kill(s.pid(t), syscall.SIGKILL))
	// Its children notice within a moment; until they have gone it can't start again.
	var err error
	for end := time.Now().Add(hang); ; time.Sleep(50 * time.Millisecond) {
		if err = s.up(); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens a database as a library.
func open(t testing.TB, url string) *db.DB {
	t.Helper()
	target, err := db.ParseURL(url, "/")
	must(t, err)
	target.LockTimeout = time.Hour
	d, err := db.Open(context.Background(), target)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}
