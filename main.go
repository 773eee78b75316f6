// Command alwrity-sub is the subscription back office of an AI product: plans, prices, usage, limits, alerts and bills.
package main

import (
	"os"

	"github.com/alwrity/alwrity-sub/cmd"
)

var version = "dev"

func main() {
	os.Exit(cmd.Main(cmd.FromOS(version)))
}
