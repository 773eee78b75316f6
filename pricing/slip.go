package pricing

import (
	"fmt"
	"math/big"

	"github.com/alwrity/alwrity-sub/failure"
)

// What a price is hardly meant to be. A token costs a vendor's customer less than a thousandth of a dollar; a dollar
// for one is a price for a million of them that lost its "/1M".
const (
	mostPerToken = Dollar
	mostTimes    = 20 // of what the price before charges, or it of that
)

// CheckSlip returns an invalid failure for a price that looks like a slip of the keyboard: of more than a dollar for
// one token, or of more than 20 times what the one before charges for the same thing, or less than a twentieth; so of
// what a band or a tier charges beside the usual price. Before is nil where there was no price. What is or was free is
// no slip.
func (p *Price) CheckSlip(before *Price) error {
	was, usual := Tariff{}, p.tariff()
	if before != nil {
		was = before.tariff()
	}
	if err := p.checkTariff(usual, was, "", "until then"); err != nil {
		return err
	}
	for i := range p.Bands {
		b := &p.Bands[i]
		if err := p.checkTariff(b.Tariff, usual, " "+b.Times(), "else"); err != nil {
			return err
		}
	}
	for i := range p.Tiers {
		tier, err := usual.in(&p.Tiers[i])
		if err == nil {
			err = p.checkTariff(tier, usual, " in the tier "+p.Tiers[i].Name, "else")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkTariff compares a tariff with what is charged otherwise. Where and otherwise say when either holds.
func (p *Price) checkTariff(is, was Tariff, where, otherwise string) error {
	if err := p.checkRates(is.Rates, was.Rates, where, otherwise); err != nil || is.Above == nil {
		return err
	}
	var before LongContext
	if was.Above != nil {
		before = *was.Above
	}
	return p.checkRates(is.Above.rates(), before.rates(), where+" of a long call", otherwise)
}

// cachedParts are the parts of the input whose tokens are those of the rest. Audio may well cost 60 times as much.
var cachedParts = SetOf(CachedInputTokens, CacheWriteTokens, CacheWrite1hTokens) // read-only

func (p *Price) checkRates(rates, before Rates, where, otherwise string) error {
	for q := range QuantityCount {
		was := before[q]
		if cachedParts.Has(q) && was == 0 && rates[q] > before[InputTokens] { // until then it costs what input does
			was = before[InputTokens]
		}
		if err := p.checkRate(q, rates[q], was, where, otherwise); err != nil {
			return err
		}
	}
	return nil
}

func (p *Price) checkRate(q Quantity, rate, before USD, where, otherwise string) error {
	unit := q.Unit() + where
	if q.IsToken() && rate > mostPerToken {
		return failure.Invalidf("one %s of %s %s would cost $%s", unit, p.Provider, p.Model, rate).
			WithReason("price_for_one_token", "meant", rate.String()+"/1M")
	}
	if rate == 0 || before == 0 || rate == before {
		return nil
	}
	times := new(big.Rat).SetFrac64(int64(max(rate, before)), int64(min(rate, before)))
	if times.Cmp(big.NewRat(mostTimes, 1)) <= 0 {
		return nil
	}
	factor, _ := times.Float64()
	how := fmt.Sprintf("%.0f times", factor)
	if rate < before {
		how = fmt.Sprintf("1/%.0f of", factor)
	}
	return failure.Invalidf("one %s of %s %s would cost $%s: %s the $%s that it costs %s",
		unit, p.Provider, p.Model, rate, how, before, otherwise).WithReason("price_jumps")
}
