package report

import (
	"github.com/alwrity/alwrity-sub/pricing"
)

type quoteView struct {
	Provider      string          `json:"provider"`
	Model         string          `json:"model"`
	Cost          pricing.USD     `json:"cost"`
	Pricing       pricing.Basis   `json:"pricing"`
	EffectiveFrom moment          `json:"effective_from"` // null when unpriced
	Components    []componentView `json:"components"`
}

type componentView struct {
	Quantity  string      `json:"quantity"`
	Amount    int64       `json:"amount"`
	UnitPrice pricing.USD `json:"unit_price"`
	Cost      pricing.USD `json:"cost"`
}

// Quote shows what a call costs, and how that comes about.
func Quote(provider, model string, r pricing.Rating) Document {
	view := quoteView{provider, model, r.Cost, r.Basis, moment(r.Price.EffectiveFrom),
		listOf(r.Components, func(c pricing.Component) componentView {
			return componentView{c.Quantity.String(), c.Amount, c.UnitPrice, c.Cost}
		})}
	grid := gridOf([]string{"quantity", "amount", "unit_price", "cost"}, r.Components, func(c pricing.Component) []Cell {
		return []Cell{TextCell(c.Quantity.String()), NumberCell(c.Amount), MoneyCell(c.UnitPrice), MoneyCell(c.Cost)}
	})
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		if r.Basis == pricing.Unpriced {
			t.Warning("%s %s has no price", provider, model)
			return nil
		}
		t.line(strong.of(provider+" "+model), text(": "+basisForPeople(r.Basis)+" of "+r.Price.Model+", from "+effectiveFrom(r.Price)))
		columns := []column{{"QUANTITY", words}, {"AMOUNT", number}, {"UNIT PRICE", money}, {"COST", money}}
		tb := tableOf(columns, r.Components, func(c pricing.Component) []span {
			return []span{text(c.Quantity.String()), text(Count(c.Amount)), text(c.UnitPrice.Display()), text(c.Cost.Display())}
		})
		tb.footer = []span{strong.of("TOTAL"), text(""), text(""), strong.of(r.Cost.Display())}
		return t.table(tb)
	}}
}

// basisForPeople writes where a price comes from.
func basisForPeople(b pricing.Basis) string {
	if b == pricing.Unpriced {
		return "no price"
	}
	return string(b) + " price"
}
