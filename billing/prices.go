package billing

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// pricesWithin returns the prices of a provider and model that were in force in a period, the first being the one at
// its beginning.
func pricesWithin(book *pricing.Book, s Series, p plan.Period) []UnitPrice {
	moments := []time.Time{p.Start}
	for _, model := range []string{s.Model, pricing.DefaultModel} {
		for _, price := range book.History(s.Provider, model) {
			if price.EffectiveFrom.After(p.Start) && price.EffectiveFrom.Before(p.End) {
				moments = append(moments, price.EffectiveFrom)
			}
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	var found []UnitPrice
	var last int64
	for _, at := range moments {
		price, basis := priceAt(book, s, at)
		if basis != pricing.Unpriced && price.ID != last {
			found = append(found, unitPrice(price, basis))
		}
		last = price.ID
	}
	return found
}

// priceAt returns the price that rating takes at a moment.
func priceAt(book *pricing.Book, s Series, at time.Time) (pricing.Price, pricing.Basis) {
	if price, ok := book.InForce(s.Provider, s.Model, at); ok {
		return price, pricing.Exact
	}
	if price, ok := book.InForce(s.Provider, pricing.DefaultModel, at); ok {
		return price, pricing.Default
	}
	return pricing.Price{}, pricing.Unpriced
}

func unitPrice(price pricing.Price, basis pricing.Basis) UnitPrice {
	u := UnitPrice{From: price.EffectiveFrom, Rates: map[string]pricing.USD{}, Above: price.Above, Basis: basis}
	for i, rate := range price.Rates {
		if rate != 0 || pricing.Quantity(i) == pricing.CachedInputTokens && price.CachedPriced {
			u.Rates[pricing.Quantity(i).Unit()] = rate
		}
	}
	return u
}
