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

func (s style) attribute() color.Attribute {
	switch s {
	case strong:
		return color.Bold
	case dim:
		return color.Faint
	case good:
		return color.FgGreen
	case caution:
		return color.FgYellow
	case bad:
		return color.FgRed
	}
	return color.Reset
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
		c := color.New(s.attribute())
		c.EnableColor()
		return c.Sprint(text)
	}
}

// of returns a text in a style.
func (s style) of(text string) span { return span{text, s} }
