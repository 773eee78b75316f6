package commands

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

// seeds is what init puts into a new database.
type seeds struct {
	catalogue   pricing.Catalogue
	priceSource pricing.Source
	environment pricing.EnvironmentRates
	plansName   string
	plansText   []byte // nil: the built-in ones
	planSource  pricing.Source
}

func readSeeds(env *Env, plansFile, pricesFile string) (seeds, error) {
	s := seeds{priceSource: pricing.FromCatalogue, planSource: pricing.FromCatalogue, plansName: plansFile}
	var err error
	if s.environment, err = pricing.ParseEnvironmentRates(env.Settings.Lookup); err != nil {
		return s, err
	}
	if pricesFile == "" {
		s.catalogue, err = pricing.DefaultCatalogue()
	} else {
		s.priceSource = pricing.FromFile
		s.catalogue, err = readPrices(pricesFile)
	}
	if err != nil {
		return s, err
	}
	if plansFile != "" {
		s.planSource = pricing.FromFile
		s.plansText, err = readFile(plansFile)
	}
	return s, err
}

// check refuses files that can't be seeded before anything is created or changed.
// Providers may also be known from an earlier file, by a database that is there.
func (s seeds) check(ctx context.Context, env *Env) (err error) {
	wanted, err := s.known(nil)
	if err != nil {
		return err
	}
	if err = s.fit(wanted); err == nil {
		return nil
	}
	services, openErr := env.Open(ctx)
	if openErr != nil {
		return err // there is no database that could know more providers
	}
	defer func() { err = errors.Join(err, services.Close()) }()
	book, err := services.Catalogue.Catalogue(ctx)
	if err != nil {
		return err
	}
	if wanted, err = s.known(book.Providers); err != nil {
		return err
	}
	return s.fit(wanted)
}

// known returns the providers that there will be: those that are there and those of
// the price file or, where that names none, the built-in ones.
func (s seeds) known(have pricing.Providers) (pricing.Providers, error) {
	if len(s.catalogue.Providers) > 0 {
		return directory(have, s.catalogue.Providers), nil
	}
	builtIn, err := pricing.DefaultCatalogue()
	if err != nil {
		return nil, err
	}
	all := directory(nil, builtIn.Providers)
	maps.Copy(all, have)
	return all, nil
}

// fit checks prices and plans against the providers that there will be.
func (s seeds) fit(providers pricing.Providers) error {
	if err := knownProviders(s.catalogue.Prices, providers); err != nil {
		return err
	}
	_, err := s.plans(providers)
	return err
}

// directory returns the providers that there are, with those of a file.
func directory(have pricing.Providers, more []pricing.Provider) pricing.Providers {
	all := pricing.Providers{}
	for name, p := range have {
		all[name] = p
	}
	for _, p := range more {
		all[p.Name] = p
	}
	return all
}

func (s seeds) plans(providers pricing.Providers) (plan.Plans, error) {
	if s.plansText == nil {
		return plan.DefaultCatalogue(providers)
	}
	return plan.ParseCatalogue(s.plansName, s.plansText, providers)
}

func (s seeds) plant(ctx context.Context, services *Services, audit usage.Audit, summary *report.InitSummary) error {
	var providers pricing.Providers
	err := services.Catalogue.ChangePrices(ctx, audit, func(book *pricing.Book) ([]pricing.Provider, []pricing.Price, error) {
		added := newProviders(book.Providers, s.catalogue.Providers, s.priceSource)
		var err error
		if providers, err = s.known(book.Providers); err != nil {
			return nil, nil, err
		}
		if err := s.fit(providers); err != nil {
			return nil, nil, err
		}
		added = append(added, newProviders(directory(book.Providers, added), providers.Sorted(), pricing.FromCatalogue)...)
		seeding := pricing.Seed(s.catalogue, s.priceSource, book, s.environment, audit.At)
		summary.Providers = len(providers)
		summary.PricesAdded, summary.PricesUnchanged = len(seeding.Add), seeding.Unchanged
		summary.PricesKept = nil
		for _, p := range seeding.Kept {
			summary.PricesKept = append(summary.PricesKept, p.Provider+" "+p.Model)
		}
		return added, seeding.Add, nil
	})
	if err != nil {
		return err
	}
	plans, err := s.plans(providers)
	if err != nil {
		return err
	}
	return services.Catalogue.ChangePlans(ctx, audit, func(have plan.Plans, _ map[int64]int) (plan.Plans, []int64, error) {
		seeding := plan.Seed(plans, s.planSource, have)
		summary.PlansAdded, summary.PlansUpdated, summary.PlansUnchanged = 0, 0, seeding.Unchanged
		for _, p := range seeding.Save {
			if p.ID == 0 {
				summary.PlansAdded++
			} else {
				summary.PlansUpdated++
			}
		}
		summary.PlansKept = seeding.Kept.Names()
		return seeding.Save, nil, nil
	})
}

// newProviders returns those of a catalogue that have to be saved: unknown ones
// and, where a file says so, changed ones.
func newProviders(have pricing.Providers, catalogue []pricing.Provider, source pricing.Source) []pricing.Provider {
	var save []pricing.Provider
	for _, p := range catalogue {
		if _, known := have[p.Name]; !known || source != pricing.FromCatalogue {
			save = append(save, p)
		}
	}
	return save
}

// knownProviders returns an invalid failure for a price of an unknown provider.
func knownProviders(prices []pricing.Price, providers pricing.Providers) error {
	for _, p := range prices {
		if _, err := providers.Find(p.Provider); err != nil {
			return err
		}
	}
	return nil
}

func readPrices(file string) (pricing.Catalogue, error) {
	text, err := readFile(file)
	if err != nil {
		return pricing.Catalogue{}, err
	}
	return pricing.ParseCatalogue(file, text)
}

// longestYAML is how large a plan or price file may be, in bytes: hundreds of
// times what a real one has, and small enough to be read in a moment.
const longestYAML = 1 << 20

func readFile(file string) ([]byte, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, failure.Invalidf("the file %s can't be read: %s", file, reason(err)).Because(err)
	}
	defer func() { _ = in.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(in, longestYAML+1))
	switch {
	case err != nil:
		return nil, failure.Invalidf("the file %s can't be read: %s", file, reason(err)).Because(err)
	case len(text) > longestYAML:
		return nil, failure.Invalidf("the file %s is larger than %d bytes: that is no plan or price file", file, longestYAML)
	}
	return text, nil
}

// reason returns what is wrong with a file, without repeating its name.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
