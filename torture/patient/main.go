// Command patient is alwrity-sub, except that it waits an hour for a lock: the attacks and faults must not fail because
// a machine is slow.
package main

import (
	"os"
	"time"

	"github.com/alwrity/alwrity-sub/cmd"
)

func main() {
	p := cmd.FromOS("patient")
	p.LockTimeout = time.Hour
	os.Exit(cmd.Main(p))
}
