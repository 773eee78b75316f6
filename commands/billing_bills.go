package commands

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type billingListOptions struct {
	env    *Env
	user   string
	month  string
	status string
}

func newBillingListCmd(env *Env) *cobra.Command {
	opts := &billingListOptions{env: env}
	cmd := &cobra.Command{
		Use: "list", Short: "List bills and credit notes by number",
		Long: `List bills and credit notes by number, oldest first. A bill is in the month in which its
period ends, where midnight of the 1st belongs to the month before; a credit note is in
the month in which it was issued, as in billing export.`,
		Example: "  alwrity-sub billing list --month 2026-11\n  alwrity-sub billing list --status past_due -o csv",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return billingListRun(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.user, "user", "", "only of this `USER`")
	cmd.Flags().StringVar(&opts.month, "month", "", "only of this month, as `YYYY-MM`")
	cmd.Flags().StringVar(&opts.status, "status", "", "only open, past_due, paid, void, or several with commas")
	return cmd
}

func billingListRun(ctx context.Context, opts *billingListOptions) error {
	q := billing.Query{UserID: opts.user}
	var err error
	if q.Statuses, err = parseStatuses(opts.status); err != nil {
		return err
	}
	if q.Month, err = optionalMonth(opts.month); err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		var bills []billing.Bill
		err := s.Billing.EachBill(ctx, q, func(b billing.Bill) error {
			bills = append(bills, b)
			return nil
		})
		if err != nil {
			return err
		}
		return opts.env.print(report.Bills(bills))
	})
}

// optionalMonth reads a month of the books; "" is 0.
func optionalMonth(text string) (usage.Month, error) {
	if text == "" {
		return 0, nil
	}
	return parseMonth(text)
}

// parseMonth reads a month of the books.
func parseMonth(text string) (usage.Month, error) {
	from, _, err := usage.MonthRange(text)
	return usage.MonthOf(from), err
}

// parseStatuses reads a list of statuses with commas between them.
func parseStatuses(text string) ([]billing.Status, error) {
	if text == "" {
		return nil, nil
	}
	known := []string{string(billing.Open), string(billing.PastDue), string(billing.Paid), string(billing.Void)}
	var statuses []billing.Status
	for word := range strings.SplitSeq(text, ",") {
		word = strings.ToLower(strings.TrimSpace(word))
		if !slices.Contains(known, word) {
			return nil, failure.UnknownName(failure.Invalid, "status", word, known)
		}
		statuses = append(statuses, billing.Status(word))
	}
	return statuses, nil
}

// billOptions are the options of a command that concerns one bill.
type billOptions struct {
	env        *Env
	number     int64
	reference  string
	fromCredit bool
	reason     string
}

// newBillCmd makes a command with the number of a bill as its argument.
func newBillCmd(env *Env, use, short, example string, run func(context.Context, *billOptions) error) (
	*cobra.Command, *billOptions,
) {
	opts := &billOptions{env: env}
	return &cobra.Command{
		Use: use + " NUMBER", Short: short, Example: example, Args: cobra.ExactArgs(1),
		Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if opts.number, err = parseNumber(args[0]); err != nil {
				return err
			}
			return run(cmd.Context(), opts)
		},
	}, opts
}

func parseNumber(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < 1 {
		return 0, failure.Invalidf("the number of the bill is %q: it must be a whole number from 1 on",
			failure.Shorten(text)).
			WithHint("the numbers are in: alwrity-sub billing list")
	}
	return number, nil
}

func newBillingShowCmd(env *Env) *cobra.Command {
	cmd, _ := newBillCmd(env, "show", "Show a bill line by line", "  alwrity-sub billing show 17", billingShowRun)
	cmd.Annotations = exitCodes("0,1,2,3,6")
	return cmd
}

func billingShowRun(ctx context.Context, opts *billOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		b, err := s.Billing.Show(ctx, opts.number)
		if err != nil {
			return err
		}
		return opts.env.print(report.Bill(b))
	})
}

func newBillingPreviewCmd(env *Env) *cobra.Command {
	cmd := newUserCmd(env, "preview", "Show what a user's next bill would be if the period ended now",
		"  alwrity-sub billing preview alice", billingPreviewRun)
	cmd.Annotations = exitCodes("0,1,2,3,6")
	return cmd
}

func billingPreviewRun(ctx context.Context, opts *userOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		due, running, err := s.Billing.Preview(ctx, opts.user, opts.env.Now())
		if err != nil {
			return err
		}
		return opts.env.print(report.Preview(due, running))
	})
}
