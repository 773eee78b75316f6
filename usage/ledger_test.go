package usage

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// countingReader answers for one user, and counts how often it is asked.
type countingReader struct {
	Reader
	asked int
	fail  error
}

func (r *countingReader) Totals(_ context.Context, keys []PeriodKey) (map[PeriodKey][]Total, error) {
	r.asked++
	totals := map[PeriodKey][]Total{}
	for _, key := range keys {
		totals[key] = []Total{{Provider: "gemini", Vendor: "google", Calls: 3, InputTokens: 10, OutputTokens: 20, Cost: 5}}
	}
	return totals, r.fail
}

func (r *countingReader) Held(_ context.Context, users []string, _ time.Time) (map[string][]Reservation, error) {
	return map[string][]Reservation{"alice": {
		{ID: "r1", UserID: "alice", Provider: "gemini", Vendor: "google", Calls: 1, Tokens: 7, Cost: 2},
		{ID: "r2", UserID: "alice", Provider: "video", Vendor: "wavespeed", Calls: 1, Tokens: 0, Cost: 9},
	}}, nil
}

func TestLedgerAsksOnce(t *testing.T) {
	reader := &countingReader{}
	l := newLedger(reader, time.Unix(0, 0))
	start := time.Unix(0, 0)
	for range 3 {
		if _, err := l.period(t.Context(), "alice", start); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.load(t.Context(), []PeriodKey{NewPeriodKey("alice", start), NewPeriodKey("bob", start), NewPeriodKey("bob", start)}); err != nil {
		t.Fatal(err)
	}
	if reader.asked != 2 {
		t.Errorf("it asked %d times", reader.asked)
	}
	boom := errors.New("boom")
	if _, err := newLedger(&countingReader{fail: boom}, start).period(t.Context(), "alice", start); !errors.Is(err, boom) {
		t.Errorf("unknown is never yes: got %v", err)
	}
}

func TestLedgerAddsUp(t *testing.T) {
	l := newLedger(&countingReader{}, time.Unix(0, 0))
	state, err := l.period(t.Context(), "alice", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	limits := []plan.Limit{
		{Meter: plan.Calls, Scope: plan.Scope{Providers: []string{"gemini"}}}, {Meter: plan.Tokens}, {Meter: plan.Cost},
		{Meter: plan.Calls, Scope: plan.Scope{Vendors: []string{"wavespeed"}}}, {Meter: plan.Calls, Scope: plan.Scope{Providers: []string{"exa"}}},
	}
	check := func(when string, want [5][2]int64) {
		t.Helper()
		for i, u := range state.uses(&plan.Plan{ID: 1, Limits: limits}, []int{0, 1, 2, 3, 4}) {
			if u.Used != want[i][0] || u.Reserved != want[i][1] {
				t.Errorf("%s, limit %d: %d used and %d reserved, want %v", when, i, u.Used, u.Reserved, want[i])
			}
		}
	}
	check("as loaded", [5][2]int64{{3, 1}, {30, 7}, {5, 11}, {0, 1}, {0, 0}})
	state.add(l, &Entry{Event: Event{Provider: "video", Vendor: "wavespeed", StatusCode: 200, Quantities: pricing.Quantities{2, 1, 1}}, Cost: 100})
	state.add(l, &Entry{Event: Event{Provider: "video", Vendor: "wavespeed", StatusCode: 500, Quantities: pricing.Quantities{2, 1, 1}}, Cost: 100})
	check("with two calls, one of which failed", [5][2]int64{{3, 1}, {32, 7}, {105, 11}, {2, 1}, {0, 0}})
	state.free("r2")
	state.free("nothing")
	check("with one reservation less", [5][2]int64{{3, 1}, {32, 7}, {105, 2}, {2, 0}, {0, 0}})
}

// Sums that no longer fit stay at the most there is: used up, and never negative.
func TestLedgerNeverTurnsNegative(t *testing.T) {
	const most = 1<<63 - 1
	state := &periodState{
		totals: []Total{{Provider: "a", Calls: most, InputTokens: most, OutputTokens: most, Cost: most}, {Provider: "b", Calls: 1, Cost: 1}},
		sum:    Total{Calls: most},
		held:   []Reservation{{Provider: "a", Calls: most, Tokens: most, Cost: most}, {Provider: "b", Calls: most, Tokens: most, Cost: most}},
	}
	for _, meter := range []plan.Meter{plan.Calls, plan.Tokens, plan.Cost} {
		p := plan.Plan{Limits: []plan.Limit{{Meter: meter}}}
		state.limits = nil
		if u := state.uses(&p, []int{0})[0]; u.Used != most || u.Reserved != most {
			t.Errorf("%s: %+v", meter, u)
		}
	}
	if err := state.mustHold(&Entry{Event: Event{StatusCode: 200}}); err == nil {
		t.Error("what is full takes more")
	}
}

func TestCrossedThresholds(t *testing.T) {
	limit := plan.Limit{Max: 10}
	for _, c := range []struct {
		before, after int64
		thresholds    []int
		want          int
	}{
		{0, 7, []int{80, 90, 100}, 0}, {7, 8, []int{80, 90, 100}, 80}, {8, 8, []int{80, 90, 100}, 0}, {0, 9, []int{80, 90, 100}, 90},
		{0, 50, []int{100, 80, 90}, 100}, {8, 10, []int{80}, 0}, {10, 11, []int{80, 90, 100}, 0}, {0, 20, []int{150, 80}, 150}, {0, 10, nil, 0},
	} {
		if got := crossed(&limit, c.before, c.after, c.thresholds); got != c.want {
			t.Errorf("from %d to %d of 10 with %v: %d, want %d", c.before, c.after, c.thresholds, got, c.want)
		}
	}
	for _, none := range []plan.Limit{{Max: 0}, {Unlimited: true}} {
		if got := crossed(&none, 0, 100, []int{1}); got != 0 {
			t.Errorf("%+v has a threshold %d", none, got)
		}
	}
}
