package report

import "github.com/alwrity/alwrity-sub/health"

type checksView struct {
	OK     bool        `json:"ok"`
	Checks []checkView `json:"checks"`
}

type checkView struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

func viewChecks(checks []health.Check) checksView {
	return checksView{failedChecks(checks) == 0, listOf(checks, func(c health.Check) checkView { return checkView(c) })}
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

func checksGrid(checks []health.Check) Grid {
	return gridOf([]string{"name", "ok", "detail", "hint"}, checks, func(c health.Check) []Cell {
		return []Cell{TextCell(c.Name), BoolCell(c.OK), TextCell(c.Detail), TextCell(c.Hint)}
	})
}

// Checks shows what was checked, a line each.
func Checks(checks []health.Check) Document {
	return Document{JSON: viewChecks(checks), CSV: checksGrid(checks), Text: func(t *Text) error {
		t.checks(checks)
		if failed := failedChecks(checks); failed > 0 {
			t.line(bad.of(Counted(failed, "problem")), text(" in "+Counted(len(checks), "check")))
			return nil
		}
		t.line(good.of("all is well"), text(": "+Counted(len(checks), "check")))
		return nil
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
