package report

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"strings"

	"github.com/alwrity/alwrity-sub/pricing"
)

// A page is one file that asks for nothing from outside: its style is within it, its
// charts are drawn here, and it has no script. What users are called is escaped by
// html/template wherever it stands.
//
//go:embed pages
var pages embed.FS

// Page is a result that is written to a file of its own.
type Page func(io.Writer) error

// page makes a page of a template and its style sheets.
func page(name string, data any, sheets ...string) Page {
	return func(w io.Writer) error {
		t, err := template.New(name).Funcs(template.FuncMap{"style": func() (template.CSS, error) { return styleOf(sheets) }}).ParseFS(pages, "pages/"+name)
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

func styleOf(sheets []string) (template.CSS, error) {
	var all strings.Builder
	for _, name := range sheets {
		text, err := pages.ReadFile("pages/" + name)
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	return template.CSS(all.String()), nil //nolint:gosec // it is our own file
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

// figure is an amount of money on a page: what is shown, and the exact amount beside it
// for whoever looks.
type figure struct {
	Exact    string
	Shown    string
	Negative bool
}

// cents shows an amount in whole cents.
func cents(t pricing.Total) figure {
	return figure{t.String(), minusSign(t.NearestCent().Display()), t.NearestCent().Cmp(pricing.Total{}) < 0}
}

// calm shows an amount that is no loss where it is below 0.
func calm(t pricing.Total) figure {
	f := cents(t)
	f.Negative = false
	return f
}

// minusSign writes a real minus before an amount, as wide as a digit.
func minusSign(amount string) string {
	if rest, ok := strings.CutPrefix(amount, "-"); ok {
		return "−" + rest
	}
	return amount
}

// bar is a horizontal bar: its length in hundredths of the longest.
type bar struct {
	Class string
	Width int
	Track bool // the whole length is drawn faintly behind it
}

// barOf returns the bar of an amount. What is there at all shows.
func barOf(class string, amount, most pricing.Total) bar {
	perMille, ok := amount.PerMilleOf(most)
	if !ok || perMille < 0 {
		return bar{Class: class}
	}
	width := int(min(perMille, 1000) / 10)
	if width == 0 && amount.Cmp(pricing.Total{}) > 0 {
		width = 1
	}
	return bar{Class: class, Width: width}
}
