package torture_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// act does something with a customer's subscription at a moment: what is possible then.
func (w *world) act(t testing.TB, c *customer, at time.Time) {
	if len(c.terms) == 0 {
		w.subscribe(t, c, at)
		return
	}
	s := c.terms[len(c.terms)-1]
	if s.next != nil && !s.next.at.After(at) && (c.suspended || s.ended(at)) {
		return // whether the change is noted depends on what fails
	}
	switch {
	case c.suspended:
		if w.dice.IntN(3) == 0 {
			w.user(t, c, at, "resume")
			c.suspended, c.forUnpaid = false, false
		}
	case s.ended(at):
		w.again(t, c, at, s)
	default:
		w.due(s, at)
		w.change(t, c, at, s)
	}
}

func (w *world) user(t testing.TB, c *customer, at time.Time, verb string, args ...string) {
	w.did[verb]++
	c.known = true
	w.must(t, at, append(append([]string{"users", verb}, args...), "--", c.id)...)
}

func (w *world) subscribe(t testing.TB, c *customer, at time.Time) {
	plan, cycle, months := planNames()[w.dice.IntN(4)], "monthly", 1
	if w.dice.IntN(3) == 0 {
		cycle, months = "yearly", 12
	}
	from := at
	switch w.dice.IntN(4) {
	case 0:
		from = at.Add(-time.Duration(w.dice.Int64N(int64(40 * 24 * time.Hour)))).Truncate(time.Microsecond)
	case 1: // one of the days that not every month has
		from = time.Date(at.Year(), at.Month(), 28+w.dice.IntN(4), w.dice.IntN(24), 59, 59, 999_999_000, time.UTC)
	}
	if from.Before(c.closed) {
		from = c.closed
	}
	if n := len(c.terms); n > 0 {
		if end := c.terms[n-1].end(); from.Before(end) {
			from = end
		}
		if from.After(at) {
			from = at
		}
	}
	args := []string{"--plan", plan, "--cycle", cycle, "--start", from.Format(time.RFC3339Nano)}
	s := &term{from: from, months: months, auto: w.dice.IntN(4) > 0, noted: map[time.Time]int64{}, costs: w.price}
	if !s.auto {
		args = append(args, "--no-auto-renew")
	}
	w.user(t, c, at, "subscribe", args...)
	s.paid = s.cycle(from).end
	s.deals = []deal{{at: from, plan: plan, price: w.price(plan, months, from), paid: s.paid}}
	c.terms = append(c.terms, s)
}

// again begins a subscription after one that has ended.
func (w *world) again(t testing.TB, c *customer, at time.Time, s *term) {
	if w.dice.IntN(2) == 0 {
		w.subscribe(t, c, at)
		return
	}
	w.user(t, c, at, "renew")
	plan := s.deals[len(s.deals)-1].plan
	n := &term{from: at, months: s.months, auto: s.auto, noted: map[time.Time]int64{}, costs: w.price,
		deals: []deal{{at: at, plan: plan, price: w.price(plan, s.months, at)}}}
	n.paid = n.cycle(at).end
	n.deals[0].paid = n.paid
	c.terms = append(c.terms, n)
}

// hop changes the plan, and sets the change back for the end of what is paid.
func (w *world) hop(t testing.TB, c *customer, at time.Time) {
	if len(c.terms) == 0 || c.suspended {
		return
	}
	s := c.terms[len(c.terms)-1]
	w.due(s, at)
	plan, other := s.deals[len(s.deals)-1].plan, planNames()[w.dice.IntN(4)]
	if s.ended(at) || other == plan {
		return
	}
	w.user(t, c, at, "change-plan", "--plan", other)
	s.next = nil
	eff := s.effective(at)
	s.agree(deal{at: eff, plan: other, price: w.price(other, s.months, eff)})
	if end := s.lastPaid(at); s.runs(end) {
		w.user(t, c, at, "change-plan", "--plan", plan, "--at-period-end")
		s.next = &deal{at: end, plan: plan}
	}
	w.did["hop"]++
}

// change changes a subscription that has not ended.
func (w *world) change(t testing.TB, c *customer, at time.Time, s *term) {
	eff := s.effective(at)
	plan := s.deals[len(s.deals)-1].plan
	other := planNames()[w.dice.IntN(4)]
	switch w.dice.IntN(12) {
	case 0:
		w.user(t, c, at, "cancel")
		s.cancel = at
		if s.next != nil && !s.next.at.Before(at) {
			s.next = nil
		}
	case 1:
		if ends := s.endOfPaid(at); !s.cancel.Equal(ends) {
			w.user(t, c, at, "cancel", "--at-period-end")
			s.cancel = ends
			if s.next != nil && !s.next.at.Before(ends) {
				s.next = nil
			}
		}
	case 2, 3:
		w.user(t, c, at, "renew")
		s.cancel, s.paid = time.Time{}, s.cycle(s.lastPaid(at)).end
		s.agree(deal{at: eff, plan: plan, price: w.price(plan, s.months, eff), renewal: true})
	case 4:
		w.user(t, c, at, "suspend")
		c.suspended, c.forUnpaid = true, false
		w.did["by hand"]++
	case 5, 6:
		if end := s.lastPaid(at); s.runs(end) && other != plan && (s.next == nil || s.next.plan != other) {
			w.user(t, c, at, "change-plan", "--plan", other, "--at-period-end")
			s.next = &deal{at: end, plan: other}
		}
	default:
		if other != plan {
			w.user(t, c, at, "change-plan", "--plan", other)
			s.next = nil
			s.agree(deal{at: eff, plan: other, price: w.price(other, s.months, eff)})
		}
	}
}

// pay pays bills, takes some back, and gives credit.
func (w *world) pay(t testing.TB) {
	for _, c := range w.customers {
		for _, b := range c.bills {
			switch {
			case b.number == 0 || b.status == "void" || b.kind != "bill":
			case w.dice.IntN(150) == 0:
				w.void(t, c, b)
			case b.status != "paid" && c.balance >= b.total && w.dice.IntN(2) == 0:
				w.must(t, w.now, "billing", "mark-paid", strconv.FormatInt(b.number, 10), "--from-credit")
				b.status = "paid"
				c.balance -= b.total
				w.letThrough(c)
				w.did["paid from credit"]++
			case b.status != "paid" && w.dice.IntN(3) > 0:
				number := strconv.FormatInt(b.number, 10)
				w.once(t, []string{"billing", "mark-paid", number, "--reference", "by hand", "--id", "payment " + number})
				b.status = "paid"
				w.letThrough(c)
				w.did["paid"]++
			}
		}
		if c.known && w.dice.IntN(40) == 0 {
			w.did["credit"]++
			id := fmt.Sprint("gift-", w.did["credit"])
			w.once(t, []string{"billing", "credit", "--reason", "a gift", "--id", id, "--", c.id, "7.01"})
			w.refused(t, w.now, 5, []string{"billing", "credit", "--reason", "a gift", "--id", id, "--", c.id, "7.02"})
			c.balance += 7_010_000_000_000
		}
	}
}

// once runs a command that has an id twice: the second time is a duplicate.
func (w *world) once(t testing.TB, args []string) {
	t.Helper()
	w.must(t, w.now, args...)
	if r := w.must(t, w.now, args...); !strings.Contains(r.out, `"duplicate"`) {
		t.Errorf("%v, once more: %s", args, r.out)
	}
}

func (w *world) void(t testing.TB, c *customer, b *paper) {
	back := b.fromOrTo
	if b.status == "paid" {
		back += b.total
	}
	if c.balance+back < 0 || c.prorated(b) || c.gaveBack(b) {
		return // what was carried over is used up, or a part of the fee or of the overage was given back
	}
	w.must(t, w.now, "billing", "void", strconv.FormatInt(b.number, 10), "--reason", "a test")
	paid := b.status == "paid"
	b.status = "void"
	note := &paper{user: c.id, kind: "credit_note", refersTo: b.number, period: b.period, issued: w.now, status: "paid",
		total: -b.total}
	for _, l := range b.lines {
		if l.amount != 0 {
			l.amount, l.used = -l.amount, used{}
			note.lines = append(note.lines, l)
		}
	}
	if paid && b.total != 0 {
		note.total = 0
		note.lines = append(note.lines, item{kind: "carried", period: b.period, amount: b.total})
	}
	c.balance += back
	c.bills = append(c.bills, note)
	w.letThrough(c)
	w.did["void"]++
}

// gaveBack tells whether a later bill that is not void gives back overage of a period that a bill charges.
func (c *customer) gaveBack(b *paper) bool {
	for _, l := range b.lines {
		for _, later := range c.bills {
			if (l.kind != "overage" && l.kind != "adjustment") || l.amount <= 0 || later.number <= b.number ||
				later.kind != "bill" || later.status == "void" {
				continue
			}
			if slices.ContainsFunc(later.lines, func(back item) bool {
				return back.kind == "adjustment" && back.amount < 0 && back.period.start.Equal(l.period.start)
			}) {
				return true
			}
		}
	}
	return false
}

// prorated tells whether a later bill that is not void prorates the cycle that a bill has the
// fee of, or prorates itself.
func (c *customer) prorated(b *paper) bool {
	for _, fee := range b.lines {
		if fee.kind != "fee" && fee.kind != "proration" || fee.amount == 0 {
			continue
		}
		for _, later := range c.bills {
			if later.kind != "bill" || later.status == "void" || later.number <= b.number {
				continue
			}
			if slices.ContainsFunc(later.lines, func(l item) bool {
				return l.kind == "proration" &&
					l.period.end.Equal(fee.period.end)
			}) {
				return true
			}
		}
	}
	return false
}

const (
	dueAfter     = 14 * 24 * time.Hour
	suspendAfter = 21 * 24 * time.Hour
)

func (b *paper) unpaid() bool {
	return b.kind == "bill" && (b.status == "open" || b.status == "past_due")
}

// letThrough lets a customer through again once nothing that would suspend is unpaid.
func (w *world) letThrough(c *customer) {
	for _, b := range c.bills {
		if b.unpaid() && !b.issued.Add(suspendAfter).After(w.now) {
			return
		}
	}
	if c.forUnpaid {
		c.suspended, c.forUnpaid = false, false
	}
}

// dun looks after unpaid bills.
func (w *world) dun(c *customer, now time.Time) {
	for _, b := range c.bills {
		if !b.unpaid() || b.issued.Add(dueAfter).After(now) {
			continue
		}
		b.status = "past_due"
		if n := len(c.terms); n > 0 && !c.suspended && !b.issued.Add(suspendAfter).After(now) && !c.terms[n-1].ended(now) {
			c.suspended, c.forUnpaid = true, true
			w.did["suspended"]++
		}
	}
}
