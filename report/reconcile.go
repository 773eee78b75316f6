package report

import (
	"github.com/alwrity/alwrity-sub/health"
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
	checks := health.TotalsChecks(r)
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
