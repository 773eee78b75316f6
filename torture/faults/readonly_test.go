package faults_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// writes are commands that change something.
func writes(url string) []command {
	return []command{
		record(url, "u00", "e"),
		program(url, "limits", "reserve", "--user", "u00", "--provider", "video", "--model", "wan-2.5", "--id", "r"),
		program(url, "users", "subscribe", "u01", "--plan", "pro"),
		program(url, "pricing", "set", "openai", "gpt-5", "--input-token-cost", "1/1M"),
	}
}

// reads are commands that change nothing.
func reads(url string) []command {
	return []command{
		program(url, "usage", "show", "u00"), program(url, "usage", "report"),
		program(url, "limits", "check", "--user", "u00", "--provider", "gemini"),
		program(url, "reconcile"), program(url, "usage", "logs"), program(url, "db", "status"),
	}
}

// TestReadOnlyServer: what reads works, what writes says why not.
func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	s := common(t)
	name, url := s.database(t)
	record(url, "u00", "first").run(t).ok(t)
	must(t, s.exec("postgres", "ALTER DATABASE "+name+" SET default_transaction_read_only = on"))
	readsButDoesNotWrite(t, url, "read-only transaction")
	must(t, s.exec("postgres", "ALTER DATABASE "+name+" RESET default_transaction_read_only"))
	for _, c := range writes(url) {
		c.run(t).ok(t)
	}
	wholesome(t, url)
}

func readsButDoesNotWrite(t *testing.T, url, why string) {
	t.Helper()
	for _, c := range reads(url) {
		if r := c.run(t); r.status != 0 {
			t.Errorf("%v: exit %d: %s", c.args, r.status, r.err)
		}
	}
	for _, c := range writes(url) {
		c.run(t).unavailable(t, why)
	}
	importAll(t, url, two).unavailable(t, why)
}

// TestHotStandby: the same on a server that follows another, and once it is promoted
// everything is there and can be changed.
func TestHotStandby(t *testing.T) {
	t.Parallel()
	needPostgreSQL(t)
	s := own(t)
	name, url := s.database(t)
	record(url, "u00", "first").run(t).ok(t)
	standby, err := place()
	must(t, err)
	t.Cleanup(standby.stop)
	must(t, s.run("pg_basebackup", "-R", "-X", "stream", "-c", "fast", "-D", standby.data(),
		"-d", fmt.Sprintf("postgresql://alwrity@127.0.0.1:%d/postgres", s.port)))
	must(t, standby.start())
	readsButDoesNotWrite(t, standby.url(name), "cannot execute")
	must(t, standby.run("pg_ctl", "-D", standby.data(), "-w", "promote"))
	if got := record(standby.url(name), "u00", "first").run(t).said(t); got != "duplicate" {
		t.Errorf("%s", got)
	}
	for _, c := range writes(standby.url(name)) {
		c.run(t).ok(t)
	}
	wholesome(t, standby.url(name))
}

// nobody is a user without rights.
const nobody = 65534

// TestSQLiteWithoutRights takes the rights away from a user who is not root: of the
// file, and of its directory. Each command works or says what is wrong.
func TestSQLiteWithoutRights(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can run commands as another user")
	}
	t.Parallel()
	for _, c := range []struct {
		name      string
		directory os.FileMode
		file      os.FileMode
		reads     bool
	}{
		{"the file is read-only", 0o777, 0o444, true},
		{"the directory is read-only", 0o555, 0o666, false},
		{"both are read-only", 0o555, 0o444, false},
		{"the file can't be read", 0o777, 0o000, false},
		{"the directory can't be entered", 0o000, 0o666, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, err := os.MkdirTemp(scratch, "rights-")
			must(t, err)
			file := filepath.Join(dir, "faults.db")
			url := "sqlite:///" + file
			program(url, "init").run(t).ok(t)
			record(url, "u00", "first").run(t).ok(t)
			must(t, os.Chmod(file, c.file))
			must(t, os.Chmod(dir, c.directory))
			withoutRights(t, url, c.reads)
			must(t, os.Chmod(dir, 0o777))
			// A WAL that was made meanwhile has the rights that the file had.
			files, err := filepath.Glob(file + "*")
			must(t, err)
			for _, f := range files {
				must(t, os.Chmod(f, 0o666))
			}
			for _, w := range writes(url) {
				w.uid = nobody
				w.run(t).ok(t)
			}
			wholesome(t, url)
		})
	}
}

func withoutRights(t *testing.T, url string, reading bool) {
	t.Helper()
	for _, c := range writes(url) {
		c.uid = nobody
		c.run(t).unavailable(t)
	}
	for _, c := range reads(url) {
		c.uid = nobody
		if r := c.run(t); !r.okOrUnavailable(t) && reading && c.args[0] != "reconcile" { // which locks what it compares
			t.Errorf("%v: exit %d: %s", c.args, r.status, r.err)
		}
	}
}
