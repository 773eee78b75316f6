package pricing

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// LiteLLM is what is read of LiteLLM's model_prices_and_context_window.json.
type LiteLLM struct {
	Prices  []Price
	Skipped []SkippedModel
	// LeftOut counts, by the file's key, the imported models that may cost something beside: fees for tools, which are
	// calls of their own, and surcharges for regions and the like.
	LeftOut map[string]int
	// Others counts the models of the file's providers that there are not here.
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
	entries, err := objectFields(text)
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

// objectFields reads the fields of a JSON object in their order. One that appears twice is an invalid failure.
func objectFields(text []byte) ([]jsonField, error) {
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
		if seen[f.name] {
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

// liteLLMEntry is a model of the file.
type liteLLMEntry struct {
	theirs          string // the file's provider
	provider, model string // ours; "" where there is no such provider
	mode            string
	fields          []jsonField
	rates           map[liteLLMPlace]map[string]liteLLMRate // by the unit
	leftOut         map[string]bool
}

// liteLLMPlace is where in a price a rate stands: for calls with more input tokens than above, in a tier.
type liteLLMPlace struct {
	above int64 // 0: of any length
	tier  string
}

type liteLLMRate struct{ key, amount string }

func newLiteLLMEntry(entry jsonField, providers Providers) (*liteLLMEntry, error) {
	fields, err := objectFields(entry.value)
	if err != nil {
		return nil, err
	}
	e := &liteLLMEntry{fields: fields, model: entry.name, rates: map[liteLLMPlace]map[string]liteLLMRate{},
		leftOut: map[string]bool{}}
	for _, f := range fields {
		switch f.name {
		case "litellm_provider":
			err = json.Unmarshal(f.value, &e.theirs)
		case "mode":
			err = json.Unmarshal(f.value, &e.mode)
		}
		if err != nil {
			return nil, failure.Invalidf("%s is %s: it must be a text", f.name, failure.Shorten(string(f.value)))
		}
	}
	kind, _, _ := strings.Cut(e.theirs, "-") // vertex_ai-language-models and the like are of one provider
	same := map[string]string{"text-completion-openai": "openai", "cohere_chat": "cohere", "bedrock_converse": "bedrock",
		"exa_ai": "exa"}
	for _, name := range []string{e.theirs, same[e.theirs], kind} {
		if _, known := providers[name]; known {
			e.provider = name
			break
		}
	}
	for _, prefix := range []string{e.theirs, kind, e.provider} {
		if short, found := strings.CutPrefix(e.model, prefix+"/"); found && short != "" && prefix != "" {
			e.model = short
			break
		}
	}
	return e, nil
}

// price returns what the entry says. The failure says why it can't be said.
func (e *liteLLMEntry) price() (Price, error) {
	for _, f := range e.fields {
		if err := e.read(f); err != nil {
			return Price{}, err
		}
	}
	e.mergeDoubles()
	e.dropEqualParts()
	if err := e.checkCovered(); err != nil {
		return Price{}, err
	}
	return e.make()
}

// read notes the rate of a field, if it has one.
func (e *liteLLMEntry) read(f jsonField) error {
	if f.name == "tiered_pricing" {
		return e.readSteps(f.value)
	}
	return e.readRate(f, liteLLMPlace{})
}

func (e *liteLLMEntry) readRate(f jsonField, place liteLLMPlace) error {
	isCost := slices.ContainsFunc([]string{"cost", "pric", "multiplier"}, func(word string) bool {
		return strings.Contains(f.name, word)
	})
	if !isCost && f.name != "provider_specific_entry" || bytes.Equal(f.value, []byte("null")) {
		return nil
	}
	if isBeside(f.name) {
		if bytes.ContainsAny(f.value, "123456789") {
			e.leftOut[f.name] = true
		}
		return nil
	}
	amount := string(f.value)
	rate, err := ParseUSD(amount)
	switch {
	case err != nil:
		return failure.Within(err, "%s", f.name)
	case rate < 0:
		return failure.Invalidf("%s is negative", f.name)
	case rate == 0: // of a part that costs nothing: it is charged as its total
		return nil
	}
	base, err := place.of(f.name)
	if err != nil {
		return err
	}
	if e.rates[place] == nil {
		e.rates[place] = map[string]liteLLMRate{}
	}
	unit := e.unit(base)
	if before, taken := e.rates[place][unit]; taken && before.amount != amount {
		return failure.Invalidf("%s and %s are both the price of one %s", before.key, f.name, unit)
	}
	e.rates[place][unit] = liteLLMRate{f.name, amount}
	return nil
}

// isBeside tells whether a key is of what a call may cost beside its own price: a tool, which is a call of its own and
// is recorded as one, or a factor for a region or a speed that the caller asks for.
func isBeside(key string) bool {
	for _, prefix := range []string{"search_context_cost_per_query", "web_search_cost", "google_maps_", "file_search_cost",
		"vector_store_cost", "code_interpreter_cost", "computer_use_", "provider_specific_entry",
		"regional_processing_uplift_multiplier"} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// of takes what says the place of a rate off its key.
func (p *liteLLMPlace) of(key string) (base string, err error) {
	for suffix, tier := range map[string]string{"_batches": "batch", "_flex": "flex", "_priority": "priority"} {
		if short, found := strings.CutSuffix(key, suffix); found {
			key, p.tier = short, tier
		}
	}
	short, found := strings.CutSuffix(key, "k_tokens")
	at := strings.LastIndex(short, "_above_")
	if !found || at < 0 {
		return key, nil
	}
	thousands, err := strconv.ParseInt(short[at+len("_above_"):], 10, 32)
	if err != nil || thousands <= 0 || p.above != 0 {
		return "", failure.Invalidf("%s has no length that can be read", key)
	}
	p.above = 1000 * thousands
	return short[:at], nil
}

// unit returns the unit of a price that a key stands for, and the key itself where there is none.
func (e *liteLLMEntry) unit(base string) string {
	units := map[string]Quantity{
		"input_cost_per_token": InputTokens, "output_cost_per_token": OutputTokens,
		"cache_read_input_token_cost": CachedInputTokens, "input_cost_per_token_cache_hit": CachedInputTokens,
		"cache_creation_input_token_cost":           CacheWriteTokens,
		"cache_creation_input_token_cost_above_1hr": CacheWrite1hTokens,
		"input_cost_per_audio_token":                AudioInputTokens, "output_cost_per_audio_token": AudioOutputTokens,
		"input_cost_per_image_token": ImageInputTokens, "output_cost_per_reasoning_token": ReasoningTokens,
		"input_cost_per_character": Characters, "output_cost_per_character": Characters,
		"input_cost_per_second": Seconds, "output_cost_per_second": Seconds,
		"input_cost_per_request": Requests, "output_cost_per_request": Requests,
	}
	switch e.mode { // in others an image, a search or a page is not what each call is for
	case "image_generation", "image_edit":
		units["input_cost_per_image"], units["output_cost_per_image"] = Images, Images
	case "video_generation":
		units["output_cost_per_video_per_second"] = Seconds
	case "audio_transcription", "audio_speech":
		units["input_cost_per_audio_per_second"], units["output_cost_per_audio_per_second"] = Seconds, Seconds
	case "search", "rerank":
		units["input_cost_per_query"] = Searches
	case "ocr":
		units["ocr_cost_per_page"] = Pages
	}
	if q, known := units[base]; known {
		return q.Unit()
	}
	return base
}

// readSteps reads prices by the length of the input. A price has two such steps at most.
func (e *liteLLMEntry) readSteps(value json.RawMessage) error {
	var steps []json.RawMessage
	if err := json.Unmarshal(value, &steps); err != nil || len(steps) == 0 || len(steps) > 2 {
		return failure.Invalidf("tiered_pricing has %d steps, and a price has one or two", len(steps))
	}
	for i, step := range steps {
		fields, err := objectFields(step)
		if err != nil {
			return failure.Within(err, "tiered_pricing")
		}
		var place liteLLMPlace
		var bounds []json.Number
		for _, f := range fields {
			if f.name == "range" && json.Unmarshal(f.value, &bounds) == nil && len(bounds) == 2 {
				place.above, _ = ParseQuantity("range", bounds[0].String())
			}
		}
		if len(bounds) != 2 || (place.above == 0) != (i == 0) {
			return failure.Invalidf("tiered_pricing has no ranges that can be read")
		}
		for _, f := range fields {
			if err := e.readRate(f, place); err != nil {
				return err
			}
		}
	}
	return nil
}

// mergeDoubles leaves out prices for what is charged already: characters of a model that is charged by the token; and
// takes what images that come out cost for output where nothing else comes out.
func (e *liteLLMEntry) mergeDoubles() {
	usual := e.rates[liteLLMPlace{}]
	_, byInput := usual[InputTokens.Unit()]
	_, byOutput := usual[OutputTokens.Unit()]
	for _, rates := range e.rates {
		if byInput || byOutput {
			if r, there := rates[Characters.Unit()]; there {
				e.leftOut[r.key] = true
				delete(rates, Characters.Unit())
			}
		}
		if image, there := rates["output_cost_per_image_token"]; there && !byOutput {
			rates[OutputTokens.Unit()] = image
			delete(rates, "output_cost_per_image_token")
		}
	}
}

// dropEqualParts leaves out the price of a part that is that of its total: what the total costs in a tier or a long
// call holds for the part, too, unless it has a price of its own there.
func (e *liteLLMEntry) dropEqualParts() {
	usual := e.rates[liteLLMPlace{}]
	for q := range QuantityCount {
		total, isPart := q.Total()
		if own, there := usual[q.Unit()]; isPart && there && isAsDear(usual[total.Unit()], own) &&
			isAsDear(own, usual[total.Unit()]) {
			delete(usual, q.Unit())
		}
	}
}

// isAsDear tells whether a rate is that of another one, or higher.
func isAsDear(rate, other liteLLMRate) bool {
	is, _ := ParseUSD(rate.amount)
	wanted, _ := ParseUSD(other.amount)
	return is >= wanted
}

// checkCovered returns a failure for a key that no price can say, unless what it is about is charged at least as much
// as part of something else.
func (e *liteLLMEntry) checkCovered() error {
	parts := map[string][]Quantity{
		"cache_read_input_audio_token_cost":     {CachedInputTokens, InputTokens},
		"cache_read_input_image_token_cost":     {CachedInputTokens, InputTokens},
		"cache_creation_input_audio_token_cost": {CacheWriteTokens, InputTokens},
		"output_cost_per_image_token":           {OutputTokens}, "output_cost_per_video_token": {OutputTokens},
		"input_cost_per_video_token": {InputTokens},
	}
	for _, place := range e.places() {
		rates := e.rates[place]
		for _, unit := range slices.Sorted(maps.Keys(rates)) {
			if q, known := QuantityOfUnit(unit); known {
				if place.above > 0 && !q.IsToken() {
					return failure.Invalidf("%s: only tokens have other prices in a long call", rates[unit].key)
				}
				continue
			}
			if !e.isCovered(place, rates[unit], parts[unit]) {
				return failure.Invalidf("%s can't be said by a price", rates[unit].key)
			}
			delete(rates, unit)
		}
	}
	return nil
}

// isCovered tells whether the first of some units that has a rate at a place, or else at the usual one, costs as much.
func (e *liteLLMEntry) isCovered(place liteLLMPlace, rate liteLLMRate, as []Quantity) bool {
	for _, q := range as {
		charged, there := e.rates[place][q.Unit()]
		if !there {
			charged, there = e.rates[liteLLMPlace{}][q.Unit()]
		}
		if there {
			return isAsDear(charged, rate)
		}
	}
	return false
}

func (e *liteLLMEntry) places() []liteLLMPlace {
	return slices.SortedFunc(maps.Keys(e.rates), func(a, b liteLLMPlace) int {
		return cmp.Or(strings.Compare(a.tier, b.tier), cmp.Compare(a.above, b.above))
	})
}

// make makes a price of the rates, by the way of what a price file would have.
func (e *liteLLMEntry) make() (Price, error) {
	price := map[string]any{"provider": e.provider, "model": e.model}
	tiers := map[string]map[string]any{"": price}
	long, count := int64(0), 0
	for _, place := range e.places() {
		fields := tiers[place.tier]
		if len(e.rates[place]) == 0 {
			continue
		}
		if fields == nil {
			fields = map[string]any{"name": place.tier}
			tiers[place.tier] = fields
		}
		if place.above > 0 {
			if long != 0 && long != place.above {
				return Price{}, failure.Invalidf(
					"it has other prices above %d and above %d tokens, and a price has one such length",
					min(long, place.above), max(long, place.above))
			}
			long = place.above
			above := map[string]any{"input_tokens": strconv.FormatInt(long, 10)}
			fields["above"], fields = above, above
		}
		for unit, rate := range e.rates[place] {
			fields[unit] = rate.amount
			count++
		}
	}
	if count == 0 {
		return Price{}, failure.Invalidf("it has no price in the file, or one of 0: if it is free, set that by hand")
	}
	var list []any
	for _, name := range slices.Sorted(maps.Keys(tiers)) {
		if name != "" {
			list = append(list, tiers[name])
		}
	}
	if list != nil {
		price["tiers"] = list
	}
	text, err := json.Marshal(price)
	if err != nil {
		return Price{}, fmt.Errorf("writing a price: %w", err)
	}
	var entry priceEntry
	if err := json.Unmarshal(text, &entry); err != nil {
		return Price{}, fmt.Errorf("reading a price: %w", err)
	}
	return entry.price()
}
