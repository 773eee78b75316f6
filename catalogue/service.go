// Package catalogue seeds and changes plans and prices, and says what they are.
package catalogue

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Store is the storage of plans and prices. The functions that change something may run more than once.
type Store interface {
	// Catalogue returns every provider, and every price and alias at any time.
	Catalogue(ctx context.Context) (*pricing.Book, error)
	// ChangePrices runs fn on the book under a lock that keeps other changes of prices away, then adds the providers,
	// prices and aliases that fn returns. An alias takes the place of one of its name and moment, a provider that of one
	// of its name.
	ChangePrices(ctx context.Context, audit usage.Audit, fn func(book *pricing.Book) (pricing.Catalogue, error)) error

	// Plans returns the plans on offer, and how many users have a subscription to each that has not ended at now.
	Plans(ctx context.Context, now time.Time) (plans plan.Plans, subscribers map[int64]int, err error)
	// ChangePlans runs fn on the plans on offer under a lock, then saves the plans that fn returns (new where their
	// ID is 0) and withdraws others.
	ChangePlans(ctx context.Context, audit usage.Audit,
		fn func(have plan.Plans, subscribers map[int64]int) (save plan.Plans, withdraw []int64, err error)) error
}

// Service reads and changes the plans and prices of a database.
type Service struct {
	Store Store
}

// File is the text of a plan or price file. Its name is for messages.
type File struct {
	Name string
	Text []byte
}

// Plans returns the plans on offer with the figures that they had at a moment (zero: now), and by the plans' ids how
// many users are subscribed to each now.
func (s *Service) Plans(ctx context.Context, now, at time.Time) (plan.Plans, map[int64]int, error) {
	plans, subscribers, err := s.Store.Plans(ctx, now)
	return plans.At(cmp.Or(at, now)), subscribers, err
}

// Plan returns the plan on offer with a name or tier, and how many users are subscribed to it now. A plan that is not
// there is a not_found failure.
func (s *Service) Plan(ctx context.Context, now time.Time, name string) (plan.Plan, int, error) {
	plans, subscribers, err := s.Store.Plans(ctx, now)
	if err != nil {
		return plan.Plan{}, 0, err
	}
	p, err := plans.Find(name)
	return p, subscribers[p.ID], err
}

// Book returns every provider, and every price at any time.
func (s *Service) Book(ctx context.Context) (*pricing.Book, error) { return s.Store.Catalogue(ctx) }

// PriceQuery selects prices; what is empty selects all.
type PriceQuery struct {
	Provider, Model string
	At              time.Time // the prices in force then
}

// Prices returns the prices in force at a moment, by provider and model, and the aliases that stand for their models.
// An unknown provider is an invalid failure.
func (s *Service) Prices(ctx context.Context, q PriceQuery) ([]pricing.Price, []pricing.Alias, error) {
	book, err := s.bookWith(ctx, q.Provider)
	if err != nil {
		return nil, nil, err
	}
	wanted := func(provider, model string) bool {
		return (q.Provider == "" || provider == q.Provider) && (q.Model == "" || model == q.Model)
	}
	return slices.DeleteFunc(book.All(q.At), func(p pricing.Price) bool { return !wanted(p.Provider, p.Model) }),
		slices.DeleteFunc(book.Aliases(q.At), func(a pricing.Alias) bool { return !wanted(a.Provider, a.Model) }), nil
}

// bookWith returns the book of all prices, or an invalid failure where it does not know a provider.
func (s *Service) bookWith(ctx context.Context, provider string) (*pricing.Book, error) {
	book, err := s.Book(ctx)
	if err == nil && provider != "" {
		_, err = book.Providers.Find(provider)
	}
	return book, err
}

// History returns every price that a model has had or will have, oldest first, also those that were fixed; a not_found
// failure where there is none.
func (s *Service) History(ctx context.Context, provider, model string) ([]pricing.FixedPrice, error) {
	book, err := s.bookWith(ctx, provider)
	if err != nil {
		return nil, err
	}
	history := book.Fixed(provider, model)
	for _, p := range book.History(provider, model) {
		history = append(history, pricing.FixedPrice{Price: p})
	}
	if len(history) == 0 {
		return nil, failure.UnknownName(failure.NotFound, "price of "+provider, model, book.Models(provider))
	}
	slices.SortStableFunc(history, func(a, b pricing.FixedPrice) int { return a.EffectiveFrom.Compare(b.EffectiveFrom) })
	return history, nil
}

// Export returns the providers, and the prices and aliases in force, as a price file has them: they hold from when it
// is applied.
func (s *Service) Export(ctx context.Context, now time.Time) (pricing.Catalogue, error) {
	book, err := s.Store.Catalogue(ctx)
	if err != nil {
		return pricing.Catalogue{}, err
	}
	c := pricing.Catalogue{Providers: book.Providers.Sorted(), Prices: book.All(now), Aliases: book.Aliases(now)}
	for i := range c.Prices {
		c.Prices[i].EffectiveFrom = pricing.Beginning()
	}
	for i := range c.Aliases {
		c.Aliases[i].EffectiveFrom = pricing.Beginning()
	}
	return c, nil
}

// Quote is a call whose cost is asked for.
type Quote struct {
	Provider, Model string
	Quantities      pricing.Quantities
	At              time.Time
	Tier            string
}

// Quote returns what a call would cost, and where there is no price for it, a not_found failure beside the rating.
func (s *Service) Quote(ctx context.Context, q Quote) (pricing.Rating, error) {
	if err := q.Quantities.Validate(); err != nil {
		return pricing.Rating{}, err
	}
	book, err := s.bookWith(ctx, q.Provider)
	if err != nil {
		return pricing.Rating{}, err
	}
	rating, err := book.Rate(pricing.Call{Provider: q.Provider, Model: q.Model, At: q.At,
		Tier: pricing.NormaliseTier(q.Tier), Used: q.Quantities})
	if err == nil && rating.Basis == pricing.Unpriced {
		unpriced := failure.NotFoundf("there is no price for %s %q", q.Provider, q.Model)
		unpriced.Reason, unpriced.Args = book.Advice(q.Provider, q.Model)
		err = unpriced
	}
	return rating, err
}
