package volatile

import (
	"math/bits"
	"time"
)

// minute is how much of a rate may come at once: as much as a minute has. In microseconds.
const minute = int64(time.Minute / time.Microsecond)

// mostDebt is how far beyond a minute's worth what was really used may go, in microseconds: one call that was estimated
// wrongly must not keep a user out for days.
const mostDebt = minute

// Mark is how far a rate is used, by the generic cell rate algorithm (GCRA): the moment at which all of it would be
// free again if nothing more was taken. The zero Mark is one of which nothing was taken yet.
//
// A unit of a rate of 7 a minute lasts 60,000,000/7 microseconds, which is no whole number. What is left over is kept
// as Rest, in parts of Max, so that no rounding adds up to a call too many or too few.
type Mark struct {
	At   int64 // microseconds since 1970
	Rest int64 // from 0 to Max-1: so many Max-ths of a microsecond later
	Max  int64 // the rate a minute that Rest is about
}

// Step is how far an amount moves a mark.
type Step struct{ Micros, Rest int64 }

// StepOf returns how far an amount moves the mark of a rate. A negative one moves it back. More than a minute's worth
// counts as that.
func StepOf(amount, max int64) Step {
	back := amount < 0
	if back {
		amount = -amount
	}
	hi, lo := bits.Mul64(uint64(min(amount, max)), uint64(minute))
	micros, rest := bits.Div64(hi, lo, uint64(max))
	if back {
		return Step{-int64(micros), -int64(rest)}
	}
	return Step{int64(micros), int64(rest)}
}

// as returns the mark for a rate that may be another one than it was, not before now, and not beyond what can be: the
// clock of who moved it may have been ahead.
func (m Mark) as(max, now int64) Mark {
	if m.At < now {
		return Mark{now, 0, max}
	}
	if m.At-now >= minute+mostDebt {
		return Mark{now + minute + mostDebt, 0, max}
	}
	if m.Max != max {
		if m.Rest > 0 {
			m.At++
		}
		m.Rest = 0
	}
	m.Max = max
	return m
}

func (m Mark) plus(s Step) Mark {
	m.At, m.Rest = m.At+s.Micros, m.Rest+s.Rest
	switch {
	case m.Rest >= m.Max:
		m.At, m.Rest = m.At+1, m.Rest-m.Max
	case m.Rest < 0:
		m.At, m.Rest = m.At-1, m.Rest+m.Max
	}
	return m
}

// over is how many microseconds the mark is beyond a minute from now.
func (m Mark) over(now int64) int64 {
	beyond := m.At - now - minute
	if m.Rest > 0 {
		beyond++
	}
	return max(0, beyond)
}

// Take moves the mark of a rate of max a minute at a moment. Where that takes more than there is, the mark stays, and
// wait is how long it takes until the step fits: then it does, and a microsecond earlier it does not.
func (m Mark) Take(now, max int64, s Step) (moved Mark, wait time.Duration) {
	was := m.as(max, now)
	moved = was.plus(s)
	if over := moved.over(now); over > 0 {
		return was, time.Duration(over) * time.Microsecond
	}
	return moved, 0
}

// Correct moves the mark whatever there is, by at most a minute's worth beyond what may come at once.
func (m Mark) Correct(now, max int64, s Step) Mark {
	return m.as(max, now).plus(s).as(max, now)
}

// later returns the mark that is further on, for a rate at a moment.
func (m Mark) later(n Mark, now, max int64) Mark {
	m, n = m.as(max, now), n.as(max, now)
	if n.At > m.At || n.At == m.At && n.Rest > m.Rest {
		return n
	}
	return m
}

// used is how many units are used at a moment, and after which time it is one less.
func (m Mark) used(now int64) (units int64, less time.Duration) {
	m = m.as(m.Max, now)
	lasts := m.At - now
	if m.Rest > 0 {
		lasts++
	}
	if lasts <= 0 {
		return 0, 0
	}
	hi, lo := bits.Mul64(uint64(lasts), uint64(m.Max))
	whole, part := bits.Div64(hi, lo, uint64(minute)) // lasts is at most two minutes
	if part == 0 {
		return int64(whole), time.Duration(StepOf(1, m.Max).Micros) * time.Microsecond
	}
	return int64(whole) + 1, time.Duration((part+uint64(m.Max)-1)/uint64(m.Max)) * time.Microsecond
}
