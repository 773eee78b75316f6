package pricing

import (
	"fmt"
	"math/big"

	"github.com/alwrity/alwrity-sub/failure"
)

// What a price is hardly meant to be. A token costs a vendor's customer less than a thousandth of a dollar; a dollar
// for one is a price for a million of them that lost its "/1M".
const (
	dearestToken = Dollar
	mostTimes    = 20 // of what the price before charges, or it of that
)

// CheckSlip returns an invalid failure for a price that looks like a slip of the keyboard: of more than a dollar for
// one token, or of more than 20 times what the one before charges for the same thing, or less than a twentieth. Before
// is nil where there was no price. What is or was free is no slip.
func (p Price) CheckSlip(before *Price) error {
	for q := range QuantityCount {
		old := USD(0)
		if before != nil {
			old = before.Rates[q]
		}
		if err := p.checkRate(q.Unit(), q.isToken(), p.Rates[q], old); err != nil {
			return err
		}
	}
	if p.Above == nil {
		return nil
	}
	var old LongContext
	if before != nil && before.Above != nil {
		old = *before.Above
	}
	if err := p.checkRate("input_token of a long call", true, p.Above.InputToken, old.InputToken); err != nil {
		return err
	}
	return p.checkRate("output_token of a long call", true, p.Above.OutputToken, old.OutputToken)
}

func (q Quantity) isToken() bool {
	return q == InputTokens || q == OutputTokens || q == CachedInputTokens
}

func (p Price) checkRate(unit string, isToken bool, rate, old USD) error {
	if isToken && rate > dearestToken {
		return failure.Invalidf("one %s of %s %s would cost $%s", unit, p.Provider, p.Model, rate).
			WithReason("price_for_one_token", "meant", rate.String()+"/1M")
	}
	if rate == 0 || old == 0 || rate == old {
		return nil
	}
	times := new(big.Rat).SetFrac64(int64(max(rate, old)), int64(min(rate, old)))
	if times.Cmp(big.NewRat(mostTimes, 1)) <= 0 {
		return nil
	}
	factor, _ := times.Float64()
	how := fmt.Sprintf("%.0f times", factor)
	if rate < old {
		how = fmt.Sprintf("1/%.0f of", factor)
	}
	return failure.Invalidf("one %s of %s %s would cost $%s: %s the $%s that it costs until then",
		unit, p.Provider, p.Model, rate, how, old).WithReason("price_jumps")
}
