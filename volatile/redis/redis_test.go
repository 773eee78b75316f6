package redis_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/volatile"
	"github.com/alwrity/alwrity-sub/volatile/redis"
	"github.com/alwrity/alwrity-sub/volatile/redis/redistest"
)

// patient is a time-out that no machine is too slow for.
const patient = time.Minute

func now() time.Time { return time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC) }

type logText struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *logText) count(what string) int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return strings.Count(l.text.String(), what)
}

func client(t testing.TB, s *redistest.Server, timeout time.Duration) *redis.Client {
	t.Helper()
	c, err := redis.New(s.URL+"/0", timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func store(t testing.TB, s *redistest.Server, timeout time.Duration) (*volatile.Store, *logText) {
	t.Helper()
	log := &logText{}
	st := volatile.New(volatile.Options{Clock: now, Log: slog.New(slog.NewTextHandler(log, nil)),
		Shared: client(t, s, timeout), Between: 5 * time.Millisecond})
	t.Cleanup(func() { _ = st.Close() })
	return st, log
}

func isUp(s *volatile.Store) func() bool {
	return func() bool { _, up := s.IsShared(); return up }
}

func isDown(s *volatile.Store) func() bool { return func() bool { return !isUp(s)() } }

// The script says what the rules in Go say.
func TestScriptAgreesWithMemory(t *testing.T) {
	c := client(t, redistest.Start(t), patient)
	history := 0
	rapid.Check(t, func(t *rapid.T) {
		history++
		memory := volatile.NewMemory(now)
		at := now()
		rate := rapid.OneOf(rapid.Int64Range(1, 50), rapid.Int64Range(1, 1_000_000_000_000_000))
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			at = at.Add(time.Duration(rapid.Int64Range(-1_000, 40_000_000).Draw(t, "later")) * time.Microsecond)
			strict := rapid.Bool().Draw(t, "strict")
			var all []volatile.Meter
			for i := range rapid.IntRange(1, 3).Draw(t, "meters") {
				m := volatile.Meter{Key: fmt.Sprintf("%d %d", history, i), Max: rate.Draw(t, "rate")}
				m.Amount = rapid.Int64Range(0, m.Max).Draw(t, "amount")
				if !strict {
					m.Amount = rapid.Int64Range(-m.Max, 3*m.Max).Draw(t, "correction")
				}
				if rapid.IntRange(0, 4).Draw(t, "known") == 0 {
					m.Known = volatile.Mark{At: at.UnixMicro() + rapid.Int64Range(-1_000_000, 200_000_000).Draw(t, "mark"),
						Rest: rapid.Int64Range(0, m.Max-1).Draw(t, "rest"), Max: m.Max}
				}
				all = append(all, m)
			}
			want, _ := memory.Take(t.Context(), at, strict, all)
			got, err := c.Take(t.Context(), at, strict, all)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%v: Redis says %v, %v; memory %v", all, got, err, want)
			}
		}
	})
}

func ofAlice(requests, tokens int64) []plan.RatesOf {
	return []plan.RatesOf{{Who: "user alice", Rates: plan.Rates{RequestsPerMinute: requests, TokensPerMinute: tokens}}}
}

func TestReplicasShareRates(t *testing.T) {
	server := redistest.Start(t)
	one, _ := store(t, server, patient)
	two, _ := store(t, server, patient)
	a, b := volatile.Limiter{Store: one}, volatile.Limiter{Store: two}
	for i, l := range []volatile.Limiter{a, b, a} {
		if refused, wait := l.Take(t.Context(), now(), ofAlice(3, 100), 1, 30); refused.Name != "" {
			t.Errorf("call %d waits for %s: %s", i, wait, refused.Name)
		}
	}
	if refused, wait := b.Take(t.Context(), now(), ofAlice(3, 100), 1, 5); refused.Name != "requests_per_minute" ||
		wait != 20*time.Second {
		t.Errorf("the fourth waits for %s: %s", wait, refused.Name)
	}
	later := now().Add(20 * time.Second) // 33.3 tokens more, of which 43.3 are left
	if refused, wait := a.Take(t.Context(), later, ofAlice(3, 100), 1, 50); refused.Name != "tokens_per_minute" ||
		wait != 4*time.Second {
		t.Errorf("too many tokens wait for %s: %s", wait, refused.Name)
	}
	b.Correct(t.Context(), later, ofAlice(3, 100), -10)
	if refused, _ := a.Take(t.Context(), later, ofAlice(3, 100), 1, 50); refused.Name != "" {
		t.Errorf("what another replica gave back is not there: %s", refused.Name)
	}
	refused, wait := a.Take(t.Context(), later, ofAlice(3, 100), 1, 101)
	if refused.Name != "tokens_per_minute" || wait != 0 {
		t.Errorf("what never fits waits for %s: %s", wait, refused.Name)
	}
}

func TestKeysEndAndNameNobody(t *testing.T) {
	server := redistest.Start(t)
	s, _ := store(t, server, patient)
	limiter := volatile.Limiter{Store: s}
	limiter.Take(t.Context(), now(), ofAlice(2, 0), 2, 0)
	answer, err := server.Say("EVAL \"local k = redis.call('KEYS', '*rate*') local ttl = redis.call('PTTL', k[1]) " +
		"return #k == 1 and ttl > 0 and ttl <= 61000 and #redis.call('KEYS', '*alice*') == 0 and 1 or 0\" 0")
	if err != nil || answer != ":1" {
		t.Error("a key names its user, or has no end")
	}
}

// A server that is gone, stopped where it is, or full changes no answer of one process, and is told once.
func TestServerThatIsNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		breaks, mends func(*redistest.Server)
		timeout       time.Duration
	}{
		"stopped":      {(*redistest.Server).Stop, func(s *redistest.Server) { s.Again() }, patient},
		"paused":       {(*redistest.Server).Pause, (*redistest.Server).Resume, 100 * time.Millisecond},
		"full":         {(*redistest.Server).Fill, (*redistest.Server).Empty, patient},
		"paused by it": {func(s *redistest.Server) { s.Must("CLIENT PAUSE 1000000 ALL") }, nil, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			s, log := store(t, server, c.timeout)
			redistest.Eventually(t, "the server is used", isUp(s))
			limiter := volatile.Limiter{Store: s}
			ask := func(when string, passes bool) {
				t.Helper()
				refused, wait := limiter.Take(t.Context(), now(), ofAlice(2, 0), 1, 0)
				if passes != (refused.Name == "") || !passes && wait != 30*time.Second {
					t.Errorf("%s: a call waits for %s", when, wait)
				}
			}
			ask("before", true)
			s.Set(t.Context(), "answer", []byte("one"), time.Hour)
			redistest.Eventually(t, "the server is used", isUp(s))
			before := log.count("level=WARN")
			c.breaks(server)
			ask("while it is away", true)
			ask("while it is away", false)
			redistest.Eventually(t, "it is noticed", func() bool {
				s.Set(t.Context(), "answer", []byte("two"), time.Hour)
				return isDown(s)()
			})
			s.Set(t.Context(), "answer", []byte("two"), time.Hour)
			for range 100 {
				ask("while it is away", false)
			}
			if got, found := s.Get(t.Context(), "answer"); !found || string(got) != "two" {
				t.Errorf("an answer that was kept is %q", got)
			}
			if warned := log.count("level=WARN") - before; warned != 1 {
				t.Errorf("it was said %d times:\n%s", warned, log.text.String())
			}
			if c.mends == nil {
				return
			}
			c.mends(server)
			redistest.Eventually(t, "it is back", isUp(s))
			ask("when it is back", false)
			other, _ := store(t, server, patient)
			limiter.Store = other
			ask("of another replica", false)
		})
	}
}

func TestAnswersAreShared(t *testing.T) {
	server := redistest.Start(t)
	one, _ := store(t, server, patient)
	two, _ := store(t, server, patient)
	if _, found := two.Get(t.Context(), "k"); found {
		t.Error("what was never kept is found")
	}
	value := bytes.Repeat([]byte("é\x00"), 500_000)
	one.Set(t.Context(), "k", value, time.Hour)
	if got, found := two.Get(t.Context(), "k"); !found || !bytes.Equal(got, value) {
		t.Errorf("%d bytes are found: %t", len(got), found)
	}
	one.Set(t.Context(), "short", value, time.Millisecond)
	redistest.Eventually(t, "it ends", func() bool { _, found := one.Get(t.Context(), "short"); return !found })
}

func TestTriesAreShared(t *testing.T) {
	server := redistest.Start(t)
	one, _ := store(t, server, patient)
	two, _ := store(t, server, patient)
	for i, c := range []struct {
		store   *volatile.Store
		address string
		n       int
		later   time.Duration
		want    int
		until   time.Duration
	}{
		{one, "10.0.0.1", 0, 0, 0, 0}, {one, "10.0.0.1", 19, 0, 19, 3 * time.Second},
		{two, "10.0.0.1", 0, 0, 19, 3 * time.Second},
		{two, "10.0.0.1", 1, 0, 20, 3 * time.Second}, {one, "10.0.0.2", 0, 0, 0, 0},
		{one, "10.0.0.1", 0, time.Second, 20, 3 * time.Second}, {one, "10.0.0.1", 0, 3 * time.Second, 19, 6 * time.Second},
		{one, "10.0.0.1", 1, 4 * time.Second, 20, 6 * time.Second}, {two, "10.0.0.1", 0, time.Hour, 0, time.Hour},
	} {
		tries := volatile.Tries{Store: c.store, Most: 20}
		count, until := tries.Bad(t.Context(), c.address, c.n, now().Add(c.later))
		if count != c.want || until.Sub(now()) != c.until {
			t.Errorf("%d: %d bad tries until %s, want %d until %s", i, count, until.Sub(now()), c.want, c.until)
		}
	}
}

func TestURLs(t *testing.T) {
	for _, good := range []string{"redis://localhost", "rediss://user:secret@host:6380/3",
		"redis://:p%40ss@[::1]:6379/0"} {
		if err := redis.Check(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "localhost:6379", "http://u:secret@host", "redis://", "redis://u:secret@host/x",
		"redis://u:sec ret@host", "redis://u:secret@host:port", "unix:///tmp/secret"} {
		err := redis.Check(bad)
		if !failure.Is(err, failure.Invalid) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// Without a server that is named there is memory, and with one that never answers a warning.
func TestStoreWithout(t *testing.T) {
	alone := volatile.New(volatile.Options{Clock: now, Log: slog.New(slog.DiscardHandler)})
	if configured, up := alone.IsShared(); configured || up {
		t.Error("there is a backend")
	}
	server := redistest.Start(t)
	server.Stop()
	s, log := store(t, server, patient)
	limiter := volatile.Limiter{Store: s}
	if configured, up := s.IsShared(); !configured || up || log.count("level=WARN") != 1 {
		t.Error("it is not told that the server is not there")
	}
	if refused, _ := limiter.Take(t.Context(), now(), ofAlice(1, 0), 1, 0); refused.Name != "" {
		t.Error("without a server nobody may call")
	}
	server.Again()
	redistest.Eventually(t, "it is there", isUp(s))
	if refused, _ := limiter.Take(t.Context(), now(), ofAlice(1, 0), 1, 0); refused.Name == "" {
		t.Error("what was taken before it came counts for nothing")
	}
}
