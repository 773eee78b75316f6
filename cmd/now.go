package cmd

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/alwrity/alwrity-sub/usage"
)

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
