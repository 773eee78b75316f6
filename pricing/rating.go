package pricing

import (
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Basis says where the price of a rating comes from.
type Basis string

// The bases, from the best to none at all.
const (
	Exact     Basis = "exact"      // the model's own price
	Aliased   Basis = "alias"      // the price of the model that its name is an alias of
	Prefixed  Basis = "prefixed"   // the price of its name without the vendor in front
	Snapshot  Basis = "snapshot"   // the price of the model that it is a snapshot of
	FineTuned Basis = "fine_tuned" // the price of the model that was tuned
	Default   Basis = "default"    // the price of the provider's default model
	Unpriced  Basis = "unpriced"   // no price: the cost is 0 until it is rated again
)

// ofModel tells whether the price is that of a model, its own or another that its name leads to.
func (b Basis) ofModel() bool { return b != Default && b != Unpriced }

// Rating is the cost of some quantities, and how it came about.
type Rating struct {
	Cost       USD
	Basis      Basis
	Price      Price // the price it was rated with; zero where Basis is Unpriced
	Way        Way   // by which names it was found
	Components []Component
}

// Component is the part of a cost that one quantity makes: Amount * UnitPrice.
type Component struct {
	Quantity  Quantity
	Amount    int64
	UnitPrice USD
	Cost      USD
}

// Charge is what a call costs, and at which price.
type Charge struct {
	Cost    USD
	Basis   Basis
	PriceID int64 // 0 where Basis is Unpriced
}

// Rate returns what the quantities of a call cost at the price in force at the time of the call, which Find finds;
// where there is none, nothing, marked Unpriced. It never guesses and never rounds. A cost that does not fit is an
// invalid failure.
func (b *Book) Rate(provider, model string, at time.Time, used Quantities) (Rating, error) {
	var rating Rating
	price, charge, err := b.charge(provider, model, at, &used,
		func(c Component) { rating.Components = append(rating.Components, c) })
	if err != nil {
		return Rating{}, err
	}
	rating.Cost, rating.Basis = charge.Cost, charge.Basis
	if charge.Basis != Exact {
		rating.Way = b.Way(provider, model, at)
	}
	if price != nil {
		rating.Price = *price
	}
	return rating, nil
}

// Charge is Rate without the components, for many calls.
func (b *Book) Charge(provider, model string, at time.Time, used *Quantities) (Charge, error) {
	_, charge, err := b.charge(provider, model, at, used, nil)
	return charge, err
}

// charge rates a call and tells each component to a function, if there is one. The price is nil where there is none.
func (b *Book) charge(
	provider, model string, at time.Time, used *Quantities, each func(Component),
) (*Price, Charge, error) {
	price, basis := b.Find(provider, model, at)
	if price == nil {
		return nil, Charge{Basis: basis}, nil
	}
	charge := Charge{Basis: basis, PriceID: price.ID}
	charged, rates := chargeable(b.Providers[provider].CharactersAreInputTokens, price, *used)
	for i, amount := range charged {
		if amount == 0 || rates[i] == 0 {
			continue
		}
		cost, err := rates[i].Times(amount)
		if err == nil {
			charge.Cost, err = charge.Cost.Add(cost)
		}
		if err != nil {
			return nil, Charge{}, failure.Invalidf("the cost of %d %s of %s %s does not fit: %s",
				amount, Quantity(i), provider, model, err)
		}
		if each != nil {
			each(Component{Quantity(i), amount, rates[i], cost})
		}
	}
	return price, charge, nil
}

// chargeable turns the quantities of an event into the amounts that are charged, and a price into the rates that hold
// for them.
func chargeable(charactersAreInputTokens bool, price *Price, used Quantities) (Quantities, Rates) {
	rates := price.Rates
	if charactersAreInputTokens && used[InputTokens] == 0 && rates[Characters] == 0 {
		used[InputTokens] = used[Characters]
	}
	for q := range QuantityCount {
		if q.OneEachCall() && rates[q] > 0 && used[q] == 0 {
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

// Advice returns why a call has no price, as the reason of a failure and its arguments: the model is fine-tuned, a
// model of the provider has nearly that name, or what is left of it without a date and the like, the call names none
// and must, or it is just not there.
func (b *Book) Advice(provider, model string) (reason string, args failure.Args) {
	models := b.Models(provider)
	if base, tuned := (Hop{To: model}).tunedFrom(); tuned {
		return "unpriced_fine_tuned", failure.ArgsOf("provider", provider, "model", shown(tunedMark+base.To))
	}
	for _, hop := range b.variants(provider, model) {
		if near := failure.Nearest(hop.To, models); near != "" {
			return "unpriced_near", failure.ArgsOf("provider", provider, "model", shown(model), "near", near)
		}
	}
	if model == "" && len(models) > 0 && len(models) <= 5 {
		return "unpriced_without_model", failure.ArgsOf("provider", provider, "models", strings.Join(models, ", "))
	}
	return "unpriced", failure.ArgsOf("provider", provider, "model", shown(model))
}

func shown(model string) string {
	if model == "" {
		return DefaultModel
	}
	return failure.Shorten(model)
}
