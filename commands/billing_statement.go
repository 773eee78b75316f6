package commands

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report/statement"
)

type billingStatementOptions struct {
	env    *Env
	user   string
	month  string
	number int64
	html   string
	pdf    string
	paper  string
}

func newBillingStatementCmd(env *Env) *cobra.Command {
	opts := &billingStatementOptions{env: env}
	cmd := &cobra.Command{
		Use: "statement USER", Short: "Write a user's bill as a page or PDF to send",
		Long: `Write a user's bill as a page (--html) or PDF (--pdf) to send: by default the last
one, else those of --month, credit notes too, or the one with --number. Several stand
in one file, in their order, each on pages of its own. A bill is of the month in which
its period ends, a credit note of that in which it was issued, as in billing list.

Who sends it is configured: ALWRITY_SUB_COMPANY_NAME and others, see README.md. A FILE
of - is the standard output. A file that is there already is replaced.`,
		Example: "  alwrity-sub billing statement alice --pdf alice.pdf\n  alwrity-sub billing statement alice --month 2026-10 --html alice-2026-10.html\n  alwrity-sub billing statement alice --number 17 --pdf -",
		Args:    cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			if err := mustNotBeEmpty(cmd, "month", "html", "pdf"); err != nil {
				return err
			}
			if cmd.Flags().Changed("number") && opts.number < 1 {
				return failure.Invalidf("number is %d: it must be a whole number from 1 on", opts.number).WithHint("the numbers are in: alwrity-sub billing list --user %s", opts.user)
			}
			return billingStatementRun(cmd.Context(), opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.month, "month", "", "the bills and credit notes of this month, as `YYYY-MM`")
	flags.Int64Var(&opts.number, "number", 0, "the bill or credit note with this number `N`")
	flags.StringVar(&opts.html, "html", "", "write a page to this `FILE`")
	flags.StringVar(&opts.pdf, "pdf", "", "write a PDF to this `FILE`")
	flags.StringVar(&opts.paper, "paper", "a4", "the `SIZE` of a page of the PDF: a4 or letter")
	return cmd
}

func billingStatementRun(ctx context.Context, opts *billingStatementOptions) error {
	env := opts.env
	switch {
	case (opts.html == "") == (opts.pdf == ""):
		return failure.Invalidf("name one file: --html FILE or --pdf FILE").WithHint("alwrity-sub billing statement %s --pdf statement.pdf", opts.user)
	case opts.month != "" && opts.number != 0:
		return failure.Invalidf("--month is given together with --number: either says which bill is meant")
	}
	size, err := statement.ParsePaperSize(opts.paper)
	if err != nil {
		return err
	}
	return env.withServices(ctx, func(s *Services) error {
		statements, err := opts.statements(ctx, s)
		if err != nil {
			return err
		}
		if n := len(statements); n > 1 {
			env.note("note: %d bills and credit notes of %s: all of them, in their order", n, opts.month)
		}
		if opts.html != "" {
			return env.writePage(opts.html, statement.HTML(statements, env.Settings.Sender, env.Now()))
		}
		page, lacks, err := statement.PDF(statements, env.Settings.Sender, size, env.Now())
		if err != nil {
			return err
		}
		if lacks {
			env.always("warning: the font of the PDF has Latin, Greek and Cyrillic; other characters are printed as �. A page has them all: --html FILE")
		}
		return env.writePage(opts.pdf, page)
	})
}

// statements reads the bills that are asked for, one at least.
func (opts *billingStatementOptions) statements(ctx context.Context, s *Services) ([]statement.Statement, error) {
	a, err := s.Billing.Account(ctx, opts.user)
	if err != nil {
		return nil, err
	}
	all, err := s.Billing.Store.Bills(ctx, billing.Query{UserID: opts.user})
	if err != nil {
		return nil, err
	}
	wanted, err := opts.wanted(all)
	if err != nil {
		return nil, err
	}
	bills, err := s.Billing.Store.Bills(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if len(bills) == 0 {
		return nil, opts.missing()
	}
	statements := make([]statement.Statement, len(bills))
	for i, b := range bills {
		statements[i] = statement.Statement{Bill: b, CorrectedBy: correctedBy(all, b), Uses: billing.LimitUsage(b, limitsOn(b, a.Plans))}
	}
	return statements, nil
}

// wanted says which of a user's bills and credit notes are asked for.
func (opts *billingStatementOptions) wanted(all []billing.Bill) (billing.Query, error) {
	q := billing.Query{UserID: opts.user, Number: opts.number, Lines: true}
	switch {
	case opts.number != 0:
		return q, nil
	case opts.month != "":
		var err error
		q.Month, err = parseMonth(opts.month)
		return q, err
	}
	for _, b := range all { // they come by number: the last one stays
		if b.Kind == billing.Invoice {
			q.Number = b.Number
		}
	}
	if q.Number == 0 {
		return q, opts.missing()
	}
	return q, nil
}

// missing is the failure where there is no bill such as is asked for.
func (opts *billingStatementOptions) missing() error {
	of := pricing.Shorten(opts.user)
	list := "they are in: alwrity-sub billing list --user " + of
	switch {
	case opts.number != 0:
		return failure.NotFoundf("there is no bill %d of %s", opts.number, of).WithHint("%s", list)
	case opts.month != "":
		return failure.NotFoundf("there is no bill of %s in %s", of, opts.month).WithHint("%s", list)
	}
	return failure.NotFoundf("there is no bill of %s yet", of).WithHint("periods are closed by: alwrity-sub billing close; what the next bill will be: alwrity-sub billing preview %s", of)
}

// correctedBy returns the number of the credit note that takes a bill back, 0 for none.
func correctedBy(all []billing.Bill, b billing.Bill) int64 {
	i := slices.IndexFunc(all, func(note billing.Bill) bool { return note.Kind == billing.CreditNote && note.RefersTo == b.Number })
	if i < 0 {
		return 0
	}
	return all[i].Number
}

// limitsOn returns the limits that a bill's usage counted against: as they stood where the
// bill keeps them, else as the plan had them at the period's end.
func limitsOn(b billing.Bill, plans plan.Plans) []plan.Limit {
	if b.Terms != nil {
		return b.Terms.Limits
	}
	p, _ := plans.ByID(b.PlanID)
	return p.At(b.Period.End.Add(-time.Microsecond)).Limits
}
