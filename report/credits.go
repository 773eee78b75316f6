package report

import (
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
)

type creditEntryView struct {
	UserID string      `json:"user_id"`
	At     moment      `json:"at"`
	Amount pricing.USD `json:"amount"`
	Number *int64      `json:"number"`
	Reason string      `json:"reason"`
	Actor  string      `json:"actor"`
}

// Credits shows what users got as credit, and what bills used up of it.
func Credits(entries []billing.CreditEntry) Document {
	views := listOf(entries, func(c billing.CreditEntry) creditEntryView {
		return creditEntryView{c.UserID, moment(c.At), c.Amount, numberOrNull(c.Number), c.Reason, c.Actor}
	})
	grid := gridOf([]string{"user_id", "at", "amount", "number", "reason", "actor"}, entries, func(c billing.CreditEntry) []Cell {
		return []Cell{TextCell(c.UserID), TimeCell(c.At), MoneyCell(c.Amount), numberCellOrNone(c.Number), TextCell(c.Reason), TextCell(c.Actor)}
	})
	return listDocument(views, grid, func(t *Text) error {
		if len(entries) == 0 {
			t.Note("no credit")
			return nil
		}
		columns := []column{{"WHEN", words}, {"USER", names}, {"AMOUNT", money}, {"BILL", number}, {"REASON", names}, {"BY", names}}
		left := pricing.Total{}
		tb := tableOf(columns, entries, func(c billing.CreditEntry) []span {
			left = left.Add(pricing.TotalOf(c.Amount))
			bill := ""
			if c.Number != 0 {
				bill = strconv.FormatInt(c.Number, 10)
			}
			return []span{text(c.At.UTC().Format(time.DateOnly)), text(c.UserID), text(c.Amount.Display()), orNone(bill), text(c.Reason), text(c.Actor)}
		})
		tb.footer = []span{text("left"), text(""), text(left.Display()), text(""), text(""), text("")}
		return t.table(tb)
	})
}
