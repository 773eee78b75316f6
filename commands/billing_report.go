package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/dashboard"
)

type billingReportOptions struct {
	env   *Env
	month string
	top   int
	html  string
}

func newBillingReportCmd(env *Env) *cobra.Command {
	opts := &billingReportOptions{env: env}
	cmd := &cobra.Command{
		Use: "report", Short: "Report revenue, cost and margin of a month",
		Long: `Report what was billed for the usage periods that ended in a month, what their usage
cost and what is left: in total, by plan, user and provider; and who pays for a plan,
by the month or the year, and made no call. Then, as of now, who is near a limit and
which bills are unpaid.

An end at midnight of the 1st belongs to the month before. A credit note is in the month
in which it was issued, so a month that has been reported stays as it is. All is as in
billing export. By plan, a bill counts for the plan that held at its period's end, with
the fee of the plan before and what was taken back of it.

--html writes a page of it with charts, one file to send to someone, and nothing else;
- is the standard output. A file that is there already is replaced.`,
		Example: "  alwrity-sub billing report\n  alwrity-sub billing report --month 2026-10 --html october.html\n" +
			"  alwrity-sub billing report -o csv",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,6"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustNotBeEmpty(cmd, "month", "html"); err != nil {
				return err
			}
			return billingReportRun(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.month, "month", "", "the month in which periods ended, as `YYYY-MM` (default the last one)")
	flags.IntVar(&opts.top, "top", 10, "how many users the table and the page list; the other formats list all")
	flags.StringVar(&opts.html, "html", "", "write a page to this `FILE`")
	return cmd
}

func billingReportRun(ctx context.Context, opts *billingReportOptions) error {
	if opts.top < 1 {
		return failure.Invalidf("top is %d: it must be 1 or more", opts.top)
	}
	month, err := optionalMonth(opts.month)
	if err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		r, err := s.Billing.Revenue(ctx, opts.env.Now(), month)
		if err != nil {
			return err
		}
		if opts.html != "" {
			return opts.env.writePage(opts.html, dashboard.Revenue(r, opts.env.Settings.Sender.Company, opts.top))
		}
		return opts.env.print(report.Revenue(r, opts.top))
	})
}
