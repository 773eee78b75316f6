package cmd

import (
	"os"

	"golang.org/x/term"
)

// The values of --color.
const (
	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

// terminal tells whether a file is a terminal, and how wide it is.
func terminal(file *os.File) (is bool, width int) {
	fd := int(file.Fd())
	if !term.IsTerminal(fd) {
		return false, 0
	}
	width, _, err := term.GetSize(fd)
	if err != nil {
		return true, 0
	}
	return true, width
}

// colored decides whether a stream gets colours. As https://no-color.org asks
// for, NO_COLOR changes the default and not what a user has set.
func (p Process) colored(mode string, isTerminal bool) bool {
	switch mode {
	case colorAlways:
		return true
	case colorNever:
		return false
	}
	return isTerminal && p.getenv("NO_COLOR") == "" && !p.dumb()
}

// dumb tells whether the terminal can't do more than lines of text.
func (p Process) dumb() bool { return p.getenv("TERM") == "dumb" }
