package report

import (
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/usage"
)

// Reconciliation shows whether the totals are the sums of the log. It is all
// well where there were discrepancies and they have been repaired.
func Reconciliation(r usage.Reconciliation) Document {
	checks := health.TotalsChecks(r)
	differ := rowsOf(r.Discrepancies, func(d usage.Discrepancy) fields {
		return fields{
			{"table", "TABLE", d.Table},
			{"key", "KEY", d.Key},
			{"field", "FIELD", d.Field},
			{"log", "LOG", shownAs(number, d.Log, good.of(d.Log))},
			{"stored", "STORED", shownAs(number, d.Stored, bad.of(d.Stored))},
		}
	})
	all := append(checked(checks), fields{
		{"discrepancies", "", differ},
		{"more", "", r.More}, // than are listed
		{"repaired", "", r.Repaired},
		{"log_rows", "", r.LogRows},
		{"archived_rows", "", r.ArchivedRows},
	}...)
	return Document{JSON: all, CSV: differ, Text: func(t *Text) {
		t.checks(checks)
		if len(r.Discrepancies) == 0 {
			return
		}
		t.Gap()
		t.table(differ.table(""))
		if r.More {
			t.Note("and more that are not listed")
		}
	}}
}
