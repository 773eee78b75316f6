package cmd

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// lockTimeoutVariable says how long a program in a script waits for a lock. Scripts set it to a time that no machine
// is too slow for, unless the time-out is what they are about.
const lockTimeoutVariable = "TEST_LOCK_TIMEOUT"

// clockVariable says how far the clock of a program in a script is ahead of the machine's: further than any --now of a
// script, so that none is refused as ahead, unless that is what a script is about.
const (
	clockVariable = "TEST_CLOCK_AHEAD"
	sevenYears    = 7 * 8766 * time.Hour
)

// mainOfScript is the program in a script.
func mainOfScript() int {
	p := FromOS("1.2.3")
	var err error
	if p.LockTimeout, err = time.ParseDuration(p.getenv(lockTimeoutVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ahead, err := time.ParseDuration(p.getenv(clockVariable))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	p.Now = func() time.Time { return time.Now().Add(ahead) }
	return Main(p)
}

// scriptLock is the lock that a script holds; of each script another one.
type scriptLock struct{ held *sql.DB }

type scriptLockKey struct{}

func lockOf(ts *testscript.TestScript) *scriptLock { return ts.Value(scriptLockKey{}).(*scriptLock) }

// lockDatabase keeps others from writing to the database until unlock, or the end of the script:
//
//	lock
func lockDatabase(ts *testscript.TestScript, neg bool, args []string) {
	l := lockOf(ts)
	if neg || len(args) > 0 || l.held != nil {
		ts.Fatalf("usage: lock, and unlock before the next one")
	}
	held, err := openDatabaseURL(ts.Getenv("DATABASE_URL"), ts.MkAbs("."))
	ts.Check(err)
	l.held = held
	ts.Defer(func() { l.release(ts) })
	held.SetMaxOpenConns(1)
	statement := "BEGIN IMMEDIATE"
	if onPostgreSQL(ts) {
		statement = "BEGIN; LOCK TABLE users, api_usage_logs IN EXCLUSIVE MODE"
	}
	_, err = held.ExecContext(context.Background(), statement)
	ts.Check(err)
}

func unlockDatabase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: unlock")
	}
	lockOf(ts).release(ts)
}

func (l *scriptLock) release(ts *testscript.TestScript) {
	if l.held == nil {
		return
	}
	ts.Check(l.held.Close()) // which rolls back
	l.held = nil
}

// awaitWaiter waits until a program waits for the lock. With SQLite's lock nobody can see that: there it waits until
// a program has the database open, which asks for the lock next.
func awaitWaiter(ts *testscript.TestScript, neg bool, args []string) {
	l := lockOf(ts)
	if neg || len(args) > 0 || l.held == nil {
		ts.Fatalf("usage: lock, a program in the background, and then: waits")
	}
	waits := func() bool { return openElsewhere(ts.MkAbs("alwrity.db")) }
	if onPostgreSQL(ts) {
		beside, err := openDatabaseURL(ts.Getenv("DATABASE_URL"), "") // a transaction would see one state for ever
		ts.Check(err)
		defer beside.Close()
		waits = func() bool {
			var n int
			ts.Check(beside.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM pg_stat_activity"+
				" WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n))
			return n > 0
		}
	}
	for !waits() {
		time.Sleep(10 * time.Millisecond)
	}
}

func onPostgreSQL(ts *testscript.TestScript) bool {
	return strings.HasPrefix(ts.Getenv("DATABASE_URL"), "postgres")
}

// openElsewhere tells whether another process has a file open. Where that can't be known, it has.
func openElsewhere(path string) bool {
	processes, err := filepath.Glob("/proc/[0-9]*/fd")
	if err != nil || len(processes) == 0 {
		return true
	}
	for _, dir := range processes {
		if dir == fmt.Sprintf("/proc/%d/fd", os.Getpid()) {
			continue
		}
		files, _ := os.ReadDir(dir) // the process may be gone, or another user's
		for _, file := range files {
			if to, err := os.Readlink(filepath.Join(dir, file.Name())); err == nil && to == path {
				return true
			}
		}
	}
	return false
}
