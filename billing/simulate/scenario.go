package simulate

import (
	"context"
	"math/big"
	"slices"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Request says which month is replayed against what.
type Request struct {
	Month  plan.Month
	Plans  *File              // the text of a plan file; nil: the plans as they were
	Prices *pricing.Catalogue // nil: every cost as it is recorded
}

// File is the text of a file, and its name for messages.
type File struct {
	Name string
	Text []byte
}

// scenario is what a month is replayed against.
type scenario struct {
	month plan.Month
	plans plan.Plans // with one of the default tier; nil: the plans as they were
	rates *rates     // nil: every cost as it is recorded
}

// scenario reads what a month is to be replayed against.
func (s *Service) scenario(ctx context.Context, r Request) (scenario, error) {
	found := scenario{month: r.Month}
	book, err := s.Store.Catalogue(ctx)
	if err != nil {
		return found, err
	}
	providers := book.Providers
	if r.Prices != nil {
		providers = providers.With(r.Prices.Providers)
		if err := r.Prices.Check(providers); err != nil {
			return found, err
		}
		found.rates = newRates(providers, book, r.Prices.Prices)
	}
	if r.Plans != nil {
		found.plans, err = plan.ParseCatalogue(r.Plans.Name, r.Plans.Text, providers)
	}
	return found, err
}

// rates rate usage that has been recorded at other prices.
type rates struct{ book *pricing.Book }

// newRates returns the prices that there would be with those of a file: from the first effective_from that it gives a
// model on, a price of the file holds and no other. The providers are those of both.
func newRates(providers pricing.Providers, have *pricing.Book, file []pricing.Price) *rates {
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
	return &rates{pricing.NewBook(providers, prices)}
}

func replaces(f, p pricing.Price) bool {
	return f.Provider == p.Provider && f.Model == p.Model && !p.EffectiveFrom.Before(f.EffectiveFrom)
}

// cost returns what an event costs: as it is recorded, unless a price of the file holds for it.
func (r *rates) cost(e *usage.Entry) (pricing.USD, error) {
	if r == nil || !e.Counts() {
		return e.Amounts().Cost, nil
	}
	charge, err := r.book.Charge(e.Provider, e.Model, e.Time, &e.Quantities)
	if err != nil || charge.PriceID >= 0 {
		return e.Cost, err
	}
	return charge.Cost, nil
}

// monthly returns what a month costs at the price of a cycle. A twelfth of a yearly price is rounded half to even to a
// pico-dollar.
func monthly(price pricing.USD, c plan.Cycle) pricing.USD {
	if c != plan.Yearly {
		return price
	}
	return pricing.USD(pricing.HalfEven(big.NewInt(int64(price)), big.NewInt(12)).Int64())
}
