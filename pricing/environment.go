package pricing

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// The environment variables with the token prices of huggingface, in dollars for one token.
const (
	HuggingFaceInputVariable  = "HUGGINGFACE_INPUT_TOKEN_COST"
	HuggingFaceOutputVariable = "HUGGINGFACE_OUTPUT_TOKEN_COST"
	huggingFace               = "huggingface"
)

// environmentModels are the models whose price the environment sets.
func environmentModels() []string {
	return []string{"openai/gpt-oss-120b:groq", "gpt-oss-120b", DefaultModel}
}

// EnvironmentRates are the token prices that the environment gives for huggingface; a nil one is not set.
type EnvironmentRates struct {
	InputToken  *USD
	OutputToken *USD
}

// ParseEnvironmentRates reads the two variables through lookup, which returns "" for one that is not set. A value that
// is no price is an invalid failure that names the variable.
func ParseEnvironmentRates(lookup func(name string) string) (EnvironmentRates, error) {
	input, err := environmentRate(HuggingFaceInputVariable, lookup)
	if err != nil {
		return EnvironmentRates{}, err
	}
	output, err := environmentRate(HuggingFaceOutputVariable, lookup)
	return EnvironmentRates{InputToken: input, OutputToken: output}, err
}

func environmentRate(name string, lookup func(name string) string) (*USD, error) {
	text := lookup(name)
	if text == "" {
		return nil, nil
	}
	price, err := ParseUnitPrice(text)
	if err != nil {
		return nil, failure.Within(err, "%s", name).
			WithHint("set %s to the price of one token, for example 0.000001, or remove it", name)
	}
	return &price, nil
}

// Set tells whether the environment gives any price.
func (e EnvironmentRates) Set() bool { return e.InputToken != nil || e.OutputToken != nil }

// covers tells whether the environment sets the price of a model.
func (e EnvironmentRates) covers(provider, model string) bool {
	return e.Set() && provider == huggingFace && slices.Contains(environmentModels(), model)
}

// over returns the price with what the environment sets in it.
func (e EnvironmentRates) over(p Price) Price {
	if e.InputToken != nil {
		p.Rates[InputTokens] = *e.InputToken
	}
	if e.OutputToken != nil {
		p.Rates[OutputTokens] = *e.OutputToken
	}
	p.Source = FromEnvironment
	return p
}

// unchangedSince tells whether the last price that no admin has set says what the environment says now. What an admin
// has set since then has to stay.
func (e EnvironmentRates) unchangedSince(history []Price) bool {
	for _, p := range slices.Backward(history) {
		if p.Source != FromAdmin {
			return e.over(p).Rates == p.Rates
		}
	}
	return false
}

// FromNow returns the huggingface prices that the environment changes, in force from now on; none where it gives none,
// or where they are in force already.
func (e EnvironmentRates) FromNow(book *Book, now time.Time) []Price {
	if !e.Set() {
		return nil
	}
	var changed []Price
	for _, model := range environmentModels() {
		current, ok := book.InForce(huggingFace, model, now)
		if !ok {
			current = Price{Provider: huggingFace, Model: model}
		}
		next := e.over(current)
		next.ID, next.EffectiveFrom = 0, now
		if !ok || !next.SameFigures(current) {
			changed = append(changed, next)
		}
	}
	return changed
}
