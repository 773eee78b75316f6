package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newUsageCmd(env *Env) *cobra.Command {
	return group("usage", "Record, import and report usage",
		newUsageRecordCmd(env, nil), newUsageImportCmd(env, nil), newUsageLogsCmd(env, nil), newUsageShowCmd(env, nil),
		newUsageReportCmd(env, nil), newUsageTrendsCmd(env, nil))
}

type usageRecordOptions struct {
	env    *Env
	event  usage.Event
	record usage.RecordOptions
}

func newUsageRecordCmd(env *Env, run func(context.Context, *usageRecordOptions) error) *cobra.Command {
	opts := &usageRecordOptions{env: env}
	if run == nil {
		run = usageRecordRun
	}
	cmd := &cobra.Command{
		Use: "record --user U --provider P", Short: "Record one API call with its exact cost",
		Long: `Record one API call with its exact cost. The id makes a retry safe: the same id with
the same content is recorded once and succeeds again; with other content it is
refused. With --enforce the call is judged against the limits and recorded in one
step, or denied. With --reservation it settles what "limits reserve" has taken.`,
		Example: `  alwrity-sub usage record --user alice --provider gemini --model gemini-2.5-flash --input-tokens 1200 --output-tokens 300
  alwrity-sub usage record --user alice --provider video --model wan-2.5 --id req-7f3a --enforce`,
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,3,4,5,6"),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), opts) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.event.UserID, "user", "", "the `USER` (with --reservation: its user)")
	addProvider(cmd, &opts.event.Provider, "the PROVIDER that the call is billed under")
	flags.StringVar(&opts.event.Model, "model", "", "the `MODEL`")
	flags.StringVar(&opts.event.ID, "id", "", "the event's `ID`, by which a retry is known (default a new UUID)")
	addTime(cmd, &opts.event.Time, "time", "when the call was made (default now)")
	addQuantities(flags, &opts.event.Quantities)
	flags.IntVar(&opts.event.StatusCode, "status-code", 200, "HTTP status; from 400 on the call failed and costs nothing")
	flags.Int64Var(&opts.event.ResponseTimeMS, "response-time-ms", 0, "how long the call took")
	flags.StringVar(&opts.event.Endpoint, "endpoint", "", "the API `ENDPOINT`")
	flags.StringVar(&opts.event.Method, "method", "", "the HTTP `METHOD`")
	flags.StringVar(&opts.event.Vendor, "vendor", "", "the `VENDOR` that served the call (default by provider and model)")
	flags.StringVar(&opts.event.ErrorMessage, "error-message", "", "what a failed call said")
	flags.Int64Var(&opts.event.RetryCount, "retry-count", 0, "how often the call was tried before")
	flags.BoolVar(&opts.event.Billable, "billable", false, "charge and count the call although it failed")
	flags.BoolVar(&opts.record.Enforce, "enforce", false, "refuse the call where a limit does")
	flags.BoolVar(&opts.record.Strict, "strict", false, "refuse a call that has no price")
	flags.StringVar(&opts.record.Reservation, "reservation", "", "settle the reservation with this `ID`")
	return cmd
}

func usageRecordRun(ctx context.Context, opts *usageRecordOptions) error {
	if opts.record.Reservation == "" {
		if err := required("--user", opts.event.UserID, "--provider", opts.event.Provider); err != nil {
			return err
		}
	} else if opts.record.Enforce {
		return failure.Invalidf("--enforce and --reservation exclude each other: a settlement always posts")
	}
	return opts.env.withDatabase(ctx, func(db Database) error {
		outcome, err := opts.env.service(db).Record(ctx, opts.env.Now(), opts.event, opts.record)
		if err != nil {
			return opts.env.refused(ctx, db, opts, outcome, err)
		}
		if outcome.Entry.Basis == pricing.Unpriced && outcome.Entry.Counts() && outcome.Status == usage.Recorded {
			if book, err := db.Catalogue(ctx); err == nil {
				opts.env.note("hint: %s", book.Advice(outcome.Entry.Provider, outcome.Entry.Model))
			}
		}
		return opts.env.print(report.Recorded(outcome))
	})
}

// refused prints the decision that refused an enforced event, like limits check,
// and returns the failure.
func (env *Env) refused(ctx context.Context, db Database, opts *usageRecordOptions, o usage.Outcome, cause error) error {
	if o.Decision == nil {
		return cause
	}
	err := db.View(ctx, func(r usage.Reader) error {
		accounts, err := r.Accounts(ctx, []string{o.Entry.UserID})
		if err != nil {
			return err
		}
		p, err := accounts[o.Entry.UserID].PlanAt(o.Entry.Time)
		if err != nil {
			return err
		}
		call := usage.Call{UserID: o.Entry.UserID, Provider: o.Entry.Provider, Model: o.Entry.Model, Vendor: o.Entry.Vendor, Quantities: opts.event.Quantities}
		return env.print(report.Judgement(usage.Judgement{Decision: *o.Decision, Call: call, Plan: p, Period: o.Period,
			Status: accounts[o.Entry.UserID].StatusAt(o.Entry.Time), EstimatedCost: o.Entry.Cost, Basis: o.Entry.Basis}))
	})
	if err != nil {
		return err
	}
	return cause
}

// required returns an invalid failure for the first of the flags, given as pairs
// of name and value, that is empty.
func required(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return failure.Invalidf("%s is missing or empty", pairs[i]).WithHint("give it a value: %s …", pairs[i])
		}
	}
	return nil
}

type usageLogsOptions struct {
	env    *Env
	query  usage.LogQuery
	status string
	after  string
}

func newUsageLogsCmd(env *Env, run func(context.Context, *usageLogsOptions) error) *cobra.Command {
	opts := &usageLogsOptions{env: env}
	if run == nil {
		run = usageLogsRun
	}
	cmd := &cobra.Command{
		Use: "logs", Short: "List recorded calls, newest first",
		Example: "  alwrity-sub usage logs --user alice --from 2026-11-01\n  alwrity-sub usage logs --status unpriced -o csv\n  alwrity-sub usage logs --limit 100 --after LAST-ID-OF-THE-PAGE-BEFORE",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), opts) },
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.query.User, "user", "", "only this `USER`")
	addProvider(cmd, &opts.query.Provider, "only this PROVIDER")
	flags.StringVar(&opts.query.Model, "model", "", "only this `MODEL`")
	addTime(cmd, &opts.query.From, "from", "only calls from then on")
	addTime(cmd, &opts.query.To, "to", "only calls before then")
	flags.StringVar(&opts.status, "status", "", "only these: ok, failed or unpriced")
	flags.IntVar(&opts.query.Limit, "limit", 50, "at most so many")
	flags.StringVar(&opts.after, "after", "", "continue after the call with this `ID`")
	return cmd
}

func usageLogsRun(ctx context.Context, opts *usageLogsOptions) error {
	opts.query.Status = usage.LogStatus(opts.status)
	if err := opts.query.Validate(); err != nil {
		return err
	}
	return opts.env.withDatabase(ctx, func(db Database) error {
		if err := opts.continueAfter(ctx, db); err != nil {
			return err
		}
		entries, err := db.Logs(ctx, opts.query)
		if err != nil {
			return err
		}
		names, err := planNames(ctx, db)
		if err != nil {
			return err
		}
		if len(entries) == opts.query.Limit {
			opts.env.note("note: there may be more; continue with --after %s", entries[len(entries)-1].ID)
		}
		return opts.env.print(report.Logs(entries, func(id int64) string { return names[id] }))
	})
}

// continueAfter finds the last call of the page before, and checks the provider.
func (opts *usageLogsOptions) continueAfter(ctx context.Context, db Database) error {
	return db.View(ctx, func(r usage.Reader) error {
		if opts.query.Provider != "" {
			book, err := r.Book(ctx, opts.query.Provider)
			if err != nil {
				return err
			}
			if _, err := book.Providers.Find(opts.query.Provider); err != nil {
				return err
			}
		}
		if opts.after == "" {
			return nil
		}
		entries, err := r.Entries(ctx, []string{opts.after})
		if err != nil {
			return err
		}
		last, ok := entries[opts.after]
		if !ok {
			return failure.NotFoundf("there is no event %q to continue after", pricing.Shorten(opts.after))
		}
		opts.query.BeforeTime, opts.query.BeforeID = last.Time, last.ID
		return nil
	})
}

// planNames returns the names of all plans by id, also of those withdrawn.
func planNames(ctx context.Context, db Database) (map[int64]string, error) {
	names := map[int64]string{}
	err := db.View(ctx, func(r usage.Reader) error {
		accounts, err := r.Accounts(ctx, []string{""})
		for _, p := range accounts[""].Plans {
			names[p.ID] = p.Name
		}
		return err
	})
	return names, err
}

type usageShowOptions struct {
	env  *Env
	user string
	at   time.Time
}

func newUsageShowCmd(env *Env, run func(context.Context, *usageShowOptions) error) *cobra.Command {
	opts := &usageShowOptions{env: env}
	if run == nil {
		run = usageShowRun
	}
	cmd := &cobra.Command{
		Use: "show USER", Short: "Show a user's period against every limit of the plan",
		Example: "  alwrity-sub usage show alice\n  alwrity-sub usage show alice --at 2026-10-15", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return run(cmd.Context(), opts)
		},
	}
	addTime(cmd, &opts.at, "at", "the period that contains this moment (default now)")
	return cmd
}

func usageShowRun(ctx context.Context, opts *usageShowOptions) error {
	now := opts.env.Now()
	if opts.at.IsZero() {
		opts.at = now
	}
	return opts.env.withDatabase(ctx, func(db Database) error {
		statement, err := opts.env.service(db).Show(ctx, opts.user, opts.at, now)
		if err != nil {
			return err
		}
		return opts.env.print(report.Usage(statement))
	})
}

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

func newUsageReportCmd(env *Env, run func(context.Context, *usageReportOptions) error) *cobra.Command {
	opts := &usageReportOptions{env: env}
	if run == nil {
		run = usageReportRun
	}
	cmd := &cobra.Command{
		Use: "report", Short: "Report usage and cost, broken down as you like",
		Long: `Report usage and cost of whole UTC days: by default of the running month until
today. --from is the first day that counts, --to the first that does not.`,
		Example: "  alwrity-sub usage report --month 2026-10 --by provider,model\n  alwrity-sub usage report --from 2026-11-01 --by day --chart\n  alwrity-sub usage report --by user --top 20 -o csv",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,6"),
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), opts) },
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
	cmd.MarkFlagsMutuallyExclusive("month", "from")
	cmd.MarkFlagsMutuallyExclusive("month", "to")
	return cmd
}

func usageReportRun(ctx context.Context, opts *usageReportOptions) error {
	query, err := opts.query()
	if err != nil {
		return err
	}
	return opts.env.withDatabase(ctx, func(db Database) error {
		if err := knownProvider(ctx, db, opts.provider); err != nil {
			return err
		}
		result, err := usage.MakeReport(ctx, db, query, opts.top)
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

func knownProvider(ctx context.Context, db Database, provider string) error {
	if provider == "" {
		return nil
	}
	return db.View(ctx, func(r usage.Reader) error {
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

func newUsageTrendsCmd(env *Env, run func(context.Context, *usageTrendsOptions) error) *cobra.Command {
	opts := &usageTrendsOptions{env: env}
	if run == nil {
		run = usageTrendsRun
	}
	cmd := &cobra.Command{
		Use: "trends [USER]", Short: "Show usage by month, with a projection of the running one",
		Example: "  alwrity-sub usage trends\n  alwrity-sub usage trends alice --months 12", Args: cobra.MaximumNArgs(1), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				opts.user = args[0]
			}
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().IntVar(&opts.months, "months", 6, "how many months, the running one included")
	return cmd
}

func usageTrendsRun(ctx context.Context, opts *usageTrendsOptions) error {
	return opts.env.withDatabase(ctx, func(db Database) error {
		if opts.user != "" {
			if _, err := account(ctx, db, opts.user); err != nil {
				return err
			}
		}
		trend, err := usage.MakeTrend(ctx, db, opts.user, opts.months, opts.env.Now())
		if err != nil {
			return err
		}
		return opts.env.print(report.Trend(trend))
	})
}
