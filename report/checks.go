package report

import (
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/usage"
)

func checkRows(checks []health.Check) rows {
	return rowsOf(checks, func(c health.Check) fields {
		return fields{{"name", "", c.Name}, {"ok", "", c.OK}, {"detail", "", c.Detail}, {"hint", "", orAbsent(c.Hint)},
			{"warning", "", jsonOnly(orAbsent(c.Warning))}}
	})
}

// checked are the fields of all that was checked.
func checked(checks []health.Check) fields {
	return fields{{"ok", "", failedChecks(checks) == 0}, {"checks", "", checkRows(checks)}}
}

func failedChecks(checks []health.Check) int {
	failed := 0
	for _, c := range checks {
		if !c.OK {
			failed++
		}
	}
	return failed
}

// Checks shows what was checked, a line each.
func Checks(checks []health.Check) Document {
	return Document{JSON: checked(checks), CSV: checkRows(checks), Text: func(t *Text) {
		t.checks(checks)
		if failed := failedChecks(checks); failed > 0 {
			t.line(bad.of(failure.Counted(failed, "problem")), text(" in "+failure.Counted(len(checks), "check")))
			return
		}
		t.line(good.of("all is well"), text(": "+failure.Counted(len(checks), "check")))
	}}
}

func (t *Text) checks(checks []health.Check) {
	widest := 0
	for _, c := range checks {
		widest = max(widest, displayWidth(c.Name))
	}
	for _, c := range checks {
		mark := good.of("✓")
		switch {
		case !c.OK:
			mark = bad.of("✗")
		case c.Warning:
			mark = caution.of("!")
		}
		t.line(mark, text(" "), text(padded(c.Name, widest)), text("  "+c.Detail))
		if c.Hint != "" {
			t.line(text("  "), dim.of(padded("", widest)+"  → "+c.Hint))
		}
	}
}

// Reconciliation shows whether the totals are the sums of the log, with the checks of health.TotalsChecks. It is all
// well where there were discrepancies and they have been repaired.
func Reconciliation(r usage.Reconciliation, checks []health.Check) Document {
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
		{"repaired", "", r.Repaired}, {"log_rows", "", r.LogRows}, {"archived_rows", "", r.ArchivedRows},
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
