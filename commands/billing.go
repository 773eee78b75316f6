package commands

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

func newBillingCmd(env *Env) *cobra.Command {
	return group("billing", "Closing periods: renewals, bills, payments",
		newBillingCloseCmd(env), newBillingListCmd(env), newBillingShowCmd(env), newBillingPreviewCmd(env),
		newBillingMarkPaidCmd(env), newBillingVoidCmd(env), newBillingCreditCmd(env), newBillingCreditsCmd(env),
		newBillingReportCmd(env), newBillingStatementCmd(env), newBillingExportCmd(env))
}

func newBillingListCmd(env *Env) *cobra.Command {
	var user, month, status string
	cmd := &cobra.Command{
		Use: "list", Short: "List bills and credit notes by number",
		Long: `List bills and credit notes by number, oldest first. A bill is in the month in which its
period ends, where midnight of the 1st belongs to the month before; a credit note is in
the month in which it was issued, as in billing export.`,
		Example: "  alwrity-sub billing list --month 2026-11\n  alwrity-sub billing list --status past_due -o csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			q := billing.Query{UserID: user}
			if q.Statuses, err = billing.ParseStatuses(status); err != nil {
				return err
			}
			if q.Month, err = optionalMonth(month); err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				bills, err := s.Billing.AllBills(ctx, q)
				return report.Bills(bills), err
			})(cmd, nil)
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "only of this `USER`")
	cmd.Flags().StringVar(&month, "month", "", "only of this month, as `YYYY-MM`")
	cmd.Flags().StringVar(&status, "status", "", "only open, past_due, paid, void, or several with commas")
	return cmd
}

// optionalMonth reads a month of the books; "" is 0.
func optionalMonth(text string) (plan.Month, error) {
	if text == "" {
		return 0, nil
	}
	return plan.ParseMonth(text)
}

// billQuery asks the services for something about one bill.
type billQuery func(ctx context.Context, s *Services, number int64) (report.Document, error)

// newBillCmd makes a command with the number of a bill as its argument, which shows the bill that a query returns.
func newBillCmd(env *Env, use, short, example string, ask billQuery) *cobra.Command {
	return &cobra.Command{
		Use: use + " NUMBER", Short: short, Example: example, Args: cobra.ExactArgs(1),
		Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			number, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || number < 1 {
				return failure.Invalidf("the number of the bill is %q: it must be a whole number from 1 on",
					failure.Shorten(args[0])).WithHint("the numbers are in: alwrity-sub billing list")
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				return ask(ctx, s, number)
			})(cmd, nil)
		},
	}
}

func newBillingShowCmd(env *Env) *cobra.Command {
	cmd := newBillCmd(env, "show", "Show a bill line by line", "  alwrity-sub billing show 17",
		func(ctx context.Context, s *Services, number int64) (report.Document, error) {
			b, err := s.Billing.Show(ctx, number)
			return report.Bill(b), err
		})
	cmd.Annotations = exitCodes("0,1,2,3,6")
	return cmd
}

func newBillingPreviewCmd(env *Env) *cobra.Command {
	cmd := newUserCmd(env, "preview", "Show what a user's next bill would be if the period ended now",
		"  alwrity-sub billing preview alice",
		func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			due, running, err := s.Billing.Preview(ctx, args[0], env.Now())
			return report.Preview(due, running), err
		})
	cmd.Annotations = exitCodes("0,1,2,3,6")
	return cmd
}

func newBillingMarkPaidCmd(env *Env) *cobra.Command {
	var payment billing.Payment
	cmd := newBillCmd(env, "mark-paid", "Note that a bill has been paid",
		"  alwrity-sub billing mark-paid 17 --id bank-20261203-7 --ref \"transfer of December 3\"",
		func(ctx context.Context, s *Services, number int64) (report.Document, error) {
			paid, err := s.Billing.MarkPaid(ctx, env.audit("billing mark-paid"), number, payment)
			return report.PaidBill(paid), err
		})
	cmd.Long = `Note that a bill has been paid. A user who was suspended for unpaid bills is let
through again once none is left whose grace days are over. With --from-credit it is
paid from the user's credit, which must be enough for all of it: by itself, credit is
used up by later bills alone. A payment with an --id is noted once, however often it is
tried: again it is a duplicate, and for another bill or with another --ref a conflict.
The answer says what was paid, and what the user has and owes now.`
	addReference(cmd, &payment.ID, &payment.Reference, "payment")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error { return mustNotBeEmpty(cmd, "id") }
	cmd.Flags().BoolVar(&payment.FromCredit, "from-credit", false, "take the money from the user's credit")
	cmd.MarkFlagsMutuallyExclusive("ref", "from-credit")
	return cmd
}

func newBillingVoidCmd(env *Env) *cobra.Command {
	var reason string
	cmd := newBillCmd(env, "void", "Take a bill back by a credit note",
		"  alwrity-sub billing void 17 --reason \"billed by mistake\"",
		func(ctx context.Context, s *Services, number int64) (report.Document, error) {
			note, err := s.Billing.Void(ctx, env.audit("billing void"), number, reason)
			return report.Bill(note), err
		})
	cmd.Long = `Take a bill back by a credit note over all of it, and show that. What was paid of the
bill, and what it had used up of the user's credit, becomes the user's credit.`
	cmd.Flags().StringVar(&reason, "reason", "", "why, as the credit note says it")
	mustRequire(cmd, "reason")
	return cmd
}

// addReference adds the flags for what a credit or a payment is known by.
func addReference(cmd *cobra.Command, id, reference *string, of string) {
	cmd.Flags().StringVar(id, "id", "", "the `ID` of the "+of+", which then is noted once")
	cmd.Flags().StringVar(reference, "ref", "", "what the "+of+" is known by, as `TEXT`")
	cmd.Flags().SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "reference" { // what --ref was called before
			name = "ref"
		}
		return pflag.NormalizedName(name)
	})
}

func newBillingCreditCmd(env *Env) *cobra.Command {
	var entry billing.CreditEntry
	cmd := &cobra.Command{
		Use: "credit USER AMOUNT --reason TEXT", Short: "Give a user credit, which the next bills use up",
		Long: `Give a user credit, which the next bills use up. An amount below 0 takes back what is
left of it: write it after two dashes, as in the example. It is in whole cents. A credit
with an --id is given once, however often it is tried: again it is a duplicate, and with
another user, amount, --reason or --ref a conflict. The answer says what was added, and
what is there now.`,
		Example: "  alwrity-sub billing credit alice 5.00 --reason \"outage of May 3\" --id ticket-4711\n" +
			"  alwrity-sub billing credit alice --reason \"given by mistake\" -- -5.00",
		Args: cobra.ExactArgs(2), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := mustNotBeEmpty(cmd, "id"); err != nil {
				return err
			}
			var err error
			entry.UserID = args[0]
			if entry.Amount, err = pricing.ParseUSD(args[1]); err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				credited, err := s.Billing.Credit(ctx, env.audit("billing credit"), entry)
				return report.Credit(credited), err
			})(cmd, nil)
		},
	}
	cmd.Flags().StringVar(&entry.Reason, "reason", "", "why")
	addReference(cmd, &entry.Key, &entry.Reference, "credit")
	mustRequire(cmd, "reason")
	return cmd
}

func newBillingCreditsCmd(env *Env) *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use: "credits", Short: "List the credit that users got and what bills used up of it, oldest first",
		Example: "  alwrity-sub billing credits --user alice\n  alwrity-sub billing credits -o csv", Args: cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			entries, err := s.Billing.AllCredits(ctx, user)
			return report.Credits(entries), err
		}),
	}
	cmd.Flags().StringVar(&user, "user", "", "only of this `USER`")
	return cmd
}
