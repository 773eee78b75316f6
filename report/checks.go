package report

import "github.com/alwrity/alwrity-sub/health"

func checkRows(checks []health.Check) rows {
	return rowsOf(checks, func(c health.Check) fields {
		return fields{{"name", "", c.Name}, {"ok", "", c.OK}, {"detail", "", c.Detail}, {"hint", "", orAbsent(c.Hint)}}
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
			t.line(bad.of(Counted(failed, "problem")), text(" in "+Counted(len(checks), "check")))
			return
		}
		t.line(good.of("all is well"), text(": "+Counted(len(checks), "check")))
	}}
}

func (t *Text) checks(checks []health.Check) {
	widest := 0
	for _, c := range checks {
		widest = max(widest, displayWidth(c.Name))
	}
	for _, c := range checks {
		mark := good.of("✓")
		if !c.OK {
			mark = bad.of("✗")
		}
		t.line(mark, text(" "), text(padded(c.Name, widest)), text("  "+c.Detail))
		if c.Hint != "" {
			t.line(text("  "), dim.of(padded("", widest)+"  → "+c.Hint))
		}
	}
}
