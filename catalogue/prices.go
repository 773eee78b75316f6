package catalogue

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// PriceChange is what setting a price has done, or would do.
type PriceChange struct {
	Before *pricing.Price // in force until then; nil where there was none
	After  pricing.Price
	Status ChangeStatus
}

// AliasChange is what setting an alias has done, or would do. Of an alias that is removed After has no Model.
type AliasChange struct {
	Before *pricing.Alias // in force until then; nil where there was none
	After  pricing.Alias
	Status ChangeStatus
}

// Changes are what a change of prices has done, or would do.
type Changes struct {
	Prices    []PriceChange
	Aliases   []AliasChange
	Providers []string // that are new or have changed
}

// ChangeStatus says whether a price or alias was added.
type ChangeStatus string

// The statuses.
const (
	Added     ChangeStatus = "added"
	Unchanged ChangeStatus = "unchanged" // the price in force charges the same
	Removed   ChangeStatus = "removed"   // the name is no alias any more
)

// PriceSetting says what to change in the price of a model. What is nil stays as it is.
type PriceSetting struct {
	Provider         string
	Model            string // "": the provider's default price
	Rates            [pricing.QuantityCount]*pricing.USD
	AboveInputTokens int64        // where long context begins; 0: it stays
	AboveInputToken  *pricing.USD // what an input token costs in a long call
	AboveOutputToken *pricing.USD
	Tiers            []pricing.Tier // in place of those of the same name
	Reported         *bool          // whether a call costs what its event reports
	From             time.Time      // zero: from now on
	Force            bool           // also where the price looks like a slip
	DryRun           bool           // only say what would change
}

// model is whose price it is.
func (ps *PriceSetting) model() string { return cmp.Or(ps.Model, pricing.DefaultModel) }

// isEmpty tells whether no cost is named.
func (ps *PriceSetting) isEmpty() bool {
	return ps.Rates == [pricing.QuantityCount]*pricing.USD{} && ps.AboveInputTokens == 0 && ps.AboveInputToken == nil &&
		ps.AboveOutputToken == nil && len(ps.Tiers) == 0 && ps.Reported == nil
}

// SetPrice sets the price of a model from a moment on. A setting of the provider huggingface that names neither model
// nor cost takes the prices that the environment sets, which lookup reads: "" is a variable that is not set.
func (s *Service) SetPrice(
	ctx context.Context, audit usage.Audit, setting PriceSetting, lookup func(name string) string,
) ([]PriceChange, error) {
	if setting.Model != "" {
		if err := usage.ValidateModel(setting.Model); err != nil {
			return nil, err
		}
	}
	if setting.From.IsZero() {
		setting.From = audit.At
	}
	change := setting.change
	if setting.isEmpty() {
		environment, err := setting.environment(lookup)
		if err != nil {
			return nil, err
		}
		change = func(book *pricing.Book) ([]PriceChange, error) {
			return priceChanges(book, environment.FromNow(book, setting.From)), nil
		}
	}
	changes, err := s.orDry(setting.DryRun).changePrices(ctx, audit, func(book *pricing.Book) (
		[]pricing.Provider, Changes, error,
	) {
		if _, err := book.Providers.Find(setting.Provider); err != nil {
			return nil, Changes{}, err
		}
		prices, err := change(book)
		return nil, Changes{Prices: prices}, cmp.Or(err, checkSlips(prices, setting.Force))
	})
	return changes.Prices, err
}

// checkSlips returns an invalid failure for the first change that looks like a slip, unless it is meant.
func checkSlips(changes []PriceChange, meant bool) error {
	for _, c := range changes {
		if c.Status == Added && !meant {
			if err := c.After.CheckSlip(c.Before); err != nil {
				return err
			}
		}
	}
	return nil
}

// changePrices adds the providers, prices and aliases that fn returns, and returns the prices and aliases.
func (s *Service) changePrices(
	ctx context.Context, audit usage.Audit, fn func(*pricing.Book) ([]pricing.Provider, Changes, error),
) (changes Changes, err error) {
	err = s.Store.ChangePrices(ctx, audit, func(book *pricing.Book) (pricing.Catalogue, error) {
		var add pricing.Catalogue
		var err error
		add.Providers, changes, err = fn(book)
		for _, p := range add.Providers {
			if before, known := book.Providers[p.Name]; !known || !p.Same(before) {
				changes.Providers = append(changes.Providers, p.Name)
			}
		}
		for _, c := range changes.Prices {
			if c.Status == Added {
				add.Prices = append(add.Prices, c.After)
			}
		}
		for _, c := range changes.Aliases {
			if c.Status != Unchanged {
				add.Aliases = append(add.Aliases, c.After)
			}
		}
		if err == nil {
			err = book.With(add).CheckAliases(add.Aliases)
		}
		return add, err
	})
	return changes, err
}

// environment returns the prices of a setting that names no cost.
func (ps *PriceSetting) environment(lookup func(string) string) (pricing.EnvironmentRates, error) {
	if ps.Provider != "huggingface" || ps.Model != "" {
		return pricing.EnvironmentRates{}, failure.Invalidf("no cost is given").
			WithHint("name at least one, for example --input-token-cost 2.5/1M or --request-cost 0.25")
	}
	rates, err := pricing.ParseEnvironmentRates(lookup)
	if err == nil && !rates.Set() {
		err = failure.Invalidf("no cost is given, and neither %s nor %s is set", pricing.HuggingFaceInputVariable,
			pricing.HuggingFaceOutputVariable).
			WithHint("set them, or name costs: --input-token-cost 1/1M --output-token-cost 3/1M")
	}
	return rates, err
}

// change returns the price in force with what the setting changes in it.
func (ps *PriceSetting) change(book *pricing.Book) ([]PriceChange, error) {
	model := ps.model()
	before, exists := book.InForce(ps.Provider, model, ps.From)
	after := before
	after.ID, after.Provider, after.Model = 0, ps.Provider, model
	after.EffectiveFrom, after.Source = ps.From, pricing.FromAdmin
	for q, rate := range ps.Rates {
		if rate != nil {
			after.Rates[q] = *rate
			after.Given |= pricing.SetOf(pricing.Quantity(q))
		}
	}
	if err := ps.changeLongContext(&after); err != nil {
		return nil, err
	}
	for _, tier := range ps.Tiers {
		others := slices.DeleteFunc(slices.Clone(after.Tiers), func(t pricing.Tier) bool { return t.Name == tier.Name })
		after.Tiers = append(others, tier)
	}
	if ps.Reported != nil {
		after.Reported = *ps.Reported
	}
	change := PriceChange{After: after, Status: Added}
	if exists {
		change.Before = &before
		if after.SameFigures(before) {
			change.Status, change.After = Unchanged, before
		}
	}
	return []PriceChange{change}, after.Validate()
}

func (ps *PriceSetting) changeLongContext(p *pricing.Price) error {
	if ps.AboveInputTokens == 0 && ps.AboveInputToken == nil && ps.AboveOutputToken == nil {
		return nil
	}
	above := pricing.LongContext{InputToken: p.Rates[pricing.InputTokens], OutputToken: p.Rates[pricing.OutputTokens]}
	if p.Above != nil {
		above = *p.Above
	}
	if ps.AboveInputTokens > 0 {
		above.OverInputTokens = ps.AboveInputTokens
	}
	if above.OverInputTokens == 0 {
		return failure.Invalidf("--above-input-token-cost and --above-output-token-cost need --above-input-tokens")
	}
	if ps.AboveInputToken != nil {
		above.InputToken = *ps.AboveInputToken
	}
	if ps.AboveOutputToken != nil {
		above.OutputToken = *ps.AboveOutputToken
	}
	p.Above = &above
	return nil
}

// ApplyPrices adds the providers of a price file, and its prices and aliases where they differ from those in force.
// With dryRun it says what it would add, and adds nothing. A price that looks like a slip is an invalid failure, unless
// force says that it is meant.
func (s *Service) ApplyPrices(
	ctx context.Context, audit usage.Audit, file pricing.Catalogue, dryRun, force bool,
) (Changes, error) {
	return s.orDry(dryRun).changePrices(ctx, audit, func(book *pricing.Book) ([]pricing.Provider, Changes, error) {
		if err := cmp.Or(file.Check(book.Providers.With(file.Providers)), validateNames(file)); err != nil {
			return nil, Changes{}, err
		}
		seeding := pricing.Seed(file, pricing.FromAdmin, book, pricing.EnvironmentRates{}, audit.At)
		changes := Changes{Prices: priceChanges(book, seeding.Add), Aliases: aliasChanges(book, seeding.Aliases)}
		return file.Providers, changes, checkSlips(changes.Prices, force)
	})
}

// validateNames returns an invalid failure for the name of a model that no event can have.
func validateNames(file pricing.Catalogue) error {
	for _, p := range file.Prices {
		if err := usage.ValidateModel(p.Model); err != nil {
			return err
		}
	}
	for _, a := range file.Aliases {
		if err := cmp.Or(usage.ValidateModel(a.Name), usage.ValidateModel(a.Model)); err != nil {
			return err
		}
	}
	return nil
}

// orDry returns the service, or one that changes nothing.
func (s *Service) orDry(dry bool) *Service {
	if dry {
		return &Service{Store: dryStore{s.Store}}
	}
	return s
}

// dryStore is a store of which nothing is changed.
type dryStore struct{ Store }

// ChangePrices only asks what would change.
func (r dryStore) ChangePrices(
	ctx context.Context, _ usage.Audit, fn func(*pricing.Book) (pricing.Catalogue, error),
) error {
	book, err := r.Catalogue(ctx)
	if err == nil {
		_, err = fn(book)
	}
	return err
}

// priceChanges returns prices that are to be added beside those that they follow.
func priceChanges(book *pricing.Book, add []pricing.Price) []PriceChange {
	changes := make([]PriceChange, len(add))
	for i, p := range add {
		changes[i] = PriceChange{After: p, Status: Added}
		if before, ok := book.InForce(p.Provider, p.Model, p.EffectiveFrom); ok {
			changes[i].Before = &before
		}
	}
	return changes
}

// aliasChanges returns aliases that are to be added or removed beside those that they follow.
func aliasChanges(book *pricing.Book, add []pricing.Alias) []AliasChange {
	changes := make([]AliasChange, len(add))
	for i, a := range add {
		changes[i] = AliasChange{After: a, Status: Added}
		if a.Model == "" {
			changes[i].Status = Removed
		}
		if before, ok := book.Alias(a.Provider, a.Name, a.EffectiveFrom); ok {
			changes[i].Before = &before
		}
	}
	return changes
}
