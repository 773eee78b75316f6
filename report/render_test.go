package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/samples"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A terminal set to Chinese or Japanese draws lines twice as wide; the golden
// files are those of the others.
func TestMain(m *testing.M) {
	flag.Parse()
	twwidth.SetEastAsian(false)
	os.Exit(m.Run())
}

func render(t *testing.T, p report.Printer, doc report.Document) string {
	t.Helper()
	var out bytes.Buffer
	p.Out = &out
	p.Hint = func(reason string) string {
		return map[string]string{
			"bill_not_written": "to be written by the next alwrity-sub billing close",
			"calls_unpriced":   "set the price, then run: alwrity-sub pricing rerate",
		}[reason]
	}
	if err := p.Print(doc); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Every document in every format is as testdata has it: read the difference, and
// if it is what you wanted, run: go test ./report -update
func TestGolden(t *testing.T) {
	for _, d := range documents(t) {
		t.Run(d.name, func(t *testing.T) {
			var all bytes.Buffer
			for _, f := range []report.Format{report.FormatTable, report.FormatJSON, report.FormatCSV} {
				fmt.Fprintf(&all, "-- %s --\n%s", f, render(t, report.Printer{Format: f}, d.doc))
			}
			samples.CompareGolden(t, *update, filepath.Join("testdata", d.name+".txt"), all.Bytes())
		})
	}
}

// JSON lines hold what JSON holds: the items of a list, or the one object.
func TestJSONLines(t *testing.T) {
	for _, d := range documents(t) {
		var whole any
		decode(t, d.name, render(t, report.Printer{Format: report.FormatJSON}, d.doc), &whole)
		want, isList := whole.([]any)
		if !isList {
			want = []any{whole}
		}
		got := []any{}
		for line := range strings.Lines(render(t, report.Printer{Format: report.FormatJSONL}, d.doc)) {
			var item any
			decode(t, d.name, line, &item)
			got = append(got, item)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: JSON lines are %v, want %v", d.name, got, want)
		}
	}
}

func decode(t *testing.T, name, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Errorf("%s: %s: %s", name, err, text)
	}
}

// A CSV has a header and no row of another length; encoding/csv refuses those.
func TestCSV(t *testing.T) {
	for _, d := range documents(t) {
		records, err := csv.NewReader(strings.NewReader(render(t, report.Printer{Format: report.FormatCSV}, d.doc))).ReadAll()
		if err != nil || len(records) == 0 {
			t.Errorf("%s: %d records, %v", d.name, len(records), err)
		}
	}
}

func TestEmptyLists(t *testing.T) {
	for _, d := range documents(t) {
		if !strings.HasSuffix(d.name, "-none") {
			continue
		}
		text := render(t, report.Printer{Format: report.FormatTable}, d.doc)
		if !strings.Contains(text, "no") {
			t.Errorf("%s: a person is not told that there is nothing: %q", d.name, text)
		}
		got := render(t, report.Printer{Format: report.FormatJSON}, d.doc)
		if strings.HasPrefix(got, "{") {
			continue // an object with an empty list in it
		}
		if got != "[]\n" {
			t.Errorf("%s: JSON is %q", d.name, got)
		}
		if got := render(t, report.Printer{Format: report.FormatJSONL}, d.doc); got != "" {
			t.Errorf("%s: JSON lines are %q", d.name, got)
		}
		if got := render(t, report.Printer{Format: report.FormatCSV}, d.doc); strings.Count(got, "\n") != 1 {
			t.Errorf("%s: CSV is %q", d.name, got)
		}
	}
}

// With colours off there is no escape sequence, whatever users are called; with
// colours on there are some, and nothing else changes.
func TestColors(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9;]*m")
	spaces, painted := regexp.MustCompile(" *\n"), 0
	for _, d := range documents(t) {
		without := render(t, report.Printer{Format: report.FormatTable}, d.doc)
		with := render(t, report.Printer{Format: report.FormatTable, Color: true}, d.doc)
		if strings.Trim(without, "\n") != strings.Trim(visibleOnly(without), "\n") {
			t.Errorf("%s: what is shown without colours can act on a terminal: %q", d.name, without)
		}
		// tablewriter keeps the spaces at the end of a line whose last cell is painted.
		if spaces.ReplaceAllString(escape.ReplaceAllString(with, ""), "\n") != without {
			t.Errorf("%s: colours change the text:\n%s\n%s", d.name, with, without)
		}
		if with != without {
			painted++
		}
	}
	if painted < 30 {
		t.Errorf("only %d documents have colours", painted)
	}
}

// visibleOnly drops every control character but line breaks.
func visibleOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e' {
			return -1
		}
		return r
	}, s)
}

// Tables of names fit a terminal that is too narrow, by cutting the names only.
func TestNarrow(t *testing.T) {
	doc := report.Users(users(), samples.Now())
	for _, width := range []int{0, 90, 100, 200} {
		text := render(t, report.Printer{Format: report.FormatTable, Width: width}, doc)
		for line := range strings.Lines(text) {
			if got := twwidth.Width(strings.TrimRight(line, "\n")); width > 0 && got > width {
				t.Errorf("a line is %d samples.Wide, more than %d: %s", got, width, line)
			}
		}
		if cut := strings.Contains(text, "…"); cut != (width == 90 || width == 100) {
			t.Errorf("width %d: cut is %v:\n%s", width, cut, text)
		}
		for _, whole := range []string{"suspended", "ends 2026-12-01", "2026-01-31 08:30 UTC", "田中太郎"} {
			if !strings.Contains(text, whole) {
				t.Errorf("width %d: %s is gone:\n%s", width, whole, text)
			}
		}
	}
}

// Columns stand under each other also where characters are two columns wide.
func TestWideCharactersAlign(t *testing.T) {
	text := render(t, report.Printer{Format: report.FormatTable}, report.Users(users(), samples.Now()))
	for line := range strings.Lines(text) {
		before, _, found := strings.Cut(line, "2026-01-31 08:30")
		if want := twwidth.Width(strings.Split(text, "SINCE")[0]); found && twwidth.Width(before) != want {
			t.Errorf("the column begins at %d, not at %d: %s", twwidth.Width(before), want, line)
		}
	}
}
