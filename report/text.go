package report

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Text collects what a person reads. Whatever is written to it is made safe for a terminal first and painted
// afterwards, so that the only escape sequences in it are its own.
type Text struct {
	out   *bytes.Buffer
	paint painter
	color bool
	width int   // of the terminal; 0 where it is not known
	err   error // the first one
	hints func(reason string) string
	parts *[]Part // takes what would be written; nil: it is written
}

// hint returns what a person can do about a reason, with something before it; "" where nothing is known.
func (t *Text) hint(before, reason string) string {
	if t.hints == nil || t.hints(reason) == "" {
		return ""
	}
	return before + t.hints(reason)
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
func (t *Text) Gap() {
	if t.parts == nil {
		t.out.WriteByte('\n')
	}
}

func (t *Text) line(spans ...span) {
	if t.parts != nil {
		t.add(Part{Line: listOf(spans, cellOf)})
		return
	}
	for _, s := range spans {
		t.out.WriteString(t.paint(s.style, Visible(s.text)))
	}
	t.out.WriteByte('\n')
}

// facts writes titles and values in two columns.
func (t *Text) facts(facts fields) {
	if t.parts != nil {
		t.addFacts(facts)
		return
	}
	widest := 0
	for _, f := range facts {
		widest = max(widest, displayWidth(f.title))
	}
	for _, f := range facts {
		t.line(dim.of(padded(strings.ToLower(f.title), widest)), text("  "), valueOf(f.value).span())
	}
}

// Visible returns a text that does nothing to a terminal: what can't be printed (control characters, escape sequences,
// marks that turn the direction of writing, bytes that are no text) is spelled as in Go's source, such as \x1b.
func Visible(s string) string {
	if isVisible(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[0])|0x100, 16)[1:])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		s = s[size:]
	}
	return b.String()
}

func isVisible(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) < 0
}

// displayWidth returns how many columns of a terminal a text takes once it is visible.
func displayWidth(s string) int { return twwidth.Width(Visible(s)) }

// padded fills a text up with spaces to a width.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-displayWidth(s)))
}

// shortened cuts a text to a width, with … in the place of what is gone.
func shortened(s string, width int) string {
	s = Visible(s)
	if twwidth.Width(s) <= width {
		return s // Truncate would put its … after a text that fits, too
	}
	return twwidth.Truncate(s, width, "…")
}

// style is how a piece of text looks where there are colours.
type style int

const (
	plain   style = iota
	strong        // headers and totals
	dim           // notes
	good          // well within
	caution       // getting close
	bad           // refused, failed
)

var attributes = [...]color.Attribute{ // read-only
	strong: color.Bold, dim: color.Faint, good: color.FgGreen, caution: color.FgYellow, bad: color.FgRed,
}

// painter puts a text into a style.
type painter func(s style, text string) string

// newPainter returns a painter, or one that leaves every text as it is. It never
// asks the color package's global, which looks at the process's own terminal.
func newPainter(enabled bool) painter {
	return func(s style, text string) string {
		if !enabled || s == plain || text == "" {
			return text
		}
		c := color.New(attributes[s])
		c.EnableColor()
		return c.Sprint(text)
	}
}

// of returns a text in a style.
func (s style) of(text string) span { return span{text, s} }
