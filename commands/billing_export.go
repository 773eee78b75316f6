package commands

import (
	"cmp"
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type billingExportOptions struct {
	env    *Env
	format string
	month  string
	file   string
	issuer string
}

func newBillingExportCmd(env *Env) *cobra.Command {
	opts := &billingExportOptions{env: env}
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
			if opts.issuer == "" {
				opts.issuer = cmp.Or(env.Settings.Sender.Company, "ALwrity")
			}
			return billingExportRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.format, "format", "", "focus, csv or jsonl")
	cmd.Flags().StringVar(&opts.month, "month", "", "the month `YYYY-MM`, in UTC")
	cmd.Flags().StringVar(&opts.file, "file", "", "write to this `FILE` instead of stdout")
	cmd.Flags().StringVar(&opts.issuer, "issuer", "",
		"the `NAME` of who sells and sends the bills, for focus (default the company's name, else ALwrity)")
	mustRequire(cmd, "format", "month")
	return cmd
}

func billingExportRun(ctx context.Context, opts *billingExportOptions) error {
	month, err := parseMonth(opts.month)
	if err != nil {
		return err
	}
	writer, err := opts.writer()
	if err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		if opts.file == "" {
			_, err := exportBills(ctx, s.Billing, month, writer(opts.env.Printer.Out))
			return err
		}
		var bills int
		err := writeWhole(opts.file, func(w io.Writer) (err error) {
			bills, err = exportBills(ctx, s.Billing, month, writer(w))
			return err
		})
		if err == nil {
			opts.env.note("%s of %s written to %s", failure.Counted(bills, "bill"), month, opts.file)
		}
		return err
	})
}

// writer returns what makes the writer of the format that was asked for.
func (opts *billingExportOptions) writer() (func(io.Writer) report.BillWriter, error) {
	switch opts.format {
	case "focus":
		return func(w io.Writer) report.BillWriter { return report.BillsAsFocus(w, opts.issuer) }, nil
	case "csv":
		return report.BillsAsLedger, nil
	case "jsonl":
		return report.BillsAsRecords, nil
	}
	return nil, failure.Invalidf("format is %q: it must be focus, csv or jsonl", failure.Shorten(opts.format))
}

// exportBills writes the bills of a month of the books and returns how many they are.
func exportBills(ctx context.Context, b *billing.Service, month usage.Month, to report.BillWriter) (n int, err error) {
	err = b.EachBill(ctx, billing.Query{Month: month, Lines: true}, func(b billing.Bill) error {
		n++
		return to.Write(&b)
	})
	if err == nil {
		err = to.Flush()
	}
	return n, err
}
