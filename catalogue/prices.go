package catalogue

import (
	"cmp"
	"context"
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

// ChangeStatus says whether a price was added.
type ChangeStatus string

// The statuses.
const (
	Added     ChangeStatus = "added"
	Unchanged ChangeStatus = "unchanged" // the price in force charges the same
)

// PriceSetting says what to change in the price of a model. What is nil stays as it is.
type PriceSetting struct {
	Provider         string
	Model            string // "": the provider's default price
	Rates            [pricing.QuantityCount]*pricing.USD
	AboveInputTokens int64        // where long context begins; 0: it stays
	AboveInputToken  *pricing.USD // what an input token costs in a long call
	AboveOutputToken *pricing.USD
	From             time.Time // zero: from now on
	Force            bool      // also where the price looks like a slip
}

// isEmpty tells whether no cost is named.
func (ps *PriceSetting) isEmpty() bool {
	return ps.Rates == [pricing.QuantityCount]*pricing.USD{} && ps.AboveInputTokens == 0 && ps.AboveInputToken == nil &&
		ps.AboveOutputToken == nil
}

// SetPrice sets the price of a model from a moment on. A setting of the provider huggingface that names neither model
// nor cost takes the prices that the environment sets, which lookup reads: "" is a variable that is not set.
func (s *Service) SetPrice(
	ctx context.Context, audit usage.Audit, setting PriceSetting, lookup func(name string) string,
) (changes []PriceChange, err error) {
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
	return s.changePrices(ctx, audit, func(book *pricing.Book) ([]pricing.Provider, []PriceChange, error) {
		if _, err := book.Providers.Find(setting.Provider); err != nil {
			return nil, nil, err
		}
		changes, err := change(book)
		return nil, changes, cmp.Or(err, checkSlips(changes, setting.Force))
	})
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

// changePrices adds the providers and prices that fn returns, and returns the prices.
func (s *Service) changePrices(
	ctx context.Context, audit usage.Audit, fn func(*pricing.Book) ([]pricing.Provider, []PriceChange, error),
) (changes []PriceChange, err error) {
	add := func(book *pricing.Book) (providers []pricing.Provider, prices []pricing.Price, err error) {
		providers, changes, err = fn(book)
		for _, c := range changes {
			if c.Status == Added {
				prices = append(prices, c.After)
			}
		}
		return providers, prices, err
	}
	err = s.Store.ChangePrices(ctx, audit, add)
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
	model := ps.Model
	if model == "" {
		model = pricing.DefaultModel
	}
	before, exists := book.InForce(ps.Provider, model, ps.From)
	after := before
	after.ID, after.Provider, after.Model = 0, ps.Provider, model
	after.EffectiveFrom, after.Source = ps.From, pricing.FromAdmin
	for q, rate := range ps.Rates {
		if rate != nil {
			after.Rates[q] = *rate
			after.CachedPriced = after.CachedPriced || pricing.Quantity(q) == pricing.CachedInputTokens
		}
	}
	if err := ps.changeLongContext(&after); err != nil {
		return nil, err
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

// ApplyPrices adds the providers of a price file, and its prices where they differ from those in force. With dryRun it
// says what it would add, and adds nothing. A price that looks like a slip is an invalid failure, unless force says
// that it is meant.
func (s *Service) ApplyPrices(
	ctx context.Context, audit usage.Audit, file pricing.Catalogue, dryRun, force bool,
) ([]PriceChange, error) {
	differences := func(book *pricing.Book) ([]pricing.Provider, []PriceChange, error) {
		if err := file.Check(book.Providers.With(file.Providers)); err != nil {
			return nil, nil, err
		}
		seeding := pricing.Seed(file, pricing.FromAdmin, book, pricing.EnvironmentRates{}, audit.At)
		changes := priceChanges(book, seeding.Add)
		return file.Providers, changes, checkSlips(changes, force)
	}
	if !dryRun {
		return s.changePrices(ctx, audit, differences)
	}
	book, err := s.Store.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	_, changes, err := differences(book)
	return changes, err
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
