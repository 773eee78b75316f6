package usage

import (
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

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

func (t Total) metered() metered { return metered{t.Calls, t.Tokens(), t.Cost} }

func (r Reservation) metered() metered { return metered{r.Calls, r.Tokens, r.Cost} }

// Of returns how much of the amounts a meter counts, in its unit.
func (a Amounts) Of(meter plan.Meter) int64 {
	tokens := AtMost(a.Quantities[pricing.InputTokens], a.Quantities[pricing.OutputTokens])
	return metered{a.Calls, tokens, a.Cost}.of(meter)
}
