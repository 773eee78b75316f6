package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type pricingRerateOptions struct {
	env      *Env
	from, to time.Time
	dryRun   bool
}

func newPricingRerateCmd(env *Env) *cobra.Command {
	opts := &pricingRerateOptions{env: env}
	cmd := &cobra.Command{
		Use: "rerate", Short: "Rate recorded usage again, at the prices now known to have been in force",
		Long: `Rate recorded usage again: what had no price when it was recorded, and what was
rated before a price for its time was set. Prices that hold from a later moment
change nothing. Every log row keeps the history of its ratings.`,
		Example: "  alwrity-sub pricing rerate --dry-run\n" +
			"  alwrity-sub pricing rerate --from 2026-11-01 --to 2026-12-01", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return pricingRerateRun(cmd.Context(), opts) },
	}
	addTime(cmd, &opts.from, "from", "only usage from then on")
	addTime(cmd, &opts.to, "to", "only usage before then")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "show what would change, and change nothing")
	return cmd
}

func pricingRerateRun(ctx context.Context, opts *pricingRerateOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		now := opts.env.Now()
		result, err := usage.Rerate(ctx, s.Ratings, now, opts.from, opts.to, !opts.dryRun)
		if err != nil {
			return err
		}
		if !opts.dryRun {
			if err := opts.env.checkAlertsOf(ctx, s, now, result); err != nil {
				return err
			}
		}
		return opts.env.print(report.Rerating(result, !opts.dryRun))
	})
}

// checkAlertsOf makes the alerts of users whose cost has changed.
func (env *Env) checkAlertsOf(ctx context.Context, s *Services, now time.Time, result usage.RerateResult) error {
	users := make([]string, len(result.Users))
	for i, u := range result.Users {
		users[i] = u.UserID
	}
	_, err := s.Usage.CheckAlerts(ctx, now, users)
	return err
}
