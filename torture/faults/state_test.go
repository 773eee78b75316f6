package faults_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	// portion is how many rows an import judges at a time: a transaction records one
	// or several whole ones, as many as are there in time.
	portion = 5_000
	// batch is how many rows make sure that something is committed.
	batch = 2 * portion
	// rows are those of the import that most tests disturb: one whole batch, and some
	// of a second one.
	rows = batch + 500
)

// events returns JSON lines of so many calls of some users on some days, with ids.
func events(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `{"id":"e%06d","user_id":"u%02d","provider":"gemini","model":"gemini-2.5-flash",`+
			`"time":"2026-11-%02dT10:00:00Z","input_tokens":%d,"output_tokens":10}`+"\n",
			i, i%20, 1+i%19, 100+i%50)
	}
	return b.String()
}

// importAll imports the events in one undisturbed run.
func importAll(t testing.TB, url string, events string) result {
	t.Helper()
	r := program(url, "usage", "import", "-").start(t)
	go func() {
		_, _ = r.stdin.Write([]byte(events))
		r.stdin.Close()
	}()
	return r.wait(t)
}

// imported returns how many rows of an import were recorded.
func (r result) imported(t testing.TB) (recorded, duplicates int) {
	t.Helper()
	var v struct{ Recorded, Duplicates, Rejected, Conflicts int }
	if err := json.Unmarshal([]byte(r.ok(t).out), &v); err != nil || v.Rejected+v.Conflicts > 0 {
		t.Fatalf("%v: %s", err, r.out)
	}
	return v.Recorded, v.Duplicates
}

// state returns all that users see of what was recorded: the log, the totals by
// every dimension, and the alerts. It requires that log and totals agree.
func state(t testing.TB, url string) string {
	t.Helper()
	wholesome(t, url)
	show := func(args ...string) string { return program(url, append(args, "-o", "csv")...).run(t).ok(t).out }
	return sorted(show("usage", "logs")) + "\n" +
		show("usage", "report", "--from", "2026-01-01", "--to", "2027-01-01", "--by", "day,user,plan,provider,vendor,model") +
		"\n" +
		alerts(t, show("alerts", "list"))
}

// sorted sorts lines: rows of one moment have no order that users can rely on.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// alerts returns a list of alerts without their numbers, of which a transaction that
// was rolled back uses up some.
func alerts(t testing.TB, list string) string {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(list)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range records {
		lines = append(lines, strings.Join(r[1:], ","))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// wholesome requires that log and totals agree.
func wholesome(t testing.TB, url string) {
	t.Helper()
	if r := program(url, "reconcile").run(t); r.status != 0 {
		t.Fatalf("reconcile exits with %d: %s%s", r.status, r.out, r.err)
	}
}

// undisturbed returns the state after an import of events that nothing disturbs. It
// is the same on both databases, so SQLite makes it.
func undisturbed(t testing.TB, events string) string {
	t.Helper()
	known, _ := states.LoadOrStore(events, &knownState{})
	s := known.(*knownState)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.text == "" {
		url := "sqlite:///" + filepath.Join(t.TempDir(), "undisturbed.db")
		program(url, "init").run(t).ok(t)
		importAll(t, url, events).ok(t)
		s.text = state(t, url)
	}
	return s.text
}

// states holds what undisturbed has computed, by the events.
var states sync.Map

type knownState struct {
	mu   sync.Mutex
	text string
}

// completes runs the import again and requires the state of an undisturbed run.
func completes(t testing.TB, url string, events string) {
	t.Helper()
	wholesome(t, url)
	importAll(t, url, events).ok(t)
	same(t, state(t, url), undisturbed(t, events))
}

// same compares two states and shows the first line in which they differ.
func same(t testing.TB, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%d and %d lines; the first that differs is\n%s\nand undisturbed\n%s", len(g), len(w), g[i], w[i])
		}
	}
	t.Fatalf("%d lines, undisturbed %d", len(g), len(w))
}

// logged returns the ids of the calls in the log.
func logged(t testing.TB, url string, flags ...string) []string {
	t.Helper()
	args := append([]string{"usage", "logs", "-o", "csv"}, flags...)
	records, err := csv.NewReader(strings.NewReader(program(url, args...).run(t).ok(t).out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range records[1:] {
		ids = append(ids, r[0])
	}
	return ids
}
