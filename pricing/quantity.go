package pricing

import (
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// Quantity names one thing that an API call uses up and that can have a price.
type Quantity int

// The quantities. What they are called, and what is part of what, stands in definitions.
const (
	Requests Quantity = iota
	InputTokens
	OutputTokens
	CachedInputTokens
	CacheWriteTokens
	CacheWrite1hTokens
	AudioInputTokens
	ImageInputTokens
	AudioOutputTokens
	ReasoningTokens
	Images
	Searches
	Pages
	Characters
	Seconds
	QuantityCount // how many quantities there are
)

// definition is all that is known of a quantity. Nothing else lists the quantities: columns, flags, fields of events,
// price files and documents are made from these.
type definition struct {
	name  string // in events, JSON and columns: "input_tokens"
	unit  string // one of them, as prices use it: "input_token"
	title string // of its price in a table
	help  string // of the flag that gives an amount
	// of is the total that the quantity is a part of. The parts of a total have nothing in common: a token is of one part
	// at most, an audio token that was read from a cache a cached one. 0, the requests, is no total.
	of Quantity
	// partName says which part of the total it is, as people read it: "12 input tokens, of them 3 cached".
	partName    string
	oneEachCall bool // a call that does not tell how many it used is charged for one, where they have a price
	perMillion  bool // used by the thousand: people read the price of a million
	rare        bool // few calls have any: the database keeps NULL instead of 0
	thousandths bool // amounts are counted in thousandths of the unit, and written with up to three decimals
}

var definitions = [QuantityCount]definition{ // read-only
	Requests: {name: "requests", unit: "request", title: "REQUEST", help: "API requests (default 1)"},
	InputTokens: {name: "input_tokens", unit: "input_token", title: "INPUT", perMillion: true,
		help: "input tokens, all kinds of them included"},
	OutputTokens: {name: "output_tokens", unit: "output_token", title: "OUTPUT", perMillion: true,
		help: "output tokens, all kinds of them included"},
	CachedInputTokens: {name: "cached_input_tokens", unit: "cached_input_token", title: "CACHED", perMillion: true,
		of: InputTokens, partName: "cached", help: "those of the input tokens that came from a cache"},
	CacheWriteTokens: {name: "cache_write_tokens", unit: "cache_write_token", title: "CACHE WRITE", perMillion: true,
		of: InputTokens, partName: "written to a cache", help: "those of the input tokens that were written to a cache",
		rare: true},
	CacheWrite1hTokens: {name: "cache_write_1h_tokens", unit: "cache_write_1h_token", title: "WRITE 1H", perMillion: true,
		of: InputTokens, partName: "written to a cache for an hour",
		help: "those of the input tokens that were written to a cache for an hour", rare: true},
	AudioInputTokens: {name: "audio_input_tokens", unit: "audio_input_token", title: "AUDIO IN", perMillion: true,
		of: InputTokens, partName: "audio", help: "those of the input tokens that are audio", rare: true},
	ImageInputTokens: {name: "image_input_tokens", unit: "image_input_token", title: "IMAGE IN", perMillion: true,
		of: InputTokens, partName: "images", help: "those of the input tokens that are images", rare: true},
	AudioOutputTokens: {name: "audio_output_tokens", unit: "audio_output_token", title: "AUDIO OUT", perMillion: true,
		of: OutputTokens, partName: "audio", help: "those of the output tokens that are audio", rare: true},
	ReasoningTokens: {name: "reasoning_tokens", unit: "reasoning_token", title: "REASONING", perMillion: true,
		of: OutputTokens, partName: "reasoning", help: "those of the output tokens that were spent on reasoning", rare: true},
	Images:     {name: "images", unit: "image", title: "IMAGE", help: "images", oneEachCall: true},
	Searches:   {name: "searches", unit: "search", title: "SEARCH", help: "searches", oneEachCall: true},
	Pages:      {name: "pages", unit: "page", title: "PAGE", help: "pages", oneEachCall: true},
	Characters: {name: "characters", unit: "character", title: "CHARS", help: "characters", perMillion: true},
	Seconds: {name: "seconds", unit: "second", title: "SECOND", help: "seconds, with up to three decimals",
		thousandths: true},
}

// MaxQuantity is the most of one quantity that a single event may report; of seconds as many milliseconds. It is far
// above what any API serves in one call, and keeps thousands of such events from overflowing a sum.
const MaxQuantity = 1_000_000_000_000_000

// String returns the name that events and JSON use: "input_tokens".
func (q Quantity) String() string { return definitions[q].name }

// Unit returns the name of one unit, as prices use it: "input_token".
func (q Quantity) Unit() string { return definitions[q].unit }

// Column returns the name of the column that keeps amounts: seconds are kept as milliseconds.
func (q Quantity) Column() string {
	if q == Seconds {
		return "milliseconds"
	}
	return definitions[q].name
}

// Title is what a table calls the price of one unit, or of a million where people read it of a million.
func (q Quantity) Title() string {
	if q.PerMillion() {
		return definitions[q].title + "/1M"
	}
	return definitions[q].title
}

// Help says what the quantity is, for a flag.
func (q Quantity) Help() string { return definitions[q].help }

// Total returns the quantity that q is a part of, and false for one that stands for itself.
func (q Quantity) Total() (Quantity, bool) { return definitions[q].of, definitions[q].of != 0 }

// PartName says which part of its total q is, as people read it: "cached".
func (q Quantity) PartName() string { return definitions[q].partName }

// OneEachCall says whether a call that does not tell how many it used is charged for one, where there is a price of
// them.
func (q Quantity) OneEachCall() bool { return definitions[q].oneEachCall }

// PerMillion says whether the quantity is used by the thousand, so that people read the price of a million.
func (q Quantity) PerMillion() bool { return definitions[q].perMillion }

// IsToken says whether the quantity counts tokens.
func (q Quantity) IsToken() bool { return strings.HasSuffix(definitions[q].unit, "_token") }

// Rare says whether few calls have any of the quantity: a database keeps NULL instead of 0.
func (q Quantity) Rare() bool { return definitions[q].rare }

// PerUnit returns how many of its amounts make one unit: 1, but for seconds, whose amounts are milliseconds.
func (q Quantity) PerUnit() int64 {
	if definitions[q].thousandths {
		return 1000
	}
	return 1
}

// AmountText writes an amount in units: "12.4" for 12400 milliseconds.
func (q Quantity) AmountText(amount int64) string {
	if q.PerUnit() == 1 {
		return strconv.FormatInt(amount, 10)
	}
	return Thousandths(amount).String()
}

// Thousandths is a number with three decimals.
type Thousandths int64

// String writes the number with as many decimals as it needs.
func (t Thousandths) String() string {
	whole, rest, sign := int64(t/1000), int64(t%1000), ""
	if t < 0 {
		whole, rest, sign = -whole, -rest, "-"
	}
	if rest == 0 {
		return sign + strconv.FormatInt(whole, 10)
	}
	return sign + strconv.FormatInt(whole, 10) + "." + strings.TrimRight(strconv.FormatInt(1000+rest, 10)[1:], "0")
}

// Quantities says how much of each quantity a call used, indexed by Quantity; of seconds it has milliseconds.
type Quantities [QuantityCount]int64

// Tokens returns the input and output tokens together.
func (q Quantities) Tokens() int64 { return q[InputTokens] + q[OutputTokens] }

// HaveRare tells whether there is anything of what few calls have.
func (q *Quantities) HaveRare() bool {
	for i, n := range q {
		if n != 0 && Quantity(i).Rare() {
			return true
		}
	}
	return false
}

// Validate returns an invalid failure for an amount that is negative or above MaxQuantity, and for a total that is less
// than its parts together.
func (q *Quantities) Validate() error {
	var parts Quantities // of each total
	for i, n := range q {
		if n < 0 || n > MaxQuantity {
			return quantityRange(Quantity(i), Quantity(i).String(), Quantity(i).AmountText(n))
		}
		parts[definitions[i].of] += n
	}
	for _, total := range []Quantity{InputTokens, OutputTokens} {
		if parts[total] > q[total] {
			return q.tooManyParts(total, parts[total])
		}
	}
	return nil
}

// tooManyParts is the failure for parts that are more than their total.
func (q *Quantities) tooManyParts(total Quantity, parts int64) error {
	var names []string
	for part := range QuantityCount {
		if definitions[part].of == total && q[part] > 0 {
			names = append(names, part.String())
		}
	}
	if len(names) == 1 {
		return failure.Invalidf("%s is %d, more than %s (%d): %s includes them", names[0], parts, total, q[total], total)
	}
	return failure.Invalidf("%s and %s are %d together, more than %s (%d): %s includes them all",
		strings.Join(names[:len(names)-1], ", "), names[len(names)-1], parts, total, q[total], total)
}

// ParseQuantity reads a whole number from 0 to MaxQuantity. "1500.0" is whole, as programs write it that know no
// others; "1.500" may be one and a half or a grouped number, and is refused. The name is used in the failure.
func ParseQuantity(name, text string) (int64, error) { return Requests.Parse(name, text) }

// Parse reads an amount of the quantity as events give it: a whole number from 0 to MaxQuantity, or of seconds one with
// up to three decimals, which is returned in milliseconds. The name is used in the failure.
func (q Quantity) Parse(name, text string) (int64, error) {
	s := strings.TrimSpace(text)
	decimals := 0
	if definitions[q].thousandths {
		decimals = 3
	}
	if whole, fraction, found := strings.Cut(s, "."); found && whole != "" && fraction != "" {
		if decimals == 0 && fraction != "0" {
			return 0, quantityRange(q, name, text)
		}
		fraction = strings.TrimRight(fraction, "0")
		if len(fraction) > decimals || strings.Trim(fraction, "0123456789") != "" {
			return 0, quantityRange(q, name, text)
		}
		s, decimals = whole+fraction, decimals-len(fraction)
	}
	if n, err := strconv.ParseInt(s+strings.Repeat("0", decimals), 10, 64); err == nil && n >= 0 && n <= MaxQuantity &&
		s != "" && s[0] != '+' {
		return n, nil
	}
	return 0, quantityRange(q, name, text)
}

func quantityRange(q Quantity, name, text string) error {
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	kind := "a whole number"
	if definitions[q].thousandths {
		kind = "a number with at most three decimals,"
	}
	return failure.Invalidf("%s is %s: it must be %s from 0 to %d", name, strconv.Quote(text), kind,
		MaxQuantity/q.PerUnit())
}

// QuantityOfUnit finds the quantity whose unit has a name, such as "input_token".
func QuantityOfUnit(unit string) (Quantity, bool) {
	for q := range QuantityCount {
		if definitions[q].unit == unit {
			return q, true
		}
	}
	return 0, false
}

// QuantitySet is a set of quantities.
type QuantitySet uint32

// SetOf returns the set of some quantities.
func SetOf(all ...Quantity) (s QuantitySet) {
	for _, q := range all {
		s |= 1 << q
	}
	return s
}

// Has tells whether a quantity is in the set.
func (s QuantitySet) Has(q Quantity) bool { return s&(1<<q) != 0 }
