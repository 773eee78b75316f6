package report

import (
	"strings"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type recordedView struct {
	ID         string        `json:"id"`
	Status     usage.Status  `json:"status"`
	Cost       pricing.USD   `json:"cost"`
	Pricing    pricing.Basis `json:"pricing"`
	Period     periodView    `json:"period"`
	OverLimit  bool          `json:"over_limit"`
	OverLimits []string      `json:"over_limits"` // their names
	Overage    bool          `json:"overage,omitempty"`
	Note       string        `json:"note,omitempty"`
}

// Recorded shows what became of one event.
func Recorded(o usage.Outcome) Document {
	e := o.Entry
	view := recordedView{e.ID, o.Status, e.Cost, e.Basis, viewPeriod(o.Period), len(o.OverLimit) > 0, append([]string{}, o.OverLimit...), o.Overage, o.Note}
	grid := Grid{
		Header: []string{"id", "status", "cost", "pricing", "period_start", "period_end", "over_limit", "over_limits"},
		Rows: [][]Cell{{TextCell(e.ID), TextCell(string(o.Status)), MoneyCell(e.Cost), TextCell(string(e.Basis)), TimeCell(o.Period.Start), TimeCell(o.Period.End),
			BoolCell(view.OverLimit), TextCell(strings.Join(o.OverLimit, " "))}},
	}
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		t.line(good.of(string(o.Status)), text(" "+e.ID+": "), strong.of(e.Cost.Display()), text(" ("+costReason(e)+"), period "+periodForPeople(o.Period)))
		if o.Status == usage.Duplicate {
			t.Note("it was recorded before, with the same content: nothing has changed")
		}
		if e.Counts() && e.Basis == pricing.Unpriced {
			t.Warning("there is no price for %s: its cost is 0 until it is rated again", strings.TrimSpace(e.Provider+" "+e.Model))
		}
		if view.OverLimit {
			t.Warning("over the limit: %s", strings.Join(o.OverLimit, ", "))
		}
		if o.Overage {
			t.Note("it is overage: the plan allows it, and bills what is beyond the limit")
		}
		if o.Note != "" {
			t.Note("%s", o.Note)
		}
		return nil
	}}
}

// costReason says where the cost of an event comes from.
func costReason(e usage.Entry) string {
	if !e.Counts() {
		return "a failed call"
	}
	return basisForPeople(e.Basis)
}
