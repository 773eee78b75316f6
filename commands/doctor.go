package commands

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/report"
)

type doctorOptions struct{ env *Env }

func newDoctorCmd(env *Env) *cobra.Command {
	opts := &doctorOptions{env}
	return &cobra.Command{
		Use: "doctor", Short: "Check configuration, database, prices and totals",
		Long: `Check configuration, database and schema, which API keys are present (never what
they are), plans and prices, usage without a price, the totals against the log, and the
bills against the totals.
One line a check; exit code 7 where there is a problem.`,
		Example: "  alwrity-sub doctor", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,7"),
		RunE: func(cmd *cobra.Command, _ []string) error { return doctorRun(cmd.Context(), opts) },
	}
}

func doctorRun(ctx context.Context, opts *doctorOptions) (err error) {
	env := opts.env
	config := &health.Configuration{
		Sources: env.Settings.Sources, APIKeys: env.Settings.APIKeys, Lookup: env.Settings.Lookup,
		Notify: &env.Settings.Notify,
	}
	s, err := env.Inspect(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return env.printChecks(health.Unreachable(config, err))
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	checks, err := s.Health.Checks(ctx, env.Now(), config)
	if err != nil {
		return err
	}
	return env.printChecks(checks)
}

// printChecks prints checks and returns the failure of those that found problems.
func (env *Env) printChecks(checks []health.Check) error {
	if err := env.print(report.Checks(worded(checks))); err != nil {
		return err
	}
	var failed []string
	for _, c := range checks {
		if !c.OK {
			failed = append(failed, c.Name)
		}
	}
	if len(failed) > 0 {
		return failure.New(failure.FailedCheck, "%d of %d checks found a problem: %s",
			len(failed), len(checks), strings.Join(failed, ", "))
	}
	return nil
}
