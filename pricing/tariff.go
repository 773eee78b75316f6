package pricing

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Tariff is what one unit of each quantity costs: always, at some times, or in a service tier. A band or a tier has
// only what is other than without it.
type Tariff struct {
	Rates Rates
	// Given has the quantities whose rates count: of a whole price the parts that have one of their own, of a band or a
	// tier all that it names.
	Given QuantitySet
	Above *LongContext
}

// LongContext holds the rates of a call whose input is longer than OverInputTokens. Parts of the tokens that are not
// in Given cost what they cost in a shorter call: their own rate if they have one, else that of their total here.
type LongContext struct {
	OverInputTokens int64
	InputToken      USD
	OutputToken     USD
	Parts           Rates
	Given           QuantitySet
}

// tariff is what holds without a band and a tier.
func (p *Price) tariff() Tariff { return Tariff{p.Rates, p.Given & parts, p.Above} }

// parts are the quantities that are a part of a total.
var parts = setOfParts() // read-only

func setOfParts() (set QuantitySet) {
	for q := range QuantityCount {
		if _, is := q.Total(); is {
			set |= SetOf(q)
		}
	}
	return set
}

// same tells whether two tariffs charge the same.
func (t Tariff) same(u Tariff) bool {
	return t.Rates == u.Rates && t.Given == u.Given && (t.Above == nil) == (u.Above == nil) &&
		(t.Above == nil || *t.Above == *u.Above)
}

// with returns the tariff with what another one gives in its place.
func (t Tariff) with(over Tariff) Tariff {
	for q := range QuantityCount {
		if over.Given.Has(q) {
			t.Rates[q] = over.Rates[q]
		}
	}
	t.Given |= over.Given & parts
	if over.Above != nil {
		t.Above = over.Above
	}
	return t
}

// rates returns all rates of a long call that are given.
func (a *LongContext) rates() Rates {
	rates := a.Parts
	rates[InputTokens], rates[OutputTokens] = a.InputToken, a.OutputToken
	return rates
}

// setRates is the opposite of rates.
func (a *LongContext) setRates(rates Rates) {
	a.InputToken, a.OutputToken = rates[InputTokens], rates[OutputTokens]
	rates[InputTokens], rates[OutputTokens] = 0, 0
	a.Parts = rates
}

// long returns the tariff of a long call.
func (t Tariff) long() Tariff {
	return t.with(Tariff{t.Above.rates(), t.Above.Given | SetOf(InputTokens, OutputTokens), nil})
}

// Tier is what a service tier costs: a factor of everything, or rates of its own.
type Tier struct {
	Name   string
	Factor Factor // 0: none
	Tariff
}

func (t Tier) same(u Tier) bool {
	return t.Name == u.Name && t.Factor == u.Factor && t.Tariff.same(u.Tariff)
}

// in returns the tariff in a tier. A product that is no whole pico-dollar is an invalid failure.
func (t Tariff) in(tier *Tier) (Tariff, error) {
	if tier.Factor == 0 {
		return t.with(tier.Tariff), nil
	}
	if err := tier.Factor.times(&t.Rates); err != nil {
		return t, err
	}
	if t.Above != nil {
		above := *t.Above
		rates := above.rates()
		if err := tier.Factor.times(&rates); err != nil {
			return t, err
		}
		above.setRates(rates)
		t.Above = &above
	}
	return t, nil
}

// NormaliseTier returns the name of a service tier in lower case, or "" for one that is none: vendors report
// "standard", "default" and "auto" for calls that cost the usual price.
func NormaliseTier(name string) string {
	switch name = strings.ToLower(name); name {
	case "standard", "default", "auto":
		return ""
	}
	return name
}

// mostVariants is how many bands or tiers a price may have: a band for each hour of the week.
const mostVariants = 7 * 24

func validateTiers(tiers []Tier) error {
	if len(tiers) > mostVariants {
		return failure.Invalidf("it has %d tiers: %d are enough", len(tiers), mostVariants)
	}
	for i, tier := range tiers {
		if err := ValidateName("tier", tier.Name); err != nil {
			return err
		}
		switch {
		case NormaliseTier(tier.Name) == "":
			return failure.Invalidf("the tier %s is the usual price: it is given without a tier", tier.Name)
		case slices.ContainsFunc(tiers[:i], func(t Tier) bool { return t.Name == tier.Name }):
			return failure.Invalidf("the tier %s appears twice", tier.Name)
		case tier.Factor != 0 && (tier.Given != 0 || tier.Above != nil):
			return failure.Invalidf("the tier %s has a factor and prices: give one or the other", tier.Name)
		case tier.Factor == 0 && tier.Given == 0 && tier.Above == nil:
			return failure.Invalidf("the tier %s has neither a factor nor a price", tier.Name)
		}
	}
	return nil
}

// Factor is what a price is multiplied by, in millionths.
type Factor int64

const (
	wholeFactor = 1_000_000
	mostFactor  = 1000 * wholeFactor
)

// ParseFactor reads a decimal number above 0 and up to 1000, with at most six decimals.
func ParseFactor(text string) (Factor, error) {
	n, err := ParseUSD(text)
	const millionth = Dollar / wholeFactor
	if err != nil || n <= 0 || n%millionth != 0 || n/millionth > mostFactor || strings.Contains(text, "$") {
		return 0, failure.Invalidf("factor is %q: it must be a number above 0, up to 1000, with at most 6 decimals",
			failure.Shorten(text))
	}
	return Factor(n / millionth), nil
}

// String writes the factor with as many decimals as it needs: "0.5".
func (f Factor) String() string { return (USD(f) * (Dollar / wholeFactor)).String() }

// times multiplies all rates, exactly.
func (f Factor) times(rates *Rates) error {
	for q, rate := range rates {
		if rate == 0 {
			continue
		}
		n := new(big.Int).Mul(big.NewInt(int64(rate)), big.NewInt(int64(f)))
		n, rest := n.QuoRem(n, big.NewInt(wholeFactor), new(big.Int))
		if rest.Sign() != 0 || !n.IsInt64() {
			return failure.Invalidf("%s times %s is no exact price of %s: give the tier prices of its own", rate, f,
				Quantity(q).Unit())
		}
		rates[q] = USD(n.Int64())
	}
	return nil
}

// Variant says which part of a price a call is charged by. The zero value is the usual one.
type Variant struct {
	Band *Band // that holds; nil for none
	Tier *Tier // nil where the price has none for the call
	Over int64 // the input tokens beyond which a call is a long one, if it is one
}

// at returns what the price charges for a call at a moment in a service tier: that of the band that holds, and then of
// the tier.
func (p *Price) at(moment time.Time, tier string) (t Tariff, v Variant, err error) {
	t = p.tariff()
	for i := range p.Bands {
		if p.Bands[i].holdsAt(moment) {
			v.Band = &p.Bands[i]
			t = t.with(v.Band.Tariff)
			break
		}
	}
	if tier == "" {
		return t, v, nil
	}
	for i := range p.Tiers {
		if p.Tiers[i].Name == tier {
			v.Tier = &p.Tiers[i]
			t, err = t.in(v.Tier)
			break
		}
	}
	return t, v, err
}

// MarshalJSON writes the rates under the names of their units: prices are kept with bills, so these names stay.
func (a LongContext) MarshalJSON() ([]byte, error) {
	object := map[string]any{"over_input_tokens": a.OverInputTokens, "input_token": a.InputToken,
		"output_token": a.OutputToken}
	for q := range QuantityCount {
		if a.Given.Has(q) {
			object[q.Unit()] = a.Parts[q]
		}
	}
	return json.Marshal(object)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *LongContext) UnmarshalJSON(text []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	*a = LongContext{}
	for name, value := range all {
		var to any = &a.OverInputTokens
		switch q, ok := QuantityOfUnit(name); {
		case name == "over_input_tokens":
		case !ok:
			return failure.Invalidf("a long-context price has no %q", name)
		case q == InputTokens:
			to = &a.InputToken
		case q == OutputTokens:
			to = &a.OutputToken
		default:
			to, a.Given = &a.Parts[q], a.Given|SetOf(q)
		}
		if err := json.Unmarshal(value, to); err != nil {
			return err
		}
	}
	return nil
}
