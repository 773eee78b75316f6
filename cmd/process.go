package cmd

import (
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/alwrity/alwrity-sub/usage"
)

// Process is everything that the program takes from the operating system, so that the whole of it runs inside a test.
type Process struct {
	Args      []string // without the program's own name
	In        io.Reader
	Out, Err  io.Writer
	Environ   []string // NAME=value
	Dir       string   // what relative paths of databases and configuration count from
	ConfigDir string   // the user's directory for configuration; "" if there is none
	Now       func() time.Time
	Version   string
	// LockTimeout is how long a lock of the database is waited for; 0: as db has it.
	LockTimeout time.Duration

	OutTerminal bool
	ErrTerminal bool
	Width       int // columns of the terminal that Out is; 0 where it is not known
}

// FromOS returns the process that the program runs as. version is what the build has set.
func FromOS(version string) Process {
	dir, err := os.Getwd()
	if err != nil {
		dir = "." // a directory that was removed: relative paths fail when they are used
	}
	configDir, err := os.UserConfigDir()
	if err != nil {
		configDir = "" // no HOME, as under some crons: there is no such file then
	}
	outTerminal, width := terminal(os.Stdout)
	errTerminal, _ := terminal(os.Stderr)
	return Process{
		Args:        os.Args[1:],
		In:          os.Stdin,
		Out:         os.Stdout,
		Err:         os.Stderr,
		Environ:     os.Environ(),
		Dir:         dir,
		ConfigDir:   configDir,
		Now:         time.Now,
		Version:     buildVersion(version),
		OutTerminal: outTerminal,
		ErrTerminal: errTerminal,
		Width:       width,
	}
}

// getenv returns an environment variable, "" where it is not set.
func (p Process) getenv(name string) string {
	for _, entry := range p.Environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// clock returns the clock of every command: fixed at the moment that --now names, else the process's; in UTC and
// microseconds, which is what both databases keep.
func clock(p Process, flags *pflag.FlagSet) (func() time.Time, error) {
	if !flags.Changed("now") {
		return p.utcNow, nil
	}
	moment, err := usage.ParseTime("--now", flags.Lookup("now").Value.String())
	return func() time.Time { return moment }, err
}

func (p Process) utcNow() time.Time { return p.Now().UTC().Truncate(time.Microsecond) }

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

// unknownVersion is the version of a build that was told none.
const unknownVersion = "dev"

// buildVersion returns the version that the build has set, else the one that
// `go install module@version` leaves in the binary.
func buildVersion(set string) string {
	if set != "" && set != unknownVersion {
		return set
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return unknownVersion
	}
	return info.Main.Version
}
