package torture_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
)

// limitsUnderAttack are few enough that most calls meet a limit that is nearly full. Some
// calls are counted by two of them.
func limitsUnderAttack() []limit {
	return []limit{
		{name: "text_calls", meter: calls, providers: []string{"gemini", "mistral"}, max: 20},
		{name: "gemini_calls", meter: calls, providers: []string{"gemini"}, max: 12},
		{name: "openai_tokens", meter: tokens, providers: []string{"openai"}, max: 3000},
		{name: "video_cost", meter: cost, providers: []string{"video"}, max: 400 * second},
		{name: "some_tokens", meter: tokens, providers: []string{"openai", "mistral"}, max: 10, warns: true},
	}
}

// TestLimits proves that no limit is overshot by a single unit and that no unit is refused
// that was free, while 64 reserve, settle, release, let expire and record at once: 64
// processes, 64 goroutines on one handle, and 64 goroutines on several handles.
func TestLimits(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fresh func(testing.TB) *arena) {
		// One short fight of each kind in the default run. A long one finds who starves.
		steps := min(30, max(5, rounds(t)/10))
		for n := range max(1, rounds(t)/30) {
			t.Run(fmt.Sprint("processes ", n), func(t *testing.T) {
				a := fresh(t)
				fightOver(t, a, steps, func() func(op) answer { return a.process(t) })
			})
			for _, handles := range []int{1, 3} {
				t.Run(fmt.Sprintf("goroutines on %d handles %d", handles, n), func(t *testing.T) {
					a := fresh(t)
					fightOver(t, a, steps+3, func() func(op) answer {
						var open []*db.DB
						for range handles {
							open = append(open, a.Open(t))
						}
						return library(open)
					})
				})
			}
		}
	})
}

// fightOver has 64 fighters begin at once, each with so many operations, and judges what
// they got.
func fightOver(t *testing.T, a *arena, steps int, performer func() func(op) answer) {
	limits := limitsUnderAttack()
	a.must(t, begin(), "init", "--rehearsal", "--plans", a.write(t, "plans.yaml", planFile(limits)))
	a.must(t, begin(), "pricing", "set", "video", "torture", "--second-cost", "1e-06")
	a.keepJournal(t)
	answers := attack(t, steps, performer())
	journal := a.journal(t)
	found := replay(t, limits, journal)
	checkAnswers(t, limits, journal, answers)
	checkTaken(t, journal, answers)
	a.must(t, begin(), "reconcile")
	drained := a.drain(t, limits, found)
	a.must(t, begin(), "reconcile")
	report(t, answers, found, drained)
}

// attack lets the fighters loose. Their clock runs ten times as fast as ours, so that
// reservations of some seconds expire during the fight.
func attack(t *testing.T, steps int, perform func(op) answer) []answer {
	t.Helper()
	chosen, began := seed(t), time.Now()
	clock := func() time.Time { return begin().Add(10 * time.Since(began)).Truncate(time.Microsecond) }
	start := make(chan struct{})
	all := make([][]answer, attackers)
	var wg sync.WaitGroup
	for i := range attackers {
		f := &fighter{number: i, dice: dice(chosen, i), clock: clock}
		wg.Go(func() {
			<-start
			all[i] = f.fight(steps, perform)
		})
	}
	close(start)
	wg.Wait()
	var answers []answer
	for _, one := range all {
		answers = append(answers, one...)
	}
	return answers
}

// checkAnswers requires that every operation ended as it may, that every decision saw what
// was true at some moment, and that it followed from that.
func checkAnswers(t *testing.T, limits []limit, journal map[string][]step, answers []answer) {
	t.Helper()
	for _, got := range answers {
		switch {
		case got.exit == 0, got.exit == 4 && (got.verb == "reserve" || got.verb == "enforce" || got.verb == "check"):
		case tooManyConnections(got):
		default:
			t.Errorf("%v: exit %d: %s", got.args(), got.exit, got.complain)
		}
		if len(got.seen) == 0 {
			continue
		}
		if !wasTrue(limits, journal[got.user], got.now, got.seen) {
			t.Errorf("%v decided at %s on what was never so: %+v", got.args(), got.now, got.seen)
		}
		if want := fits(limits, got); want != got.allowed || want != (got.exit == 0) {
			t.Errorf("%v: allowed is %t with exit %d, on %+v", got.args(), got.allowed, got.exit, got.seen)
		}
	}
}

// tooManyConnections tells whether the server had no connection left: other tests use it
// too, and the answer is a clear one.
func tooManyConnections(got answer) bool {
	return got.exit == 6 && strings.Contains(got.complain, "too many clients")
}

// fits tells by the harness's own rule whether an operation fits into what it saw. It has
// to have seen every limit that counts it.
func fits(limits []limit, got answer) bool {
	ok := true
	for _, l := range limits {
		if !l.covers(got.kind.provider) {
			continue
		}
		found := false
		for _, s := range got.seen {
			if s.name != l.name {
				continue
			}
			found = true
			if !l.warns {
				ok = ok && s.requested == got.asks(l) && s.fits(l)
			}
		}
		if !found {
			return false
		}
	}
	return ok
}

// checkTaken requires that what was granted is there, once, and nothing else.
func checkTaken(t *testing.T, journal map[string][]step, answers []answer) {
	t.Helper()
	want := map[string]int{}
	for _, got := range answers {
		if what := map[string]string{"reserve": "held", "enforce": "log", "settle": "settled",
			"release": "released"}[got.verb]; what != "" && got.exit == 0 {
			want[fmt.Sprintf("%s %s %s %d", what, got.id, got.user, granted(got))]++
		}
	}
	for user, steps := range journal {
		for _, s := range steps {
			amount := map[string]int64{"openai": s.amount[tokens], "video": s.amount[cost]}[s.provider]
			if amount == 0 {
				amount = s.amount[calls]
			}
			if s.what == "released" {
				amount = 0
			}
			want[fmt.Sprintf("%s %s %s %d", s.what, s.id, user, amount)]--
		}
	}
	for what, n := range want {
		if n != 0 {
			t.Errorf("%s: granted %+d times more often than it is in the tables", what, n)
		}
	}
}

// granted is what an operation took, in the unit that its limits count.
func granted(got answer) int64 {
	switch {
	case got.verb == "release":
		return 0
	case got.kind.provider == "video":
		return got.amount * second
	}
	return got.amount
}

// drain waits until every hold has expired, and takes what is left: exactly the units that
// an independent count of the log leaves, and not one more. It returns how many it took.
func (a *arena) drain(t *testing.T, limits []limit, found tally) (taken int64) {
	t.Helper()
	later := begin().Add(48 * time.Hour)
	if out := a.must(t, later, "limits", "reservations").out; strings.TrimSpace(out) != "[]" {
		t.Errorf("something is held after all has expired: %s", out)
	}
	for n := range users {
		user := fmt.Sprint("user-", n)
		used := found.final[user]
		if used == nil {
			used = newStanding()
		}
		for _, k := range kinds() {
			o := op{verb: "reserve", id: "drain-" + user + "-" + k.provider, user: user, kind: k, ttl: time.Hour, now: later}
			o.amount = used.free(limits, k, later)
			a.drainOne(t, o)
			taken += o.amount
			took := amounts{o.asks(limit{meter: calls}), o.asks(limit{meter: tokens}), o.asks(limit{meter: cost})}
			used.apply(step{what: "held", id: o.id, provider: k.provider, amount: took, expires: later.Add(time.Hour)})
		}
	}
	return taken
}

// drainOne asks for one unit more than is free, then for what is free, then for one more.
func (a *arena) drainOne(t *testing.T, o op) {
	t.Helper()
	free, id := o.amount, o.id
	for i, amount := range []int64{free + 1, free, 1} {
		if amount == 0 {
			continue
		}
		o.id, o.amount = fmt.Sprint(id, "-", i), amount
		o.verb = []string{"enforce", "reserve"}[i%2]
		want := 4
		if i == 1 {
			want = 0
		}
		if got := a.process(t)(o); got.exit != want {
			t.Errorf("%v with %d units free: exit %d, want %d: %s", o.args(), free, got.exit, want, got.complain)
		}
	}
}

// free returns how many units of a kind of call still fit.
func (s *standing) free(limits []limit, k kind, now time.Time) int64 {
	free := int64(math.MaxInt64)
	for _, l := range limits {
		if l.warns || !l.covers(k.provider) {
			continue
		}
		u := s.of(l, now)
		room := l.max - u.used - u.reserved
		if l.meter == cost {
			room /= second
		}
		free = min(free, max(0, room))
	}
	return free
}

// report prints the figures of a fight. One in which nothing was refused, settled or
// released has proved nothing.
func report(t *testing.T, answers []answer, found tally, drained int64) {
	t.Helper()
	exits, verbs := map[int]int{}, map[string]int{}
	worst, locked := time.Duration(0), 0
	for _, got := range answers {
		exits[got.exit]++
		verbs[got.verb]++
		worst = max(worst, got.took)
		if got.exit == 6 && !tooManyConnections(got) {
			locked++
		}
	}
	over := 0
	for _, limits := range found.overrun {
		for _, n := range limits {
			if n > 0 {
				over++
			}
		}
	}
	if exits[4] == 0 || verbs["settle"] == 0 || verbs["release"] == 0 {
		t.Errorf("the fight was none: exits %v, operations %v", exits, verbs)
	}
	t.Logf("%d operations by %d at once: %d done, %d refused, %d unavailable (%d of them lock waits); %d takes, %d "+
		"filled a limit to the last unit, %d limits overrun by settlements alone, %d units drained; worst wait %s",
		len(answers), attackers, exits[0], exits[4], exits[6], locked, found.takes, found.filled, over, drained,
		worst.Round(time.Millisecond))
}
