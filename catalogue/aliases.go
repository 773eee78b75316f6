package catalogue

import (
	"cmp"
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// AliasSetting says which model of a provider a name stands for.
type AliasSetting struct {
	Provider, Name string
	Model          string    // "": the name stands for no other any more
	From           time.Time // zero: from the beginning where the name has never been an alias, else from now on
}

// SetAlias makes a name stand for another model of its provider, or for none any more. An alias that leads in a circle
// or to no price is an invalid failure, and so is one of a name that has a price of its own, which would come first. To
// remove what is none is a not_found failure.
func (s *Service) SetAlias(ctx context.Context, audit usage.Audit, setting AliasSetting) (AliasChange, error) {
	alias := pricing.Alias{Provider: setting.Provider, Name: setting.Name, Model: setting.Model, Source: pricing.FromAdmin}
	err := cmp.Or(alias.Validate(), usage.ValidateModel(alias.Name))
	if err == nil && alias.Model != "" {
		err = usage.ValidateModel(alias.Model)
	}
	if err != nil {
		return AliasChange{}, err
	}
	changes, err := s.changePrices(ctx, audit, func(book *pricing.Book) ([]pricing.Provider, Changes, error) {
		alias := alias
		alias.EffectiveFrom = cmp.Or(setting.From, audit.At)
		if setting.From.IsZero() && alias.Model != "" && len(book.AliasHistory(alias.Provider, alias.Name)) == 0 {
			alias.EffectiveFrom = pricing.Beginning()
		}
		change, err := aliasChange(book, alias)
		return nil, Changes{Aliases: []AliasChange{change}}, err
	})
	if err != nil {
		return AliasChange{}, err
	}
	return changes.Aliases[0], nil
}

func aliasChange(book *pricing.Book, alias pricing.Alias) (AliasChange, error) {
	if _, err := book.Providers.Find(alias.Provider); err != nil {
		return AliasChange{}, err
	}
	change := aliasChanges(book, []pricing.Alias{alias})[0]
	if _, priced := book.InForce(alias.Provider, alias.Name, alias.EffectiveFrom); priced && alias.Model != "" {
		return change, failure.Invalidf("%s %s has a price of its own, which comes before any alias", alias.Provider,
			failure.Shorten(alias.Name)).WithReason("alias_with_price", "provider", alias.Provider, "model", alias.Name)
	}
	if change.Before == nil && alias.Model == "" {
		var names []string
		for _, a := range book.Aliases(alias.EffectiveFrom) {
			if a.Provider == alias.Provider {
				names = append(names, a.Name)
			}
		}
		return change, failure.UnknownName(failure.NotFound, "alias of "+alias.Provider, alias.Name, names)
	}
	if change.Before != nil && change.Before.Model == alias.Model {
		change.Status, change.After = Unchanged, *change.Before
	}
	return change, nil
}

// AliasQuery selects aliases.
type AliasQuery struct {
	Provider string    // "": of every provider
	At       time.Time // in force then
}

// Aliases returns the aliases in force at a moment, by provider and name. An unknown provider is an invalid failure.
func (s *Service) Aliases(ctx context.Context, q AliasQuery) ([]pricing.Alias, error) {
	book, err := s.bookWith(ctx, q.Provider)
	if err != nil {
		return nil, err
	}
	var aliases []pricing.Alias
	for _, a := range book.Aliases(q.At) {
		if q.Provider == "" || a.Provider == q.Provider {
			aliases = append(aliases, a)
		}
	}
	return aliases, nil
}
