package pricing

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/alwrity/alwrity-sub/failure"
)

// LiteLLM is what is read of LiteLLM's model_prices_and_context_window.json.
type LiteLLM struct {
	Prices  []Price
	Skipped []SkippedModel
	// LeftOut counts, by the file's key, the imported models that may cost something beside: fees for tools, which are
	// calls of their own, and surcharges for regions and the like.
	LeftOut map[string]int
	// Others counts the models of providers that are not known here.
	Others map[string]int
}

// SkippedModel is a model whose price can't be expressed without charging too little, or that has none.
type SkippedModel struct{ Provider, Model, Reason string }

// ParseLiteLLM reads the prices of some providers, or of one of them where only names it. The name of the file is for
// failures: text that is not such a file is an invalid one. A model is imported whole or not at all: where its entry
// charges for something that no price can say, and that would be charged too little, it is skipped and named. Numbers
// are read as decimals, and never rounded.
func ParseLiteLLM(name string, text []byte, providers Providers, only string) (LiteLLM, error) {
	result := LiteLLM{LeftOut: map[string]int{}, Others: map[string]int{}}
	entries, err := objectFields(text, true)
	if err != nil {
		return result, failure.Within(err, "%s is no price file of LiteLLM", name)
	}
	found := map[bookKey][]Price{}
	var order []bookKey
	for _, entry := range entries {
		if entry.name == "sample_spec" { // says what the keys mean
			continue
		}
		e, err := newLiteLLMEntry(entry, providers)
		switch {
		case err != nil:
			return result, failure.Within(err, "%s: %s", name, failure.Shorten(entry.name))
		case e.provider == "":
			result.Others[e.theirs]++
			continue
		case only != "" && e.provider != only:
			continue
		}
		price, err := e.price()
		if err != nil {
			result.skip(e.provider, e.model, err.Error())
			continue
		}
		key := bookKey{e.provider, e.model}
		if found[key] == nil {
			order = append(order, key)
		}
		found[key] = append(found[key], price)
		for key := range e.leftOut {
			result.LeftOut[key]++
		}
	}
	for _, key := range order {
		prices := found[key]
		if slices.ContainsFunc(prices, func(p Price) bool { return !p.SameFigures(prices[0]) }) {
			result.skip(key.provider, key.model, "the file has it at different prices")
			continue
		}
		result.Prices = append(result.Prices, prices[0])
	}
	return result, nil
}

func (l *LiteLLM) skip(provider, model, reason string) {
	l.Skipped = append(l.Skipped, SkippedModel{provider, model, reason})
}

// jsonField is a field of a JSON object as it is written.
type jsonField struct {
	name  string
	value json.RawMessage
}

// objectFields reads the fields of a JSON object in their order. One that appears twice is an invalid failure, unless
// that may be: released files have had a model twice, and what both say is compared then.
func objectFields(text []byte, mayRepeat bool) ([]jsonField, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, failure.Invalidf("it must be one JSON object")
	}
	var fields []jsonField
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		var f jsonField
		if err == nil {
			f.name, _ = token.(string)
			err = decoder.Decode(&f.value)
		}
		if err != nil {
			return nil, failure.Invalidf("at byte %d it is no JSON: %s", decoder.InputOffset(), err)
		}
		if seen[f.name] && !mayRepeat {
			return nil, failure.Invalidf("%q appears twice", failure.Shorten(f.name))
		}
		seen[f.name] = true
		fields = append(fields, f)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, failure.Invalidf("it ends too early: %s", err)
	}
	if decoder.More() {
		return nil, failure.Invalidf("it must be one JSON object, and something follows it")
	}
	return fields, nil
}
