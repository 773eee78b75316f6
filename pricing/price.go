package pricing

import (
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// DefaultModel is the model name whose price holds for every model of its provider that has no price of its own.
const DefaultModel = "default"

// Source says who a price or plan comes from.
type Source string

// The sources, from the weakest to the strongest.
const (
	FromCatalogue   Source = "catalogue"   // built into the binary
	FromFile        Source = "file"        // a file that was given to init
	FromEnvironment Source = "environment" // HUGGINGFACE_* variables
	FromAdmin       Source = "admin"       // a command that says so
)

// MayReplace tells whether seeding from source s may replace what came from source old: what an admin has set, or a
// file, outlives the built-in catalogue.
func (s Source) MayReplace(old Source) bool {
	rank := map[Source]int{FromCatalogue: 0, FromFile: 1, FromEnvironment: 2, FromAdmin: 3}
	return rank[s] >= rank[old]
}

// Rates are the costs of one unit of each quantity, in pico-dollars, indexed by Quantity; 0 means that the quantity
// costs nothing.
type Rates [QuantityCount]USD

// Price is what the quantities of one provider's model cost from a moment on. A price is never edited: a change is a
// new Price with a later EffectiveFrom.
type Price struct {
	ID            int64
	Provider      string
	Model         string
	EffectiveFrom time.Time
	Rates         Rates
	// CachedPriced tells whether cached input tokens have a price of their own; if not, they cost what other input tokens
	// cost.
	CachedPriced bool
	Above        *LongContext // nil where long input costs no more
	Source       Source
}

// LongContext holds the token prices of the whole call once its input is longer than OverInputTokens. Cached input
// tokens keep a price of their own, if they have one.
type LongContext struct {
	OverInputTokens int64 `json:"over_input_tokens"` // prices are kept with bills: these names stay
	InputToken      USD   `json:"input_token"`
	OutputToken     USD   `json:"output_token"`
}

// SameFigures tells whether two prices charge the same for everything.
func (p Price) SameFigures(q Price) bool {
	if p.Rates != q.Rates || p.CachedPriced != q.CachedPriced || (p.Above == nil) != (q.Above == nil) {
		return false
	}
	return p.Above == nil || *p.Above == *q.Above
}

// Validate returns an invalid failure for a price that can't be: a negative cost, or a long-context price without a
// length.
func (p Price) Validate() error {
	for i, cost := range p.Rates {
		if cost < 0 {
			return failure.Invalidf("%s of %s %s is %s: a price is 0 or more", Quantity(i).Unit(), p.Provider, p.Model, cost)
		}
	}
	if p.Above == nil {
		return nil
	}
	if p.Above.OverInputTokens <= 0 || p.Above.OverInputTokens > MaxQuantity {
		return failure.Invalidf("the long-context price of %s %s starts above %d input tokens: it must be 1 or more",
			p.Provider, p.Model, p.Above.OverInputTokens)
	}
	if p.Above.InputToken < 0 || p.Above.OutputToken < 0 {
		return failure.Invalidf("the long-context price of %s %s is negative: a price is 0 or more", p.Provider, p.Model)
	}
	return nil
}
