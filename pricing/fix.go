package pricing

import (
	"slices"
	"time"
)

// FixedPrice is a price that was wrong: it is never used again, and another one holds in its place since its moment.
type FixedPrice struct {
	Price
	At         time.Time // when it was fixed; zero of a price that stands
	Actor      string
	Reason     string
	ReplacedBy int64 // the id of the price in its place
}

// AddFixed tells the book of prices that are never used again: only their ids and their history are known.
func (b *Book) AddFixed(prices []FixedPrice) {
	b.fixed = append(b.fixed, prices...)
	for _, p := range prices {
		b.byID[p.ID] = &p.Price
	}
}

// Fixed returns the wrong prices of a provider and model, in the order of their moments.
func (b *Book) Fixed(provider, model string) []FixedPrice {
	var found []FixedPrice
	for _, p := range b.fixed {
		if p.Provider == provider && p.Model == model {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, func(a, b FixedPrice) int { return a.EffectiveFrom.Compare(b.EffectiveFrom) })
	return found
}

// Without returns the book as it is once a price in it is never used again.
func (b *Book) Without(wrong Price) *Book {
	var prices []Price
	for _, list := range b.prices {
		for _, p := range list {
			if p.ID != wrong.ID {
				prices = append(prices, p)
			}
		}
	}
	without := NewBook(b.Providers, prices, b.AllAliases()...)
	without.AddFixed(append(slices.Clone(b.fixed), FixedPrice{Price: wrong}))
	return without
}
