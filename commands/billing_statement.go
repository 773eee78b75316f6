package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report/statement"
)

type billingStatementOptions struct {
	user, month      string
	number           int64
	html, pdf, paper string
	withCost         bool
}

func newBillingStatementCmd(env *Env) *cobra.Command {
	var opts billingStatementOptions
	cmd := &cobra.Command{
		Use: "statement USER", Short: "Write a user's bill as a page or PDF to send",
		Long: `Write a user's bill as a page (--html) or PDF (--pdf) to send: by default the last
one, else those of --month, credit notes too, or the one with --number. Several stand
in one file, in their order, each on pages of its own. A bill is of the month in which
its period ends, a credit note of that in which it was issued, as in billing list.

It shows how much was used, and what is billed. What usage costs you, your prices and
your mark-up are no business of a customer and are left out, and a limit of cost is
shown in percent; --with-cost shows them.

Who sends it is configured: ALWRITY_SUB_COMPANY_NAME and others, see README.md. A FILE
of - is the standard output. A file that is there already is replaced.`,
		Example: "  alwrity-sub billing statement alice --pdf alice.pdf\n" +
			"  alwrity-sub billing statement alice --month 2026-10 --html alice-2026-10.html\n" +
			"  alwrity-sub billing statement alice --number 17 --pdf -",
		Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			if err := mustNotBeEmpty(cmd, "month", "html", "pdf"); err != nil {
				return err
			}
			if cmd.Flags().Changed("number") && opts.number < 1 {
				return failure.Invalidf("number is %d: it must be a whole number from 1 on", opts.number).
					WithHint("the numbers are in: alwrity-sub billing list --user %s", failure.ShellWord(opts.user))
			}
			return billingStatementRun(cmd.Context(), env, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.month, "month", "", "the bills and credit notes of this month, as `YYYY-MM`")
	flags.Int64Var(&opts.number, "number", 0, "the bill or credit note with this number `N`")
	flags.StringVar(&opts.html, "html", "", "write a page to this `FILE`")
	flags.StringVar(&opts.pdf, "pdf", "", "write a PDF to this `FILE`")
	flags.BoolVar(&opts.withCost, "with-cost", false, "show what usage costs you, with unit prices and mark-up")
	flags.StringVar(&opts.paper, "paper", "a4", "the `SIZE` of a page of the PDF: a4 or letter")
	return cmd
}

func billingStatementRun(ctx context.Context, env *Env, opts billingStatementOptions) error {
	switch {
	case (opts.html == "") == (opts.pdf == ""):
		return failure.Invalidf("name one file: --html FILE or --pdf FILE").
			WithHint("alwrity-sub billing statement --pdf statement.pdf %s", failure.ShellArgument(opts.user))
	case opts.month != "" && opts.number != 0:
		return failure.Invalidf("--month is given together with --number: either says which bill is meant")
	}
	size, err := statement.ParsePaperSize(opts.paper)
	if err != nil {
		return err
	}
	month, err := optionalMonth(opts.month)
	if err != nil {
		return err
	}
	return env.withServices(ctx, func(s *Services) error {
		q := billing.StatementQuery{Month: month, Number: opts.number, WithCost: opts.withCost}
		statements, err := s.Billing.Statements(ctx, opts.user, q)
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
			env.warn("warning: the font of the PDF has Latin, Greek and Cyrillic; other characters are printed as �. " +
				"A page has them all: --html FILE")
		}
		return env.writePage(opts.pdf, page)
	})
}
