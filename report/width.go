package report

import (
	"strings"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// displayWidth returns how many columns of a terminal a text takes once it is
// visible.
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
