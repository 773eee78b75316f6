package cmd

import (
	"io"
	"os"
	"strings"
	"time"
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
