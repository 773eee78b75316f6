package torture_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// What was recorded wrongly is put right, in open periods and closed ones.

// stands returns what was recorded last in place of a call.
func (e *call) stands() *call {
	for e.next != nil {
		e = e.next
	}
	return e
}

func (e *call) key() string { return e.provider + "/" + e.model }

// closed tells whether the period of a call is.
func (e *call) closed() bool { return e.owner.month(e.at).start.Before(e.owner.closed) }

// amend takes calls back, corrects one, or replaces a price, as of a moment.
func (w *world) amend(t testing.TB, at time.Time) {
	t.Helper()
	first := w.anyCall()
	if first == nil {
		return
	}
	switch w.dice.IntN(8) {
	case 0, 1, 2:
		asked := []*call{first}
		for range w.dice.IntN(3) {
			asked = append(asked, w.anyCall())
		}
		w.takeBack(t, at, asked)
	case 3:
		w.takeBackAll(t, at, first)
	case 4:
		w.fix(t, at)
	default:
		w.correct(t, at, first)
	}
}

// anyCall returns a call that was reported, nil where there is none.
func (w *world) anyCall() *call {
	c := w.customers[w.dice.IntN(len(w.customers))]
	if len(c.calls) == 0 {
		return nil
	}
	return c.calls[w.dice.IntN(len(c.calls))]
}

// takeBack voids calls by their ids, as arguments or in a file. What stands in their place is taken back.
func (w *world) takeBack(t testing.TB, at time.Time, asked []*call) {
	t.Helper()
	var ids []string
	var stand []*call
	for _, e := range asked {
		if e != nil && !slices.Contains(ids, e.id) {
			ids, stand = append(ids, e.id), append(stand, e.stands())
		}
	}
	args := []string{"usage", "void", "--reason", "a test"}
	if w.dice.IntN(2) == 0 {
		args = append(args, "-f", w.write(t, "ids.txt", strings.Join(ids, "\n")))
	} else {
		args = append(append(args, "--"), ids...)
	}
	w.voided(t, at, args, stand)
	// Who reports a call again is told that it is known, also where it was taken back.
	var rows string
	for _, e := range asked {
		if e != nil {
			rows += e.row
		}
	}
	if r := w.must(t, at, "usage", "import", w.write(t, "again.jsonl", rows)); !strings.Contains(r.out, `"recorded": 0`) {
		t.Errorf("what was taken back was recorded again: %s", r.out)
	}
}

// takeBackAll voids what a customer used about the time of a call.
func (w *world) takeBackAll(t testing.TB, at time.Time, about *call) {
	t.Helper()
	from, to := about.at.Add(-30*time.Hour), about.at.Add(time.Duration(w.dice.IntN(30))*time.Hour)
	var stand []*call
	for _, e := range about.owner.calls {
		if !e.gone && !e.at.Before(from) && e.at.Before(to) {
			stand = append(stand, e)
		}
	}
	w.voided(t, at, []string{"usage", "void", "--reason", "a test", "--user=" + about.owner.id, "--from",
		from.Format(time.RFC3339Nano), "--to", to.Format(time.RFC3339Nano)}, stand)
}

// voided runs a command that takes calls back, and compares what it says.
func (w *world) voided(t testing.TB, at time.Time, args []string, stand []*call) {
	t.Helper()
	if w.dice.IntN(4) == 0 {
		w.must(t, at, append(slices.Clone(args[:2]), append([]string{"--dry-run"}, args[2:]...)...)...) // changes nothing
	}
	var got struct {
		Voided, Duplicates int
		Cost               string
		Closed             string `json:"closed_cost"`
	}
	w.answer(t, at, &got, args...)
	voided, duplicates, cost, closed := 0, 0, int64(0), int64(0)
	for _, e := range stand {
		if e.gone {
			duplicates++
			continue
		}
		voided++
		cost += e.used.cost
		if e.closed() {
			closed += e.used.cost
			w.did["void after closing"]++
		}
		e.gone = true
		w.rate(e)
	}
	w.did["void usage"] += voided
	is := fmt.Sprint(got.Voided, got.Duplicates, pico(got.Cost), pico(got.Closed))
	if want := fmt.Sprint(voided, duplicates, cost, closed); is != want {
		t.Errorf("%v: %s, want %s", args, is, want)
	}
}

// correct records a call anew as it should have been.
func (w *world) correct(t testing.TB, at time.Time, asked *call) {
	t.Helper()
	e := asked.stands()
	w.events++
	n := *e
	n.id, n.row = fmt.Sprintf("call-%d", w.events), ""
	args := []string{"usage", "correct", "--reason", "a test", "--id", n.id}
	switch w.dice.IntN(5) {
	case 0:
		n.said.input, n.said.calls = w.dice.Int64N(90_000), 1+w.dice.Int64N(3)
		args = append(args, "--input-tokens", fmt.Sprint(n.said.input), "--requests", fmt.Sprint(n.said.calls))
	case 1:
		n.failed = w.dice.IntN(2) == 0
		args = append(args, "--status-code", map[bool]string{true: "503", false: "200"}[n.failed])
	case 2:
		n.provider, n.model = "acme", []string{"small", "odd", "late"}[w.dice.IntN(3)]
		args = append(args, "--provider", n.provider, "--model", n.model)
	case 3:
		n.owner = w.customers[w.dice.IntN(len(w.customers))]
		args = append(args, "--user="+n.owner.id)
	case 4:
		n.at = at.Add(-time.Duration(w.dice.Int64N(int64(60 * 24 * time.Hour)))).Truncate(time.Microsecond)
		args = append(args, "--time", n.at.Format(time.RFC3339Nano))
	}
	args = append(args, "--", asked.id)
	same := n.said == e.said && n.failed == e.failed && n.key() == e.key() && n.owner == e.owner && n.at.Equal(e.at)
	switch {
	case e.gone: // conflict
		w.refused(t, at, 5, args)
	case same && asked == e: // nothing is to be changed
		w.refused(t, at, 2, args)
	case same:
		w.corrected(t, at, args, e, e, "duplicate")
	default:
		w.rate(&n)
		w.corrected(t, at, args, e, &n, "corrected")
		e.gone, e.next, n.owner.known = true, &n, true
		w.rate(e)
		n.owner.calls = append(n.owner.calls, &n)
		w.corrected(t, at, args, &n, &n, "duplicate") // the same again
		w.did["correct"]++
	}
}

// corrected runs a correction and compares what it says.
func (w *world) corrected(t testing.TB, at time.Time, args []string, before, after *call, status string) {
	t.Helper()
	var got struct {
		Status, Cost string
		Before       string `json:"cost_before"`
		Closed       bool
	}
	w.answer(t, at, &got, args...)
	is := fmt.Sprint(got.Status, pico(got.Before), pico(got.Cost), got.Closed)
	if want := fmt.Sprint(status, before.used.cost, after.used.cost, before.closed()); is != want {
		t.Errorf("%v: %s, want %s", args, is, want)
	}
}

func (w *world) refused(t testing.TB, at time.Time, status int, args []string) {
	t.Helper()
	if r := w.run(t, at, args...); r.status != status {
		t.Errorf("%v: exit %d, want %d: %s%s", args, r.status, status, r.out, r.complaint())
	}
}

// answer runs a command that succeeds, and reads its answer.
func (w *world) answer(t testing.TB, at time.Time, into any, args ...string) {
	t.Helper()
	if err := json.Unmarshal([]byte(w.must(t, at, args...).out), into); err != nil {
		t.Fatalf("%v: %s", args, err)
	}
}

// fix replaces a price from the moment on at which it began.
func (w *world) fix(t testing.TB, at time.Time) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(w.prices))
	key := keys[w.dice.IntN(len(keys))]
	prices := w.prices[key]
	i := w.dice.IntN(len(prices))
	provider, model, _ := strings.Cut(key, "/")
	right, from := prices[i], "1970-01-01T00:00:00Z"
	if !right.from.IsZero() {
		from = right.from.Format(time.RFC3339Nano)
	}
	args := []string{"pricing", "fix", provider}
	if model != "" {
		args = append(args, model)
	}
	args = append(args, "--from", from, "--reason", "a test", "--force")
	flag, to := "--input-token-cost", &right.input
	switch key {
	case "acme/odd":
		flag, to = "--request-cost", &right.request
	case "zed/":
		flag, to = "--image-cost", &right.image
	case "acme/small":
		if w.dice.IntN(2) == 0 {
			flag, to = "--output-token-cost", &right.output
		}
	}
	*to += 1 + w.dice.Int64N(2_000_000)
	args = append(args, flag, fmt.Sprintf("%d.%012d", *to/1_000_000_000_000, *to%1_000_000_000_000))
	wanted := w.touched(key, i, right)
	w.fixed(t, at, append(args, "--dry-run"), "fixed", wanted)
	w.fixed(t, at, args, "fixed", wanted)
	w.fixed(t, at, args, "fixed before", [4]int64{})
	prices[i] = right
	w.rateAll()
	w.did["fix"]++
}

// touched returns how many calls a right price touches, what they cost before and after, and by how much closed
// periods change.
func (w *world) touched(key string, i int, right price) (sums [4]int64) {
	prices := w.prices[key]
	for _, c := range w.customers {
		for _, e := range c.calls {
			if e.gone || e.key() != key || e.at.Before(right.from) || i+1 < len(prices) && !e.at.Before(prices[i+1].from) {
				continue
			}
			after := int64(0)
			if !e.failed {
				after = right.cost(e)
			}
			sums[0]++
			sums[1] += e.used.cost
			sums[2] += after
			if e.closed() {
				sums[3] += after - e.used.cost
			}
		}
	}
	return sums
}

func (w *world) fixed(t testing.TB, at time.Time, args []string, status string, want [4]int64) {
	t.Helper()
	var got struct {
		Status string
		Calls  struct {
			Changed       int64
			Before, After string
			Closed        string `json:"closed_difference"`
		}
	}
	w.answer(t, at, &got, args...)
	calls := [4]int64{got.Calls.Changed, pico(got.Calls.Before), pico(got.Calls.After), pico(got.Calls.Closed)}
	if got.Status != status || calls != want {
		t.Errorf("%v: %s %v, want %s %v", args, got.Status, calls, status, want)
	}
}
