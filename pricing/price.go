package pricing

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// DefaultModel is the model name whose price holds for every model of its provider that has no price of its own.
const DefaultModel = "default"

// Source says who a price or plan comes from.
type Source string

// The sources, from the weakest to the strongest.
const (
	FromCatalogue   Source = "catalogue"   // built into the binary
	FromFile        Source = "file"        // a file that was given to init
	FromEnvironment Source = "environment" // HUGGINGFACE_* variables
	FromAdmin       Source = "admin"       // a command that says so
)

// MayReplace tells whether seeding from source s may replace what came from source old: what an admin has set, or a
// file, outlives the built-in catalogue.
func (s Source) MayReplace(old Source) bool {
	rank := map[Source]int{FromCatalogue: 0, FromFile: 1, FromEnvironment: 2, FromAdmin: 3}
	return rank[s] >= rank[old]
}

// Rates are the costs of one unit of each quantity, in pico-dollars, indexed by Quantity; 0 means that the quantity
// costs nothing.
type Rates [QuantityCount]USD

// Price is what the quantities of one provider's model cost from a moment on. A price is never edited: a change is a
// new Price with a later EffectiveFrom.
type Price struct {
	ID            int64
	Provider      string
	Model         string
	EffectiveFrom time.Time
	Rates         Rates
	// Given has the parts of totals that have a rate of their own, be it 0. Other parts cost what their total costs.
	Given QuantitySet
	Above *LongContext // nil where long input costs no more
	Bands []Band       // other rates at some times
	Tiers []Tier       // other rates for some service tiers
	// Reported says that a call costs what its event reports. The rates are for calls that report nothing.
	Reported bool
	Source   Source
}

// SameFigures tells whether two prices charge the same for everything.
func (p Price) SameFigures(q Price) bool {
	return p.tariff().same(q.tariff()) && p.Reported == q.Reported &&
		slices.EqualFunc(p.Bands, q.Bands, Band.same) && slices.EqualFunc(p.Tiers, q.Tiers, Tier.same)
}

// IsFree tells whether every call costs exactly nothing by this price.
func (p *Price) IsFree() bool {
	free := func(t Tariff) bool {
		return t.Rates == Rates{} && (t.Above == nil || t.Above.rates() == Rates{})
	}
	return !p.Reported && free(p.tariff()) &&
		!slices.ContainsFunc(p.Bands, func(b Band) bool { return !free(b.Tariff) }) &&
		!slices.ContainsFunc(p.Tiers, func(t Tier) bool { return !free(t.Tariff) })
}

// hasRates tells whether the price says what a call costs that reports nothing.
func (p *Price) hasRates() bool {
	return !p.Reported || !p.tariff().same(Tariff{}) || len(p.Bands)+len(p.Tiers) > 0
}

// Validate returns an invalid failure for a price that can't be: a negative cost, one that is not exact for every
// amount, a long-context price without a length, bands that overlap, or a factor that would have to be rounded.
func (p *Price) Validate() error {
	base := p.tariff()
	if err := p.validateTariff(base, ""); err != nil {
		return err
	}
	if err := validateBands(p.Bands); err != nil {
		return failure.Within(err, "the price of %s %s", p.Provider, p.Model)
	}
	if err := validateTiers(p.Tiers); err != nil {
		return failure.Within(err, "the price of %s %s", p.Provider, p.Model)
	}
	for _, tier := range p.Tiers {
		if err := p.validateTier(base, tier, " in the tier "+tier.Name); err != nil {
			return err
		}
	}
	for _, band := range p.Bands {
		where, over := " "+band.Times(), base.with(band.Tariff)
		if err := p.validateTariff(over, where); err != nil {
			return err
		}
		for _, tier := range p.Tiers {
			if err := p.validateTier(over, tier, where+" in the tier "+tier.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Price) validateTier(base Tariff, tier Tier, where string) error {
	t, err := base.in(&tier)
	if err != nil {
		return failure.Within(err, "the price of %s %s%s", p.Provider, p.Model, where)
	}
	return p.validateTariff(t, where)
}

func (p *Price) validateTariff(t Tariff, where string) error {
	if t.Above != nil && (t.Above.OverInputTokens <= 0 || t.Above.OverInputTokens > MaxQuantity) {
		return failure.Invalidf("the long-context price of %s %s%s starts above %d input tokens: it must be 1 or more",
			p.Provider, p.Model, where, t.Above.OverInputTokens)
	}
	if err := p.validateRates(t.Rates, where); err != nil || t.Above == nil {
		return err
	}
	return p.validateRates(t.Above.rates(), where+" of a long call")
}

func (p *Price) validateRates(rates Rates, where string) error {
	for i, rate := range rates {
		q := Quantity(i)
		if rate < 0 {
			return failure.Invalidf("%s of %s %s%s is %s: a price is 0 or more", q.Unit(), p.Provider, p.Model, where, rate)
		}
		if int64(rate)%q.PerUnit() != 0 {
			return failure.Invalidf("%s of %s %s%s is %s: it may have 9 decimals at most, so that a thousandth of one "+
				"costs an exact amount too", q.Unit(), p.Provider, p.Model, where, rate)
		}
	}
	return nil
}
