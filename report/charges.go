package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
)

// chargeFields are what a price of a line came to.
func chargeFields(c billing.Charge) fields {
	q := c.Quantity()
	return fields{
		{"quantity", "", q.String()}, {"used", "", amount(q, c.Amount)}, {"unit_price", "", orNull(c.Rate)},
		{"cost", "", c.Cost}, {"pricing", "", orNull(c.Basis)}, {"priced_as", "", orAbsent(c.Model)},
		{"service_tier", "", orAbsent(c.Tier)}, {"band", "", orAbsent(c.Band)},
		{"above_input_tokens", "", orAbsent(c.Over)}, {"effective_from", "", orAbsent(c.From)},
	}
}

// Charged is what was used at a price, or at several, and what it cost.
type Charged struct {
	Price  string // as people read it: "$2.50 per 1M, batch"
	Amount int64  // of seconds milliseconds
	Cost   pricing.USD
}

// ChargedFor returns what a line was charged for a quantity, each price once, or of more than a few all in one with
// their range.
func ChargedFor(charges []billing.Charge, q pricing.Quantity) (list []Charged) {
	var keys []billing.ChargeKey
	var rates []pricing.USD
	for _, c := range charges {
		if c.Quantity() != q {
			continue
		}
		key := billing.ChargeKey{Unit: c.Unit, Rate: c.Rate}
		if c.Unit == "" {
			key.Basis = c.Basis
		} else if !slices.Contains(rates, c.Rate) {
			rates = append(rates, c.Rate)
		}
		i := slices.Index(keys, key)
		if i < 0 {
			i = len(keys)
			keys, list = append(keys, key), append(list, Charged{Price: chargePrice(c)})
		} else if list[i].Price != chargePrice(c) {
			list[i].Price = cmp.Or(unitPriceOf(c), list[i].Price) // no condition holds for all of it
		}
		list[i].Amount, list[i].Cost = list[i].Amount+c.Amount, list[i].Cost+c.Cost
	}
	if len(rates) <= mostPrices {
		return list
	}
	all := Charged{Price: fmt.Sprintf("%s to %s, in %d different prices that an export lists",
		UnitPrice(q, slices.Min(rates)), UnitPrice(q, slices.Max(rates)), len(rates))}
	var others []Charged
	for i, c := range list {
		if keys[i].Unit == "" {
			others = append(others, c)
			continue
		}
		all.Amount, all.Cost = all.Amount+c.Amount, all.Cost+c.Cost
	}
	return append([]Charged{all}, others...)
}

// unitPriceOf writes the price of a charge, "" where it is that of no unit.
func unitPriceOf(c billing.Charge) string {
	if c.Unit == "" {
		return ""
	}
	return UnitPrice(c.Quantity(), c.Rate)
}

// chargePrice writes the price of a charge and when it holds.
func chargePrice(c billing.Charge) string {
	switch {
	case c.Unit != "":
	case c.Basis == pricing.Reported:
		return "as the vendor reported"
	default:
		return "by prices no longer known"
	}
	parts := []string{unitPriceOf(c)}
	if !c.From.IsZero() {
		parts = append(parts, "from "+c.From.UTC().Format("2 Jan"))
	}
	if c.Over > 0 {
		parts = append(parts, "over "+Count(c.Over)+" input tokens a call")
	}
	for _, part := range []string{c.Band, c.Tier} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}
