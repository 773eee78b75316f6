package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// readBook reads the prices and aliases of a provider, or all of them where that is "".
func (t *tx) readBook(ctx context.Context, provider string) (*pricing.Book, error) {
	providers, err := t.providers(ctx)
	if err != nil {
		return nil, err
	}
	prices, err := t.prices(ctx, provider)
	if err != nil {
		return nil, err
	}
	aliases, err := t.aliases(ctx, provider)
	if err != nil {
		return nil, err
	}
	book := pricing.NewBook(providers, prices, aliases...)
	fixed, err := t.fixedPrices(ctx, provider)
	book.AddFixed(fixed)
	return book, err
}

// Catalogue returns every provider, and every price at any time.
func (d *DB) Catalogue(ctx context.Context) (*pricing.Book, error) {
	return inView(ctx, d, func(t *tx) (*pricing.Book, error) { return t.Book(ctx, "") })
}

func (t *tx) providers(ctx context.Context) (pricing.Providers, error) {
	providers := pricing.Providers{}
	err := t.query(ctx, func(row scanner) error {
		var p pricing.Provider
		err := row.Scan(&p.Name, &p.Vendor, fromJSON{&p.VendorRules}, &p.CharactersAreInputTokens, &p.FineTunedAsBase,
			&p.CostReported)
		providers[p.Name] = p
		return err
	}, "SELECT "+providerColumns+" FROM api_providers")
	return providers, err
}

const providerColumns = "provider, vendor, vendor_rules, characters_are_input_tokens, fine_tuned_as_base, " +
	"cost_reported"

const aliasColumns = "provider, name, effective_from, model, source"

func (t *tx) aliases(ctx context.Context, provider string) ([]pricing.Alias, error) {
	return selectRows(ctx, t, func(row scanner) (a pricing.Alias, err error) {
		err = row.Scan(&a.Provider, &a.Name, moment{&a.EffectiveFrom}, &a.Model, &a.Source)
		return a, err
	}, "SELECT "+aliasColumns+" FROM api_model_aliases WHERE $1 = '' OR provider = $1", provider)
}

// priceColumns end with those of the rates of what is not rare, in the order of the quantities.
var priceColumns = namesOfPrices() // read-only

func namesOfPrices() string {
	columns := "provider, model, effective_from, source, above_input_tokens, above_input_token_pico, " +
		"above_output_token_pico, terms"
	for q := range pricing.QuantityCount {
		if !q.Rare() {
			columns += ", " + q.Unit() + "_pico"
		}
	}
	return columns
}

func (t *tx) prices(ctx context.Context, provider string) ([]pricing.Price, error) {
	return selectRows(ctx, t, scanPrice, "SELECT price_id, "+priceColumns+
		" FROM api_provider_pricing WHERE fixed_at IS NULL AND ($1 = '' OR provider = $1)", provider)
}

func scanPrice(row scanner) (pricing.Price, error) {
	var p pricing.Price
	var over, overInput, overOutput *int64
	var rates [pricing.QuantityCount]*int64
	var terms string
	dest := []any{&p.ID, &p.Provider, &p.Model, moment{&p.EffectiveFrom}, &p.Source, &over, &overInput, &overOutput,
		textOrNull{&terms}}
	for q := range pricing.QuantityCount {
		if !q.Rare() {
			dest = append(dest, &rates[q])
		}
	}
	if err := row.Scan(dest...); err != nil {
		return p, err
	}
	for i, rate := range rates {
		if rate != nil {
			p.Rates[i] = pricing.USD(*rate)
		}
	}
	if rates[pricing.CachedInputTokens] != nil {
		p.Given = pricing.SetOf(pricing.CachedInputTokens)
	}
	if over != nil {
		p.Above = &pricing.LongContext{
			OverInputTokens: *over, InputToken: pricing.USD(*overInput), OutputToken: pricing.USD(*overOutput),
		}
	}
	return p, p.SetTerms(terms)
}

// changeBook runs fn while nobody else changes prices, with all that are there.
func (d *DB) changeBook(ctx context.Context, fn func(*tx, *pricing.Book) error) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.lock(ctx, "api_provider_pricing", "SHARE ROW EXCLUSIVE"); err != nil {
			return err
		}
		book, err := t.readBook(ctx, "")
		if err != nil {
			return err
		}
		return fn(t, book)
	})
}

// ChangePrices implements catalogue.Store: each provider, price and alias gets an audit row.
func (d *DB) ChangePrices(
	ctx context.Context, audit usage.Audit, fn func(*pricing.Book) (pricing.Catalogue, error),
) error {
	return d.changeBook(ctx, func(t *tx, book *pricing.Book) error {
		changes, err := fn(book)
		if err != nil {
			return err
		}
		if err := t.changeCatalogue(ctx); err != nil {
			return err
		}
		for _, p := range changes.Providers {
			if before, ok := book.Providers[p.Name]; ok && before.Same(p) {
				continue
			}
			if err := t.saveProvider(ctx, audit, book.Providers, p); err != nil {
				return err
			}
		}
		for _, p := range changes.Prices {
			if err := t.addPrice(ctx, audit, book, p); err != nil {
				return err
			}
		}
		for _, a := range changes.Aliases {
			if err := t.saveAlias(ctx, audit, book, a); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) saveProvider(ctx context.Context, audit usage.Audit, have pricing.Providers, p pricing.Provider) error {
	args := []any{p.Name, p.Vendor, jsonText(append([]pricing.VendorRule{}, p.VendorRules...), false),
		p.CharactersAreInputTokens, p.FineTunedAsBase, p.CostReported}
	err := t.do(ctx, "INSERT INTO api_providers ("+providerColumns+") VALUES "+valueList(1, len(args))+
		overwrite("provider", providerColumns), args...)
	if err != nil {
		return err
	}
	var before state
	if old, ok := have[p.Name]; ok {
		before = providerState(old)
	}
	return t.audit(ctx, audit, "provider "+p.Name, before, providerState(p))
}

func (t *tx) addPrice(ctx context.Context, audit usage.Audit, book *pricing.Book, p pricing.Price) error {
	for _, old := range book.History(p.Provider, p.Model) {
		if old.EffectiveFrom.Equal(p.EffectiveFrom) {
			return failure.Conflictf("%s %s has another price from %s on already, and prices are never edited",
				p.Provider, p.Model, p.EffectiveFrom.Format(time.RFC3339Nano)).WithHint("set it from a later moment on")
		}
	}
	args := []any{audit.At, p.Provider, p.Model, p.EffectiveFrom, string(p.Source), nil, nil, nil, nil}
	if p.Above != nil {
		args[5], args[6], args[7] = p.Above.OverInputTokens, int64(p.Above.InputToken), int64(p.Above.OutputToken)
	}
	if terms := p.Terms(); terms != "" {
		args[8] = terms
	}
	for q := range pricing.QuantityCount {
		switch _, isPart := q.Total(); {
		case q.Rare():
		case isPart && !p.Given.Has(q):
			args = append(args, nil)
		default:
			args = append(args, int64(p.Rates[q]))
		}
	}
	err := t.do(ctx, "INSERT INTO api_provider_pricing (created_at, "+priceColumns+") VALUES "+
		valueList(1, len(args)), args...)
	if err != nil {
		return err
	}
	var before state
	if old, ok := book.InForce(p.Provider, p.Model, p.EffectiveFrom); ok {
		before = priceState(old)
	}
	return t.audit(ctx, audit, "price "+p.Provider+" "+p.Model, before, priceState(p))
}

// saveAlias adds an alias, or puts it in place of the one of its name and moment.
func (t *tx) saveAlias(ctx context.Context, audit usage.Audit, book *pricing.Book, a pricing.Alias) error {
	args := []any{audit.At, a.Provider, a.Name, a.EffectiveFrom, a.Model, string(a.Source)}
	const columns = "created_at, " + aliasColumns
	err := t.do(ctx, "INSERT INTO api_model_aliases ("+columns+") VALUES "+valueList(1, len(args))+
		overwrite("provider, name, effective_from", columns), args...)
	if err != nil {
		return err
	}
	var before, after state
	if old, ok := book.Alias(a.Provider, a.Name, a.EffectiveFrom); ok {
		before = aliasState(old)
	}
	if a.Model != "" {
		after = aliasState(a)
	} else {
		after = state{"removed_from": a.EffectiveFrom}
	}
	return t.audit(ctx, audit, "alias "+a.Provider+" "+a.Name, before, after)
}
