package billing

import (
	"math/big"
	"slices"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Scenario is what a month is replayed against.
type Scenario struct {
	Month usage.Month
	Plans plan.Plans   // with one of the default tier; nil: the plans as they were
	Rates *OtherPrices // nil: every cost as it is recorded
}

// OtherPrices rate usage that has been recorded at other prices.
type OtherPrices struct{ book *pricing.Book }

// NewOtherPrices returns the prices that there would be with those of a file: from
// the first effective_from that it gives a model on, a price of the file holds and no
// other. The providers are those of both.
func NewOtherPrices(providers pricing.Providers, have *pricing.Book, file []pricing.Price) *OtherPrices {
	prices := slices.Clone(file)
	for i := range prices {
		prices[i].ID = int64(-1 - i) // no price that is stored has an id below 0
	}
	for name := range have.Providers {
		for _, model := range have.Models(name) {
			for _, p := range have.History(name, model) {
				if !slices.ContainsFunc(file, func(f pricing.Price) bool { return replaces(f, p) }) {
					prices = append(prices, p)
				}
			}
		}
	}
	return &OtherPrices{pricing.NewBook(providers, prices)}
}

func replaces(f, p pricing.Price) bool {
	return f.Provider == p.Provider && f.Model == p.Model && !p.EffectiveFrom.Before(f.EffectiveFrom)
}

// cost returns what an event costs: as it is recorded, unless a price of the file
// holds for it.
func (o *OtherPrices) cost(e *usage.Entry) (pricing.USD, error) {
	if o == nil || !e.Counts() {
		return e.Amounts().Cost, nil
	}
	charge, err := o.book.Charge(e.Provider, e.Model, e.Time, &e.Quantities)
	if err != nil || charge.PriceID >= 0 {
		return e.Cost, err
	}
	return charge.Cost, nil
}

// monthly returns what a month costs at the price of a cycle. A twelfth of a yearly price
// is rounded half to even to a pico-dollar.
func monthly(price pricing.USD, c plan.Cycle) pricing.USD {
	if c != plan.Yearly {
		return price
	}
	return pricing.USD(pricing.HalfEven(big.NewInt(int64(price)), big.NewInt(12)).Int64())
}
