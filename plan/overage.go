package plan

import (
	"math/big"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// Overage says what a plan does with a call beyond a limit that blocks. The zero value refuses it.
type Overage bool

// The ways.
const (
	OverageBlock Overage = false // the call is refused
	OverageAllow Overage = true  // the call passes, and what is beyond the limit is billed
)

// String returns the word that plan files have for it.
func (o Overage) String() string {
	if o == OverageAllow {
		return "allow"
	}
	return "block"
}

// ParseOverage reads a word of a plan file; nothing means block.
func ParseOverage(text string) (Overage, error) {
	switch text {
	case "", "block":
		return OverageBlock, nil
	case "allow":
		return OverageAllow, nil
	}
	return OverageBlock, failure.Invalidf("overage is %q: it must be block or allow", failure.Shorten(text))
}

// TakesOverage tells whether a call beyond the limit can be overage: where it refuses calls, and includes some of what
// is billed.
func (l Limit) TakesOverage() bool {
	return l.Action == Block && !l.Unlimited && l.Max > 0 && l.Meter != Parallel
}

// A mark-up is held in millionths of the cost: a percent of it has four decimals.
const (
	millionthsOfPercent  = 10_000
	maxMarkupMillionths  = 10_000 * millionthsOfPercent
	markupMustBe         = "it must be a percentage such as 20% or 12.5%, from 0% to 10000% with at most 4 decimals"
	longestMarkupInBytes = 16
)

// ParseMarkup reads a mark-up such as 12.5% and returns millionths.
func ParseMarkup(text string) (int64, error) {
	number, percent := strings.CutSuffix(text, "%")
	if !percent || len(text) > longestMarkupInBytes || strings.Trim(number, "0123456789.") != "" {
		return 0, failure.Invalidf("overage_markup is %q: %s", failure.Shorten(text), markupMustBe)
	}
	exact, ok := new(big.Rat).SetString(number)
	if ok {
		exact.Mul(exact, big.NewRat(millionthsOfPercent, 1))
	}
	if !ok || !exact.IsInt() || exact.Cmp(big.NewRat(maxMarkupMillionths, 1)) > 0 {
		return 0, failure.Invalidf("overage_markup is %q: %s", text, markupMustBe)
	}
	return exact.Num().Int64(), nil
}

// MarkupText writes the plan's mark-up as plan files have it: 12.5%.
func (p Plan) MarkupText() string {
	text := new(big.Rat).SetFrac64(p.MarkupMillionths, millionthsOfPercent).FloatString(4)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

// readOverage takes the overage of a plan file over into a plan.
func (e planEntry) readOverage(p *Plan) error {
	var err error
	if p.Overage, err = ParseOverage(string(e.Overage)); err != nil || e.Markup == "" {
		return err
	}
	if p.MarkupMillionths, err = ParseMarkup(string(e.Markup)); err == nil && p.Overage != OverageAllow {
		err = failure.Invalidf("overage_markup is %s, but nothing beyond a limit is billed: it needs overage: allow",
			p.MarkupText())
	}
	return err
}

// yamlOverage writes the lines of a plan file about overage: none where it blocks.
func (p Plan) yamlOverage() string {
	if p.Overage != OverageAllow {
		return ""
	}
	text := "    overage: " + p.Overage.String() + "\n"
	if p.MarkupMillionths != 0 {
		text += "    overage_markup: " + p.MarkupText() + "\n"
	}
	return text
}
