package report

import "github.com/fatih/color"

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
