package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

type billingCloseOptions struct {
	env    *Env
	user   string
	since  time.Time
	dryRun bool
}

func newBillingCloseCmd(env *Env) *cobra.Command {
	opts := &billingCloseOptions{env: env}
	cmd := &cobra.Command{
		Use: "close", Short: "Close the periods that have ended: write bills, renew, change plans, let expire",
		Long: `Close the usage periods that have ended by now, one after the other for each user:
write the bill, then renew the subscription, change its plan where that was set for
then, or note that it has ended. Then mark the bills that are past due, suspend whose
grace days are over, and note whose renewal is near.

Run it every night. Each period is closed once, however often the command runs, and it
may be stopped at any moment and run again. What fails for one user is reported, stops
nobody else, and makes exit code 7.`,
		Example: "  alwrity-sub billing close --dry-run\n  alwrity-sub billing close\n" +
			"  alwrity-sub billing close --user alice --now 2026-12-01",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,3,6,7,130"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustNotBeEmpty(cmd, "user"); err != nil {
				return err
			}
			return billingCloseRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.user, "user", "", "only the periods of this `USER`")
	addTime(cmd, &opts.since, "since",
		"of users whose periods were never closed, leave out those that ended before (another system billed them)")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "show what would be done, and change nothing")
	return cmd
}

func billingCloseRun(ctx context.Context, opts *billingCloseOptions) error {
	env, now := opts.env, opts.env.Now()
	if opts.since.After(now) {
		return failure.Invalidf("--since is %s, which lies ahead: it says from when on periods are billed", opts.since.Format(time.RFC3339))
	}
	return env.withServices(ctx, func(s *Services) error {
		progress := closingProgress{env: env}
		var drafts []billing.Bill
		result, err := s.Billing.Close(ctx, now, billing.CloseOptions{User: opts.user, Since: opts.since, DryRun: opts.dryRun, Note: func(b billing.Bill) {
			progress.bill()
			if opts.dryRun {
				drafts = append(drafts, b)
			}
		}, Progress: progress.users})
		progress.finish()
		if err != nil {
			if result.Bills > 0 && !opts.dryRun && !env.forPrograms() {
				env.always("note: %s written before that; run the command again, no period is closed twice", failure.Counted(result.Bills, "bill"))
			}
			return err
		}
		if err := env.print(report.Closing(result, opts.dryRun, drafts)); err != nil {
			return err
		}
		if n := len(result.Failures); n > 0 {
			first := result.Failures[0]
			return failure.New(failure.FailedCheck, "the periods of %s could not be closed: first of %s: %s", failure.Counted(n, "user"), first.UserID, first.Err).
				WithHint("mend what is named, then run the command again: the others are closed").Because(first.Err)
		}
		return nil
	})
}
