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

// demo is a run of the command demo.
type demo struct {
	*Env
	*Services
	dir         string
	users, days int
	now         time.Time
}

func newDemoCmd(env *Env) *cobra.Command {
	d := &demo{Env: env}
	cmd := &cobra.Command{
		Use: "demo", Short: "Show what it does: a throw-away database with sample usage, and its reports",
		Long: `Make a throw-away SQLite database with believable sample usage, and print its
reports. The configured database is not touched.`,
		Example: "  alwrity-sub demo\n  alwrity-sub demo --dir demo --users 100 --days 90", Args: cobra.NoArgs,
		Annotations: exitCodes("0,1,2,5,6"),
		RunE:        func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&d.dir, "dir", "", "make the database in this `DIR` (default a temporary one)")
	cmd.Flags().IntVar(&d.users, "users", 36, "how many users")
	cmd.Flags().IntVar(&d.days, "days", 45, "how many days of usage, until today")
	return cmd
}

func (d *demo) run(ctx context.Context) (err error) {
	if d.users < 1 || d.users > 10_000 || d.days < 1 || d.days > 3_650 {
		return failure.Invalidf("users is %d and days is %d: they must be 1 to 10000 users and 1 to 3650 days", d.users,
			d.days)
	}
	path, err := d.databasePath()
	if err != nil {
		return err
	}
	if d.Services, err = d.CreateFile(ctx, path); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	d.now = d.Now()
	sample := newSample(d.users, d.days, d.now)
	result, err := d.fill(ctx, sample)
	if err != nil {
		return err
	}
	d.note("A demonstration: %d users over %d days in %s\nLook around in it, for example:\n"+
		"  alwrity-sub --database-url sqlite:///%s usage show %s\n", d.users, d.days, path, path, sample.users[0].id)
	if d.Printer.Format != report.FormatTable { // one result, as scripts expect
		return d.print(report.Import(result))
	}
	return d.printReports(ctx, sample.users[0].id)
}

func (d *demo) databasePath() (string, error) {
	dir := d.dir
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
		return "", failure.Invalidf("the directory for the demonstration can't be made: %s", failure.WithoutPath(err)).
			Because(err)
	}
	return filepath.Join(dir, "alwrity-demo.db"), nil
}

// fill seeds the database, subscribes the users and imports their usage, by the same ways as the commands do.
func (d *demo) fill(ctx context.Context, sample *sample) (result usage.ImportResult, err error) {
	audit := func(action string) usage.Audit {
		return usage.Audit{At: d.now, Actor: d.Settings.Actor, Action: action}
	}
	seeds, err := catalogue.BuiltIn()
	if err != nil {
		return result, err
	}
	if _, err := d.Catalogue.Seed(ctx, audit("init"), seeds); err != nil {
		return result, err
	}
	for _, u := range sample.users {
		if u.tier == plan.DefaultTier {
			continue
		}
		order := billing.Order{Plan: u.tier, Cycle: u.cycle, Start: u.start, AutoRenew: true, Email: u.id + "@example.com"}
		if _, err := d.Billing.Subscribe(ctx, audit("users subscribe"), u.id, order); err != nil {
			return result, err
		}
	}
	lines, writer := io.Pipe()
	go func() { writer.CloseWithError(sample.write(writer)) }()
	result, err = d.Usage.Import(ctx, d.now, lines, usage.ImportOptions{Format: usage.JSONLines})
	if refused := result.Rejected + result.Conflicts; err == nil && refused > 0 {
		err = failure.New(failure.Internal, "%d sample events were refused: %v", refused, result.Problems)
	}
	if err == nil {
		_, err = d.Billing.Close(ctx, d.now, billing.CloseOptions{})
	}
	return result, errors.Join(err, lines.Close())
}

// printReports prints the reports that an owner would look at first.
func (d *demo) printReports(ctx context.Context, user string) error {
	today := d.now.Truncate(24 * time.Hour)
	usageReport := func(by []usage.Dimension, top int, chart bool) func() (report.Document, error) {
		q := usage.ReportQuery{From: today.AddDate(0, 0, 1-d.days), To: today.AddDate(0, 0, 1), By: by}
		return func() (report.Document, error) {
			result, err := d.Reports.Report(ctx, q, top)
			return report.Report(result, chart), err
		}
	}
	for _, section := range []struct {
		title string
		make  func() (report.Document, error)
	}{
		{"Cost by provider", usageReport([]usage.Dimension{usage.ByProvider}, 0, true)},
		{"Cost by plan", usageReport([]usage.Dimension{usage.ByPlan}, 0, false)},
		{"The ten most expensive models", usageReport([]usage.Dimension{usage.ByProvider, usage.ByModel}, 10, false)},
		{"The five most expensive users", usageReport([]usage.Dimension{usage.ByUser, usage.ByPlan}, 5, false)},
		{"Cost by day", usageReport([]usage.Dimension{usage.ByDay}, 0, true)},
		{"Cost by month, with a projection of the running one", func() (report.Document, error) {
			trend, err := d.Reports.Trend(ctx, "", 3, d.now)
			return report.Trend(trend), err
		}},
		{"What was billed this month", func() (report.Document, error) {
			revenue, err := d.Billing.Revenue(ctx, d.now, plan.MonthOf(d.now))
			return report.Revenue(revenue, 5), err
		}},
		{"One user against the limits of the plan", func() (report.Document, error) {
			used, err := d.Usage.Show(ctx, user, d.now, d.now)
			return report.Usage(used), err
		}},
		{"The latest alerts", func() (report.Document, error) {
			alerts, err := d.Lists.Alerts(ctx, usage.AlertQuery{Limit: 10})
			return report.Alerts(alerts.Rows), err
		}},
	} {
		doc, err := section.make()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(d.Printer.Out, "\n%s\n\n", section.title); err != nil {
			return err
		}
		if err := d.print(doc); err != nil {
			return err
		}
	}
	return nil
}
