package faults_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/usage"
)

// ways are those in which a server is restarted: as an admin does it, as an admin in
// a hurry does it, and as the kernel does it when memory is short.
func ways() []string { return []string{"fast", "immediate", "kill -9"} }

// TestServerRestarts restarts a server at every moment that matters; each way has a
// server of its own.
func TestServerRestarts(t *testing.T) {
	needPostgreSQL(t)
	t.Parallel()
	for _, how := range ways() {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := own(t)
			t.Run("between two calls", func(t *testing.T) { restartBetweenCalls(t, s, how) })
			t.Run("between two commands", func(t *testing.T) { restartBetweenCommands(t, s, how) })
			t.Run("in a transaction", func(t *testing.T) { restartInTransaction(t, s, how) })
			t.Run("in an import's transaction", func(t *testing.T) { importIsCut(t, s, func(string) { s.restart(t, how) }) })
			t.Run("between two batches", func(t *testing.T) { restartBetweenBatches(t, s, how) })
		})
	}
}

// A handle that a process keeps open works again as soon as the server does, with
// the first call: the pool has to find out that its connections are dead, all of
// them, and also those that were used a moment ago.
func restartBetweenCalls(t *testing.T, s *server, how string) {
	_, url := s.database(t)
	l := newLibrary(t, url)
	fill(t, l, 6)
	s.restart(t, how)
	l.records(t, "u00", "after", usage.Recorded)
	l.records(t, "u00", "c0", usage.Duplicate)
	if _, err := l.db.Reconcile(t.Context(), false); err != nil {
		t.Errorf("reading: %v", chain(err))
	}

	s.restart(t, how)
	if _, _, err := l.db.Plans(t.Context(), today()); err != nil {
		t.Errorf("reading first: %v", chain(err))
	}
	wholesome(t, url)
}

// fill makes the pool of a handle hold n idle connections.
func fill(t *testing.T, l *library, n int) {
	t.Helper()
	ready, release := make(chan error, n), make(chan struct{})
	for i := range n {
		go func() {
			_, err := l.record(context.Background(), fmt.Sprintf("u%02d", i), fmt.Sprintf("c%d", i))
			if err == nil {
				err = l.db.View(context.Background(), func(usage.Reader) error {
					ready <- nil
					<-release
					return nil
				})
			}
			if err != nil {
				ready <- err
			}
		}()
	}
	for range n {
		must(t, <-ready)
	}
	close(release)
}

func restartBetweenCommands(t *testing.T, s *server, how string) {
	_, url := s.database(t)
	if got := record(url, "u00", "before").run(t).said(t); got != "recorded" {
		t.Errorf("before: %s", got)
	}
	s.restart(t, how)
	if got := record(url, "u00", "before").run(t).said(t); got != "duplicate" {
		t.Errorf("what was recorded is lost: %s", got)
	}
	wholesome(t, url)
}

// A command whose transaction the server takes away says so, and has recorded
// nothing: it waits for a lock of usage_daily, to which the log row has been written
// already, when the server goes.
func restartInTransaction(t *testing.T, s *server, how string) {
	name, url := s.database(t)
	holder := s.session(t, name)
	holder.exec("BEGIN", "LOCK TABLE usage_daily IN EXCLUSIVE MODE")
	r := record(url, "u00", "e").start(t)
	s.waitBlocked(t, name)
	s.restart(t, how)
	r.wait(t).unavailable(t, "PostgreSQL")
	if got := record(url, "u00", "e").run(t).said(t); got != "recorded" {
		t.Errorf("it was rolled back, but the command says %s", got)
	}
	wholesome(t, url)
}

// importIsCut does harm to an import of a second batch, which is in the database but waits for a lock before its
// totals are.
func importIsCut(t *testing.T, s *server, harm func(database string)) {
	t.Helper()
	name, url := s.database(t)
	all := events(0, rows)
	r := firstBatch(t, s, name, url, all)
	holder := s.session(t, name)
	holder.exec("BEGIN", "LOCK TABLE usage_daily IN EXCLUSIVE MODE")
	ended := make(chan result)
	go func() { ended <- rest(t, r, all) }()
	s.waitBlocked(t, name)
	harm(name)
	(<-ended).unavailable(t, "PostgreSQL")
	holder.end()
	if n := s.number(t, name, "SELECT COUNT(*) FROM api_usage_logs"); n != batch {
		t.Errorf("%d rows are recorded, want the first batch of %d and nothing of the second", n, batch)
	}
	completes(t, url, all)
}

// An import waits for its pipe: the server is restarted, then the rows come. It may go on, or end with a clear failure.
func restartBetweenBatches(t *testing.T, s *server, how string) {
	name, url := s.database(t)
	all := events(0, rows)
	r := firstBatch(t, s, name, url, all)
	s.restart(t, how)
	if rest(t, r, all).okOrUnavailable(t) {
		t.Log("the import went on")
	}
	completes(t, url, all)
}

// firstBatch imports the first batch, and returns another import that waits for the rest on its pipe.
func firstBatch(t *testing.T, s *server, name, url, all string) *running {
	t.Helper()
	importAll(t, url, strings.Join(strings.SplitAfterN(all, "\n", batch+1)[:batch], "")).ok(t)
	r := program(url, "usage", "import", "-").start(t)
	waitFor(t, "it is connected", func() bool { return s.number(t, name, "SELECT COUNT(*) "+theirs) > 0 })
	return r
}

// rest gives the import what firstBatch has left and waits for its end.
func rest(t *testing.T, r *running, all string) result {
	t.Helper()
	_, _ = r.stdin.Write([]byte(strings.SplitAfterN(all, "\n", batch+1)[batch])) // it may have ended
	r.stdin.Close()
	return r.wait(t)
}

// While the server is away, and while it starts, every command says so at once.
func TestServerAway(t *testing.T) {
	needPostgreSQL(t)
	t.Parallel()
	s := own(t)
	_, url := s.database(t)
	l := newLibrary(t, url)
	fill(t, l, 3)
	must(t, s.run("pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop"))

	record(url, "u00", "away").run(t).unavailable(t, "refused")
	program(url, "reconcile").run(t).unavailable(t, "refused")
	program(url, "init").run(t).unavailable(t, "refused")
	_, err := l.record(t.Context(), "u00", "away")
	unavailable(t, err)

	must(t, s.up())
	l.records(t, "u00", "away", usage.Recorded)
	wholesome(t, url)
}
