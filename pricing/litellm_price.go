package pricing

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/alwrity/alwrity-sub/failure"
)

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

// mergeDoubles leaves out prices for what is charged already: characters of a model that is charged by the token; and
// takes what images that come out cost for output where nothing else comes out.
func (e *liteLLMEntry) mergeDoubles() {
	e.dropSecondsOfTokens()
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

// dropSecondsOfTokens leaves out what a second of speech costs where its tokens have a price: that is the same audio
// by another measure, and a call that gives both would be charged twice.
func (e *liteLLMEntry) dropSecondsOfTokens() {
	usual := e.rates[liteLLMPlace{}]
	audio := map[string][]Quantity{
		"audio_speech": {AudioOutputTokens, OutputTokens}, "audio_transcription": {AudioInputTokens},
	}
	for _, q := range audio[e.mode] {
		if _, byToken := usual[q.Unit()]; !byToken {
			continue
		}
		for _, rates := range e.rates {
			if r, there := rates[Seconds.Unit()]; there {
				e.leftOut[r.key] = true
				delete(rates, Seconds.Unit())
			}
		}
	}
}

// dropEqualParts leaves out the price of a part that is that of its total: what the total costs in a tier or a long
// call holds for the part, too, unless it has a price of its own there.
func (e *liteLLMEntry) dropEqualParts() {
	usual := e.rates[liteLLMPlace{}]
	for q := range QuantityCount {
		total, isPart := q.Total()
		if own, there := usual[q.Unit()]; isPart && there && own.equals(usual[total.Unit()]) {
			delete(usual, q.Unit())
		}
	}
}

func (r liteLLMRate) equals(other liteLLMRate) bool {
	return costsAtLeast(r, other) && costsAtLeast(other, r)
}

// costsAtLeast tells whether a rate is as high as another one, or higher.
func costsAtLeast(rate, other liteLLMRate) bool {
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
			return costsAtLeast(charged, rate)
		}
	}
	return false
}

func (e *liteLLMEntry) places() []liteLLMPlace {
	return slices.SortedFunc(maps.Keys(e.rates), func(a, b liteLLMPlace) int {
		return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.above, b.above))
	})
}

// make writes the rates as an entry of a price file, and reads that by its rules.
func (e *liteLLMEntry) make() (Price, error) {
	entry := priceEntry{Provider: e.provider, Model: e.model}
	long, priced := int64(0), false
	for _, place := range e.places() {
		if len(e.rates[place]) == 0 {
			continue
		}
		tariff := entry.tierRates(place.tier)
		if place.above > 0 {
			if long != 0 && long != place.above {
				return Price{}, failure.Invalidf(
					"it has other prices above %d and above %d tokens, and a price has one such length",
					min(long, place.above), max(long, place.above))
			}
			long = place.above
			tariff.above = &aboveEntry{inputTokens: ScalarText(strconv.FormatInt(long, 10))}
			tariff = &tariff.above.tariffEntry
		}
		for unit, rate := range e.rates[place] {
			if q, known := QuantityOfUnit(unit); known { // as each is that checkCovered leaves
				tariff.rates[q] = new(ScalarText(rate.amount))
				priced = true
			}
		}
	}
	if !priced {
		return Price{}, failure.Invalidf("it has no price in the file, or one of 0: if it is free, set that by hand")
	}
	return entry.price()
}

// tierRates returns where the rates of a tier go, "" being the price itself. Those of one tier come one after another.
func (e *priceEntry) tierRates(name string) *tariffEntry {
	if name == "" {
		return &e.tariffEntry
	}
	if last := len(e.Tiers) - 1; last < 0 || e.Tiers[last].name != name {
		e.Tiers = append(e.Tiers, tierEntry{name: name})
	}
	return &e.Tiers[len(e.Tiers)-1].tariffEntry
}
