package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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

func (r *countingReader) Totals(_ context.Context, keys []PeriodKey) (map[PeriodKey][]ProviderUsage, error) {
	r.asked++
	totals := map[PeriodKey][]ProviderUsage{}
	for _, key := range keys {
		totals[key] = []ProviderUsage{{Provider: "gemini", Vendor: "google", Calls: 3, InputTokens: 10, OutputTokens: 20,
			Cost: 5}}
	}
	return totals, r.fail
}

func (r *countingReader) Accounts(_ context.Context, users []string) (map[string]plan.Account, error) {
	accounts := map[string]plan.Account{}
	for _, user := range users {
		accounts[user] = plan.Account{UserID: user, Plans: plan.Plans{{ID: 1, Tier: plan.DefaultTier}}}
	}
	return accounts, nil
}

func (r *countingReader) Held(context.Context, []string, time.Time) (map[string][]Reservation, error) {
	expires := time.Unix(60, 0)
	return map[string][]Reservation{"alice": {
		{ID: "r1", UserID: "alice", Provider: "gemini", Vendor: "google", Calls: 1, Tokens: 7, Cost: 2, Status: Held,
			ExpiresAt: expires},
		{ID: "r2", UserID: "alice", Provider: "video", Vendor: "wavespeed", Calls: 1, Tokens: 0, Cost: 9, Status: Held,
			ExpiresAt: expires},
		{ID: "r3", UserID: "alice", Provider: "video", Vendor: "wavespeed", Calls: 1, Cost: 9, Status: Held,
			ExpiresAt: time.Unix(0, 0)},
	}}, nil
}

// load reads a period of some users as decisions do.
func load(ctx context.Context, s *state, reader Reader, users ...string) error {
	if err := s.loadUsers(ctx, reader, slices.Values(users)); err != nil {
		return err
	}
	calls := map[string]time.Time{}
	for _, user := range users {
		calls[user] = time.Unix(0, 0)
	}
	return s.loadPeriods(ctx, reader, maps.All(calls))
}

func TestStateAsksOnce(t *testing.T) {
	reader := &countingReader{}
	s := newState(time.Unix(0, 0))
	for _, users := range [][]string{{"alice"}, {"alice"}, {"alice", "bob"}, {"bob", "alice"}} {
		if err := load(t.Context(), s, reader, users...); err != nil {
			t.Fatal(err)
		}
	}
	if reader.asked != 2 {
		t.Errorf("it asked %d times", reader.asked)
	}
	boom := errors.New("boom")
	if err := load(t.Context(), newState(time.Unix(0, 0)), &countingReader{fail: boom}, "alice"); !errors.Is(err, boom) {
		t.Errorf("unknown is never yes: got %v", err)
	}
	if _, err := s.periodOf("alice", time.Unix(40*24*3600, 0)); err == nil {
		t.Error("a period that was not read counts as unused")
	}
}

// Reservations that nobody closes are forgotten in the end; of the time when they held nothing is known any more.
func TestStateForgetsWhatIsLongOver(t *testing.T) {
	s := newState(time.Unix(0, 0))
	if err := load(t.Context(), s, &countingReader{}, "bob"); err != nil {
		t.Fatal(err)
	}
	s.users["bob"].held, s.holders = nil, map[string]string{}
	for i := range 1_000 {
		at := time.Unix(int64(i), 0)
		s.hold(Reservation{ID: fmt.Sprint(i), UserID: "bob", CreatedAt: at, ExpiresAt: at.Add(time.Second), Status: Held})
	}
	s.forgetOver(slices.Values([]string{"bob"}), time.Unix(100, 0))
	if len(s.users["bob"].held) != 1_000-39 {
		t.Errorf("after 100 s %d are held", len(s.users["bob"].held))
	}
	s.forgetOver(slices.Values([]string{"bob"}), time.Unix(999, 0))
	held := s.users["bob"].held
	if len(held) > 62 || len(s.holders) != len(held) || held[len(held)-1].ID != "999" {
		t.Errorf("%d are held, of %d holders", len(held), len(s.holders))
	}
	if first := held[0].ExpiresAt; !s.since.Before(first) || s.since.Before(first.Add(-2*time.Second)) {
		t.Errorf("it knows what is since %s, and the first one ends at %s", s.since, first)
	}
}

func TestStateAddsUp(t *testing.T) {
	s := newState(time.Unix(0, 0))
	if err := load(t.Context(), s, &countingReader{}, "alice"); err != nil {
		t.Fatal(err)
	}
	alice := s.users["alice"]
	usage := alice.periods[0]
	limits := []plan.Limit{
		{Meter: plan.Calls, Scope: plan.Scope{Providers: []string{"gemini"}}}, {Meter: plan.Tokens}, {Meter: plan.Cost},
		{Meter: plan.Calls, Scope: plan.Scope{Vendors: []string{"wavespeed"}}},
		{Meter: plan.Calls, Scope: plan.Scope{Providers: []string{"exa"}}},
	}
	check := func(when string, want [5][2]int64) {
		t.Helper()
		for i, u := range usage.uses(&plan.Plan{ID: 1, Figures: plan.Figures{Limits: limits}}, []int{0, 1, 2, 3, 4},
			alice.held, time.Unix(1, 0)) {
			if u.Used != want[i][0] || u.Reserved != want[i][1] {
				t.Errorf("%s, limit %d: %d used and %d reserved, want %v", when, i, u.Used, u.Reserved, want[i])
			}
		}
	}
	check("as loaded", [5][2]int64{{3, 1}, {30, 7}, {5, 11}, {0, 1}, {0, 0}})
	s.add(usage, &Entry{Event: Event{Provider: "video", Vendor: "wavespeed", StatusCode: 200,
		Quantities: pricing.Quantities{2, 1, 1}}, Cost: 100})
	s.add(usage, &Entry{Event: Event{Provider: "video", Vendor: "wavespeed", StatusCode: 500,
		Quantities: pricing.Quantities{2, 1, 1}}, Cost: 100})
	check("with two calls, one of which failed", [5][2]int64{{3, 1}, {32, 7}, {105, 11}, {2, 1}, {0, 0}})
	s.free(&Reservation{ID: "r2", UserID: "alice"})
	s.free(&Reservation{ID: "nothing", UserID: "alice"})
	check("with one reservation less", [5][2]int64{{3, 1}, {32, 7}, {105, 2}, {2, 0}, {0, 0}})
}

// Sums that no longer fit stay at the most there is: used up, and never negative.
func TestStateNeverTurnsNegative(t *testing.T) {
	const most = 1<<63 - 1
	usage := &periodState{
		totals: []ProviderUsage{{Provider: "a", Calls: most, InputTokens: most, OutputTokens: most, Cost: most},
			{Provider: "b", Calls: 1, Cost: 1}},
		sum: ProviderUsage{Calls: most},
	}
	expires := time.Unix(60, 0)
	held := []Reservation{
		{Provider: "a", Calls: most, Tokens: most, Cost: most, Status: Held, ExpiresAt: expires},
		{Provider: "b", Calls: most, Tokens: most, Cost: most, Status: Held, ExpiresAt: expires},
	}
	for _, meter := range []plan.Meter{plan.Calls, plan.Tokens, plan.Cost} {
		p := plan.Plan{Figures: plan.Figures{Limits: []plan.Limit{{Meter: meter}}}}
		usage.plans = nil
		if u := usage.uses(&p, []int{0}, held, time.Unix(1, 0))[0]; u.Used != most || u.Reserved != most {
			t.Errorf("%s: %+v", meter, u)
		}
	}
	if err := usage.checkFits(&Entry{Event: Event{StatusCode: 200}}); err == nil {
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
		{0, 7, []int{80, 90, 100}, 0}, {7, 8, []int{80, 90, 100}, 80}, {8, 8, []int{80, 90, 100}, 0},
		{0, 9, []int{80, 90, 100}, 90},
		{0, 50, []int{100, 80, 90}, 100}, {8, 10, []int{80}, 0}, {10, 11, []int{80, 90, 100}, 0},
		{0, 20, []int{150, 80}, 150}, {0, 10, nil, 0},
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
