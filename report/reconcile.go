package report

import (
	"fmt"

	"github.com/alwrity/alwrity-sub/usage"
)

type reconciliationView struct {
	checksView
	Discrepancies []discrepancyView `json:"discrepancies"`
	More          bool              `json:"more"` // discrepancies than are listed
	Repaired      bool              `json:"repaired"`
	LogRows       int64             `json:"log_rows"`
	ArchivedRows  int64             `json:"archived_rows"`
}

type discrepancyView struct {
	Table  string `json:"table"`
	Key    string `json:"key"`
	Field  string `json:"field"`
	Log    string `json:"log"`
	Stored string `json:"stored"`
}

// Reconciliation shows whether the totals are the sums of the log. It is all
// well where there were discrepancies and they have been repaired.
func Reconciliation(r usage.Reconciliation) Document {
	checks := ReconciliationChecks(r)
	view := reconciliationView{viewChecks(checks), listOf(r.Discrepancies, func(d usage.Discrepancy) discrepancyView { return discrepancyView(d) }),
		r.More, r.Repaired, r.LogRows, r.ArchivedRows}
	grid := gridOf([]string{"table", "key", "field", "log", "stored"}, r.Discrepancies, func(d usage.Discrepancy) []Cell {
		return []Cell{TextCell(d.Table), TextCell(d.Key), TextCell(d.Field), TextCell(d.Log), TextCell(d.Stored)}
	})
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		t.checks(checks)
		if len(r.Discrepancies) == 0 {
			return nil
		}
		t.Gap()
		columns := []column{{"TABLE", words}, {"KEY", words}, {"FIELD", words}, {"LOG", number}, {"STORED", number}}
		err := t.table(tableOf(columns, r.Discrepancies, func(d usage.Discrepancy) []span {
			return []span{text(d.Table), text(d.Key), text(d.Field), good.of(d.Log), bad.of(d.Stored)}
		}))
		if r.More {
			t.Note("and more that are not listed")
		}
		return err
	}}
}

// ReconciliationChecks says the same as checks, one for each table of totals.
func ReconciliationChecks(r usage.Reconciliation) []Check {
	return []Check{
		reconciledTable(r, "usage_summaries", r.Summaries),
		reconciledTable(r, "usage_daily", r.Daily),
		reconciledRollup(r, "usage_fleet_daily", r.FleetDaily),
		reconciledRollup(r, "usage_user_monthly", r.UserMonthly),
	}
}

// reconciledRollup is for a table that sums usage_daily up.
func reconciledRollup(r usage.Reconciliation, name string, rows int64) Check {
	if !r.Rollups && !r.Repaired {
		return Check{Name: name, OK: true, Detail: "not compared: it is the sum of usage_daily, which comes first"}
	}
	return reconciledTable(r, name, rows)
}

func reconciledTable(r usage.Reconciliation, name string, rows int64) Check {
	differ := 0
	for _, d := range r.Discrepancies {
		if d.Table == name {
			differ++
		}
	}
	c := Check{Name: name, OK: differ == 0 || r.Repaired}
	switch {
	case differ == 0:
		c.Detail = fmt.Sprintf("%s agree with %s", Counted(rows, "total"), logRows(r))
	case r.Repaired:
		c.Detail = fmt.Sprintf("%s repaired from %s", Counted(differ, "difference"), logRows(r))
	default:
		c.Detail = fmt.Sprintf("%s from the sums of %s", Counted(differ, "difference"), logRows(r))
		c.Hint = "to rebuild them from the log: alwrity-sub reconcile --repair"
	}
	return c
}

// logRows says what the totals are compared with.
func logRows(r usage.Reconciliation) string {
	rows := Counted(r.LogRows, "log row")
	if r.ArchivedRows > 0 {
		rows += " and " + Count(r.ArchivedRows) + " archived"
	}
	return rows
}
