package pricing

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Book is a set of prices that finds the one in force for a model at a moment, with the providers they belong to and
// the aliases of their models.
type Book struct {
	Providers Providers
	prices    map[bookKey][]Price // by EffectiveFrom, oldest first
	aliases   map[bookKey][]Alias // by EffectiveFrom, oldest first
	byID      map[int64]*Price    // fixed ones, too
	fixed     []FixedPrice

	mutex sync.RWMutex
	found map[bookKey][]finding // what has been looked for: a book does not change
}

type bookKey struct{ provider, model string }

// NewBook returns a book of the given prices and aliases; the order of the prices does not matter, and of two aliases
// of one name and moment the later one counts.
func NewBook(providers Providers, prices []Price, aliases ...Alias) *Book {
	b := &Book{Providers: providers, prices: make(map[bookKey][]Price), aliases: make(map[bookKey][]Alias),
		byID: make(map[int64]*Price), found: make(map[bookKey][]finding)}
	for _, p := range prices {
		key := bookKey{p.Provider, p.Model}
		b.prices[key] = append(b.prices[key], p)
	}
	for _, list := range b.prices {
		slices.SortFunc(list, func(a, b Price) int { return a.EffectiveFrom.Compare(b.EffectiveFrom) })
		for i := range list {
			b.byID[list[i].ID] = &list[i]
		}
	}
	b.addAliases(aliases)
	return b
}

// InForce returns the price of exactly this provider and model at a moment.
func (b *Book) InForce(provider, model string, at time.Time) (Price, bool) {
	if p := b.inForce(provider, model, at); p != nil {
		return *p, true
	}
	return Price{}, false
}

func (b *Book) inForce(provider, model string, at time.Time) *Price {
	list := b.prices[bookKey{provider, model}]
	for i := len(list) - 1; i >= 0; i-- { // mostly it is the last one
		if !list[i].EffectiveFrom.After(at) {
			return &list[i]
		}
	}
	return nil
}

// History returns every price of a provider and model, oldest first.
func (b *Book) History(provider, model string) []Price {
	return slices.Clone(b.prices[bookKey{provider, model}])
}

// Has tells whether a price with this ID is in the book.
func (b *Book) Has(id int64) bool { return b.byID[id] != nil }

// Models returns the models of a provider that have a price at any time.
func (b *Book) Models(provider string) []string {
	var models []string
	for key := range b.prices {
		if key.provider == provider {
			models = append(models, key.model)
		}
	}
	slices.Sort(models)
	return models
}

// All returns the prices in force at a moment, by provider and model.
func (b *Book) All(at time.Time) []Price {
	var all []Price
	for key := range b.prices {
		if p, ok := b.InForce(key.provider, key.model, at); ok {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Price) int {
		return cmp.Or(strings.Compare(a.Provider, b.Provider), strings.Compare(a.Model, b.Model))
	})
	return all
}
