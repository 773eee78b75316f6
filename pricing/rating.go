package pricing

import (
	"fmt"
	"math/big"
	"math/bits"
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
	Reported  Basis = "reported"   // what the event reports, by its vendor
	Unpriced  Basis = "unpriced"   // no price: the cost is 0 until it is rated again
)

// ofModel tells whether the price is that of a model, its own or another that its name leads to.
func (b Basis) ofModel() bool { return b != Default && b != Reported && b != Unpriced }

// Call is what a cost is asked for.
type Call struct {
	Provider, Model string
	At              time.Time
	Tier            string // as NormaliseTier returns it
	Used            Quantities
	Reported        ReportedCost
}

// ReportedCost is what a vendor says that a call has cost, if it says anything.
type ReportedCost struct {
	USD   USD
	Given bool
}

// MostReported is the most that one event may report.
const MostReported = 1_000_000 * Dollar

// Validate returns an invalid failure for a reported cost that can't be.
func (r ReportedCost) Validate() error {
	if r.USD < 0 || r.USD > MostReported {
		return failure.Invalidf("reported_cost is %s: it must be a number of dollars from 0 to %s", r.USD, MostReported)
	}
	return nil
}

// ParseReportedCost reads what a vendor says that a call has cost: dollars, exact to 12 decimals. A number with 16 or
// more digits is a binary one that was written out in full, as 0.00014499999999999998 is for 0.000145: what it has
// beyond 15 digits, which it never had, is left out.
func ParseReportedCost(text string) (ReportedCost, error) {
	cost, err := ParseUSD(text)
	if err != nil {
		if digits, exponent, ok := scanDecimal(strings.TrimSpace(text)); ok && len(strings.TrimLeft(digits, "0")) > 15 {
			if n, isNumber := new(big.Int).SetString(digits, 10); isNumber && len(digits) < longestAmount {
				over := len(strings.TrimLeft(digits, "0")) - 15
				n = HalfEven(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(over)), nil))
				cost, err = ParseUSD(fmt.Sprintf("%de%d", n, exponent+over))
			}
		}
	}
	if err != nil {
		return ReportedCost{}, failure.Within(err, "reported_cost")
	}
	return ReportedCost{cost, true}, nil
}

// RoundReportedCost is ParseReportedCost for amounts that may be floating-point numbers: what they have beyond the
// twelve decimals that we keep means nothing.
func RoundReportedCost(text string) (ReportedCost, error) {
	s := strings.TrimPrefix(strings.TrimSpace(text), "$")
	cost, err := ParseReportedCost(s)
	if err == nil {
		return cost, nil
	}
	digits, exponent, ok := scanDecimal(strings.TrimPrefix(s, "-"))
	if over := -exponent - decimals; ok && over > 0 && len(s) <= longestAmount {
		n, _ := new(big.Int).SetString(digits, 10) // they are digits
		n = HalfEven(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(over)), nil))
		if n.IsInt64() {
			if strings.HasPrefix(s, "-") {
				n.Neg(n)
			}
			return ReportedCost{USD(n.Int64()), true}, nil
		}
	}
	return ReportedCost{}, err
}

// Rating is the cost of some quantities, and how it came about.
type Rating struct {
	Cost       USD
	Basis      Basis
	Price      Price // the price it was rated with; zero where Basis is Unpriced or Reported
	Way        Way   // by which names it was found
	Components []Component
	Notes      []string // what is to be known about it
	Free       bool     // every call costs nothing by the price
}

// Component is the part of a cost that one quantity makes: Amount * UnitPrice.
type Component struct {
	Quantity  Quantity
	Amount    int64 // of seconds milliseconds
	UnitPrice USD
	Cost      USD
}

// Charge is what a call costs, and at which price.
type Charge struct {
	Cost    USD
	Basis   Basis
	PriceID int64 // 0 where Basis is Unpriced or Reported
	Caveats
}

// Caveats are what a cost leaves open.
type Caveats struct {
	// Averaged tells that the event is of several calls, some of which may have a long input: whether the prices of
	// long calls hold was decided by their average.
	Averaged bool
	// NoTier tells that the price has none for the service tier, so that the usual price was taken.
	NoTier bool
	// Free tells that every call costs nothing by the price. It is known to cost nothing, and not just unknown what.
	Free bool
}

// Notes words the caveats about a call.
func (d Caveats) Notes(call *Call, price *Price) (notes []string) {
	if d.Averaged {
		notes = append(notes, fmt.Sprintf("these are %d calls in one, and long ones cost more: their average of input "+
			"tokens decided whether they are", call.Used[Requests]))
	}
	if d.NoTier {
		notes = append(notes, fmt.Sprintf("%s %s has no price for the service tier %s: it costs the usual price",
			price.Provider, price.Model, failure.Shorten(call.Tier)))
	}
	return notes
}

// Rate returns what a call costs at the price in force at its time, which Find finds. What its event reports counts
// where the price says so, or where there is none; else it costs nothing, marked Unpriced. It never guesses and never
// rounds. A cost that does not fit is an invalid failure.
func (b *Book) Rate(call Call) (Rating, error) {
	var rating Rating
	price, charge, err := b.charge(&call,
		func(c Component) { rating.Components = append(rating.Components, c) })
	if err != nil {
		return Rating{}, err
	}
	rating.Cost, rating.Basis = charge.Cost, charge.Basis
	if charge.Basis != Exact {
		rating.Way = b.Way(call.Provider, call.Model, call.At)
	}
	if price != nil {
		rating.Price, rating.Notes, rating.Free = *price, charge.Notes(&call, price), charge.Free
	}
	return rating, nil
}

// Charge is Rate without the components, for many calls.
func (b *Book) Charge(call *Call) (Charge, error) {
	_, charge, err := b.charge(call, nil)
	return charge, err
}

// charge rates a call and tells each component to a function, if there is one. The price is nil where none was used.
func (b *Book) charge(call *Call, each func(Component)) (*Price, Charge, error) {
	price, basis := b.Find(call.Provider, call.Model, call.At)
	provider := b.Providers[call.Provider]
	if call.Reported.Given && (price == nil || price.Reported || provider.CostReported) {
		return nil, Charge{Cost: call.Reported.USD, Basis: Reported}, nil
	}
	if price == nil || !price.hasRates() {
		return nil, Charge{Basis: Unpriced}, nil
	}
	charge := Charge{Basis: basis, PriceID: price.ID}
	due, err := chargeable(provider.CharactersAreInputTokens, price, call)
	if err != nil {
		return nil, Charge{}, err
	}
	charge.Caveats = due.caveats
	if charge.Cost, err = due.cost(each); err != nil {
		return nil, Charge{}, failure.Within(err, "%s %s", call.Provider, call.Model)
	}
	charge.Free = charge.Cost == 0 && price.IsFree()
	return price, charge, nil
}

// due is what is charged for a call.
type due struct {
	amounts Quantities
	rates   Rates
	variant Variant
	caveats Caveats
}

// cost adds up what the amounts cost, and tells each component to a function, if there is one.
func (d *due) cost(each func(Component)) (sum USD, err error) {
	for i, amount := range d.amounts {
		if amount == 0 || d.rates[i] == 0 {
			continue
		}
		cost, err := Quantity(i).cost(d.rates[i], amount)
		if err == nil {
			sum, err = sum.Add(cost)
		}
		if err != nil {
			return 0, failure.Invalidf("the cost of %s %s does not fit: %s", Quantity(i).AmountText(amount), Quantity(i), err)
		}
		if each != nil {
			each(Component{Quantity(i), amount, d.rates[i], cost})
		}
	}
	return sum, nil
}

// cost returns what an amount costs at a rate for one unit. A cost that is no whole pico-dollar is an invalid failure:
// prices of before milliseconds may be so fine.
func (q Quantity) cost(rate USD, amount int64) (USD, error) {
	per := q.PerUnit()
	switch {
	case int64(rate)%per == 0:
		return (rate / USD(per)).Times(amount)
	case amount%per == 0:
		return rate.Times(amount / per)
	}
	product := new(big.Int).Mul(big.NewInt(int64(rate)), big.NewInt(amount))
	cost, rest := product.QuoRem(product, big.NewInt(per), new(big.Int))
	if rest.Sign() != 0 || !cost.IsInt64() {
		return 0, failure.Invalidf("%s dollars for a %s are no exact amount for a part of one: set a price with at most 9 "+
			"decimals", rate, q.Unit())
	}
	return USD(cost.Int64()), nil
}

// chargeable turns the quantities of a call into the amounts that are charged, and a price into the rates that hold for
// them.
func chargeable(charactersAreInputTokens bool, price *Price, call *Call) (due, error) {
	used := call.Used
	tariff, variant, err := price.at(call.At, call.Tier)
	if err != nil {
		return due{}, err
	}
	caveats := Caveats{NoTier: call.Tier != "" && variant.Tier == nil}
	if charactersAreInputTokens && used[InputTokens] == 0 && tariff.Rates[Characters] == 0 {
		used[InputTokens] = used[Characters]
	}
	if a := tariff.Above; a != nil && used[InputTokens] > a.OverInputTokens {
		caveats.Averaged = used[Requests] > 1
		if a.holds(used[InputTokens], used[Requests]) {
			tariff, variant.Over = tariff.long(), a.OverInputTokens
		}
	}
	for q := range QuantityCount {
		if q.OneEachCall() && tariff.Rates[q] > 0 && used[q] == 0 {
			used[q] = used[Requests]
		}
		switch total, isPart := q.Total(); {
		case !isPart:
		case tariff.Given.Has(q):
			used[total] -= used[q]
		default:
			used[q] = 0
		}
	}
	return due{used, tariff.Rates, variant, caveats}, nil
}

// holds tells whether calls are long ones: each has more input tokens than the boundary on average. That of a single
// call is no average.
func (a *LongContext) holds(inputTokens, requests int64) bool {
	high, low := bits.Mul64(uint64(a.OverInputTokens), uint64(max(requests, 1)))
	return high == 0 && low < uint64(max(inputTokens, 0))
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
