package report

import (
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Voided shows what became of events that were to be taken back.
func Voided(voided []usage.Voided, applied bool) Document {
	var now, duplicates int64
	var cost, closed pricing.Total
	for i := range voided {
		v := &voided[i]
		if v.Status == usage.Duplicate {
			duplicates++
			continue
		}
		now++
		cost = cost.Add(pricing.TotalOf(v.Entry.Cost))
		if v.Closed {
			closed = closed.Add(pricing.TotalOf(v.Entry.Cost))
		}
	}
	events := rowsOf(voided, voidedFields)
	all := fields{{"applied", "", applied}, {"voided", "", now}, {"duplicates", "", duplicates}, {"cost", "", cost},
		{"closed_cost", "", closed}, {"events", "", events}}
	return Document{JSON: all, CSV: events, Text: func(t *Text) {
		t.list(events, "id status user_id time provider model cost counter_id", "no events that stand")
		verb := "taken back"
		if !applied {
			verb = "would be taken back; nothing was changed"
		}
		t.Note("%s of %s %s", failure.Counted(now, "event"), cost.Display(), verb)
		if duplicates > 0 {
			t.Note("%s taken back before", failure.Counted(duplicates, "event"))
		}
		tellClosed(t, closed)
		for i := range voided {
			if voided[i].Note != "" {
				t.Note("%s", voided[i].Note)
			}
		}
	}}
}

func tellClosed(t *Text, closed pricing.Total) {
	if closed.Cmp(pricing.Total{}) != 0 {
		t.Note("what is in closed periods becomes an adjustment on the next bills")
	}
}

func voidedFields(v usage.Voided) fields {
	e := &v.Entry
	return fields{
		{"id", "ID", v.Asked}, {"status", "WHAT", v.Status}, {"event_id", "", e.ID},
		{"user_id", "USER", name(e.UserID)}, {"time", "TIME", e.Time}, {"provider", "PROVIDER", e.Provider},
		{"model", "MODEL", name(e.Model)}, {"cost", "COST", e.Cost},
		{"counter_id", "COUNTER-ENTRY", orNull(v.Void.CounterID)}, {"closed", "", v.Closed},
		{"note", "", jsonOnly(orAbsent(v.Note))},
	}
}

// Corrected shows what became of an event that was to be corrected.
func Corrected(v usage.Voided, applied bool) Document {
	before, after, status := v.Entry, v.Entry, string(v.Status)
	if v.Replacement != nil {
		after, status = *v.Replacement, "corrected"
	}
	difference := pricing.TotalOf(after.Cost).Sub(pricing.TotalOf(before.Cost))
	return fields{
		{"applied", "", applied}, {"id", "", v.Asked}, {"status", "", status}, {"event_id", "", before.ID},
		{"counter_id", "", orNull(v.Void.CounterID)}, {"replaced_by", "", orNull(v.Void.ReplacedBy)},
		{"cost_before", "", before.Cost}, {"cost", "", after.Cost}, {"difference", "", difference},
		{"pricing", "", after.Basis}, {"closed", "", v.Closed}, {"note", "", jsonOnly(orAbsent(v.Note))},
	}.document(func(t *Text) {
		if v.Replacement == nil {
			t.line(good.of(status), text(" "+v.Asked+": "), strong.of(after.Cost.Display()))
			t.Note("it has these values already, as %s: nothing has changed", before.ID)
			return
		}
		recordedAs := ""
		if v.Void.ReplacedBy != "" {
			recordedAs = ", recorded as " + v.Void.ReplacedBy
		}
		t.line(good.of(status), text(" "+v.Asked+": "), strong.of(before.Cost.Display()+" → "+after.Cost.Display()),
			text(" ("+costReason(after)+")"+recordedAs))
		if after.Counts() && after.Basis == pricing.Unpriced {
			t.Warning("there is no price for %s: its cost is 0 until it is rated again", name(after.Provider+" "+after.Model))
		}
		if !applied {
			t.Note("nothing was changed")
		}
		if v.Closed {
			tellClosed(t, difference)
		}
		if v.Note != "" {
			t.Note("%s", v.Note)
		}
	})
}
