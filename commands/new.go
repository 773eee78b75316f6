package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

// New returns the verbs of the command line, each a command of the root.
func New(env *Env) []*cobra.Command {
	return []*cobra.Command{
		newInitCmd(env), newDemoCmd(env), newDoctorCmd(env), newSelftestCmd(env),
		newPlansCmd(env), newPricingCmd(env), newUsersCmd(env), newUsageCmd(env), newLimitsCmd(env), newAlertsCmd(env), newBillingCmd(env),
		newReconcileCmd(env), newDBCmd(env), newAuditCmd(env), newVersionCmd(env),
	}
}

// exitCodes is the annotation that lists a command's exit codes for its help.
func exitCodes(codes string) map[string]string { return map[string]string{"exit_codes": codes} }

// BoundedMemory is the annotation of a command whose memory must not grow with its input.
const BoundedMemory = "bounded_memory"

// group makes a command that only holds others.
func group(use, short string, subcommands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short}
	cmd.AddCommand(subcommands...)
	return cmd
}

// withServices opens the configured database, runs fn with its services, and closes it.
func (env *Env) withServices(ctx context.Context, fn func(*Services) error) (err error) {
	s, err := env.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return fn(s)
}

// print writes a result; a document that could not be made is its error.
func (env *Env) print(doc report.Document) error { return env.Printer.Print(doc) }

// note tells the person at the terminal something that is no result. A program
// that asks for JSON finds nothing on stderr but its failure.
func (env *Env) note(format string, args ...any) {
	if !env.Quiet && !env.forPrograms() {
		fmt.Fprintf(env.Err, format+"\n", args...)
	}
}

func (env *Env) forPrograms() bool {
	return env.Printer.Format == report.FormatJSON || env.Printer.Format == report.FormatJSONL
}

// always tells something that must not be lost, also under --quiet.
func (env *Env) always(format string, args ...any) { fmt.Fprintf(env.Err, format+"\n", args...) }

// asFailure returns the failure in an error's chain.
func asFailure(err error) (*failure.Error, bool) {
	var f *failure.Error
	ok := errors.As(err, &f)
	return f, ok
}
