package commands

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newUsageCmd(env *Env) *cobra.Command {
	return group("usage", "Record, import and report usage",
		newUsageRecordCmd(env), newUsageImportCmd(env), newUsageLogsCmd(env), newUsageShowCmd(env),
		newUsageReportCmd(env), newUsageTrendsCmd(env), newUsageRefusalsCmd(env),
		newUsageVoidCmd(env), newUsageCorrectCmd(env), newUsageArchiveCmd(env), newUsageArchivesCmd(env),
		newUsageRestoreCmd(env))
}

func newUsageShowCmd(env *Env) *cobra.Command {
	var at time.Time
	var token string
	cmd := &cobra.Command{
		Use: "show USER", Short: "Show a user's period against every limit of the plan",
		Example: "  alwrity-sub usage show alice\n  alwrity-sub usage show alice --at 2026-10-15",
		Args:    cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			now := env.Now()
			id := int64(0)
			if token != "" {
				var err error
				if id, _, err = s.Access.CallWith(ctx, now, token, args[0], "", ""); err != nil {
					return report.Document{}, err
				}
			}
			used, err := s.Usage.ShowWith(ctx, args[0], id, cmp.Or(at, now), now)
			return report.Usage(used), err
		}),
	}
	addTime(cmd, &at, "at", "the period that contains this moment (default now)")
	cmd.Flags().StringVar(&token, "token", "", "the limits of this API `TOKEN` too: its id, public part or name")
	return cmd
}

func newUsageLogsCmd(env *Env) *cobra.Command {
	var q usage.LogQuery
	var status, after string
	cmd := &cobra.Command{
		Use: "logs", Short: "List recorded calls, newest first",
		Example: "  alwrity-sub usage logs --user alice --from 2026-11-01\n" +
			"  alwrity-sub usage logs --status unpriced -o csv\n" +
			"  alwrity-sub usage logs --measured estimated\n" +
			"  alwrity-sub usage logs --voided\n" +
			"  alwrity-sub usage logs --limit 100 --after LAST-ID-OF-THE-PAGE-BEFORE",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q.Status = usage.LogStatus(status)
			switch {
			case cmd.Flags().Changed("limit"):
			case env.Printer.Format == report.FormatTable:
				q.Limit = 50
			default: // an export, which must not end in silence
				q.Limit = 1_000_000
			}
			if err := q.Validate(); err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				entries, plans, err := s.Reports.Logs(ctx, q, after)
				if len(entries) == q.Limit && err == nil {
					env.warn("note: there may be more; continue with --after %s", failure.ShellWord(entries[len(entries)-1].ID))
				}
				return report.Logs(entries, func(id int64) string { return plans[id] }), err
			})(cmd, nil)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&q.User, "user", "", "only this `USER`")
	addProvider(cmd, &q.Provider, "only this PROVIDER")
	flags.StringVar(&q.Model, "model", "", "only this `MODEL`")
	addTime(cmd, &q.From, "from", "only calls from then on")
	addTime(cmd, &q.To, "to", "only calls before then")
	flags.StringVar(&status, "status", "", "only these: ok, failed or unpriced")
	flags.StringVar(&q.Measured, "measured", "", "only these: reported or estimated")
	flags.BoolVar(&q.Voided, "voided", false, "only calls that were taken back, and what takes them back")
	flags.IntVar(&q.Limit, "limit", 0, "at most so many (default 50 in a table, else 1000000)")
	flags.StringVar(&after, "after", "", "continue after the call with this `ID`")
	return cmd
}

type usageReportOptions struct {
	usage.ReportQuery
	month string
	by    string
	top   int
	chart bool
}

func newUsageReportCmd(env *Env) *cobra.Command {
	var opts usageReportOptions
	cmd := &cobra.Command{
		Use: "report", Short: "Report usage and cost, broken down as you like",
		Long: `Report usage and cost of whole UTC days: by default of the running month until
today. --from is the first day that counts, --to the first that does not.`,
		Example: "  alwrity-sub usage report --month 2026-10 --by provider,model\n" +
			"  alwrity-sub usage report --from 2026-11-01 --by day --chart\n" +
			"  alwrity-sub usage report --by user --top 20 -o csv",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,6"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := opts.query(env.Now())
			if err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				result, err := s.Reports.Report(ctx, q, opts.top)
				return report.Report(result, opts.chart), err
			})(cmd, nil)
		},
	}
	flags := cmd.Flags()
	addTime(cmd, &opts.From, "from", "the first day (default the first of the running month)")
	addTime(cmd, &opts.To, "to", "the first day that does not count (default tomorrow)")
	flags.StringVar(&opts.month, "month", "", "a whole month, as `YYYY-MM`")
	flags.StringVar(&opts.by, "by", "provider", "day, month, user, plan, provider, vendor, model, or several with commas")
	flags.StringVar(&opts.User, "user", "", "only this `USER`")
	addProvider(cmd, &opts.Provider, "only this PROVIDER")
	flags.IntVar(&opts.top, "top", 0, "only the `N` most expensive rows; the total counts them all")
	flags.BoolVar(&opts.chart, "chart", false, "draw a chart")
	return cmd
}

// query returns what is asked for: by default the running month until today.
func (opts *usageReportOptions) query(now time.Time) (q usage.ReportQuery, err error) {
	q = opts.ReportQuery
	if opts.top < 0 {
		return q, failure.Invalidf("top is %d: it must be 1 or more", opts.top)
	}
	if q.By, err = usage.ParseDimensions(opts.by); err != nil {
		return q, err
	}
	return q.Over(opts.month, now)
}

func newUsageTrendsCmd(env *Env) *cobra.Command {
	var months int
	cmd := &cobra.Command{
		Use: "trends [USER]", Short: "Show usage by month, with a projection of the running one",
		Example: "  alwrity-sub usage trends\n  alwrity-sub usage trends alice --months 12", Args: cobra.MaximumNArgs(1),
		Annotations: exitCodes("0,1,2,3,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			user := ""
			if len(args) > 0 {
				user = args[0]
			}
			trend, err := s.Reports.Trend(ctx, user, months, env.Now())
			return report.Trend(trend), err
		}),
	}
	cmd.Flags().IntVar(&months, "months", 6, "how many months, the running one included")
	return cmd
}

func newUsageRefusalsCmd(env *Env) *cobra.Command {
	var q usage.RefusalQuery
	var month, by string
	var top int
	cmd := &cobra.Command{
		Use: "refusals", Short: "Report how many calls were refused, and by what",
		Long: `Report how many calls were refused in whole UTC days, by limits, subscriptions and
rates: by default of the running month until today. They are counted by day, user, reason
and limit, not kept one by one. What a server refuses is counted here seconds later.`,
		Example: "  alwrity-sub usage refusals --month 2026-10\n" +
			"  alwrity-sub usage refusals --by user,limit --top 20",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,6"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if top < 0 {
				return failure.Invalidf("top is %d: it must be 1 or more", top)
			}
			if q.By, err = usage.ParseRefusalDimensions(by); err != nil {
				return err
			}
			if q, err = q.Over(month, env.Now()); err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				result, err := s.Lists.Refusals(ctx, q, top)
				return report.Refusals(result), err
			})(cmd, nil)
		},
	}
	flags := cmd.Flags()
	addTime(cmd, &q.From, "from", "the first day (default the first of the running month)")
	addTime(cmd, &q.To, "to", "the first day that does not count (default tomorrow)")
	flags.StringVar(&month, "month", "", "a whole month, as `YYYY-MM`")
	flags.StringVar(&by, "by", "reason,limit", "day, user, reason, limit, or several with commas")
	flags.StringVar(&q.User, "user", "", "only this `USER`")
	flags.IntVar(&top, "top", 0, "only the `N` rows with the most calls; the total counts them all")
	return cmd
}
