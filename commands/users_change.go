package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// changeSubscription makes a change of a user's subscription and shows the user.
func (env *Env) changeSubscription(ctx context.Context, action, user string, fn func(plan.Account) (plan.Change, error)) error {
	if err := usage.ValidateUser(user); err != nil {
		return err
	}
	return env.withServices(ctx, func(s *Services) error {
		var before plan.Account
		a, err := s.Subscriptions.ChangeSubscription(ctx, env.audit(action), user, func(found plan.Account) (plan.Change, error) {
			before = found
			return fn(found)
		})
		if err != nil {
			return err
		}
		env.noteDropped(before, a)
		return env.printUser(a)
	})
}

// noteDropped says that a change of plan that was set for later will not come.
func (env *Env) noteDropped(before, after plan.Account) {
	was, is := before.Subscription, after.Subscription
	if was == nil || was.NextPlanID == 0 || is.NextPlanID == was.NextPlanID && is.NextAt.Equal(was.NextAt) {
		return
	}
	next, _ := before.Plans.ByID(was.NextPlanID)
	env.note("note: the change to %s that was set for %s is taken back", next.Name, was.NextAt.Format(time.RFC3339))
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
		Use: "change-plan USER --plan NAME", Short: "Move a subscription to another plan, now or at the end of what is paid",
		Long: `Move a subscription to another plan: from now on, or from the end of its paid cycle on.
Now, its period goes on, what was used in it counts against the new limits, and the
next bill takes back the rest of the old plan's price and adds that of the new one.
A change that lies ahead is taken back by any other, and by the plan that the
subscription has already.`,
		Example: "  alwrity-sub users change-plan alice --plan enterprise\n  alwrity-sub users change-plan alice --plan basic --at-period-end", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
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
	return opts.env.changeSubscription(ctx, "users change-plan", opts.user, func(a plan.Account) (plan.Change, error) {
		wanted, err := a.Plans.Find(opts.plan)
		if err != nil {
			return plan.Change{}, err
		}
		if opts.atPeriodEnd {
			return a.ChangePlanAtEnd(wanted, opts.env.Now())
		}
		return a.ChangePlan(wanted, opts.env.Now())
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
		Example: "  alwrity-sub users cancel alice --at-period-end", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return usersCancelRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVar(&opts.atPeriodEnd, "at-period-end", false, "let it run until the end of the cycle that is paid")
	return cmd
}

func usersCancelRun(ctx context.Context, opts *usersCancelOptions) error {
	return opts.env.changeSubscription(ctx, "users cancel", opts.user, func(a plan.Account) (plan.Change, error) {
		return a.Cancel(opts.atPeriodEnd, opts.env.Now())
	})
}

func newUsersRenewCmd(env *Env) *cobra.Command {
	cmd := newUserCmd(env, "renew", "Renew a subscription for one more cycle", "  alwrity-sub users renew alice", usersRenewRun)
	cmd.Long = `Renew a subscription for one more cycle: a running one from the end of what is
paid, also taking back a cancellation that lies ahead; an ended one from now on.`
	return cmd
}

func usersRenewRun(ctx context.Context, opts *userOptions) error {
	return opts.env.changeSubscription(ctx, "users renew", opts.user, func(a plan.Account) (plan.Change, error) { return a.Renew(opts.env.Now()) })
}

func newUsersSuspendCmd(env *Env) *cobra.Command {
	return newUserCmd(env, "suspend", "Refuse a subscription's calls until it is resumed", "  alwrity-sub users suspend alice", usersSuspendRun)
}

func usersSuspendRun(ctx context.Context, opts *userOptions) error {
	return opts.env.changeSubscription(ctx, "users suspend", opts.user, func(a plan.Account) (plan.Change, error) { return a.Suspend(opts.env.Now()) })
}

func newUsersResumeCmd(env *Env) *cobra.Command {
	return newUserCmd(env, "resume", "Let a suspended subscription's calls through again", "  alwrity-sub users resume alice", usersResumeRun)
}

func usersResumeRun(ctx context.Context, opts *userOptions) error {
	return opts.env.changeSubscription(ctx, "users resume", opts.user, func(a plan.Account) (plan.Change, error) { return a.Resume(opts.env.Now()) })
}
