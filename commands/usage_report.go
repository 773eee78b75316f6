package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageReportOptions struct {
	env      *Env
	from, to time.Time
	month    string
	by       string
	user     string
	provider string
	top      int
	chart    bool
}

func newUsageReportCmd(env *Env) *cobra.Command {
	opts := &usageReportOptions{env: env}
	cmd := &cobra.Command{
		Use: "report", Short: "Report usage and cost, broken down as you like",
		Long: `Report usage and cost of whole UTC days: by default of the running month until
today. --from is the first day that counts, --to the first that does not.`,
		Example: "  alwrity-sub usage report --month 2026-10 --by provider,model\n  alwrity-sub usage report --from 2026-11-01 --by day --chart\n  alwrity-sub usage report --by user --top 20 -o csv",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,6"),
		RunE: func(cmd *cobra.Command, _ []string) error { return usageReportRun(cmd.Context(), opts) },
	}
	flags := cmd.Flags()
	addTime(cmd, &opts.from, "from", "the first day (default the first of the running month)")
	addTime(cmd, &opts.to, "to", "the first day that does not count (default tomorrow)")
	flags.StringVar(&opts.month, "month", "", "a whole month, as `YYYY-MM`")
	flags.StringVar(&opts.by, "by", "provider", "day, month, user, plan, provider, vendor, model, or several with commas")
	flags.StringVar(&opts.user, "user", "", "only this `USER`")
	addProvider(cmd, &opts.provider, "only this PROVIDER")
	flags.IntVar(&opts.top, "top", 0, "only the `N` dearest rows; the total counts them all")
	flags.BoolVar(&opts.chart, "chart", false, "draw a chart")
	return cmd
}

func usageReportRun(ctx context.Context, opts *usageReportOptions) error {
	query, err := opts.query()
	if err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		if err := knownProvider(ctx, s, opts.provider); err != nil {
			return err
		}
		result, err := usage.MakeReport(ctx, s.Reports, query, opts.top)
		if err != nil {
			return err
		}
		return opts.env.print(report.Report(result, opts.chart))
	})
}

func (opts *usageReportOptions) query() (usage.ReportQuery, error) {
	if opts.top < 0 {
		return usage.ReportQuery{}, failure.Invalidf("top is %d: it must be 1 or more", opts.top)
	}
	by, err := usage.ParseDimensions(opts.by)
	if err != nil {
		return usage.ReportQuery{}, err
	}
	now := opts.env.Now()
	today := now.Truncate(24 * time.Hour)
	q := usage.ReportQuery{From: opts.from, To: opts.to, By: by, User: opts.user, Provider: opts.provider}
	if opts.month != "" {
		if !opts.from.IsZero() || !opts.to.IsZero() {
			return q, failure.Invalidf("--month is given together with --from or --to: either names the days")
		}
		q.From, q.To, err = usage.MonthRange(opts.month)
		return q, err
	}
	if q.To.IsZero() {
		q.To = today.AddDate(0, 0, 1)
	}
	if q.From.IsZero() {
		last := q.To.AddDate(0, 0, -1)
		q.From = time.Date(last.Year(), last.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return q, q.Validate()
}

func knownProvider(ctx context.Context, s *Services, provider string) error {
	if provider == "" {
		return nil
	}
	return s.Usage.Store.View(ctx, func(r usage.Reader) error {
		book, err := r.Book(ctx, provider)
		if err == nil {
			_, err = book.Providers.Find(provider)
		}
		return err
	})
}

type usageTrendsOptions struct {
	env    *Env
	user   string
	months int
}

func newUsageTrendsCmd(env *Env) *cobra.Command {
	opts := &usageTrendsOptions{env: env}
	cmd := &cobra.Command{
		Use: "trends [USER]", Short: "Show usage by month, with a projection of the running one",
		Example: "  alwrity-sub usage trends\n  alwrity-sub usage trends alice --months 12", Args: cobra.MaximumNArgs(1), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				opts.user = args[0]
			}
			return usageTrendsRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().IntVar(&opts.months, "months", 6, "how many months, the running one included")
	return cmd
}

func usageTrendsRun(ctx context.Context, opts *usageTrendsOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		if opts.user != "" {
			if _, err := s.Billing.Account(ctx, opts.user); err != nil {
				return err
			}
		}
		trend, err := usage.MakeTrend(ctx, s.Reports, opts.user, opts.months, opts.env.Now())
		if err != nil {
			return err
		}
		return opts.env.print(report.Trend(trend))
	})
}
