package torture_test

import (
	"math/big"
	"slices"
	"time"
)

// What plans of the test include, and what they bill beyond that.

// included is a limit that blocks, or says what is included.
type included struct {
	meter    string
	provider string // empty for all
	most     int64
}

// held is what a plan included, for as long as it held in a period.
type held struct {
	plan   string
	length time.Duration
	bills  bool // what is beyond, in millionths more than its cost
	limits []included
	markup int64
}

// terms are what the plans of a period included; nil where none bills what is beyond.
type terms struct {
	period span
	parts  []*held
}

// include fills in what a plan includes and bills, as plans in billing_world_test.go writes it.
func (t tariff) include(h *held) {
	switch h.plan {
	case "Free":
		h.limits = []included{{"calls", "", 5}}
	case "Basic":
		h.bills, h.limits, h.markup = true, []included{{"calls", "", t.calls}, {"tokens", "acme", 150_000}}, t.markup
	case "Team":
		h.bills, h.limits = true, []included{{"cost", "zed", t.cents * oneCent}}
	case "Pro":
		h.limits = []included{{"cost", "zed", 10 * oneCent}}
	}
}

func (l included) count(key series, u used) int64 {
	switch {
	case l.provider != "" && l.provider != key.provider:
		return 0
	case l.meter == "calls":
		return u.calls
	case l.meter == "tokens":
		return u.input + u.output
	}
	return u.cost
}

// beyond returns what each series of a period is billed beyond what was included.
func (t *terms) beyond(c *customer) map[series]int64 {
	owed := map[series]int64{}
	if t == nil {
		return owed
	}
	exact := map[series]*big.Rat{}
	for _, e := range c.calls {
		key := series{t.period.start, e.provider, e.model}
		part := t.part(c.planAt(e.at))
		if !t.period.has(e.at) || !part.bills {
			continue
		}
		largest := new(big.Rat)
		for _, l := range part.limits {
			if covers := l.provider == "" || l.provider == e.provider; !covers {
				continue
			}
			if share := t.shareBeyond(c, l); share.Cmp(largest) > 0 {
				largest = share
			}
		}
		largest.Mul(largest, big.NewRat(1_000_000+part.markup, 1_000_000))
		largest.Mul(largest, new(big.Rat).SetInt64(e.used.cost))
		if exact[key] == nil {
			exact[key] = new(big.Rat)
		}
		exact[key].Add(exact[key], largest)
	}
	for key, amount := range exact {
		if n := halfEven(amount); n != 0 {
			owed[key] = n
		}
	}
	return owed
}

// shareBeyond returns which share of what was used under plans that bill it is beyond what the period included.
func (t *terms) shareBeyond(c *customer, like included) *big.Rat {
	used, room := new(big.Rat), new(big.Rat)
	for _, h := range t.parts {
		for _, l := range h.limits {
			if l.meter != like.meter || l.provider != like.provider {
				continue
			}
			whole := t.period.end.Sub(t.period.start)
			mine := new(big.Rat).SetInt64(l.most)
			mine.Mul(mine, big.NewRat(int64(h.length), int64(whole)))
			count := new(big.Rat).SetInt64(t.count(c, h.plan, l))
			if h.bills {
				used.Add(used, count)
				room.Add(room, mine)
			} else if mine.Cmp(count) > 0 { // what is left of it
				room.Add(room, mine.Sub(mine, count))
			}
		}
	}
	if !room.IsInt() { // whole units, for the customer
		room.SetInt(new(big.Int).Add(new(big.Int).Quo(room.Num(), room.Denom()), big.NewInt(1)))
	}
	if used.Cmp(room) <= 0 {
		return new(big.Rat)
	}
	return new(big.Rat).Quo(new(big.Rat).Sub(used, room), used)
}

// count returns what was used under a plan of what a limit counts.
func (t *terms) count(c *customer, plan string, l included) (sum int64) {
	for _, e := range c.calls {
		if t.period.has(e.at) && c.planAt(e.at) == plan {
			sum += l.count(series{t.period.start, e.provider, e.model}, e.used)
		}
	}
	return sum
}

func (t *terms) part(plan string) *held {
	for _, h := range t.parts {
		if h.plan == plan {
			return h
		}
	}
	return &held{}
}

// planAt returns the plan of a customer at a moment.
func (c *customer) planAt(at time.Time) string {
	if t := c.term(at); t != nil {
		return t.under(at).plan
	}
	return "Free"
}

// overage returns the lines of what is beyond what a period included.
func (w *world) overage(c *customer, b *paper, log map[series]used) (lines []item) {
	if b.terms = w.termsAt(c, b.period); b.terms == nil {
		return nil
	}
	owed := b.terms.beyond(c)
	for _, key := range sorted(log) {
		if owed[key] != 0 {
			lines = append(lines, item{kind: "overage", period: b.period, provider: key.provider, model: key.model,
				amount: owed[key]})
			c.charged[key] = owed[key]
		}
	}
	return lines
}

// termsAt returns what was included in a period; nothing is billed where a subscription had ended before it began.
func (w *world) termsAt(c *customer, p span) *terms {
	moments := []time.Time{p.start}
	if t := c.term(p.end.Add(-time.Microsecond)); t != nil {
		begins := p.start
		if t.from.After(begins) {
			begins = t.from
		}
		if !t.runs(begins) {
			return nil
		}
		for _, d := range t.deals {
			if p.has(d.at) && d.at.After(p.start) {
				moments = append(moments, d.at)
			}
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	all := &terms{period: p}
	bills := false
	for i, from := range moments {
		until := p.end
		if i+1 < len(moments) {
			until = moments[i+1]
		}
		h := all.part(c.planAt(from))
		if h.plan == "" {
			h.plan = c.planAt(from)
			all.parts = append(all.parts, h)
		}
		h.length += until.Sub(from)
		w.tariff(until.Add(-time.Microsecond)).include(h)
		bills = bills || h.bills
	}
	if !bills {
		return nil
	}
	return all
}

// chargedBy returns the terms of the period that begins at a moment: those of its bill, or
// where there is none those of the plans of then.
func (w *world) chargedBy(c *customer, start time.Time) *terms {
	for _, b := range c.bills {
		if b.kind == "bill" && b.period.start.Equal(start) {
			return b.terms
		}
	}
	return w.termsAt(c, c.month(start))
}

// adjustments returns the lines of what has become known of closed periods.
func (w *world) adjustments(c *customer, now time.Time, log map[series]used) (lines []item) {
	changed := map[time.Time]bool{}
	for key, sum := range log {
		if key.start.Before(now) && sum != c.billed[key] {
			changed[key.start] = true
		}
	}
	owed := map[series]int64{}
	for start := range changed {
		for key, n := range w.chargedBy(c, start).beyond(c) {
			owed[key] = n
		}
		for key := range c.charged {
			if _, found := owed[key]; !found && key.start.Equal(start) {
				owed[key] = 0
			}
		}
	}
	keys := sorted(log)
	for key := range owed {
		if _, found := log[key]; !found {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, bySeries)
	for _, key := range keys {
		l := item{kind: "adjustment", period: c.month(key.start), provider: key.provider, model: key.model}
		if !key.start.Before(now) || !changed[key.start] {
			continue
		}
		if n, found := owed[key]; found {
			l.amount = n - c.charged[key]
		}
		l.used = log[key].plus(c.billed[key], -1)
		lines = append(lines, l)
	}
	for start := range changed {
		c.giveBackOnce(start, lines)
	}
	for _, l := range lines {
		c.charged[series{l.period.start, l.provider, l.model}] += l.amount
	}
	return slices.DeleteFunc(lines, func(l item) bool { return l.used == (used{}) && l.amount == 0 })
}

// giveBackOnce keeps what lines give back of a period's overage to what no credit note has given back.
func (c *customer) giveBackOnce(start time.Time, lines []item) {
	left := int64(0)
	for _, b := range c.bills {
		for _, l := range b.lines {
			if l.period.start.Equal(start) && (l.kind == "overage" || l.kind == "adjustment") {
				left += l.amount
			}
		}
	}
	for _, l := range lines {
		if l.period.start.Equal(start) {
			left += l.amount
		}
	}
	for i := range lines {
		if l := &lines[i]; l.period.start.Equal(start) && l.amount < 0 && left < 0 {
			tooMuch := max(left, l.amount)
			l.amount -= tooMuch
			left -= tooMuch
		}
	}
}
