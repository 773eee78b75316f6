package catalogue

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Seeds are the plans and prices that a new database gets, and one that exists as far as nobody has set others.
type Seeds struct {
	prices      pricing.Catalogue
	priceSource pricing.Source
	plans       *File // nil: the built-in ones
	environment pricing.EnvironmentRates
}

// NewSeeds returns the seeds of a plan file and a price file; nil stands for the built-in ones. The prices that the
// environment sets are read by lookup, which returns "" for a variable that is not set.
func NewSeeds(plans, prices *File, lookup func(name string) string) (s Seeds, err error) {
	s.plans, s.priceSource = plans, pricing.FromCatalogue
	if s.environment, err = pricing.ParseEnvironmentRates(lookup); err != nil {
		return s, err
	}
	if prices == nil {
		s.prices, err = pricing.DefaultCatalogue()
		return s, err
	}
	s.priceSource = pricing.FromFile
	s.prices, err = pricing.ParseCatalogue(prices.Name, prices.Text)
	return s, err
}

// BuiltIn returns the built-in plans and prices.
func BuiltIn() (Seeds, error) { return NewSeeds(nil, nil, func(string) string { return "" }) }

// Check returns an invalid failure for seeds that a new database can't have.
func (s Seeds) Check(now time.Time) error { return s.check(pricing.NewBook(nil, nil), now) }

// CheckSeeds returns an invalid failure for seeds that do not fit what this database has.
func (s *Service) CheckSeeds(ctx context.Context, now time.Time, seeds Seeds) error {
	book, err := s.Book(ctx)
	if err != nil {
		return err
	}
	return seeds.check(book, now)
}

func (s Seeds) check(book *pricing.Book, now time.Time) error {
	all, _, err := s.resolve(book.Providers)
	if err != nil {
		return err
	}
	return s.checkSeeding(book, s.seed(book, all, now).Changes(all.Sorted()))
}

// seed returns what is to be added to a book. A built-in alias that does not fit what has been set is kept out.
func (s Seeds) seed(book *pricing.Book, all pricing.Providers, now time.Time) pricing.Seeding {
	seeding := pricing.Seed(s.prices, s.priceSource, book, s.environment, now)
	if s.priceSource == pricing.FromCatalogue {
		with := book.With(seeding.Changes(all.Sorted()))
		seeding.Aliases = slices.DeleteFunc(seeding.Aliases, func(a pricing.Alias) bool {
			return with.CheckAliases([]pricing.Alias{a}) != nil
		})
	}
	return seeding
}

// resolve returns the providers that there will be: those that are there and those of the price file or, where that
// names none, the built-in ones; and the plans, which name some of them.
func (s Seeds) resolve(have pricing.Providers) (all pricing.Providers, plans plan.Plans, err error) {
	if len(s.prices.Providers) > 0 {
		all = have.With(s.prices.Providers)
	} else {
		builtIn, err := pricing.DefaultCatalogue()
		if err != nil {
			return nil, nil, err
		}
		all = pricing.Providers(nil).With(builtIn.Providers)
		maps.Copy(all, have)
	}
	if err := s.prices.Check(all); err != nil {
		return nil, nil, err
	}
	if s.plans == nil {
		plans, err = plan.DefaultCatalogue(all)
	} else {
		plans, err = plan.ParseCatalogue(s.plans.Name, s.plans.Text, all)
	}
	return all, plans, err
}

// newProviders returns the providers to save: unknown ones and, where a file names them, changed ones.
func (s Seeds) newProviders(have, all pricing.Providers) []pricing.Provider {
	var save []pricing.Provider
	for _, p := range s.prices.Providers {
		if _, known := have[p.Name]; !known || s.priceSource == pricing.FromFile {
			save = append(save, p)
		}
	}
	have = have.With(save)
	for _, p := range all.Sorted() {
		if _, known := have[p.Name]; !known {
			save = append(save, p)
		}
	}
	return save
}

// checkSeeding returns an invalid failure for what a database with a book can't have.
func (s Seeds) checkSeeding(book *pricing.Book, add pricing.Catalogue) error {
	if err := book.With(add).CheckAliases(add.Aliases); err != nil {
		return err
	}
	if err := s.checkFile(book, add.Prices); err != nil {
		return err
	}
	return s.checkEnvironment(book, add.Prices)
}

// checkFile returns an invalid failure for a price of a file that looks like a slip beside the one in force.
func (s Seeds) checkFile(book *pricing.Book, add []pricing.Price) error {
	for _, p := range add {
		if p.Source == pricing.FromEnvironment || s.priceSource == pricing.FromCatalogue {
			continue
		}
		var before *pricing.Price
		if inForce, known := book.InForce(p.Provider, p.Model, p.EffectiveFrom); known {
			before = &inForce
		}
		if err := p.CheckSlip(before); err != nil {
			return failure.Within(err, "the file of prices").WithReason("file_price_slips")
		}
	}
	return nil
}

// checkEnvironment returns an invalid failure for a price of the environment that looks like a slip beside the one in
// force or, in a new database, that of the seeds.
func (s Seeds) checkEnvironment(book *pricing.Book, add []pricing.Price) error {
	seeded := pricing.NewBook(book.Providers, s.prices.Prices)
	for _, p := range add {
		if p.Source != pricing.FromEnvironment {
			continue
		}
		before, known := book.InForce(p.Provider, p.Model, p.EffectiveFrom)
		if !known {
			before, _ = seeded.InForce(p.Provider, p.Model, p.EffectiveFrom)
		}
		if err := p.CheckSlip(&before); err != nil {
			return failure.Within(err, "%s or %s", pricing.HuggingFaceInputVariable, pricing.HuggingFaceOutputVariable).
				WithReason("environment_price_slips")
		}
	}
	return nil
}

// Seeded is what seeding has done. Kept are the names of those that differ and stay as an admin or a file has set them.
type Seeded struct {
	Providers                                int
	PlansAdded, PlansUpdated, PlansUnchanged int
	PlansKept                                []string
	PricesAdded, PricesUnchanged             int
	PricesKept                               []string
	AliasesAdded                             int
	AliasesKept                              []string
}

// Added returns how many plans, prices and aliases were saved.
func (s Seeded) Added() int { return s.PlansAdded + s.PlansUpdated + s.PricesAdded + s.AliasesAdded }

func (s *Seeded) prices(p pricing.Seeding) {
	s.PricesAdded, s.PricesUnchanged, s.PricesKept = len(p.Add), p.Unchanged, nil
	for _, kept := range p.Kept {
		s.PricesKept = append(s.PricesKept, kept.Provider+" "+kept.Model)
	}
	s.AliasesAdded, s.AliasesKept = len(p.Aliases), nil
	for _, kept := range p.KeptAliases {
		s.AliasesKept = append(s.AliasesKept, kept.Provider+" "+kept.Name)
	}
}

func (s *Seeded) plans(p plan.Seeding) {
	s.PlansAdded, s.PlansUpdated, s.PlansUnchanged, s.PlansKept = 0, 0, p.Unchanged, p.Kept.Names()
	for _, saved := range p.Save {
		if saved.ID == 0 {
			s.PlansAdded++
		} else {
			s.PlansUpdated++
		}
	}
}

// Seed adds the plans and prices that are not there yet, and those that have changed unless an admin or a file has set
// them.
func (s *Service) Seed(ctx context.Context, audit usage.Audit, seeds Seeds) (seeded Seeded, err error) {
	var plans plan.Plans
	err = s.Store.ChangePrices(ctx, audit, func(book *pricing.Book) (pricing.Catalogue, error) {
		all, resolved, err := seeds.resolve(book.Providers)
		if err != nil {
			return pricing.Catalogue{}, err
		}
		plans = resolved
		seeded.Providers = len(all)
		seeding := seeds.seed(book, all, audit.At)
		seeded.prices(seeding)
		add := seeding.Changes(seeds.newProviders(book.Providers, all))
		return add, seeds.checkSeeding(book, add)
	})
	if err != nil {
		return seeded, err
	}
	source := pricing.FromCatalogue
	if seeds.plans != nil {
		source = pricing.FromFile
	}
	err = s.Store.ChangePlans(ctx, audit, func(have plan.Plans, _ map[int64]int) (plan.Plans, []int64, error) {
		seeding := plan.Seed(plans, source, have)
		seeded.plans(seeding)
		return seeding.Save, nil, nil
	})
	return seeded, err
}
