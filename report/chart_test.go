package report_test

import (
	"strings"
	"testing"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/samples"
	"github.com/alwrity/alwrity-sub/usage"
)

func withCosts(r usage.Report, cost func(i int) pricing.Total) usage.Report {
	for i := range r.Rows {
		r.Rows[i].Cost = cost(i)
	}
	return r
}

func chartOf(t *testing.T, p report.Printer, doc report.Document) string {
	t.Helper()
	text := render(t, p, doc)
	_, chart, found := strings.Cut(text, "\n\n")
	if !found {
		t.Fatalf("there is no chart:\n%s", text)
	}
	return chart
}

func TestReportCharts(t *testing.T) {
	for _, test := range []struct {
		name   string
		report usage.Report
		has    []string // in the chart
	}{
		{"one day", byDay(1), []string{"2026-01-01", "█", "$3.00"}},
		{"two days", byDay(2), []string{"cost by day", "2026-01-01", "2026-01-02", "$4 ┤", "$0 ┤"}},
		{"a month", byDay(30), []string{"cost by day", "$10 ┤", "2026-01-01", "2026-01-30"}},
		{"hundreds of days", byDay(400), []string{"mean of 7 days", "2026-01-01"}},
		{"all zero", withCosts(byDay(30), func(int) pricing.Total { return pricing.Total{} }), []string{"$0.00 ┼───"}},
		{"tiny", withCosts(byDay(5), func(i int) pricing.Total { return samples.Total("0.00000004").Scale(int64(i), 1) }),
			[]string{"$0.00000016 ┤", "$0.00000000 ┼"}},
		{"huge", withCosts(byDay(5), func(i int) pricing.Total { return samples.Total("1250000").Scale(int64(i), 1) }),
			[]string{"$5,000,000 ┤", "$0 ┼"}},
		{"bars", byModel(), []string{"alice · gemini-2.5-pro  ", "███ $1,234.50", "▏ $0.0000375", "guest · –  "}},
		{"bars of nothing", withCosts(byModel(), func(int) pricing.Total { return pricing.Total{} }),
			[]string{"alice · gemini-2.5-pro ", " $0.00"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, width := range []int{0, 60, 80, 120, 300} {
				chart := chartOf(t, report.Printer{Format: report.FormatTable, Width: width}, report.Report(test.report, true))
				for _, part := range test.has {
					if !strings.Contains(chart, part) && width != 60 && width < 120 {
						t.Errorf("width %d: %q is missing in\n%s", width, part, chart)
					}
				}
				mustFit(t, chart, width)
			}
		})
	}
}

// mustFit checks that a chart keeps to the terminal's width, or to 80 columns
// where that is not known.
func mustFit(t *testing.T, chart string, width int) {
	t.Helper()
	if width == 0 {
		width = 80
	}
	if strings.Contains(chart, "NaN") || strings.Contains(chart, "Inf") || strings.Contains(chart, "\x1b") {
		t.Errorf("width %d: a chart with what is no amount:\n%s", width, chart)
	}
	for line := range strings.Lines(chart) {
		if got := twwidth.Width(strings.TrimRight(line, "\n")); got > width {
			t.Errorf("a line is %d samples.Wide, more than %d: %s", got, width, line)
		}
	}
}

// A report that leaves rows out can't say what a day without usage is.
func TestTopHasBars(t *testing.T) {
	r := byDay(14)
	r.Left = 3
	if chart := chartOf(t, report.Printer{Format: report.FormatTable}, report.Report(r, true)); !strings.Contains(chart,
		"█") {
		t.Errorf("no bars:\n%s", chart)
	}
}

// Days without usage are drawn as zero, not left out, and rows of one day are added up.
func TestDaysWithoutUsage(t *testing.T) {
	r := byDay(3)
	r.Query.By = []usage.Dimension{usage.ByDay, usage.ByUser}
	r.Rows = []usage.ReportRow{
		{Keys: []string{"2026-01-01", "alice"}, Cost: samples.Total("4")},
		{Keys: []string{"2026-01-01", "bob"}, Cost: samples.Total("4")},
		{Keys: []string{"2026-01-03", "bob"}, Cost: samples.Total("8")},
	}
	chart := chartOf(t, report.Printer{Format: report.FormatTable}, report.Report(r, true))
	for _, part := range []string{"$8 ┼", "$0 ┤", "2026-01-02"} {
		if !strings.Contains(chart, part) {
			t.Errorf("%q is missing:\n%s", part, chart)
		}
	}
}

func TestTrendCharts(t *testing.T) {
	year := strings.Fields("1 2 3 4 5 6 7 8 9 10 11 12")
	for _, test := range []struct {
		name  string
		trend usage.Trend
		has   []string
	}{
		{"one month", trend("130"), []string{"2026-11 so far", "projected", "$171.23"}},
		{"nothing", usage.Trend{Months: trend("0", "0").Months}, []string{"$0.00 ┼"}},
		{"half a year", trend("80", "95.5", "0", "120.25", "140", "130"),
			[]string{"╌", "$175 ┤", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11"}},
		{"a year", trend(year...), []string{"╭", "Dec", "2026", "Feb", "Nov"}},
		{"ten years", trend(strings.Fields(strings.Repeat("1 2 3 4 5 ", 24))...), []string{"2016-12", "2026-11"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, width := range []int{0, 60, 80, 120} {
				chart := chartOf(t, report.Printer{Format: report.FormatTable, Width: width}, report.Trend(test.trend))
				for _, part := range test.has {
					if !strings.Contains(chart, part) && width != 60 && width < 120 {
						t.Errorf("width %d: %q is missing in\n%s", width, part, chart)
					}
				}
				mustFit(t, chart, width)
			}
		})
	}
}
