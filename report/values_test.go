package report_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/samples"
	"github.com/alwrity/alwrity-sub/usage"
)

// Whatever a model is called, a terminal is shown one plain line of it.
func TestHostileTextsInTables(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := entry()
		e.Model = rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("a\x1b[\u009b\r\n\t\a")))).
			Draw(rt, "model")
		e.ID = string(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(rt, "bytes"))
		text := render(t, report.Printer{Format: report.FormatTable},
			report.Logs([]usage.Entry{e}, func(int64) string { return "Pro" }))
		if lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n"); len(lines) != 3 {
			rt.Fatalf("%d lines: %q", len(lines), text)
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			rt.Fatalf("%q can act on a terminal", text[i:])
		}
	})
}

// A CSV of the log gives every text back and starts no formula.
func TestHostileTextsInCSV(t *testing.T) {
	text := render(t, report.Printer{Format: report.FormatCSV},
		report.Logs([]usage.Entry{hostileEntry()}, func(int64) string { return "+Pro" }))
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	e := hostileEntry()
	want := map[string]string{"id": e.ID, "user_id": e.UserID, "model": e.Model, "error_message": e.ErrorMessage,
		"plan": "+Pro"}
	for i, name := range records[0] {
		cell := records[1][i]
		if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
			t.Errorf("%s is a formula: %q", name, cell)
		}
		if text, ok := want[name]; ok && usage.UnprotectCell(cell) != text {
			t.Errorf("%s is %q, want %q", name, usage.UnprotectCell(cell), text)
		}
	}
}

// Numbers are numbers to a spreadsheet, also those below zero.
func TestNegativeAmountsStayNumbers(t *testing.T) {
	doc := report.Rerating(usage.RerateResult{Changed: 1,
		Users: []usage.UserDifference{{UserID: "-u", Events: 1, Before: samples.Total("2"), After: samples.Total("0.5")}}},
		true)
	if got := render(t, report.Printer{Format: report.FormatCSV}, doc); !strings.Contains(got, "'-u,1,2,0.5,-1.5,0\n") {
		t.Error(got)
	}
	if got := render(t, report.Printer{Format: report.FormatTable}, doc); !strings.Contains(got, "-$1.50") {
		t.Error(got)
	}
}

func TestLimitsInJSONAndTable(t *testing.T) {
	calls := plan.Limit{Name: "l", Meter: plan.Calls, Max: 1000, Action: plan.Block}
	of := func(change func(*usage.LimitUse)) usage.LimitVerdict {
		u := usage.LimitUse{Limit: calls}
		change(&u)
		return usage.LimitVerdict{LimitUse: u, OK: true}
	}
	for _, test := range []struct {
		name     string
		verdict  usage.LimitVerdict
		json     string // the fields used, max, percent
		rendered string // in the table
	}{
		{"unused", of(func(*usage.LimitUse) {}), `0 1000 0.0`, "░░░░░░░░░░░░░░░░░░░░   0.0%"},
		{"hardly used", of(func(u *usage.LimitUse) { u.Used = 1 }), `1 1000 0.1`, "▏░░░░░░░░░░░░░░░░░░░   0.1%"},
		{"almost full", of(func(u *usage.LimitUse) { u.Used = 999 }), `999 1000 99.9`, "███████████████████░  99.9%"},
		{"full", of(func(u *usage.LimitUse) { u.Used = 1000 }), `1000 1000 100.0`, "████████████████████ 100.0%"},
		{"beyond", of(func(u *usage.LimitUse) { u.Used = 123_456 }), `123456 1000 12345.6`, "████████████████████  >999%"},
		{"unlimited", of(func(u *usage.LimitUse) { u.Used, u.Limit.Unlimited = 5, true }), `5 <nil> <nil>`, "unlimited"},
		{"not included", of(func(u *usage.LimitUse) { u.Limit.Max = 0 }), `0 0 <nil>`, "not in plan"},
		{"dollars", of(func(u *usage.LimitUse) {
			u.Limit.Meter, u.Limit.Max, u.Used = plan.Cost, int64(samples.USD("3")), int64(samples.USD("1"))
		}),
			`1 3 33.3`, "██████░░░░░░░░░░░░░░  33.3%"},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := usage.PeriodUsage{UserID: "alice", Plan: samples.ProPlan(), Period: samples.November(),
				Limits: []usage.LimitVerdict{test.verdict}}
			if got := render(t, report.Printer{Format: report.FormatTable}, report.Usage(st)); !strings.Contains(got,
				test.rendered) {
				t.Errorf("%q is missing in\n%s", test.rendered, got)
			}
			if got := limitFields(t, render(t, report.Printer{Format: report.FormatJSON}, report.Usage(st))); got != test.json {
				t.Errorf("JSON has %s, want %s", got, test.json)
			}
		})
	}
}

// limitFields returns used, max and percent of the first limit as they stand.
func limitFields(t *testing.T, text string) string {
	t.Helper()
	var st struct {
		Limits []struct{ Used, Max, Percent any }
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&st); err != nil {
		t.Fatal(err)
	}
	l := st.Limits[0]
	return fmt.Sprintf("%v %v %v", l.Used, l.Max, l.Percent)
}

// Where the plans have not been seeded, nobody's plan can be shown.
func TestUserWithoutPlans(t *testing.T) {
	nobody := billing.Subscriber{Account: plan.Account{UserID: "alice"}}
	if _, err := report.User(nobody, samples.Now()); !failure.Is(err, failure.Unavailable) {
		t.Errorf("%v", err)
	}
}

func TestReconciliationIsWellOnceRepaired(t *testing.T) {
	for _, test := range []struct {
		r    usage.Reconciliation
		want string
	}{
		{usage.Reconciliation{LogRows: 5}, `"ok":true`},
		{reconciliation(), `"ok":false`},
		{usage.Reconciliation{Repaired: true, Discrepancies: reconciliation().Discrepancies}, `"ok":true`},
	} {
		got := render(t, report.Printer{Format: report.FormatJSONL}, reconciled(test.r))
		if !strings.HasPrefix(got, "{"+test.want) {
			t.Errorf("%+v: %s", test.r, got)
		}
	}
}
