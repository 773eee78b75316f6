package usage

import (
	"math"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Amounts are what log rows add to the totals that are kept of them. A failed call that is not billable adds to Errors
// and to nothing else.
type Amounts struct {
	Calls      int64
	Errors     int64
	Unpriced   int64              // calls without a price
	Quantities pricing.Quantities // of the calls that count; Requests equals Calls
	Cost       pricing.USD

	Estimated     int64       // of the calls: those of which it was estimated what they used
	EstimatedCost pricing.USD // what they cost
}

// HaveRare tells whether there is anything of what few calls have.
func (a *Amounts) HaveRare() bool {
	return a.Estimated != 0 || a.EstimatedCost != 0 || a.Quantities.HaveRare()
}

// Amounts returns what one log row adds.
func (e *Entry) Amounts() Amounts {
	if !e.Counts() {
		return Amounts{Errors: e.Quantities[pricing.Requests]}
	}
	a := Amounts{Calls: e.Quantities[pricing.Requests], Quantities: e.Quantities, Cost: e.Cost}
	if e.Basis == pricing.Unpriced {
		a.Unpriced = a.Calls
	}
	if e.Measured == UseEstimated {
		a.Estimated, a.EstimatedCost = a.Calls, a.Cost
	}
	return a
}

// Add returns a + b, or an invalid failure where a sum does not fit.
func (a Amounts) Add(b Amounts) (Amounts, error) {
	cost, err := a.Cost.Add(b.Cost)
	if err != nil {
		return Amounts{}, err
	}
	estimated, err := a.EstimatedCost.Add(b.EstimatedCost)
	if err != nil {
		return Amounts{}, err
	}
	a.Cost, a.EstimatedCost = cost, estimated
	a.Estimated = AtMost(a.Estimated, b.Estimated)
	a.Calls = AtMost(a.Calls, b.Calls)
	a.Errors = AtMost(a.Errors, b.Errors)
	a.Unpriced = AtMost(a.Unpriced, b.Unpriced)
	full := max(a.Calls, a.Errors) == math.MaxInt64
	for i, n := range b.Quantities {
		a.Quantities[i] = AtMost(a.Quantities[i], n)
		full = full || a.Quantities[i] == math.MaxInt64
	}
	if full {
		return Amounts{}, failure.Invalidf("a total would be too large to be kept: at most %d of each quantity",
			int64(math.MaxInt64-1))
	}
	return a, nil
}

// AtMost returns a + b or, where that does not fit, the largest number there is: what is used up stays so, and no sum
// of what was used turns negative. A correction may be below 0.
func AtMost(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func (t *ProviderUsage) count(e *Entry) {
	a := e.Amounts()
	t.plus(ProviderUsage{Calls: a.Calls, Errors: a.Errors, Unpriced: a.Unpriced, Cost: a.Cost,
		Estimated: a.Estimated, EstimatedCost: a.EstimatedCost,
		InputTokens: a.Quantities[pricing.InputTokens], OutputTokens: a.Quantities[pricing.OutputTokens]})
}

func (t *ProviderUsage) plus(u ProviderUsage) {
	t.Calls = AtMost(t.Calls, u.Calls)
	t.Errors = AtMost(t.Errors, u.Errors)
	t.Unpriced = AtMost(t.Unpriced, u.Unpriced)
	t.InputTokens = AtMost(t.InputTokens, u.InputTokens)
	t.OutputTokens = AtMost(t.OutputTokens, u.OutputTokens)
	t.Cost = pricing.USD(AtMost(int64(t.Cost), int64(u.Cost)))
	t.Estimated = AtMost(t.Estimated, u.Estimated)
	t.EstimatedCost = pricing.USD(AtMost(int64(t.EstimatedCost), int64(u.EstimatedCost)))
}

// Tokens returns the input and output tokens together.
func (t ProviderUsage) Tokens() int64 { return AtMost(t.InputTokens, t.OutputTokens) }

// metered is how much something adds to each meter.
type metered struct {
	calls, tokens int64
	cost          pricing.USD
}

// of returns the amount that a meter counts, in its unit.
func (m metered) of(meter plan.Meter) int64 {
	switch meter {
	case plan.Calls:
		return m.calls
	case plan.Tokens:
		return m.tokens
	}
	return int64(m.cost)
}

func (e *Entry) metered() metered {
	return metered{e.Quantities[pricing.Requests], e.Quantities.Tokens(), e.Cost}
}

func (t ProviderUsage) metered() metered { return metered{t.Calls, t.Tokens(), t.Cost} }

func (r Reservation) metered() metered { return metered{r.Calls, r.Tokens, r.Cost} }

// Of returns how much of the amounts a meter counts, in its unit.
func (a Amounts) Of(meter plan.Meter) int64 {
	tokens := AtMost(a.Quantities[pricing.InputTokens], a.Quantities[pricing.OutputTokens])
	return metered{a.Calls, tokens, a.Cost}.of(meter)
}
