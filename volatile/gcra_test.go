package volatile_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/volatile"
)

const second = int64(1_000_000)

func TestTakeOfARate(t *testing.T) {
	for name, c := range map[string]struct {
		max   int64
		calls []int64 // microseconds at which one is asked for
		waits []int64 // microseconds, 0: it passes
	}{
		"as many as a minute has at once": {2, []int64{0, 0, 0}, []int64{0, 0, 30 * second}},
		"then as fast as the rate": {2, []int64{0, 0, 30*second - 1, 30 * second, 30 * second},
			[]int64{0, 0, 1, 0, 30 * second}},
		"what no number divides": {7, []int64{0, 0, 0, 0, 0, 0, 0, 0}, []int64{0, 0, 0, 0, 0, 0, 0, 8_571_429}},
		"one":                    {1, []int64{5, 6, 60*second + 5}, []int64{0, 60*second - 1, 0}},
		"a clock that goes back": {1, []int64{60 * second, 0}, []int64{0, 120 * second}},
	} {
		var mark volatile.Mark
		for i, now := range c.calls {
			var wait time.Duration
			if mark, wait = mark.Take(now, c.max, volatile.StepOf(1, c.max)); wait.Microseconds() != c.waits[i] {
				t.Errorf("%s: call %d waits for %s, want %d µs", name, i, wait, c.waits[i])
			}
		}
	}
}

// What passes in any stretch of time is at most what may come at once and what the rate adds; whoever waits as long as
// it is said passes, and not a microsecond earlier.
func TestRateIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type passed struct{ at, amount int64 }
		rate := rapid.OneOf(rapid.Int64Range(1, 100), rapid.Int64Range(1, 1_000_000_000_000_000)).Draw(t, "rate")
		var mark volatile.Mark
		var all []passed
		now := rapid.Int64Range(0, 1<<51).Draw(t, "start")
		for range rapid.IntRange(1, 40).Draw(t, "calls") {
			now += rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 90*second)).Draw(t, "later")
			amount := rapid.Int64Range(1, rate).Draw(t, "amount")
			step := volatile.StepOf(amount, rate)
			moved, wait := mark.Take(now, rate, step)
			if wait > 0 {
				if _, again := moved.Take(now+wait.Microseconds()-1, rate, step); again != time.Microsecond {
					t.Fatalf("a microsecond before its time a call waits for %s", again)
				}
				if !rapid.Bool().Draw(t, "waits") {
					continue
				}
				now += wait.Microseconds()
				if moved, wait = moved.Take(now, rate, step); wait > 0 {
					t.Fatalf("after its wait a call waits for %s more", wait)
				}
			}
			mark = moved
			all = append(all, passed{now, amount})
		}
		for i, first := range all {
			sum := float64(0)
			for _, p := range all[i:] {
				sum += float64(p.amount)
				most := float64(rate) * (1 + float64(p.at-first.at)/60e6)
				if sum > most*(1+1e-12) {
					t.Fatalf("%.0f passed where %f may", sum, most)
				}
			}
		}
	})
}

// What is given back is there again, and never more than a minute has; what is taken beyond is paid by waiting, for a
// minute more at most.
func TestCorrections(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1, 1_000_000_000_000_000).Draw(t, "rate")
		amount := rapid.Int64Range(1, rate).Draw(t, "amount")
		now := rapid.Int64Range(0, 1<<51).Draw(t, "now")
		all, one := volatile.StepOf(rate, rate), volatile.StepOf(amount, rate)
		full, _ := volatile.Mark{}.Take(now, rate, all)
		if _, wait := full.Correct(now, rate, volatile.StepOf(-amount, rate)).Take(now, rate, one); wait != 0 {
			t.Fatalf("what was given back waits for %s", wait)
		}
		if back := full.Correct(now, rate, volatile.StepOf(-rate, rate)); back != (volatile.Mark{At: now, Max: rate}) {
			t.Fatalf("all of it given back leaves %+v", back)
		}
		debt := full
		for range 3 {
			debt = debt.Correct(now, rate, all)
		}
		if _, wait := debt.Take(now, rate, all); wait != 2*time.Minute {
			t.Fatalf("a call that used far more makes others wait for %s", wait)
		}
		// The rate changes: nobody waits for longer than a minute, and what is used stays used.
		other := rapid.Int64Range(1, 1_000_000_000_000_000).Draw(t, "other rate")
		if _, wait := full.Take(now, other, volatile.StepOf(other, other)); wait != time.Minute {
			t.Fatalf("at another rate all of it waits for %s", wait)
		}
	})
}
