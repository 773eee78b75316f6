package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// behindProxy returns a database behind a proxy: its URL with and without it.
func behindProxy(t testing.TB) (p *proxy, through, direct string) {
	t.Helper()
	s := common(t)
	name, direct := s.database(t)
	p, through = newProxy(t, s, name)
	return p, through, direct
}

// TestCutAtCommit cuts the connection at each COMMIT of commands that change
// something, once before the server gets it and once after the server has done it.
// Nobody can know the difference then, so the command is given again.
func TestCutAtCommit(t *testing.T) {
	t.Parallel()
	p, through, direct := behindProxy(t)
	record(direct, "u00", "first").run(t).ok(t)
	commits := commitsOf(t, p, record(through, "u00", "counted"))
	if commits == 0 {
		t.Fatal("the proxy saw no COMMIT: how does the driver send it?")
	}
	for at := range commits {
		for _, kind := range []faultKind{beforeCommit, afterCommit} {
			t.Run(fmt.Sprintf("%s %d", kind, at+1), func(t *testing.T) {
				last := at == commits-1
				recordCut(t, p, through, fault{kind, int64(at + 1)}, last)
				reserveCut(t, p, through, fault{kind, int64(at + 1)})
				amendCut(t, p, through, fault{kind, int64(at + 1)})
			})
		}
	}
	if n := len(logged(t, direct)); n != 2+2*commits*(2+4) { // an event, one in its place, and two counter-entries
		t.Errorf("the log has %d rows", n)
	}
	wholesome(t, direct)
}

// commitsOf counts the COMMITs of a command that succeeds.
func commitsOf(t *testing.T, p *proxy, c command) int {
	t.Helper()
	p.set(fault{})
	c.run(t).ok(t)
	_, _, commits := p.counts()
	return commits
}

// recordCut records with a fault, and again without. The last COMMIT is the one that
// records: whether the server got it decides what the second command finds.
func recordCut(t *testing.T, p *proxy, url string, f fault, last bool) {
	t.Helper()
	id := fmt.Sprintf("%s %d", f.kind, f.at)
	p.set(f)
	record(url, "u00", id).run(t).unavailable(t, "PostgreSQL", "connection")
	want := "recorded"
	if last && f.kind == afterCommit {
		want = "duplicate"
	}
	if got := record(url, "u00", id).run(t).said(t); got != want {
		t.Errorf("the second command says %s, want %s", got, want)
	}
}

// reserveCut reserves with a fault, and again without: one call is held, and settling
// it works.
func reserveCut(t *testing.T, p *proxy, url string, f fault) {
	t.Helper()
	id := fmt.Sprintf("r %s %d", f.kind, f.at)
	user := "reserves " + id
	reserve := program(url, "limits", "reserve", "--user", user, "--provider", "video", "--model", "wan-2.5", "--id", id)
	p.set(f)
	reserve.run(t).unavailable(t, "PostgreSQL")
	again := reserve.run(t)
	if again.status != 0 && again.status != 5 { // held already, or only now: both are known
		t.Errorf("reserving again: exit %d: %s%s", again.status, again.out, again.err)
	}
	program(url, "usage", "record", "--reservation", id).run(t).ok(t)
	if got := program(url, "usage", "record", "--reservation", id).run(t).said(t); got != "duplicate" {
		t.Errorf("settled again: %s", got)
	}
}

// amendCut corrects an event and takes it back, each with a fault, and again without.
func amendCut(t *testing.T, p *proxy, url string, f fault) {
	t.Helper()
	id := fmt.Sprintf("a %s %d", f.kind, f.at)
	record(url, "u01", id).run(t).ok(t)
	for _, c := range []command{
		program(url, "usage", "correct", id, "--output-tokens", "7", "--id", "in place of "+id, "--reason", "a test"),
		program(url, "usage", "void", id, "--reason", "a test"),
	} {
		p.set(f)
		if c.run(t).okOrUnavailable(t) && p.happened() {
			t.Error("it says that it is done, and its connection was cut")
		}
		p.set(fault{})
		c.run(t).ok(t)
	}
}

// An import loses its connection at each COMMIT in turn, and is run again.
func TestImportCutAtCommit(t *testing.T) {
	t.Parallel()
	all := events(0, rows)
	s := common(t)
	name, direct := s.database(t)
	p, through := newProxy(t, s, name)
	importAll(t, through, all).ok(t)
	same(t, state(t, direct), undisturbed(t, all))
	_, _, commits := p.counts()
	for at := range commits {
		for _, kind := range []faultKind{beforeCommit, afterCommit} {
			if !torture() && (at+1 < commits-1 || at+1 == commits && kind == beforeCommit) {
				continue // the two batches matter, and one fault of each kind shows it
			}
			t.Run(fmt.Sprintf("%s %d", kind, at+1), func(t *testing.T) {
				name, direct := s.database(t)
				p, through := newProxy(t, s, name)
				p.set(fault{kind, int64(at + 1)})
				r := importAll(t, through, all)
				if p.happened() {
					r.unavailable(t, "PostgreSQL")
				} else { // one COMMIT more or less, when two connections add what the log needs at once
					r.ok(t)
				}
				completes(t, direct, all)
			})
		}
	}
}

// TestCutAtAnyByte cuts the connection of a command after some bytes, in either
// direction, and gives the command again.
func TestCutAtAnyByte(t *testing.T) {
	t.Parallel()
	p, through, direct := behindProxy(t)
	record(direct, "u00", "first").run(t).ok(t)
	p.set(fault{})
	record(through, "u00", "counted").run(t).ok(t)
	sent, got, _ := p.counts()
	seed := rand.Uint64()
	t.Logf("%d bytes to the server, %d from it; seed %d", sent, got, seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range times(16, 600) {
		f := fault{cutSending, 1 + random.Int64N(sent)}
		if i%2 == 1 {
			f = fault{cutReceiving, 1 + random.Int64N(got)}
		}
		id := fmt.Sprintf("byte %d", i)
		p.set(f)
		first := record(through, "u00", id).run(t)
		recorded := first.okOrUnavailable(t)
		again := record(through, "u00", id).run(t).said(t)
		if recorded && again != "duplicate" || again != "duplicate" && again != "recorded" {
			t.Errorf("%s at %d: first exit %d %s%s, then %s", f.kind, f.at, first.status, first.out, first.err, again)
		}
	}
	if n := len(logged(t, direct)); n != 2+times(16, 600) {
		t.Errorf("the log has %d rows", n)
	}
	wholesome(t, direct)
}

// TestHandleSurvivesCuts cuts the connections of a long-lived handle: in a call,
// which fails or succeeds, and between two calls, which the second one must not notice.
func TestHandleSurvivesCuts(t *testing.T) {
	t.Parallel()
	p, through, direct := behindProxy(t)
	l := newLibrary(t, through)
	fill(t, l, 4)
	for i := range times(6, 100) {
		p.cut()
		l.records(t, "u00", fmt.Sprintf("between %d", i), usage.Recorded)
	}
	for _, kind := range []faultKind{beforeCommit, afterCommit} {
		p.set(fault{kind, 1})
		_, err := l.record(t.Context(), "u00", kind.String())
		unavailable(t, err)
		want := usage.Recorded
		if kind == afterCommit {
			want = usage.Duplicate
		}
		l.records(t, "u00", kind.String(), want)
	}
	wholesome(t, direct)
}

// TestStall: a network that swallows everything, new connections too. No command can
// know that, but whoever waits can end it, and at once.
func TestStall(t *testing.T) {
	t.Parallel()
	p, through, direct := behindProxy(t)
	record(direct, "u00", "first").run(t).ok(t)
	commits := commitsOf(t, p, record(through, "u00", "counted"))
	sent, _, _ := p.counts()
	for _, f := range []fault{
		{stall, 1}, {stall, sent / 2}, {stallAtCommit, int64(commits)}, {stallAnswer, int64(commits)},
	} {
		t.Run(fmt.Sprintf("%s %d", f.kind, f.at), func(t *testing.T) {
			p.set(f)
			id := fmt.Sprintf("%s %d", f.kind, f.at)
			r := record(through, "u00", id).start(t)
			waitFor(t, "the network stalls", p.happened)
			time.Sleep(100 * time.Millisecond) // the program waits for an answer by now
			interrupt(t, r)
			p.set(fault{})
			p.cut()
			want := "recorded"
			if f.kind == stallAnswer {
				want = "duplicate"
			}
			if got := record(through, "u00", id).run(t).said(t); got != want {
				t.Errorf("the second command says %s, want %s", got, want)
			}
		})
	}
	wholesome(t, direct)
}

// A server that accepts connections and says nothing is given up after the connect
// timeout of ten seconds.
func TestStallWhileConnecting(t *testing.T) {
	t.Parallel()
	p, through, _ := behindProxy(t)
	p.set(fault{stall, 1})
	r := record(strings.Replace(through, patience, "", 1), "u00", "e").run(t)
	r.unavailable(t, "PostgreSQL")
	if r.took < 10*time.Second {
		t.Errorf("it took %s", r.took)
	}
}

// A library's caller has a deadline.
func TestStallWithDeadline(t *testing.T) {
	t.Parallel()
	p, through, direct := behindProxy(t)
	l := newLibrary(t, through)
	l.records(t, "u00", "first", usage.Recorded)
	p.set(fault{stall, 200})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := l.record(ctx, "u00", "late"); err == nil {
		t.Error("no error")
	}
	p.set(fault{})
	p.cut()
	l.records(t, "u00", "late", usage.Recorded)
	wholesome(t, direct)
}
