package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

func newBillingMarkPaidCmd(env *Env) *cobra.Command {
	cmd, opts := newBillCmd(env, "mark-paid", "Note that a bill has been paid",
		"  alwrity-sub billing mark-paid 17 --reference \"transfer of May 3\"", billingMarkPaidRun)
	cmd.Long = `Note that a bill has been paid. A user who was suspended for unpaid bills is let
through again once none is left whose grace days are over. With --from-credit it is
paid from the user's credit, which must be enough for all of it: by itself, credit is
used up by later bills alone.`
	cmd.Flags().StringVar(&opts.reference, "reference", "", "what the payment is known by")
	cmd.Flags().BoolVar(&opts.fromCredit, "from-credit", false, "take the money from the user's credit")
	cmd.MarkFlagsMutuallyExclusive("reference", "from-credit")
	return cmd
}

func billingMarkPaidRun(ctx context.Context, opts *billOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		b, err := s.Billing.MarkPaid(ctx, opts.env.audit("billing mark-paid"), opts.number,
			billing.Payment{Reference: opts.reference, FromCredit: opts.fromCredit})
		if err != nil {
			return err
		}
		return opts.env.print(report.Bill(b))
	})
}

func newBillingVoidCmd(env *Env) *cobra.Command {
	cmd, opts := newBillCmd(env, "void", "Take a bill back by a credit note",
		"  alwrity-sub billing void 17 --reason \"billed by mistake\"", billingVoidRun)
	cmd.Long = `Take a bill back by a credit note over all of it, and show that. What was paid of the
bill, and what it had used up of the user's credit, becomes the user's credit.`
	cmd.Flags().StringVar(&opts.reason, "reason", "", "why, as the credit note says it")
	mustRequire(cmd, "reason")
	return cmd
}

func billingVoidRun(ctx context.Context, opts *billOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		note, err := s.Billing.Void(ctx, opts.env.audit("billing void"), opts.number, opts.reason)
		if err != nil {
			return err
		}
		return opts.env.print(report.Bill(note))
	})
}

type billingCreditOptions struct {
	env    *Env
	user   string
	amount pricing.USD
	reason string
}

func newBillingCreditCmd(env *Env) *cobra.Command {
	opts := &billingCreditOptions{env: env}
	cmd := &cobra.Command{
		Use: "credit USER AMOUNT --reason TEXT", Short: "Give a user credit, which the next bills use up",
		Long: `Give a user credit, which the next bills use up. An amount below 0 takes back what is
left of it: write it after two dashes, as in the example.`,
		Example: "  alwrity-sub billing credit alice 5.00 --reason \"outage of May 3\"\n" +
			"  alwrity-sub billing credit alice --reason \"given by mistake\" -- -5.00",
		Args: cobra.ExactArgs(2), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			opts.user = args[0]
			if opts.amount, err = pricing.ParseUSD(args[1]); err != nil {
				return err
			}
			return billingCreditRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.reason, "reason", "", "why")
	mustRequire(cmd, "reason")
	return cmd
}

func billingCreditRun(ctx context.Context, opts *billingCreditOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		balance, err := s.Billing.Credit(ctx, opts.env.audit("billing credit"), opts.user, opts.amount, opts.reason)
		if err != nil {
			return err
		}
		return opts.env.print(report.Credit(opts.user, balance))
	})
}

type billingCreditsOptions struct {
	env  *Env
	user string
}

func newBillingCreditsCmd(env *Env) *cobra.Command {
	opts := &billingCreditsOptions{env: env}
	cmd := &cobra.Command{
		Use: "credits", Short: "List the credit that users got and what bills used up of it, oldest first",
		Example: "  alwrity-sub billing credits --user alice\n  alwrity-sub billing credits -o csv", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return billingCreditsRun(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.user, "user", "", "only of this `USER`")
	return cmd
}

func billingCreditsRun(ctx context.Context, opts *billingCreditsOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		var entries []billing.CreditEntry
		err := s.Billing.EachCredit(ctx, opts.user, func(c billing.CreditEntry) error {
			entries = append(entries, c)
			return nil
		})
		if err != nil {
			return err
		}
		return opts.env.print(report.Credits(entries))
	})
}
