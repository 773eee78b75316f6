package faults_test

import (
	"testing"

	"github.com/alwrity/alwrity-sub/usage"
)

// terminate cuts the program's connections to a database, as an admin does.
const terminate = "SELECT COUNT(pg_terminate_backend(pid)) " + theirs

// terminateAll cuts them and waits until they are gone: the server only asks its
// backends to end.
func terminateAll(t *testing.T, s *server, database string) {
	t.Helper()
	if n := s.number(t, database, terminate); n == 0 {
		t.Error("there was no connection to cut")
	}
	waitFor(t, "the connections are gone", func() bool { return s.number(t, database, "SELECT COUNT(*) "+theirs) == 0 })
}

// TestBackendTerminated cuts connections while the server lives on.
func TestBackendTerminated(t *testing.T) {
	t.Parallel()
	s := common(t)
	t.Run("import", func(t *testing.T) {
		t.Parallel()
		importIsCut(t, s, func(name string) { s.number(t, name, terminate) })
	})
	t.Run("between two batches", func(t *testing.T) {
		t.Parallel()
		name, url := s.database(t)
		all := events(0, rows)
		r := firstBatch(t, s, name, url, all)
		terminateAll(t, s, name)
		if rest(t, r, all).okOrUnavailable(t) {
			t.Log("the import went on")
		}
		completes(t, url, all)
	})
	t.Run("record", func(t *testing.T) {
		t.Parallel()
		recordIsCut(t, s)
	})
	t.Run("between two calls", func(t *testing.T) {
		t.Parallel()
		name, url := s.database(t)
		l := newLibrary(t, url)
		fill(t, l, 6)
		terminateAll(t, s, name)
		l.records(t, "u00", "after", usage.Recorded)
		terminateAll(t, s, name)
		if _, err := l.db.Reconcile(t.Context(), false); err != nil {
			t.Errorf("reading: %v", chain(err))
		}
		wholesome(t, url)
	})
}

// recordIsCut cuts every command that changes something while it waits for the lock
// of its user, then gives the command again.
func recordIsCut(t *testing.T, s *server) {
	name, url := s.database(t)
	record(url, "u00", "first").run(t).ok(t) // the user is there, and can be locked
	for _, c := range []command{
		record(url, "u00", "e"),
		program(url, "limits", "reserve", "--user", "u00", "--provider", "video", "--model", "wan-2.5", "--id", "r"),
		program(url, "usage", "record", "--reservation", "r"),
		program(url, "usage", "correct", "e", "--output-tokens", "7", "--reason", "a test"),
		program(url, "usage", "void", "first", "e", "--reason", "a test"),
		program(url, "users", "subscribe", "u00", "--plan", "pro"),
		program(url, "users", "change-plan", "u00", "--plan", "basic"),
		program(url, "users", "cancel", "u00"),
	} {
		holder := s.session(t, name)
		holder.exec("BEGIN", "SELECT user_id FROM users WHERE user_id = 'u00' FOR UPDATE")
		r := c.start(t)
		r.stdin.Close()
		s.waitBlocked(t, name)
		s.number(t, name, terminate)
		r.wait(t).unavailable(t, "PostgreSQL")
		holder.end()
		c.run(t).ok(t)
	}
	if n := s.number(t, name, "SELECT COUNT(*) FROM api_usage_logs"); n != 7 {
		t.Errorf("the log has %d rows, want 3, one in place of another, and 3 counter-entries", n)
	}
	wholesome(t, url)
}
