package torture_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"
)

// An independent calculation of bills, from the rules in docs/billing.md and from what was
// asked of the program.

// customer is a user, and what the calculation makes of them.
type customer struct {
	id        string
	terms     []*term
	calls     []*call
	known     bool
	closed    time.Time // zero before the first closing
	billed    map[series]used
	charged   map[series]int64 // overage
	bills     []*paper
	balance   int64
	suspended bool
	forUnpaid bool // the suspension is for a bill
	renewals  int
	expiries  int
}

// call is an event of the log.
type call struct {
	id       string
	row      string // as it was reported in a file
	owner    *customer
	at       time.Time
	provider string
	model    string
	said     used // what was said of it
	failed   bool
	gone     bool  // it was taken back
	next     *call // what stands in its place
	used     used  // what it adds to sums
}

// series is what a line of usage is about.
type series struct {
	start           time.Time // of its period
	provider, model string
}

// used is how much was used. It can be compared.
type used struct{ calls, errors, unpriced, input, output, images, cost int64 }

func (u used) plus(v used, times int64) used {
	return used{u.calls + times*v.calls, u.errors + times*v.errors, u.unpriced + times*v.unpriced,
		u.input + times*v.input, u.output + times*v.output, u.images + times*v.images, u.cost + times*v.cost}
}

// paper is a bill or a credit note.
type paper struct {
	user     string
	kind     string
	number   int64 // as the program has given it
	refersTo int64
	period   span
	issued   time.Time
	status   string
	lines    []item
	terms    *terms
	total    int64
	cost     int64
	fromOrTo int64 // credit used up (above 0), or carried over (below 0)
}

// item is a line.
type item struct {
	kind            string
	period          span
	provider, model string
	used            used
	amount          int64
}

func (i item) String() string {
	return fmt.Sprintf("%s %s..%s %s/%s %+v amount %d", i.kind, i.period.start.Format(time.RFC3339Nano),
		i.period.end.Format(time.RFC3339Nano), i.provider, i.model, i.used, i.amount)
}

func (b *paper) String() string {
	lines := []string{fmt.Sprintf("%s of %q, %s..%s, issued %s, %s, total %d, cost %d", b.kind, b.user,
		b.period.start.Format(time.RFC3339Nano), b.period.end.Format(time.RFC3339Nano),
		b.issued.Format(time.RFC3339Nano), b.status, b.total, b.cost)}
	for _, l := range b.lines {
		lines = append(lines, l.String())
	}
	return strings.Join(lines, "\n  ")
}

// halfEven rounds to a whole number, a half to the even one.
func halfEven(r *big.Rat) int64 {
	half := big.NewRat(1, 2)
	up := new(big.Rat).Add(r, half)
	whole := new(big.Int).Div(up.Num(), up.Denom()) // rounds down, also below 0
	if up.IsInt() && whole.Bit(0) == 1 {
		whole.Sub(whole, big.NewInt(1))
	}
	return whole.Int64()
}

// share is an exact share of an amount, rounded.
func share(amount int64, part, whole time.Duration) int64 {
	r := new(big.Rat).SetFrac(big.NewInt(int64(part)), big.NewInt(int64(whole)))
	return halfEven(r.Mul(r, new(big.Rat).SetInt64(amount)))
}

// close closes what has ended, and returns the new bills.
func (w *world) close(c *customer, now time.Time) (made []*paper) {
	if !c.known {
		return nil
	}
	if c.closed.IsZero() {
		c.closed = c.firstMonth(now)
	}
	for {
		p := c.month(c.closed)
		p.start = c.closed
		if p.end.After(now) {
			break
		}
		if b := w.bill(c, p); b != nil {
			b.issued = now
			c.settleUp(b)
			made = append(made, b)
			c.bills = append(c.bills, b)
		}
		c.closed = p.end
		w.atEnd(c, p)
	}
	return made
}

// firstMonth returns where the first period begins.
func (c *customer) firstMonth(now time.Time) time.Time {
	var first time.Time
	see := func(at time.Time) {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	for _, e := range c.calls {
		see(c.month(e.at).start)
	}
	for _, t := range c.terms {
		see(t.from)
	}
	if first.IsZero() || first.After(now) {
		first = now
	}
	return c.month(first).start
}

// atEnd does what follows from a period's end: only of the subscription that is in force now.
func (w *world) atEnd(c *customer, p span) {
	if len(c.terms) == 0 {
		return
	}
	t := c.terms[len(c.terms)-1]
	w.due(t, p.end)
	if t.auto && !t.paid.After(p.end) && t.runs(p.end) {
		t.noted[p.end] = w.price(t.under(p.end).plan, t.months, p.end)
		t.paid = t.cycle(p.end).end
		c.renewals++
	}
	if end := t.end(); !t.never() && !end.IsZero() && end.After(p.start) && !end.After(p.end) {
		c.expiries++
	}
}

// due makes a change of plan that was set for a moment that has come.
func (w *world) due(t *term, now time.Time) {
	if t.next != nil && !t.next.at.After(now) {
		t.agree(deal{at: t.next.at, plan: t.next.plan, price: w.price(t.next.plan, t.months, t.next.at)})
		t.next = nil
	}
}

// bill returns the bill of a period before it is settled up; nil where it has no line.
func (w *world) bill(c *customer, p span) *paper {
	b := &paper{user: c.id, kind: "bill", period: p, status: "open"}
	if t := c.term(p.start); t != nil {
		b.lines = append(b.lines, t.fees(p, c.void)...)
	}
	log := c.log()
	if c.billed == nil {
		c.billed, c.charged = map[series]used{}, map[series]int64{}
	}
	for _, key := range sorted(log) {
		if key.start.Equal(p.start) && log[key] != (used{}) {
			b.lines = append(b.lines, item{kind: "usage", period: p, provider: key.provider, model: key.model, used: log[key]})
		}
	}
	b.lines = append(b.lines, w.overage(c, b, log)...)
	b.lines = append(b.lines, w.adjustments(c, p.start, log)...)
	for key, sum := range log {
		if !key.start.After(p.start) {
			c.billed[key] = sum
		}
	}
	if len(b.lines) == 0 {
		return nil
	}
	return b
}

// fees returns the lines of a subscription's price.
func (t *term) fees(p span, void func(time.Time) bool) (lines []item) {
	if t.runs(p.start) {
		fee := item{kind: "fee", period: p}
		if cycle := t.cycle(p.start); cycle.start.Equal(p.start) {
			fee.period, fee.amount = cycle, t.price(p.start)
		}
		lines = append(lines, fee)
	}
	for i, d := range t.deals {
		if i == 0 || !p.has(d.at) || d.plan == t.deals[i-1].plan {
			continue
		}
		cycle := t.cycle(d.at)
		if cycle.start.Equal(d.at) {
			continue
		}
		rest, whole := span{d.at, cycle.end}, cycle.end.Sub(cycle.start)
		paid := t.paidFor(i, void)
		lines = append(lines, item{kind: "proration", period: rest, amount: share(-paid, cycle.end.Sub(d.at), whole)},
			item{kind: "proration", period: rest, amount: share(d.price, cycle.end.Sub(d.at), whole)})
	}
	return lines
}

// void tells whether the bill of the period that has a moment was taken back.
func (c *customer) void(at time.Time) bool {
	return slices.ContainsFunc(c.bills, func(b *paper) bool {
		return b.kind == "bill" && b.status == "void" && b.period.has(at)
	})
}

// log sums the calls up.
func (c *customer) log() map[series]used {
	sums := map[series]used{}
	for _, e := range c.calls {
		key := series{c.month(e.at).start, e.provider, e.model}
		sums[key] = sums[key].plus(e.used, 1)
	}
	return sums
}

func sorted(sums map[series]used) []series { return slices.SortedFunc(maps.Keys(sums), bySeries) }

// bySeries orders by period, provider and model.
func bySeries(a, b series) int {
	return cmp.Or(a.start.Compare(b.start), cmp.Compare(a.provider, b.provider), cmp.Compare(a.model, b.model))
}

const oneCent = 10_000_000_000 // pico-dollars

// settleUp adds the lines of the credit and the rounding.
func (c *customer) settleUp(b *paper) {
	sum := int64(0)
	for _, l := range b.lines {
		sum += l.amount
		b.cost += l.used.cost
	}
	switch {
	case sum < 0:
		b.fromOrTo = sum
		b.lines = append(b.lines, item{kind: "carried", period: b.period, amount: -sum})
	case sum > 0 && c.balance > 0:
		b.fromOrTo = min(sum, c.balance)
		b.lines = append(b.lines, item{kind: "credit", period: b.period, amount: -b.fromOrTo})
	}
	c.balance -= b.fromOrTo
	left := sum - b.fromOrTo
	b.total = halfEven(big.NewRat(left, oneCent)) * oneCent
	if b.total != left {
		b.lines = append(b.lines, item{kind: "rounding", period: b.period, amount: b.total - left})
	}
	if b.total == 0 {
		b.status = "paid"
	}
}
