package faults_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// two are events of two users, whose rows an import locks in this order.
const two = `{"id":"a1","user_id":"a","provider":"gemini","model":"gemini-2.5-flash",` +
	`"time":"2026-11-10T10:00:00Z","input_tokens":10}
{"id":"z1","user_id":"z","provider":"gemini","model":"gemini-2.5-flash","time":"2026-11-10T10:00:00Z","input_tokens":10}
`

const lockUser = "SELECT user_id FROM users WHERE user_id = '%s' FOR UPDATE"

// lockedUsers returns a database with the users of two, a handle on it, and another
// client's session. In that session a deadlock is never looked for, so it is always
// the program that the server picks.
func lockedUsers(t *testing.T) (s *server, name, url string, l *library, other *session) {
	t.Helper()
	s = common(t)
	name, url = s.database(t)
	// The server looks for a deadlock once, so long after the wait began: by then the
	// other session must wait as well.
	must(t, s.exec("postgres", "ALTER DATABASE "+name+" SET deadlock_timeout = '3s'"))
	l = newLibrary(t, url)
	l.records(t, "a", "first a", usage.Recorded)
	l.records(t, "z", "first z", usage.Recorded)
	other = s.session(t, name)
	other.exec("SET deadlock_timeout = '1h'")
	return s, name, url, l, other
}

// both records for both users in one transaction, which locks them in their order.
func both(ctx context.Context, l *library, calls *int) error {
	return l.db.Update(ctx, []string{"z", "a"}, today(), func(tx usage.Tx) error {
		if _, err := tx.UserKnown(ctx, "a"); err != nil { // the users are locked with the first question
			return err
		}
		*calls++
		return nil
	})
}

// A deadlock with another client, which locks the same users in the opposite order:
// the server ends our transaction, and it runs again.
func TestDeadlockRunsAgain(t *testing.T) {
	t.Parallel()
	s, name, url, l, other := lockedUsers(t)
	other.exec("BEGIN", fmt.Sprintf(lockUser, "z"))
	ended := make(chan error, 1)
	calls := 0
	go func() { ended <- both(t.Context(), l, &calls) }()
	waitFor(t, "it waits", func() bool { return s.blocked(t, name) > 0 })
	other.exec(fmt.Sprintf(lockUser, "a")) // now each waits for the other
	other.exec("COMMIT")
	if err := <-ended; err != nil || calls != 1 {
		t.Errorf("%d calls: %v", calls, chain(err))
	}
	wantDeadlocks(t, s, name, 1)

	other.exec("BEGIN", fmt.Sprintf(lockUser, "z"))
	r := program(url, "usage", "import", "-").start(t)
	_, _ = r.stdin.Write([]byte(two))
	r.stdin.Close()
	waitFor(t, "it waits", func() bool { return s.blocked(t, name) > 0 })
	other.exec(fmt.Sprintf(lockUser, "a"), "COMMIT")
	if recorded, _ := r.wait(t).imported(t); recorded != 2 {
		t.Errorf("%d rows were recorded", recorded)
	}
	wholesome(t, url)
}

// wantDeadlocks requires that so many really happened.
func wantDeadlocks(t *testing.T, s *server, name string, want int) {
	t.Helper()
	waitFor(t, "the deadlock is in the statistics", func() bool {
		return s.number(t, "postgres", "SELECT deadlocks FROM pg_stat_database WHERE datname = '"+name+"'") >= want
	})
}

// One deadlock after another: after some attempts that is a clear failure.
func TestDeadlocksWithoutEnd(t *testing.T) {
	t.Parallel()
	s, name, url, l, other := lockedUsers(t)
	other.exec("BEGIN", fmt.Sprintf(lockUser, "z"))
	ended := make(chan error, 1)
	calls := 0
	go func() { ended <- both(t.Context(), l, &calls) }()
	rounds := 0
	for err := error(nil); ; rounds++ {
		select {
		case err = <-ended:
			unavailable(t, err)
			if calls != 0 {
				t.Errorf("it got through %d times", calls)
			}
			other.exec("COMMIT")
			l.records(t, "a", "after", usage.Recorded)
			wantDeadlocks(t, s, name, rounds)
			wholesome(t, url)
			return
		case <-time.After(20 * time.Millisecond):
		}
		if rounds > 30 {
			t.Fatal("it tries without end")
		}
		// The lock of a is given back with the savepoint, that of z is kept.
		if s.blocked(t, name) > 0 {
			other.exec("SAVEPOINT s", fmt.Sprintf(lockUser, "a"), "ROLLBACK TO s")
		} else {
			rounds--
		}
	}
}

// A serialization failure that the server reports runs the transaction again; one
// that comes every time is a clear failure. A trigger makes them, as many as wanted:
// a sequence is not rolled back.
func TestSerializationFailure(t *testing.T) {
	t.Parallel()
	s := common(t)
	name, url := s.database(t)
	must(t, s.exec(name, "CREATE SEQUENCE failures", "CREATE TABLE wanted (n BIGINT)", "INSERT INTO wanted VALUES (3)",
		`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('public.failures') <= (SELECT n FROM public.wanted) THEN
				RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
			END IF;
			RETURN NEW;
		END $$`,
		"CREATE TRIGGER fail AFTER INSERT ON usage_daily FOR EACH STATEMENT EXECUTE FUNCTION fail()"))
	if got := record(url, "u00", "three").run(t).said(t); got != "recorded" {
		t.Errorf("%s", got)
	}
	if n := s.number(t, name, "SELECT last_value FROM failures"); n != 4 {
		t.Errorf("it took %d attempts, want 4", n)
	}
	must(t, s.exec(name, "UPDATE wanted SET n = 1000000"))
	record(url, "u00", "always").run(t).unavailable(t, "several times")
	must(t, s.exec(name, "UPDATE wanted SET n = 0"))
	if got := record(url, "u00", "always").run(t).said(t); got != "recorded" {
		t.Errorf("%s", got)
	}
	if n := len(logged(t, url)); n != 2 {
		t.Errorf("the log has %d rows", n)
	}
	wholesome(t, url)
}

// A server whose default is serializable: 12 at once for a limit of 2 (videos of the
// free plan), and imports at once, neither fail nor overshoot.
func TestSerializableServer(t *testing.T) {
	t.Parallel()
	s := common(t)
	name, url := s.database(t)
	must(t, s.exec("postgres", "ALTER DATABASE "+name+" SET default_transaction_isolation = 'serializable'"))
	program(url, "init").run(t).ok(t)
	var all []*running
	for i := range 12 {
		r := program(url, "usage", "record", "--enforce", "--user", "one", "--provider", "video", "--model", "wan-2.5",
			"--id", fmt.Sprint("v", i)).start(t)
		r.stdin.Close()
		all = append(all, r)
	}
	passed := 0
	for _, r := range all {
		switch r := r.wait(t); r.status {
		case 0:
			passed++
		case 4:
		default:
			t.Errorf("exit %d: %s%s", r.status, r.out, r.err)
		}
	}
	if passed != 2 {
		t.Errorf("%d of 12 passed a limit of 2", passed)
	}
	wholesome(t, url)
}

// A lock that is held too long is a clear failure after ten seconds; one that is held
// shorter only takes time. The command is the same on both databases.
func TestLockHeld(t *testing.T) {
	t.Parallel()
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		s := common(t)
		name, url := s.database(t)
		record(url, "u00", "first").run(t).ok(t)
		other := s.session(t, name)
		lockHeld(t, url, func() { other.exec("BEGIN", fmt.Sprintf(lockUser, "u00")) }, func() { other.exec("COMMIT") })
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		url, file := sqliteFile(t)
		record(url, "u00", "first").run(t).ok(t)
		pool, err := sql.Open("sqlite3", "file:"+file)
		must(t, err)
		defer pool.Close()
		conn, err := pool.Conn(t.Context())
		must(t, err)
		defer conn.Close()
		do := func(statement string) func() {
			return func() {
				_, err := conn.ExecContext(context.Background(), statement)
				must(t, err)
			}
		}
		lockHeld(t, url, do("BEGIN IMMEDIATE"), do("COMMIT"))
	})
}

func lockHeld(t *testing.T, url string, lock, release func()) {
	t.Helper()
	lock()
	c := record(url, "u00", "long")
	c.path = builtProgram(t, "alwrity-sub") // which waits as long as documents say
	long := c.run(t)
	long.unavailable(t, "locked", "10 seconds", "try again")
	if long.took < 10*time.Second {
		t.Errorf("it took %s", long.took)
	}
	program(url, "usage", "show", "u00").run(t).ok(t) // who only reads need not wait

	short := record(url, "u00", "long").start(t)
	time.Sleep(1500 * time.Millisecond)
	release()
	if got := short.wait(t).said(t); got != "recorded" {
		t.Errorf("%s", got)
	}
	wholesome(t, url)
}

// sqliteFile makes a SQLite database and returns its URL and its file.
func sqliteFile(t testing.TB) (url, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "faults.db")
	url = "sqlite:///" + file
	program(url, "init").run(t).ok(t)
	return url, file
}

// waitingImport gives an import more than a batch, and then nothing more for a while.
func waitingImport(t *testing.T, url string) *running {
	t.Helper()
	r := program(url, "usage", "import", "-").start(t)
	_, err := r.stdin.Write([]byte(events(0, rows)))
	must(t, err)
	time.Sleep(time.Second) // what was read is in the database by now, or will not be for long
	return r
}

// onBoth runs a test on an empty database of each kind.
func onBoth(t *testing.T, test func(t *testing.T, url string)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		url, _ := sqliteFile(t)
		test(t, url)
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		_, url := common(t).database(t)
		test(t, url)
	})
}

// An import that waits for its input (zcat of a file on a slow disk, a pipe from
// another host) holds no lock: others go on recording.
func TestImportHoldsNoLockWhileItWaits(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		r := waitingImport(t, url)
		beside := record(url, "u00", "beside").run(t)
		if beside.status != 0 {
			t.Errorf("another command: exit %d: %s", beside.status, beside.err)
		}
		r.stdin.Close()
		if recorded, duplicates := r.wait(t).imported(t); recorded != rows {
			t.Errorf("%d recorded, %d duplicates", recorded, duplicates)
		}
		wholesome(t, url)
	})
}

// An import that waits for its input can be interrupted.
func TestImportInterruptedWhileItWaits(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		interrupt(t, waitingImport(t, url))
		completes(t, url, events(0, rows))
	})
}

// logRows returns how many rows the log has, which must agree with the totals.
func logRows(t testing.TB, url string) int {
	t.Helper()
	var v struct {
		Rows int `json:"log_rows"`
	}
	must(t, json.Unmarshal([]byte(program(url, "reconcile").run(t).ok(t).out), &v))
	return v.Rows
}
