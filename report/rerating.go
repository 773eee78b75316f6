package report

import (
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Rerating shows what rating recorded usage again changes, or has changed.
func Rerating(r usage.RerateResult, applied bool) Document {
	amounts := func(before, after, closed pricing.Total) fields {
		return fields{
			{"before", "BEFORE", before},
			{"after", "AFTER", after},
			{"difference", "DIFFERENCE", after.Sub(before)},
			{"closed_difference", "OF IT CLOSED", closed},
		}
	}
	users := rowsOf(r.Users, func(u usage.UserDifference) fields {
		return append(fields{{"user_id", "USER", name(u.UserID)}, {"events", "EVENTS", u.Events}},
			amounts(u.Before, u.After, u.Closed)...)
	})
	sums := amounts(r.Before, r.After, r.Closed)
	all := append(fields{{"applied", "", applied}, {"read", "", r.Read}, {"changed", "", r.Changed},
		{"priced", "", r.Priced}}, sums...)
	all = append(all, fields{{"archived_months", "", r.Archived}, {"users", "", users}}...)
	return Document{JSON: all, CSV: users, Text: func(t *Text) {
		if r.Archived > 0 {
			defer t.Note("%s left out, since nothing of an archived month can be changed",
				failure.Counted(r.Archived, "archived month"))
		}
		if r.Changed == 0 {
			t.Note("%s read, none comes out otherwise", failure.Counted(r.Read, "event"))
			return
		}
		footer := append([]span{text("TOTAL"), text(Count(r.Changed))}, sums.spans()...)
		t.table(users.table("").total(inBold(footer)...))
		t.Note("%s read, %s of them without a price before; %s", failure.Counted(r.Read, "event"), Count(r.Priced),
			doneOrNot(applied))
		if r.Closed.Cmp(pricing.Total{}) != 0 {
			t.Note("what is in closed periods becomes an adjustment on the next bills")
		}
	}}
}

func doneOrNot(applied bool) string {
	if applied {
		return "applied"
	}
	return "nothing applied"
}
