package torture_test

import (
	"slices"
	"time"
)

// What docs/billing.md says of time, calculated anew: nothing here is the program's.

// span is half-open.
type span struct{ start, end time.Time }

func (s span) has(at time.Time) bool { return !at.Before(s.start) && at.Before(s.end) }

// later returns the moment so many months after an anchor, on the last day of a month that
// is too short for its day.
func later(anchor time.Time, months int) time.Time {
	last := time.Date(anchor.Year(), anchor.Month()+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC)
	return time.Date(last.Year(), last.Month(), min(anchor.Day(), last.Day()), anchor.Hour(), anchor.Minute(),
		anchor.Second(), anchor.Nanosecond(), time.UTC)
}

// stretch returns the one of the stretches of so many months from an anchor that has a
// moment, which is not before the anchor.
func stretch(anchor time.Time, months int, at time.Time) span {
	n := 0
	for !later(anchor, (n+1)*months).After(at) {
		n++
	}
	return span{later(anchor, n*months), later(anchor, (n+1)*months)}
}

// term is one subscription of a customer.
type term struct {
	from   time.Time
	months int // of a paid cycle
	auto   bool
	paid   time.Time
	cancel time.Time // from when on; zero where it is not cancelled
	deals  []deal    // by time
	noted  map[time.Time]int64
	next   *deal // set for later
	costs  func(plan string, months int, at time.Time) int64
}

// deal is a plan and its price since a moment. One that was renewed by hand keeps the
// plan, and its price is that of the cycles that it pays.
type deal struct {
	at      time.Time
	plan    string
	price   int64
	renewal bool
	paid    time.Time // how far the term was paid then
}

// end returns when the term ends, as far as is known; zero for never.
func (t *term) end() time.Time {
	switch {
	case t.auto:
		return t.cancel
	case t.cancel.IsZero() || t.paid.Before(t.cancel):
		return t.paid
	}
	return t.cancel
}

func (t *term) never() bool { return !t.cancel.IsZero() && t.cancel.Before(t.from) }

func (t *term) ended(at time.Time) bool { return !t.end().IsZero() && !at.Before(t.end()) }

func (t *term) runs(at time.Time) bool { return !at.Before(t.from) && !t.ended(at) }

func (t *term) cycle(at time.Time) span { return stretch(t.from, t.months, at) }

// under returns the deal in force at a moment.
func (t *term) under(at time.Time) deal {
	found := t.deals[0]
	for _, d := range t.deals {
		if !d.at.After(at) {
			found = d
		}
	}
	return found
}

// price returns what the cycle costs that begins at a moment.
func (t *term) price(begins time.Time) int64 {
	if noted, ok := t.noted[begins]; ok {
		return noted
	}
	d := t.under(begins)
	if !begins.Before(d.paid) { // it was begun by itself
		return t.costs(d.plan, t.months, begins)
	}
	i := slices.Index(t.deals, d)
	for i > 0 && t.goesOn(i) && t.deals[i-1].paid.After(begins) { // it was paid before
		i--
	}
	return t.deals[i].price
}

// goesOn tells whether a deal keeps the plan: one that was renewed by hand, or changed and changed back at one moment.
func (t *term) goesOn(i int) bool { return t.deals[i].plan == t.deals[i-1].plan }

// paidFor returns what was paid for the running cycle under the deal before the i-th.
func (t *term) paidFor(i int, void func(time.Time) bool) int64 {
	begins := t.cycle(t.deals[i].at).start
	for i--; i > 0 && t.deals[i].at.After(begins) && (t.goesOn(i) || void(t.deals[i].at)); {
		i--
	}
	if t.deals[i].at.After(begins) {
		return t.deals[i].price
	}
	if void(begins) {
		return 0
	}
	return t.price(begins)
}

// agree notes a deal from a moment on.
func (t *term) agree(d deal) {
	d.paid = t.paid
	if last := &t.deals[len(t.deals)-1]; last.at.Equal(d.at) {
		if d.renewal {
			last.paid = d.paid
			return // neither plan nor price of what begins then change
		}
		*last = d
	} else {
		t.deals = append(t.deals, d)
	}
	delete(t.noted, d.at)
}

// effective returns a moment, or the beginning of a term that lies ahead.
func (t *term) effective(at time.Time) time.Time {
	if at.Before(t.from) {
		return t.from
	}
	return at
}

// lastPaid returns the end of what is paid as of a moment.
func (t *term) lastPaid(at time.Time) time.Time {
	if end := t.cycle(t.effective(at)).end; end.After(t.paid) {
		return end
	}
	return t.paid
}

// endOfPaid returns when a cancellation for the end of what is paid takes effect.
func (t *term) endOfPaid(at time.Time) time.Time {
	if !t.auto {
		return t.paid
	}
	return t.lastPaid(at)
}

// month returns the usage period of a customer that has a moment.
func (c *customer) month(at time.Time) span {
	m := span{time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC),
		time.Date(at.Year(), at.Month()+1, 1, 0, 0, 0, 0, time.UTC)}
	for _, t := range c.terms {
		switch {
		case t.never():
		case !t.from.After(at):
			m = stretch(t.from, 1, at)
		case t.from.Before(m.end):
			m.end = t.from
		}
	}
	return m
}

// term returns the subscription whose months count at a moment, nil before the first.
func (c *customer) term(at time.Time) *term {
	var found *term
	for _, t := range c.terms {
		if !t.never() && !t.from.After(at) {
			found = t
		}
	}
	return found
}
