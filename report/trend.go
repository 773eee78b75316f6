package report

import (
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type trendView struct {
	UserID        *string          `json:"user_id"` // null: everyone
	Months        []trendMonthView `json:"months"`
	ProjectedCost pricing.Total    `json:"projected_cost"` // of the running month
}

type trendMonthView struct {
	Month string `json:"month"`
	sumsView
}

// Trend shows usage by month, and what the running month is heading for.
func Trend(tr usage.Trend) Document {
	view := trendView{orNull(tr.User), listOf(tr.Months, func(m usage.TrendMonth) trendMonthView {
		return trendMonthView{m.Month, viewSums(m.ReportRow)}
	}), tr.Projected}
	grid := gridOf(append([]string{"month"}, sumsHeader()...), tr.Months, func(m usage.TrendMonth) []Cell {
		return append([]Cell{TextCell(m.Month)}, viewSums(m.ReportRow).cells()...)
	})
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		who := tr.User
		if who == "" {
			who = "everyone"
		}
		t.Title("usage of %s by month", who)
		if len(tr.Months) == 0 {
			t.Note("no months")
			return nil
		}
		err := t.table(tableOf(append([]column{{"MONTH", words}}, sumsColumns()...), tr.Months, func(m usage.TrendMonth) []span {
			return append([]span{text(m.Month)}, sumsSpans(m.ReportRow)...)
		}))
		if err != nil {
			return err
		}
		running := tr.Months[len(tr.Months)-1]
		t.Line("%s is heading for %s if it goes on as it began", running.Month, projectedForPeople(tr.Projected))
		t.Gap()
		t.trendChart(tr)
		return nil
	}}
}

// projectedForPeople writes an estimate: by the cent, unless it is smaller.
func projectedForPeople(t pricing.Total) string {
	if cents := t.Cents(); cents.Cmp(pricing.Total{}) > 0 {
		return cents.Display()
	}
	return t.Display()
}
