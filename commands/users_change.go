package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// subscriptionChange is an operation on a user's subscription.
type subscriptionChange func(context.Context, *billing.Service, usage.Audit) (billing.SubscriptionResult, error)

// changeSubscription changes a user's subscription and shows the user.
func (env *Env) changeSubscription(ctx context.Context, action string, change subscriptionChange) error {
	return env.withServices(ctx, func(s *Services) error {
		audit := env.audit(action)
		r, err := change(ctx, s.Billing, audit)
		if err != nil {
			return err
		}
		if next := r.TakenBack; next != nil {
			env.note("note: the change to %s that was set for %s is taken back", next.PlanName,
				next.At.Format(time.RFC3339))
		}
		return env.printUser(r.Account, audit.At)
	})
}

type usersSubscribeOptions struct {
	env         *Env
	user        string
	order       billing.Order
	noAutoRenew bool
}

func newUsersSubscribeCmd(env *Env) *cobra.Command {
	opts := &usersSubscribeOptions{env: env, order: billing.Order{Cycle: plan.Monthly}}
	cmd := &cobra.Command{
		Use: "subscribe USER --plan NAME", Short: "Begin a subscription",
		Long: `Begin a subscription. Its usage periods run from the day it begins to the same day
of the next month. Usage that was recorded for that time already moves into them.`,
		Example: "  alwrity-sub users subscribe alice --plan pro\n" +
			"  alwrity-sub users subscribe bob --plan basic --cycle yearly --start 2026-01-31 --email bob@example.com",
		Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user, opts.order.AutoRenew = args[0], !opts.noAutoRenew
			return usersSubscribeRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.order.Plan, "plan", "", "the plan's `NAME` or tier")
	cmd.Flags().Var(cycleFlag{&opts.order.Cycle}, "cycle", "monthly or yearly")
	addTime(cmd, &opts.order.Start, "start", "when it begins (default now)")
	cmd.Flags().StringVar(&opts.order.Email, "email", "", "the user's `EMAIL` address")
	cmd.Flags().BoolVar(&opts.noAutoRenew, "no-auto-renew", false, "let it expire at the end of what is paid")
	mustRequire(cmd, "plan")
	return cmd
}

func usersSubscribeRun(ctx context.Context, opts *usersSubscribeOptions) error {
	return opts.env.changeSubscription(ctx, "users subscribe",
		func(ctx context.Context, b *billing.Service, audit usage.Audit) (billing.SubscriptionResult, error) {
			return b.Subscribe(ctx, audit, opts.user, opts.order)
		})
}

type usersChangePlanOptions struct {
	env         *Env
	user        string
	plan        string
	atPeriodEnd bool
}

func newUsersChangePlanCmd(env *Env) *cobra.Command {
	opts := &usersChangePlanOptions{env: env}
	cmd := &cobra.Command{
		Use:   "change-plan USER --plan NAME",
		Short: "Move a subscription to another plan, now or at the end of what is paid",
		Long: `Move a subscription to another plan: from now on, or from the end of its paid cycle on.
Now, its period goes on, what was used in it counts against the new limits, and the
next bill takes back the rest of the old plan's price and adds that of the new one.
A change that lies ahead is taken back by any other, and by the plan that the
subscription has already.`,
		Example: "  alwrity-sub users change-plan alice --plan enterprise\n" +
			"  alwrity-sub users change-plan alice --plan basic --at-period-end",
		Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return usersChangePlanRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.plan, "plan", "", "the plan's `NAME` or tier")
	cmd.Flags().BoolVar(&opts.atPeriodEnd, "at-period-end", false, "change at the end of the cycle that is paid")
	mustRequire(cmd, "plan")
	return cmd
}

func usersChangePlanRun(ctx context.Context, opts *usersChangePlanOptions) error {
	return opts.env.changeSubscription(ctx, "users change-plan",
		func(ctx context.Context, b *billing.Service, audit usage.Audit) (billing.SubscriptionResult, error) {
			return b.ChangePlan(ctx, audit, opts.user, opts.plan, opts.atPeriodEnd)
		})
}

type usersCancelOptions struct {
	env         *Env
	user        string
	atPeriodEnd bool
}

func newUsersCancelCmd(env *Env) *cobra.Command {
	opts := &usersCancelOptions{env: env}
	cmd := &cobra.Command{
		Use: "cancel USER", Short: "Cancel a subscription, now or at the end of what is paid",
		Example: "  alwrity-sub users cancel alice --at-period-end", Args: cobra.ExactArgs(1),
		Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return usersCancelRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.atPeriodEnd, "at-period-end", false, "let it run until the end of the cycle that is paid")
	return cmd
}

func usersCancelRun(ctx context.Context, opts *usersCancelOptions) error {
	return opts.env.changeSubscription(ctx, "users cancel",
		func(ctx context.Context, b *billing.Service, audit usage.Audit) (billing.SubscriptionResult, error) {
			return b.Cancel(ctx, audit, opts.user, opts.atPeriodEnd)
		})
}

// newSubscriptionCmd makes a command that needs nothing but the user.
func newSubscriptionCmd(
	env *Env, name, short string,
	change func(*billing.Service, context.Context, usage.Audit, string) (billing.SubscriptionResult, error),
) *cobra.Command {
	return newUserCmd(env, name, short, "  alwrity-sub users "+name+" alice",
		func(ctx context.Context, opts *userOptions) error {
			return env.changeSubscription(ctx, "users "+name,
				func(ctx context.Context, b *billing.Service, audit usage.Audit) (billing.SubscriptionResult, error) {
					return change(b, ctx, audit, opts.user)
				})
		})
}

func newUsersRenewCmd(env *Env) *cobra.Command {
	cmd := newSubscriptionCmd(env, "renew", "Renew a subscription for one more cycle", (*billing.Service).Renew)
	cmd.Long = `Renew a subscription for one more cycle: a running one from the end of what is
paid, also taking back a cancellation that lies ahead; an ended one from now on.`
	return cmd
}

func newUsersSuspendCmd(env *Env) *cobra.Command {
	return newSubscriptionCmd(env, "suspend", "Refuse a subscription's calls until it is resumed",
		(*billing.Service).Suspend)
}

func newUsersResumeCmd(env *Env) *cobra.Command {
	return newSubscriptionCmd(env, "resume", "Let a suspended subscription's calls through again",
		(*billing.Service).Resume)
}
