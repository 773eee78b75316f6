// Package page makes HTML pages that are complete in one file: it asks for nothing from
// outside, its style is within it, its charts are drawn here, and it has no script. What
// users are called is escaped by html/template wherever it stands.
package page

import (
	"bytes"
	_ "embed" // the style sheet
	"html/template"
	"io"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
)

//go:embed base.css
var base string

// Style is the style that all pages share, for those that load it.
func Style() string { return base }

// Page is a result that is written to a file of its own.
type Page func(io.Writer) error

// New makes a page of a template and its style sheet, on top of the style that all pages share.
func New(html, css string, data any) Page {
	return func(w io.Writer) error {
		style := func() template.CSS { return template.CSS(base + css) } //nolint:gosec // they are our own files
		t, err := template.New("page").Funcs(template.FuncMap{"style": style}).Parse(html)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, data); err != nil {
			return err
		}
		_, err = w.Write(withoutBlankLines(out.Bytes()))
		return err
	}
}

// withoutBlankLines drops the lines that a template leaves where it had nothing to say.
func withoutBlankLines(text []byte) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		if len(bytes.TrimSpace(line)) > 0 {
			out = append(out, line...)
		}
	}
	return out
}

// Bar is a horizontal bar: its length in hundredths of the longest.
type Bar struct {
	Class string
	Width int
	Track bool // the whole length is drawn faintly behind it
}

// Day writes a day as a letter does: "1 Nov 2026".
func Day(t time.Time) string { return t.UTC().Format("2 Jan 2006") }

// Days writes a period as a letter does, with its last day: "1 Oct – 31 Oct 2026". One
// that does not begin and end at midnight has its times too.
func Days(p plan.Period) string {
	start, end := p.Start.UTC(), p.End.UTC()
	if !report.WholeDays(p) {
		const layout = "2 Jan 2006 15:04"
		return start.Format(layout) + " – " + end.Format(layout) + " UTC"
	}
	last := end.AddDate(0, 0, -1)
	if start.Year() == last.Year() {
		return start.Format("2 Jan") + " – " + Day(last)
	}
	return Day(start) + " – " + Day(last)
}
