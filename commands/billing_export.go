package commands

import (
	"cmp"
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
)

func newBillingExportCmd(env *Env) *cobra.Command {
	var format, month, file, issuer string
	cmd := &cobra.Command{
		Use: "export --format FORMAT --month YYYY-MM", Short: "Write a month's bills for accounting and FinOps",
		Long: `Write a month's bills, oldest number first, for the programs of others:

  focus  FOCUS 1.2, the FinOps Open Cost and Usage Specification, as CSV: one charge a line
  csv    the lines of the bills for a ledger, each with its account
  jsonl  a bill a line with all that is known of it

BilledCost and amount sum to the total of each bill, exactly. A bill is in the month in
which its period ends, where midnight of the 1st belongs to the month before; a credit
note is in the month in which it was issued. So each is in one month, and a void bill
and its credit note cancel out. Run billing close first. A file is written whole or
not at all. A month without bills gives the header alone, or nothing.`,
		Example: "  alwrity-sub billing export --format focus --month 2026-11 --file focus-2026-11.csv\n" +
			"  alwrity-sub billing export --format csv --month 2026-11",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,6,130"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustNotBeEmpty(cmd, "file", "issuer"); err != nil {
				return err
			}
			inMonth, err := plan.ParseMonth(month)
			if err != nil {
				return err
			}
			writer, err := env.billWriter(format, issuer)
			if err != nil {
				return err
			}
			return env.withServices(cmd.Context(), func(s *Services) error {
				bills := 0
				export := func(w io.Writer) (err error) {
					bills, err = exportBills(cmd.Context(), s, inMonth, writer(w))
					return err
				}
				if file == "" {
					return export(env.Printer.Out)
				}
				if err := writeWhole(file, export); err != nil {
					return err
				}
				env.note("%s of %s written to %s", failure.Counted(bills, "bill"), inMonth, file)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "", "focus, csv or jsonl")
	cmd.Flags().StringVar(&month, "month", "", "the month `YYYY-MM`, in UTC")
	cmd.Flags().StringVar(&file, "file", "", "write to this `FILE` instead of stdout")
	cmd.Flags().StringVar(&issuer, "issuer", "",
		"the `NAME` of who sells and sends the bills, for focus (default the company's name, else ALwrity)")
	mustRequire(cmd, "format", "month")
	return cmd
}

// exportBills writes the bills of a month, and returns how many there were.
func exportBills(ctx context.Context, s *Services, month plan.Month, to report.BillWriter) (bills int, err error) {
	err = s.Billing.EachBill(ctx, billing.Query{Month: month, Lines: true}, func(b billing.Bill) error {
		bills++
		return to.Write(&b)
	})
	if err != nil {
		return bills, err
	}
	return bills, to.Flush()
}

// billWriter returns what makes the writer of a format, for when the database is open.
func (env *Env) billWriter(format, issuer string) (func(io.Writer) report.BillWriter, error) {
	switch format {
	case "focus":
		return func(w io.Writer) report.BillWriter {
			return env.Printer.BillsAsFocus(w, cmp.Or(issuer, env.Settings.Sender.Company, "ALwrity"))
		}, nil
	case "csv":
		return func(w io.Writer) report.BillWriter { return env.Printer.BillsAsLedger(w) }, nil
	case "jsonl":
		return func(w io.Writer) report.BillWriter { return env.Printer.BillsAsRecords(w) }, nil
	}
	return nil, failure.Invalidf("format is %q: it must be focus, csv or jsonl", failure.Shorten(format))
}
