package usage

import (
	"github.com/alwrity/alwrity-sub/pricing"
)

// Amounts are what log rows add to the totals that are kept of them. A failed
// call that is not billable adds to Errors and to nothing else.
type Amounts struct {
	Calls      int64
	Errors     int64
	Unpriced   int64              // calls without a price
	Quantities pricing.Quantities // of the calls that count; Requests equals Calls
	Cost       pricing.USD
}

// Amounts returns what one log row adds.
func (e Entry) Amounts() Amounts {
	if !e.Counts() {
		return Amounts{Errors: e.Quantities[pricing.Requests]}
	}
	a := Amounts{Calls: e.Quantities[pricing.Requests], Quantities: e.Quantities, Cost: e.Cost}
	if e.Basis == pricing.Unpriced {
		a.Unpriced = a.Calls
	}
	return a
}

// Add returns a + b, or an invalid failure where the cost does not fit.
func (a Amounts) Add(b Amounts) (Amounts, error) {
	cost, err := a.Cost.Add(b.Cost)
	if err != nil {
		return Amounts{}, err
	}
	a.Cost = cost
	a.Calls += b.Calls
	a.Errors += b.Errors
	a.Unpriced += b.Unpriced
	for i, n := range b.Quantities {
		a.Quantities[i] += n
	}
	return a, nil
}

func (t *Total) count(e Entry) {
	a := e.Amounts()
	t.Calls += a.Calls
	t.Errors += a.Errors
	t.Unpriced += a.Unpriced
	t.InputTokens += a.Quantities[pricing.InputTokens]
	t.OutputTokens += a.Quantities[pricing.OutputTokens]
	t.Cost += a.Cost
}
