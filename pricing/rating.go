package pricing

import (
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Basis says where the price of a rating comes from.
type Basis string

// The bases, from the best to none at all.
const (
	Exact    Basis = "exact"    // the model's own price
	Default  Basis = "default"  // the price of the provider's default model
	Unpriced Basis = "unpriced" // no price: the cost is 0 until it is rated again
)

// Rating is the cost of some quantities, and how it came about.
type Rating struct {
	Cost       USD
	Basis      Basis
	Price      Price // the price it was rated with; zero where Basis is Unpriced
	Components []Component
}

// Component is the part of a cost that one quantity makes: Amount * UnitPrice.
type Component struct {
	Quantity  Quantity
	Amount    int64
	UnitPrice USD
	Cost      USD
}

// Rate returns what the quantities of a call cost at the price in force at the
// time of the call: the model's own, else that of the provider's default model,
// else nothing, marked Unpriced. It never guesses and never rounds. A cost that
// does not fit is an invalid failure.
func (b *Book) Rate(provider, model string, at time.Time, used Quantities) (Rating, error) {
	price, basis := b.find(provider, model, at)
	if basis == Unpriced {
		return Rating{Basis: Unpriced}, nil
	}
	rating := Rating{Basis: basis, Price: price}
	charged, rates := chargeable(b.Providers[provider], price, used)
	for i, amount := range charged {
		if amount == 0 || rates[i] == 0 {
			continue
		}
		cost, err := rates[i].Times(amount)
		if err == nil {
			rating.Cost, err = rating.Cost.Add(cost)
		}
		if err != nil {
			return Rating{}, failure.Invalidf("the cost of %d %s of %s %s does not fit: %s", amount, Quantity(i), provider, model, err)
		}
		rating.Components = append(rating.Components, Component{Quantity(i), amount, rates[i], cost})
	}
	return rating, nil
}

// find returns the price that holds for a model and on what basis.
func (b *Book) find(provider, model string, at time.Time) (Price, Basis) {
	if model != "" && model != DefaultModel {
		if p, ok := b.InForce(provider, model, at); ok {
			return p, Exact
		}
	}
	if p, ok := b.InForce(provider, DefaultModel, at); ok {
		return p, Default
	}
	return Price{}, Unpriced
}

// chargeable turns the quantities of an event into the amounts that are
// charged, and a price into the rates that hold for them.
func chargeable(provider Provider, price Price, used Quantities) (Quantities, Rates) {
	rates := price.Rates
	if provider.CharactersAreInputTokens && used[InputTokens] == 0 && rates[Characters] == 0 {
		used[InputTokens] = used[Characters]
	}
	for _, q := range []Quantity{Images, Searches, Pages} {
		if rates[q] > 0 && used[q] == 0 {
			used[q] = used[Requests]
		}
	}
	if price.Above != nil && used[InputTokens] > price.Above.OverInputTokens {
		rates[InputTokens], rates[OutputTokens] = price.Above.InputToken, price.Above.OutputToken
	}
	if price.CachedPriced {
		used[InputTokens] -= used[CachedInputTokens]
	} else {
		used[CachedInputTokens] = 0
	}
	return used, rates
}

// Advice returns what to do about a call without a price: which models the
// provider has prices for, and the command that sets one.
func (b *Book) Advice(provider, model string) string {
	models := b.Models(provider)
	if near := Nearest(model, models); near != "" {
		return fmt.Sprintf("did you mean --model %s? Else set a price: alwrity-sub pricing set %s %s --request-cost …", near, provider, shown(model))
	}
	if model == "" && len(models) > 0 && len(models) <= 5 {
		return fmt.Sprintf("name a model with --model; %s has prices for %s", provider, strings.Join(models, ", "))
	}
	return fmt.Sprintf("set a price: alwrity-sub pricing set %s %s --request-cost … (or --input-token-cost … and so on) --effective-from …, then run: alwrity-sub pricing rerate", provider, shown(model))
}

func shown(model string) string {
	if model == "" {
		return DefaultModel
	}
	return Shorten(model)
}
