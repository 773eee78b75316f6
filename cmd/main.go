// Package cmd is the process: the root command, configuration, streams, signals,
// logging, opening the database, and the way from an error to an exit code.
package cmd

import (
	"context"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/commands"
)

// Main runs the program and returns its exit code.
func Main(p Process) int { return run(p, commands.New) }

// verbs makes the commands below the root.
type verbs func(env *commands.Env) []*cobra.Command

func run(p Process, verbs verbs) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// Who asks twice can't wait: from the first signal on, the next one kills.
	context.AfterFunc(ctx, stop)
	// A reader that has gone shows as an error of the write, so that whatever was begun is ended in order.
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)

	program := newProgram(p, verbs)
	return program.finish(ctx, program.execute(ctx))
}
