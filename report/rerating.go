package report

import (
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type reratingView struct {
	Applied    bool               `json:"applied"`
	Read       int64              `json:"read"`
	Changed    int64              `json:"changed"`
	Priced     int64              `json:"priced"`
	Before     pricing.Total      `json:"before"`
	After      pricing.Total      `json:"after"`
	Difference pricing.Total      `json:"difference"`
	Closed     pricing.Total      `json:"closed_difference"`
	Archived   int64              `json:"archived_months"`
	Users      []reratingUserView `json:"users"`
}

type reratingUserView struct {
	UserID     string        `json:"user_id"`
	Events     int64         `json:"events"`
	Before     pricing.Total `json:"before"`
	After      pricing.Total `json:"after"`
	Difference pricing.Total `json:"difference"`
	Closed     pricing.Total `json:"closed_difference"`
}

func viewReratingUser(u usage.UserDifference) reratingUserView {
	return reratingUserView{u.UserID, u.Events, u.Before, u.After, u.After.Sub(u.Before), u.Closed}
}

// Rerating shows what rating recorded usage again changes, or has changed.
func Rerating(r usage.RerateResult, applied bool) Document {
	view := reratingView{applied, r.Read, r.Changed, r.Priced, r.Before, r.After, r.After.Sub(r.Before), r.Closed, r.Archived, listOf(r.Users, viewReratingUser)}
	grid := gridOf([]string{"user_id", "events", "before", "after", "difference", "closed_difference"}, view.Users, func(u reratingUserView) []Cell {
		return []Cell{TextCell(u.UserID), NumberCell(u.Events), MoneyCell(u.Before), MoneyCell(u.After), MoneyCell(u.Difference), MoneyCell(u.Closed)}
	})
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		if r.Archived > 0 {
			defer t.Note("%s left out, since nothing of an archived month can be changed", Counted(r.Archived, "archived month"))
		}
		if r.Changed == 0 {
			t.Note("%s read, none comes out otherwise", Counted(r.Read, "event"))
			return nil
		}
		columns := []column{{"USER", names}, {"EVENTS", number}, {"BEFORE", money}, {"AFTER", money}, {"DIFFERENCE", money}, {"OF IT CLOSED", money}}
		tb := tableOf(columns, view.Users, func(u reratingUserView) []span {
			return []span{text(u.UserID), text(Count(u.Events)), text(u.Before.Display()), text(u.After.Display()), text(u.Difference.Display()), text(u.Closed.Display())}
		})
		tb.footer = []span{strong.of("TOTAL"), strong.of(Count(r.Changed)), strong.of(r.Before.Display()),
			strong.of(r.After.Display()), strong.of(view.Difference.Display()), strong.of(r.Closed.Display())}
		err := t.table(tb)
		t.Note("%s read, %s of them without a price before; %s", Counted(r.Read, "event"), Count(r.Priced), doneOrNot(applied))
		if r.Closed.Cmp(pricing.Total{}) != 0 {
			t.Note("what is in closed periods becomes an adjustment on the next bills")
		}
		return err
	}}
}

func doneOrNot(applied bool) string {
	if applied {
		return "applied"
	}
	return "nothing applied"
}
