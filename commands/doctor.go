package commands

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/report"
)

func newDoctorCmd(env *Env) *cobra.Command {
	quick := false
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check configuration, database, prices and totals",
		Long: `Check configuration, database and schema, which API keys are present (never what
they are), plans and prices, usage without a price, the totals against the log, and the
bills against the totals.
One line a check; exit code 7 where there is a problem.`,
		Example: "  alwrity-sub doctor", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,7"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			ctx := cmd.Context()
			config := env.Configuration()
			s, err := env.Inspect(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				return env.printChecks(health.Unreachable(config, err))
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			config.Rehearsal = env.Printer.Rehearsal
			look := s.Health.Checks
			if quick {
				look = s.Health.Quick
			}
			checks, err := look(ctx, env.Now(), config)
			if err != nil {
				return err
			}
			return env.printChecks(checks)
		},
	}
	cmd.Flags().BoolVar(&quick, "quick", false, "leave out what looks through the whole log, and the mail server")
	return cmd
}

// Configuration is what the configuration says, for the checks of health.
func (env *Env) Configuration() *health.Configuration {
	s := &env.Settings
	return &health.Configuration{Sources: s.Sources, APIKeys: s.APIKeys, Lookup: s.Lookup, Notify: &s.Notify,
		Clock: env.Clock(), Exposed: s.Exposed, PasswordInUser: s.PasswordInUser}
}

func newSelftestCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "selftest", Short: "Try everything once on a scratch database of the configured kind",
		Long: `Try tables, pricing, usage tracking, limits and error handling once on a scratch
database of the configured kind: a temporary file, or a temporary schema in the
configured PostgreSQL database. The configured database's own data is not touched.`,
		Example: "  alwrity-sub selftest", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,6,7"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, remove, err := env.Scratch(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, remove()) }()
			checks, err := s.Health.Selftest(cmd.Context(), env.Now())
			if err != nil {
				return err
			}
			return env.printChecks(checks)
		},
	}
}

// printChecks prints checks and returns the failure of those that found problems.
func (env *Env) printChecks(checks []health.Check) error {
	if err := env.print(report.Checks(withHints(checks))); err != nil {
		return err
	}
	var failed []string
	for _, c := range checks {
		if !c.OK {
			failed = append(failed, c.Name)
		}
	}
	if len(failed) > 0 {
		return failure.New(failure.FailedCheck, "%d of %d checks found a problem: %s", len(failed), len(checks),
			strings.Join(failed, ", "))
	}
	return nil
}

func newReconcileCmd(env *Env) *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use: "reconcile", Short: "Prove that log, daily totals and summaries agree",
		Long: `Sum the log anew, with what is archived of it, and compare it with the daily totals
and the summaries, and those with the totals that reports read. Every difference is
shown. --repair rebuilds the totals from the log, which is what counts.`,
		Example: "  alwrity-sub reconcile\n  alwrity-sub reconcile --repair", Args: cobra.NoArgs,
		Annotations: exitCodes("0,1,2,6,7"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.withServices(cmd.Context(), func(s *Services) error {
				result, checks, err := s.Health.Reconcile(cmd.Context(), repair)
				if err != nil {
					return err
				}
				if err := env.print(report.Reconciliation(result, withHints(checks))); err != nil {
					return err
				}
				if len(result.Discrepancies) > 0 && !result.Repaired {
					return failure.New(failure.FailedCheck, "the totals are not the sum of the log").
						WithHint("rebuild them: alwrity-sub reconcile --repair")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "rebuild the totals where they differ")
	return cmd
}
