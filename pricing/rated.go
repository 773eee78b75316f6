package pricing

import (
	"maps"
	"slices"
	"time"
)

// Rated are calls that were rated alike, added up: at the same price and within the same steps of it. Then what each
// quantity of them costs together is what it costs of one after the other.
type Rated struct {
	PriceID int64 // 0 where none was used
	Basis   Basis
	Tier    string    // that the calls name
	At      time.Time // the minute of the week in which they were, in any week, where the price has bands
	Used    Quantities
	Cost    USD
}

// Parts returns what the quantities of calls that were rated alike cost, with their price and the variant of it. It
// returns no price where that is not known: none was used, it is gone, or the calls cost something else than what it
// charges.
func (b *Book) Parts(r Rated) (*Price, Variant, []Component) {
	price := b.byID[r.PriceID]
	if price == nil {
		return nil, Variant{}, nil
	}
	call := Call{At: r.At, Tier: r.Tier, Used: r.Used}
	due, err := chargeable(b.Providers[price.Provider].CharactersAreInputTokens, price, &call)
	if err != nil {
		return nil, Variant{}, nil
	}
	var parts []Component
	sum, err := due.cost(func(c Component) { parts = append(parts, c) })
	if err != nil || sum != r.Cost {
		return nil, Variant{}, nil
	}
	return price, due.variant, parts
}

// Steps returns what tells calls of one price apart that it charges differently: the lengths of input beyond which
// calls are long ones, in their order, and the ids of prices whose rates depend on the minute of the week.
func (b *Book) Steps() (over, banded []int64) {
	lengths := map[int64]bool{}
	note := func(t Tariff) {
		if t.Above != nil {
			lengths[t.Above.OverInputTokens] = true
		}
	}
	for id, p := range b.byID {
		note(p.tariff())
		for _, band := range p.Bands {
			note(band.Tariff)
		}
		for _, tier := range p.Tiers {
			note(tier.Tariff)
		}
		if len(p.Bands) > 0 {
			banded = append(banded, id)
		}
	}
	slices.Sort(banded)
	return slices.Sorted(maps.Keys(lengths)), banded
}
