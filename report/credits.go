package report

import (
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Credits shows what users got as credit, and what bills used up of it.
func Credits(entries []billing.CreditEntry) Document {
	list := rowsOf(entries, func(c billing.CreditEntry) fields {
		return fields{
			{"user_id", "USER", name(c.UserID)},
			{"at", "WHEN", day(c.At)},
			{"amount", "AMOUNT", c.Amount},
			{"number", "BILL", orNull(id(c.Number))},
			{"reason", "REASON", name(c.Reason)},
			{"actor", "BY", name(c.Actor)},
		}
	})
	return Document{JSON: list, CSV: list, Text: func(t *Text) {
		if len(entries) == 0 {
			t.Note("no credit")
			return
		}
		left := pricing.Total{}
		for _, c := range entries {
			left = left.Add(pricing.TotalOf(c.Amount))
		}
		columns := "at user_id amount number reason actor"
		t.table(list.table(columns).total(text("left"), text(""), text(left.Display()), text(""), text(""), text("")))
	}}
}
