package pricing

import (
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// Quantity names one thing that an API call uses up and that can have a price.
type Quantity int

// The quantities. InputTokens includes the cached ones.
const (
	Requests Quantity = iota
	InputTokens
	OutputTokens
	CachedInputTokens
	Images
	Searches
	Pages
	Characters
	Seconds
	QuantityCount // how many quantities there are
)

// MaxQuantity is the most of one quantity that a single event may report. It is far above what any API serves in one
// call, and keeps thousands of such events from overflowing a sum.
const MaxQuantity = 1_000_000_000_000_000

// String returns the name that events, JSON and columns use: "input_tokens".
func (q Quantity) String() string {
	return [QuantityCount]string{"requests", "input_tokens", "output_tokens", "cached_input_tokens",
		"images", "searches", "pages", "characters", "seconds"}[q]
}

// Unit returns the name of one unit, as prices use it: "input_token".
func (q Quantity) Unit() string {
	return [QuantityCount]string{"request", "input_token", "output_token", "cached_input_token",
		"image", "search", "page", "character", "second"}[q]
}

// OneEachCall says whether a call that does not tell how many it used is charged for one, where there is a price of
// them.
func (q Quantity) OneEachCall() bool { return q == Images || q == Searches || q == Pages }

// Quantities says how much of each quantity a call used, indexed by Quantity.
type Quantities [QuantityCount]int64

// Tokens returns the input and output tokens together.
func (q Quantities) Tokens() int64 { return q[InputTokens] + q[OutputTokens] }

// Validate returns an invalid failure for an amount that is negative or above MaxQuantity, and for more cached input
// tokens than input tokens.
func (q Quantities) Validate() error {
	for i, n := range q {
		if n < 0 || n > MaxQuantity {
			return quantityRange(Quantity(i).String(), strconv.FormatInt(n, 10))
		}
	}
	if q[CachedInputTokens] > q[InputTokens] {
		return failure.Invalidf(
			"cached_input_tokens is %d, more than input_tokens (%d): input_tokens includes the cached ones",
			q[CachedInputTokens], q[InputTokens])
	}
	return nil
}

// ParseQuantity reads a whole number from 0 to MaxQuantity. "1500.0" is whole, "1500.5" is not. The name is used in the
// failure.
func ParseQuantity(name, text string) (int64, error) {
	s := strings.TrimSpace(text)
	if whole, fraction, found := strings.Cut(s, "."); found && fraction != "" && strings.Trim(fraction, "0") == "" {
		s = whole
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 && n <= MaxQuantity && s[0] != '+' {
		return n, nil
	}
	return 0, quantityRange(name, text)
}

func quantityRange(name, text string) error {
	if len(text) > 40 {
		text = text[:40] + "…"
	}
	return failure.Invalidf("%s is %s: it must be a whole number from 0 to %d", name, strconv.Quote(text),
		int64(MaxQuantity))
}
