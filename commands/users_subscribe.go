package commands

import (
	"context"
	"net/mail"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

type usersSubscribeOptions struct {
	env         *Env
	user        string
	plan        string
	cycle       plan.Cycle
	start       time.Time
	email       string
	noAutoRenew bool
}

func newUsersSubscribeCmd(env *Env) *cobra.Command {
	opts := &usersSubscribeOptions{env: env, cycle: plan.Monthly}
	cmd := &cobra.Command{
		Use: "subscribe USER --plan NAME", Short: "Begin a subscription",
		Long: `Begin a subscription. Its usage periods run from the day it begins to the same day
of the next month. Usage that was recorded for that time already moves into them.`,
		Example: "  alwrity-sub users subscribe alice --plan pro\n  alwrity-sub users subscribe bob --plan basic --cycle yearly --start 2026-01-31 --email bob@example.com",
		Args:    cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return usersSubscribeRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.plan, "plan", "", "the plan's `NAME` or tier")
	cmd.Flags().Var(cycleFlag{&opts.cycle}, "cycle", "monthly or yearly")
	addTime(cmd, &opts.start, "start", "when it begins (default now)")
	cmd.Flags().StringVar(&opts.email, "email", "", "the user's `EMAIL` address")
	cmd.Flags().BoolVar(&opts.noAutoRenew, "no-auto-renew", false, "let it expire at the end of what is paid")
	mustRequire(cmd, "plan")
	return cmd
}

func usersSubscribeRun(ctx context.Context, opts *usersSubscribeOptions) error {
	if opts.start.IsZero() {
		opts.start = opts.env.Now()
	}
	if err := validateEmail(opts.email); err != nil {
		return err
	}
	return opts.env.changeSubscription(ctx, "users subscribe", opts.user, func(a plan.Account) (plan.Change, error) {
		wanted, err := a.Plans.Find(opts.plan)
		if err != nil {
			return plan.Change{}, err
		}
		return a.Subscribe(plan.Order{Plan: wanted, Cycle: opts.cycle, Start: opts.start, AutoRenew: !opts.noAutoRenew, Email: opts.email}, opts.env.Now())
	})
}

func validateEmail(email string) error {
	if email == "" {
		return nil
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > 254 {
		return failure.Invalidf("email is %q: it must be an address such as alice@example.com", pricing.Shorten(email))
	}
	return nil
}
