package pricing

import (
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Alias says that a name stands for another model of its provider from a moment on, until the next alias of that name.
// The price is that model's own, or is found by its name in turn. A price of the name itself always comes first.
type Alias struct {
	Provider      string
	Name          string
	Model         string // "": the name stands for no other model any more
	EffectiveFrom time.Time
	Source        Source
}

// Validate returns an invalid failure for an alias that can't be, whatever else there is.
func (a Alias) Validate() error {
	if err := ValidateName("provider", a.Provider); err != nil {
		return err
	}
	for _, name := range []string{a.Name, a.Model} {
		if name == DefaultModel {
			return failure.Invalidf("%q can be no alias, and stand for none: it is the price of every model without another",
				DefaultModel)
		}
	}
	switch {
	case a.Name == "":
		return failure.Invalidf("an alias of %s has no name", a.Provider)
	case a.Name == a.Model:
		return failure.Invalidf("%s %s is an alias of itself", a.Provider, failure.Shorten(a.Name))
	}
	return nil
}

func (a Alias) sameNameAs(b Alias) bool { return a.Provider == b.Provider && a.Name == b.Name }

// addAliases adds aliases to a book that nobody uses yet. Of two of one name and moment the later one counts.
func (b *Book) addAliases(aliases []Alias) {
	for _, a := range aliases {
		key := bookKey{a.Provider, a.Name}
		list := b.aliases[key]
		at, taken := slices.BinarySearchFunc(list, a.EffectiveFrom,
			func(x Alias, at time.Time) int { return x.EffectiveFrom.Compare(at) })
		if taken {
			list[at] = a
		} else {
			list = slices.Insert(list, at, a)
		}
		b.aliases[key] = list
	}
}

// Alias returns the alias of a name that holds at a moment; false where the name is none.
func (b *Book) Alias(provider, name string, at time.Time) (Alias, bool) {
	a, found := b.aliasAt(provider, name, at)
	return a, found && a.Model != ""
}

// aliasAt also returns an alias that was removed.
func (b *Book) aliasAt(provider, name string, at time.Time) (Alias, bool) {
	for _, a := range slices.Backward(b.aliases[bookKey{provider, name}]) {
		if !a.EffectiveFrom.After(at) {
			return a, true
		}
	}
	return Alias{}, false
}

// Aliases returns the aliases that hold at a moment, by provider and name.
func (b *Book) Aliases(at time.Time) []Alias {
	var all []Alias
	for key := range b.aliases {
		if a, ok := b.Alias(key.provider, key.model, at); ok {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b Alias) int {
		return strings.Compare(a.Provider+"\x00"+a.Name, b.Provider+"\x00"+b.Name)
	})
	return all
}

// AliasHistory returns every alias of a name, oldest first.
func (b *Book) AliasHistory(provider, name string) []Alias {
	return slices.Clone(b.aliases[bookKey{provider, name}])
}

// AllAliases returns every alias at any time, in no order.
func (b *Book) AllAliases() []Alias {
	var all []Alias
	for _, list := range b.aliases {
		all = append(all, list...)
	}
	return all
}

// With returns the book as it is once a catalogue is added to it.
func (b *Book) With(c Catalogue) *Book {
	prices := slices.Clone(c.Prices)
	for _, list := range b.prices {
		prices = append(prices, list...)
	}
	with := NewBook(b.Providers.With(c.Providers), prices, append(b.AllAliases(), c.Aliases...)...)
	with.AddFixed(b.fixed)
	return with
}

// CheckAliases returns an invalid failure where one of some aliases, which are in the book, leads in a circle or to no
// price, or where one that was removed was needed by another.
func (b *Book) CheckAliases(changed []Alias) error {
	for _, a := range changed {
		if _, err := b.Providers.Find(a.Provider); err != nil {
			return err
		}
		if a.Model == "" {
			if err := b.checkRemoved(a); err != nil {
				return err
			}
			continue
		}
		if err := b.checkCircle(a); err != nil {
			return err
		}
		if !b.leadsToPrice(a, a.EffectiveFrom) {
			return failure.Invalidf("%s has no price for %s, which %s is to be an alias of", a.Provider,
				failure.Shorten(a.Model), failure.Shorten(a.Name)).
				WithReason("alias_without_price", "provider", a.Provider, "model", a.Model)
		}
	}
	return nil
}

// leadsToPrice tells whether the model that an alias stands for has a price at some time from a moment on at which the
// alias holds.
func (b *Book) leadsToPrice(a Alias, since time.Time) bool {
	until := b.aliasUntil(a)
	findings := b.findings(a.Provider, a.Model)
	for i, f := range findings {
		begins := until.IsZero() || f.from.Before(until)
		lasts := i == len(findings)-1 || findings[i+1].from.After(since)
		if begins && lasts && f.basis.ofModel() {
			return true
		}
	}
	return false
}

// aliasUntil returns when the next alias of the name follows; zero where none does.
func (b *Book) aliasUntil(a Alias) time.Time {
	for _, next := range b.aliases[bookKey{a.Provider, a.Name}] {
		if next.EffectiveFrom.After(a.EffectiveFrom) {
			return next.EffectiveFrom
		}
	}
	return time.Time{}
}

// checkCircle follows an alias at every moment at which it holds and another of its provider begins.
func (b *Book) checkCircle(a Alias) error {
	until := b.aliasUntil(a)
	moments := []time.Time{a.EffectiveFrom}
	for key, list := range b.aliases {
		for _, other := range list {
			if at := other.EffectiveFrom; key.provider == a.Provider && at.After(a.EffectiveFrom) &&
				(until.IsZero() || at.Before(until)) {
				moments = append(moments, at)
			}
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	for _, at := range slices.CompactFunc(moments, time.Time.Equal) {
		path := []string{a.Name, a.Model}
		for {
			next, ok := b.Alias(a.Provider, path[len(path)-1], at)
			if !ok {
				break
			}
			path = append(path, next.Model)
			if slices.Contains(path[:len(path)-1], next.Model) {
				return failure.Invalidf("the aliases of %s lead in a circle: %s", a.Provider,
					failure.Shorten(strings.Join(path, " → ")))
			}
		}
	}
	return nil
}

// checkRemoved returns an invalid failure where another alias stands for a name that is no alias any more, and finds no
// price without it.
func (b *Book) checkRemoved(removed Alias) error {
	for _, a := range b.Aliases(removed.EffectiveFrom) {
		if a.Provider == removed.Provider && a.Model == removed.Name && !b.leadsToPrice(a, removed.EffectiveFrom) {
			return failure.Invalidf("%s %s can't be removed: %s is an alias of it and would have no price", a.Provider,
				failure.Shorten(removed.Name), failure.Shorten(a.Name))
		}
	}
	return nil
}
