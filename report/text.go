package report

import (
	"bytes"
	"fmt"
	"strings"
)

// Text collects what a person reads. Whatever is written to it is made safe for
// a terminal first and painted afterwards, so that the only escape sequences in
// it are its own.
type Text struct {
	out   *bytes.Buffer
	paint painter
	color bool
	width int   // of the terminal; 0 where it is not known
	err   error // the first one
}

// span is a piece of text in one style.
type span struct {
	text  string
	style style
}

func text(s string) span { return span{text: s} }

// Line writes one line.
func (t *Text) Line(format string, args ...any) { t.line(text(fmt.Sprintf(format, args...))) }

// Note writes one line of less weight.
func (t *Text) Note(format string, args ...any) { t.line(dim.of(fmt.Sprintf(format, args...))) }

// Warning writes one line that is not to be missed.
func (t *Text) Warning(format string, args ...any) {
	t.line(caution.of("warning: " + fmt.Sprintf(format, args...)))
}

// Title writes one line that names what follows.
func (t *Text) Title(format string, args ...any) { t.line(strong.of(fmt.Sprintf(format, args...))) }

// Gap writes an empty line.
func (t *Text) Gap() { t.out.WriteByte('\n') }

func (t *Text) line(spans ...span) {
	for _, s := range spans {
		t.out.WriteString(t.paint(s.style, Visible(s.text)))
	}
	t.out.WriteByte('\n')
}

// facts writes titles and values in two columns.
func (t *Text) facts(facts fields) {
	widest := 0
	for _, f := range facts {
		widest = max(widest, displayWidth(f.title))
	}
	for _, f := range facts {
		t.line(dim.of(padded(strings.ToLower(f.title), widest)), text("  "), valueOf(f.value).span())
	}
}
