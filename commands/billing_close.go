package commands

import (
	"context"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

func newBillingCloseCmd(env *Env) *cobra.Command {
	var opts billing.CloseOptions
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
			return billingCloseRun(cmd.Context(), env, opts)
		},
	}
	cmd.Flags().StringVar(&opts.User, "user", "", "only the periods of this `USER`")
	addTime(cmd, &opts.Since, "since",
		"of users whose periods were never closed, leave out those that ended before (another system billed them)")
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "show what would be done, and change nothing")
	return cmd
}

func billingCloseRun(ctx context.Context, env *Env, opts billing.CloseOptions) error {
	now := env.Now()
	return env.withServices(ctx, func(s *Services) error {
		progress := closingProgress{env: env}
		var drafts []billing.Bill
		opts.Progress = progress.users
		opts.Note = func(b billing.Bill) {
			progress.bill()
			if opts.DryRun {
				drafts = append(drafts, b)
			}
		}
		result, err := s.Billing.Close(ctx, now, opts)
		progress.finish()
		if err != nil {
			if result.Bills > 0 && !opts.DryRun && !env.writesJSON() {
				env.warn("note: %s written before that; run the command again, no period is closed twice",
					failure.Counted(result.Bills, "bill"))
			}
			return err
		}
		if err := env.print(report.Closing(result, opts.DryRun, drafts)); err != nil {
			return err
		}
		if n := len(result.Failures); n > 0 {
			first := result.Failures[0]
			return failure.New(failure.FailedCheck, "the periods of %s could not be closed: first of %s: %s",
				failure.Counted(n, "user"), first.UserID, first.Err).
				WithHint("mend what is named, then run the command again: the others are closed").Because(first.Err)
		}
		return nil
	})
}

// closingProgress shows on a terminal of how many users the periods are closed, and how many bills that made. What the
// bar answers is left alone: it only draws.
type closingProgress struct {
	env   *Env
	bar   *progressbar.ProgressBar // nil until it is known how many users there are
	bills int64
}

// users is told how many users are done.
func (p *closingProgress) users(done, all int64) {
	if p.bar == nil {
		p.bar = p.env.progressBar(all, "closing periods", progressbar.OptionShowCount())
	}
	p.bar.ChangeMax64(all)
	_ = p.bar.Set64(done)
}

// bill is told of one more bill.
func (p *closingProgress) bill() {
	p.bills++
	if p.bar != nil {
		p.bar.Describe("closing periods, " + failure.Counted(p.bills, "bill"))
	}
}

func (p *closingProgress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// progressBar returns a bar that is drawn on a terminal only.
func (env *Env) progressBar(most int64, what string, count progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(most, progressbar.OptionSetWriter(env.Err), count,
		progressbar.OptionSetDescription(what), progressbar.OptionSetVisibility(env.Progress && !env.Quiet),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
}
