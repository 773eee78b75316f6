package commands

import (
	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/dashboard"
)

func newBillingReportCmd(env *Env) *cobra.Command {
	var month, html string
	var top int
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
			if top < 1 {
				return failure.Invalidf("top is %d: it must be 1 or more", top)
			}
			wanted, err := optionalMonth(month)
			if err != nil {
				return err
			}
			return env.withServices(cmd.Context(), func(s *Services) error {
				r, err := s.Billing.Revenue(cmd.Context(), env.Now(), wanted)
				if err != nil {
					return err
				}
				if html != "" {
					return env.writePage(html, dashboard.Revenue(r, env.Settings.Sender.Company, top))
				}
				return env.print(report.Revenue(r, top))
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&month, "month", "", "the month in which periods ended, as `YYYY-MM` (default the last one)")
	flags.IntVar(&top, "top", 10, "how many users the table and the page list; the other formats list all")
	flags.StringVar(&html, "html", "", "write a page to this `FILE`")
	return cmd
}
