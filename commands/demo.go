package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type demoOptions struct {
	env   *Env
	dir   string
	users int
	days  int
}

func newDemoCmd(env *Env) *cobra.Command {
	opts := &demoOptions{env: env}
	cmd := &cobra.Command{
		Use: "demo", Short: "Show what it does: a throw-away database with sample usage, and its reports",
		Long: `Make a throw-away SQLite database with believable sample usage, and print its
reports. The configured database is not touched.`,
		Example: "  alwrity-sub demo\n  alwrity-sub demo --dir demo --users 100 --days 90", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,5,6"),
		RunE: func(cmd *cobra.Command, _ []string) error { return demoRun(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.dir, "dir", "", "make the database in this `DIR` (default a temporary one)")
	cmd.Flags().IntVar(&opts.users, "users", 36, "how many users")
	cmd.Flags().IntVar(&opts.days, "days", 45, "how many days of usage, until today")
	return cmd
}

func demoRun(ctx context.Context, opts *demoOptions) (err error) {
	if opts.users < 1 || opts.users > 10_000 || opts.days < 1 || opts.days > 3_650 {
		return failure.Invalidf("users is %d and days is %d: they must be 1 to 10000 users and 1 to 3650 days", opts.users, opts.days)
	}
	path, err := opts.place()
	if err != nil {
		return err
	}
	s, err := opts.env.CreateFile(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	now := opts.env.Now()
	sample := newSample(opts.users, opts.days, now)
	result, err := opts.fill(ctx, s, now, sample)
	if err != nil {
		return err
	}
	opts.env.note("A demonstration: %d users over %d days in %s\nLook around in it, for example:\n  alwrity-sub --database-url sqlite:///%s usage show %s\n",
		opts.users, opts.days, path, path, sample.users[0].id)
	if opts.env.Printer.Format != report.FormatTable { // one result, as scripts expect
		return opts.env.print(report.Import(result))
	}
	return opts.show(ctx, s, now, sample)
}

func (opts *demoOptions) place() (string, error) {
	dir := opts.dir
	var err error
	if dir == "" {
		dir, err = os.MkdirTemp("", "alwrity-demo-")
	} else {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", failure.Invalidf("the directory for the demonstration can't be made: %s", reason(err)).Because(err)
	}
	return filepath.Join(dir, "alwrity-demo.db"), nil
}

// fill seeds the database, subscribes the users and imports their usage, by the
// same ways as the commands do.
func (opts *demoOptions) fill(ctx context.Context, s *Services, now time.Time, sample *sample) (usage.ImportResult, error) {
	seeds, err := catalogue.BuiltIn()
	if err != nil {
		return usage.ImportResult{}, err
	}
	if _, err := s.Catalogue.Seed(ctx, opts.env.auditAt(now, "init"), seeds); err != nil {
		return usage.ImportResult{}, err
	}
	for _, u := range sample.users {
		if u.tier == plan.DefaultTier {
			continue
		}
		order := billing.Order{Plan: u.tier, Cycle: u.cycle, Start: u.start, AutoRenew: true, Email: u.id + "@example.com"}
		_, err := s.Billing.Subscribe(ctx, opts.env.auditAt(now, "users subscribe"), u.id, order)
		if err != nil {
			return usage.ImportResult{}, err
		}
	}
	lines, writer := io.Pipe()
	go func() { writer.CloseWithError(sample.write(writer)) }()
	result, err := s.Usage.Import(ctx, now, lines, usage.ImportOptions{Format: usage.JSONLines})
	if err == nil && result.Rejected+result.Conflicts > 0 {
		err = failure.New(failure.Internal, "%d sample events were refused: %v", result.Rejected+result.Conflicts, result.Problems)
	}
	if err == nil {
		_, err = s.Billing.Close(ctx, now, billing.CloseOptions{})
	}
	return result, errors.Join(err, lines.Close())
}

// show prints the reports that an owner would look at first.
func (opts *demoOptions) show(ctx context.Context, s *Services, now time.Time, sample *sample) error {
	today := now.Truncate(24 * time.Hour)
	query := usage.ReportQuery{From: today.AddDate(0, 0, 1-opts.days), To: today.AddDate(0, 0, 1)}
	for _, part := range []struct {
		title string
		by    []usage.Dimension
		top   int
		chart bool
	}{
		{"Cost by provider", []usage.Dimension{usage.ByProvider}, 0, true},
		{"Cost by plan", []usage.Dimension{usage.ByPlan}, 0, false},
		{"The ten dearest models", []usage.Dimension{usage.ByProvider, usage.ByModel}, 10, false},
		{"The five dearest users", []usage.Dimension{usage.ByUser, usage.ByPlan}, 5, false},
		{"Cost by day", []usage.Dimension{usage.ByDay}, 0, true},
	} {
		query.By = part.by
		result, err := usage.MakeReport(ctx, s.Reports, query, part.top)
		if err != nil {
			return err
		}
		if err := opts.section(part.title, report.Report(result, part.chart)); err != nil {
			return err
		}
	}
	trend, err := usage.MakeTrend(ctx, s.Reports, "", 3, now)
	if err != nil {
		return err
	}
	if err := opts.section("Cost by month, with a projection of the running one", report.Trend(trend)); err != nil {
		return err
	}
	revenue, err := s.Billing.Revenue(ctx, now, usage.MonthOf(now))
	if err != nil {
		return err
	}
	if err := opts.section("What was billed this month", report.Revenue(revenue, 5)); err != nil {
		return err
	}
	statement, err := s.Usage.Show(ctx, sample.users[0].id, now, now)
	if err != nil {
		return err
	}
	if err := opts.section("One user against the limits of the plan", report.Usage(statement)); err != nil {
		return err
	}
	alerts, err := s.Lists.Alerts(ctx, usage.AlertQuery{Limit: 10})
	if err != nil {
		return err
	}
	return opts.section("The latest alerts", report.Alerts(alerts.Rows))
}

func (opts *demoOptions) section(title string, doc report.Document) error {
	if _, err := fmt.Fprintf(opts.env.Printer.Out, "\n%s\n\n", title); err != nil {
		return err
	}
	return opts.env.print(doc)
}
