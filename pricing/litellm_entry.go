package pricing

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

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
	fields, err := objectFields(entry.value, false)
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

// read notes the rate of a field, if it has one.
func (e *liteLLMEntry) read(f jsonField) error {
	if f.name == "tiered_pricing" {
		return e.readSteps(f.value)
	}
	return e.readRate(f, liteLLMPlace{})
}

func (e *liteLLMEntry) readRate(f jsonField, place liteLLMPlace) error {
	if !isMoney(f.name) && f.name != "provider_specific_entry" || bytes.Equal(f.value, []byte("null")) {
		return nil
	}
	if isSurcharge(f.name) {
		if bytes.ContainsAny(f.value, "123456789") {
			e.leftOut[f.name] = true
		}
		return nil
	}
	if e.isPixelOfImage(f) {
		e.leftOut[f.name] = true
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
	// What comes in and what goes out are one second, image or character, but each may be what a request costs.
	before, taken := e.rates[place][unit]
	if taken && (unit == Requests.Unit() || !before.equals(liteLLMRate{amount: amount})) {
		return failure.Invalidf("%s and %s are both the price of one %s", before.key, f.name, unit)
	}
	e.rates[place][unit] = liteLLMRate{f.name, amount}
	return nil
}

// isPixelOfImage tells whether a key is the price of a pixel beside that of an image: the same by another measure.
func (e *liteLLMEntry) isPixelOfImage(field jsonField) bool {
	costs := func(f jsonField, of string) bool {
		return strings.HasSuffix(f.name, "_cost_per_"+of) && bytes.ContainsAny(f.value, "123456789")
	}
	return e.isOfImages() && costs(field, "pixel") &&
		slices.ContainsFunc(e.fields, func(f jsonField) bool { return costs(f, "image") })
}

// isOfImages tells whether a call of the model is one for images.
func (e *liteLLMEntry) isOfImages() bool {
	return e.mode == "image_generation" || e.mode == "image_edit"
}

// isMoney tells whether a key looks like one of money.
func isMoney(key string) bool {
	for _, part := range []string{"cost", "pric", "multiplier"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	for word := range strings.SplitSeq(key, "_") {
		if slices.Contains([]string{"fee", "fees", "charge", "surcharge", "uplift"}, word) {
			return true
		}
	}
	return false
}

// isSurcharge tells whether a key is of what a call may cost on top of its own price: for a tool, which is a call of
// its own and is recorded as one, or for a region or a speed that the caller asks for.
func isSurcharge(key string) bool {
	for _, prefix := range []string{"search_context_cost_per_query", "web_search_cost", "google_maps_", "file_search_cost",
		"vector_store_cost", "code_interpreter_cost", "computer_use_", "provider_specific_entry",
		"regional_processing_uplift_multiplier"} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return strings.Contains(key, "_dbu_cost_") // the same price once more, in another currency
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
	var end json.Number // of the step before
	for i, step := range steps {
		fields, err := objectFields(step, false)
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
		if len(bounds) != 2 || (place.above == 0) != (i == 0) || i > 0 && !isSameLength(bounds[0], end) {
			return failure.Invalidf("tiered_pricing has no ranges that can be read, each from the end of the one before")
		}
		end = bounds[1]
		for _, f := range fields {
			if err := e.readRate(f, place); err != nil {
				return err
			}
		}
	}
	return nil
}

func isSameLength(a, b json.Number) bool {
	x, errX := ParseQuantity("range", a.String())
	y, errY := ParseQuantity("range", b.String())
	return errX == nil && errY == nil && x == y
}
