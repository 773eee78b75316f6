package report

import (
	"github.com/alwrity/alwrity-sub/pricing"
)

// Quote shows what a call costs, and how that comes about.
func Quote(provider, model string, r pricing.Rating) Document {
	components := rowsOf(r.Components, func(c pricing.Component) fields {
		return fields{
			{"quantity", "QUANTITY", c.Quantity.String()},
			{"amount", "AMOUNT", c.Amount},
			{"unit_price", "UNIT PRICE", c.UnitPrice},
			{"cost", "COST", c.Cost},
		}
	})
	all := fields{
		{"provider", "", provider},
		{"model", "", model},
		{"cost", "", r.Cost},
		{"pricing", "", r.Basis},
		{"effective_from", "", r.Price.EffectiveFrom}, // null when unpriced
		{"components", "", components},
	}
	return Document{JSON: all, CSV: components, Text: func(t *Text) {
		if r.Basis == pricing.Unpriced {
			t.Warning("%s %s has no price", provider, model)
			return
		}
		t.line(strong.of(provider+" "+model), text(": "+basis(r.Basis)+" of "+r.Price.Model+", from "+effectiveFrom(r.Price)))
		t.table(components.table("").total(strong.of("TOTAL"), text(""), text(""), strong.of(r.Cost.Display())))
	}}
}
