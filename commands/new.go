package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

// New returns the verbs of the command line, each a command of the root.
func New(env *Env) []*cobra.Command {
	return []*cobra.Command{
		newInitCmd(env), newDemoCmd(env), newDoctorCmd(env), newSelftestCmd(env),
		newPlansCmd(env), newPricingCmd(env), newUsersCmd(env), newUsageCmd(env), newLimitsCmd(env), newAlertsCmd(env),
		newBillingCmd(env), newReconcileCmd(env), newDBCmd(env), newTokensCmd(env), newAuditCmd(env), newServeCmd(env),
		newGatewayCmd(env),
		newVersionCmd(env),
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

// query asks the services of the configured database for a result.
type query func(ctx context.Context, s *Services, args []string) (report.Document, error)

// show returns what a command runs that prints the answer to a query.
func (env *Env) show(ask query) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return env.withServices(cmd.Context(), func(s *Services) error {
			doc, err := ask(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			return env.print(doc)
		})
	}
}

// writeText writes the answer to a query as it is.
func (env *Env) writeText(ask func(context.Context, *Services) (string, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		return env.withServices(cmd.Context(), func(s *Services) error {
			text, err := ask(cmd.Context(), s)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(env.Printer.Out, text)
			return err
		})
	}
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

// audit names who does something now.
func (env *Env) audit(action string) usage.Audit {
	return usage.Audit{At: env.Now(), Actor: env.Settings.Actor, Action: action}
}

// print writes a result; a document that could not be made is its error.
func (env *Env) print(doc report.Document) error { return env.Printer.Print(doc) }

// note tells the person at the terminal something that is no result. A program
// that asks for JSON finds nothing on stderr but its failure.
func (env *Env) note(format string, args ...any) {
	if !env.Quiet && !env.writesJSON() {
		env.warn(format, args...)
	}
}

func (env *Env) writesJSON() bool {
	return env.Printer.Format == report.FormatJSON || env.Printer.Format == report.FormatJSONL
}

// warn tells something that must not be lost, also under --quiet.
func (env *Env) warn(format string, args ...any) { fmt.Fprintf(env.Err, format+"\n", args...) }
