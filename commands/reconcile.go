package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/report"
)

type reconcileOptions struct {
	env    *Env
	repair bool
}

func newReconcileCmd(env *Env) *cobra.Command {
	opts := &reconcileOptions{env: env}
	cmd := &cobra.Command{
		Use: "reconcile", Short: "Prove that log, daily totals and summaries agree",
		Long: `Sum the log anew, with what is archived of it, and compare it with the daily totals
and the summaries, and those with the totals that reports read. Every difference is
shown. --repair rebuilds the totals from the log, which is what counts.`,
		Example: "  alwrity-sub reconcile\n  alwrity-sub reconcile --repair", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,6,7"),
		RunE: func(cmd *cobra.Command, _ []string) error { return reconcileRun(cmd.Context(), opts) },
	}
	cmd.Flags().BoolVar(&opts.repair, "repair", false, "rebuild the totals where they differ")
	return cmd
}

func reconcileRun(ctx context.Context, opts *reconcileOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		result, err := s.Totals.Reconcile(ctx, opts.repair)
		if err != nil {
			return err
		}
		if err := opts.env.print(report.Reconciliation(result, worded(health.TotalsChecks(result)))); err != nil {
			return err
		}
		if len(result.Discrepancies) > 0 && !result.Repaired {
			return failure.New(failure.FailedCheck, "the totals are not the sum of the log").WithHint("rebuild them: alwrity-sub reconcile --repair")
		}
		return nil
	})
}
