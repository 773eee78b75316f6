package main

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	results := []result{
		result{Measurement: "import", What: "fast", Rows: 1000, Unit: "rows/s", Ours: 1234.4}.against(1000,
			"a peer").ratioAtLeast(1),
		result{Measurement: "import", What: "memory", Rows: 1000, Unit: "MB", Ours: 200}.oursBelow(200),
		result{Measurement: "report", What: "nothing measured", Unit: "ms"}.against(0, "").ratioAtMost(1.2),
		{Measurement: "cold", What: "not measured", Note: "why"},
	}
	var out strings.Builder
	at := about{time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), "abc", "a machine", "Go"}
	if err := writeTable(&out, at, results); err != nil {
		t.Fatal(err)
	}
	want := `
2026-11-23 10:00, a machine
Go, commit abc

MEASUREMENT  WHAT              ROWS   OURS          PEER           RATIO  TARGET            NOTE
import       fast              1,000  1,234 rows/s  1,000  a peer  1.23   >= 1      met
             memory            1,000  200 MB                              < 200 MB  MISSED
report       nothing measured         0 ms                                <= 1.2    MISSED
cold         not measured                                                                   why
`
	if got := trimLines(out.String()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		runs []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{1, 2, 3, 4}, 3}} {
		if got := median(c.runs); got != c.want {
			t.Errorf("%v: %v", c.runs, got)
		}
	}
}

func TestSelected(t *testing.T) {
	all := measurements(true)
	for _, c := range []struct {
		only string
		want int
	}{{"", len(all)}, {"import", 5}, {"sqlite-import,cold", 2}, {"disk,sqlite-disk", 4}} {
		s, err := readSettings(func(name string) string { return map[string]string{"BENCH_ONLY": c.only}[name] })
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.selected(measurements(true))
		if err != nil || len(got) != c.want {
			t.Errorf("%q: %d, %v", c.only, len(got), err)
		}
	}
	if _, err := (settings{only: []string{"improt"}}).selected(all); err == nil ||
		!strings.Contains(err.Error(), "improt") {
		t.Errorf("%v", err)
	}
}
