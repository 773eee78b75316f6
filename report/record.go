package report

import (
	"strings"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Recorded shows what became of one event.
func Recorded(o usage.Outcome) Document {
	e, over := o.Entry, len(o.OverLimit) > 0
	return fields{
		{"id", "", e.ID},
		{"status", "", o.Status},
		{"cost", "", e.Cost},
		{"pricing", "", e.Basis},
		{"period", "", o.Period},
		{"over_limit", "", over},
		{"over_limits", "", o.OverLimit}, // their names
		{"overage", "", jsonOnly(orAbsent(o.Overage))},
		{"note", "", jsonOnly(orAbsent(o.Note))},
	}.document(func(t *Text) {
		t.line(good.of(string(o.Status)), text(" "+e.ID+": "), strong.of(e.Cost.Display()),
			text(" ("+costReason(e)+"), period "+Period(o.Period)))
		if o.Status == usage.Duplicate {
			t.Note("it was recorded before, with the same content: nothing has changed")
		}
		if e.Counts() && e.Basis == pricing.Unpriced {
			t.Warning("there is no price for %s: its cost is 0 until it is rated again", strings.TrimSpace(e.Provider+" "+e.Model))
		}
		if over {
			t.Warning("over the limit: %s", strings.Join(o.OverLimit, ", "))
		}
		if o.Overage {
			t.Note("it is overage: the plan allows it, and bills what is beyond the limit")
		}
		if o.Note != "" {
			t.Note("%s", o.Note)
		}
	})
}

// costReason says where the cost of an event comes from.
func costReason(e usage.Entry) string {
	if !e.Counts() {
		return "a failed call"
	}
	return basis(e.Basis)
}
