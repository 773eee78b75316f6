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

// terms are what usage beyond the limits is billed by, in millionths; nil for nothing.
type terms struct {
	limits []included
	markup int64
}

// terms are those of the plans that allow overage, as plans in billing_world_test.go
// writes them.
func (t tariff) terms(plan string) *terms {
	switch plan {
	case "Basic":
		return &terms{[]included{{"calls", "", t.calls}, {"tokens", "acme", 150_000}}, t.markup}
	case "Team":
		return &terms{[]included{{"cost", "zed", t.cents * oneCent}}, 0}
	}
	return nil
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

// beyond returns what each series of a period is billed beyond the limits.
func (t *terms) beyond(log map[series]used, start time.Time) map[series]int64 {
	owed := map[series]int64{}
	if t == nil {
		return owed
	}
	for key, u := range log {
		if !key.start.Equal(start) {
			continue
		}
		largest := new(big.Rat)
		for _, l := range t.limits {
			sum := int64(0)
			for other, v := range log {
				if other.start.Equal(start) {
					sum += l.count(other, v)
				}
			}
			if covers := l.provider == "" || l.provider == key.provider; covers && sum > l.most {
				if share := big.NewRat(sum-l.most, sum); share.Cmp(largest) > 0 {
					largest = share
				}
			}
		}
		amount := new(big.Rat).Mul(largest, big.NewRat(1_000_000+t.markup, 1_000_000))
		if n := halfEven(amount.Mul(amount, new(big.Rat).SetInt64(u.cost))); n != 0 {
			owed[key] = n
		}
	}
	return owed
}

// overage returns the lines of what is beyond the limits of the plan at a period's end.
func (w *world) overage(c *customer, b *paper, log map[series]used) (lines []item) {
	if b.terms = w.termsAt(c, b.period); b.terms == nil {
		return nil
	}
	owed := b.terms.beyond(log, b.period.start)
	for _, key := range sorted(log) {
		if owed[key] != 0 {
			lines = append(lines, item{kind: "overage", period: b.period, provider: key.provider, model: key.model,
				amount: owed[key]})
			c.charged[key] = owed[key]
		}
	}
	return lines
}

// termsAt returns the terms at the end of a period; none where a subscription had ended
// before it began.
func (w *world) termsAt(c *customer, p span) *terms {
	at := p.end.Add(-time.Microsecond)
	if t := c.term(at); t != nil {
		begins := p.start
		if t.from.After(begins) {
			begins = t.from
		}
		if !t.runs(begins) {
			return nil
		}
		return w.tariff(at).terms(t.under(at).plan)
	}
	return w.tariff(at).terms("Free")
}

// chargedBy returns the terms of the period that begins at a moment: those of its bill, or
// where there is none those of the plan at its end.
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
		for key, n := range w.chargedBy(c, start).beyond(log, start) {
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
			c.charged[key] = n
		}
		if l.used = log[key].plus(c.billed[key], -1); l.used != (used{}) || l.amount != 0 {
			lines = append(lines, l)
		}
	}
	return lines
}
