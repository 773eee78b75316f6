package commands

import (
	"context"
	"net/mail"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newUsersCmd(env *Env) *cobra.Command {
	return group("users", "Users and their subscriptions",
		newUsersListCmd(env, nil), newUsersShowCmd(env, nil), newUsersSubscribeCmd(env, nil), newUsersChangePlanCmd(env, nil),
		newUsersCancelCmd(env, nil), newUsersRenewCmd(env, nil), newUsersSuspendCmd(env, nil), newUsersResumeCmd(env, nil),
		newUsersHistoryCmd(env, nil))
}

type usersListOptions struct{ env *Env }

func newUsersListCmd(env *Env, run func(context.Context, *usersListOptions) error) *cobra.Command {
	opts := &usersListOptions{env}
	if run == nil {
		run = usersListRun
	}
	return &cobra.Command{
		Use: "list", Short: "List every user that was ever seen", Example: "  alwrity-sub users list -o csv", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), opts) },
	}
}

func usersListRun(ctx context.Context, opts *usersListOptions) error {
	return opts.env.withDatabase(ctx, func(db Database) error {
		users, err := db.Users(ctx)
		if err != nil {
			return err
		}
		return opts.env.print(report.Users(users, opts.env.Now()))
	})
}

// userOptions are the options of a command that concerns one user.
type userOptions struct {
	env  *Env
	user string
}

// newUserCmd makes a command with a user as its argument.
func newUserCmd(env *Env, use, short, example string, run func(context.Context, *userOptions) error) *cobra.Command {
	opts := &userOptions{env: env}
	return &cobra.Command{
		Use: use + " USER", Short: short, Example: example, Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return run(cmd.Context(), opts)
		},
	}
}

func newUsersShowCmd(env *Env, run func(context.Context, *userOptions) error) *cobra.Command {
	if run == nil {
		run = usersShowRun
	}
	return newUserCmd(env, "show", "Show a user's subscription", "  alwrity-sub users show alice", run)
}

func usersShowRun(ctx context.Context, opts *userOptions) error {
	return opts.env.withDatabase(ctx, func(db Database) error {
		account, err := account(ctx, db, opts.user)
		if err != nil {
			return err
		}
		return opts.env.printUser(account)
	})
}

// account returns the account of a user who was seen before.
func account(ctx context.Context, db Database, user string) (plan.Account, error) {
	if err := usage.ValidateUser(user); err != nil {
		return plan.Account{}, err
	}
	var a plan.Account
	err := db.View(ctx, func(r usage.Reader) error {
		known, err := r.UserKnown(ctx, user)
		if err != nil {
			return err
		}
		if !known {
			return failure.NotFoundf("there is no user %q: no subscription and no usage", pricing.Shorten(user)).
				WithHint("list them: alwrity-sub users list; to begin a subscription: alwrity-sub users subscribe USER --plan …")
		}
		accounts, err := r.Accounts(ctx, []string{user})
		a = accounts[user]
		return err
	})
	return a, err
}

func (env *Env) printUser(a plan.Account) error {
	doc, err := report.User(a, env.Now())
	if err != nil {
		return err
	}
	return env.print(doc)
}

type usersSubscribeOptions struct {
	env         *Env
	user        string
	plan        string
	cycle       plan.Cycle
	start       time.Time
	email       string
	noAutoRenew bool
}

func newUsersSubscribeCmd(env *Env, run func(context.Context, *usersSubscribeOptions) error) *cobra.Command {
	opts := &usersSubscribeOptions{env: env, cycle: plan.Monthly}
	if run == nil {
		run = usersSubscribeRun
	}
	cmd := &cobra.Command{
		Use: "subscribe USER --plan NAME", Short: "Begin a subscription",
		Long: `Begin a subscription. Its usage periods run from the day it begins to the same day
of the next month. Usage that was recorded for that time already moves into them.`,
		Example: "  alwrity-sub users subscribe alice --plan pro\n  alwrity-sub users subscribe bob --plan basic --cycle yearly --start 2026-01-31 --email bob@example.com",
		Args:    cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return run(cmd.Context(), opts)
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

// changeSubscription makes a change of a user's subscription and shows the user.
func (env *Env) changeSubscription(ctx context.Context, action, user string, fn func(plan.Account) (plan.Change, error)) error {
	if err := usage.ValidateUser(user); err != nil {
		return err
	}
	return env.withDatabase(ctx, func(db Database) error {
		a, err := db.ChangeSubscription(ctx, env.audit(action), user, fn)
		if err != nil {
			return err
		}
		return env.printUser(a)
	})
}

type usersChangePlanOptions struct {
	env  *Env
	user string
	plan string
}

func newUsersChangePlanCmd(env *Env, run func(context.Context, *usersChangePlanOptions) error) *cobra.Command {
	opts := &usersChangePlanOptions{env: env}
	if run == nil {
		run = usersChangePlanRun
	}
	cmd := &cobra.Command{
		Use: "change-plan USER --plan NAME", Short: "Move a subscription to another plan from now on",
		Long:    "Move a subscription to another plan from now on. Its period goes on, and what was used in it counts against the new limits.",
		Example: "  alwrity-sub users change-plan alice --plan enterprise", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return run(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.plan, "plan", "", "the plan's `NAME` or tier")
	mustRequire(cmd, "plan")
	return cmd
}

func usersChangePlanRun(ctx context.Context, opts *usersChangePlanOptions) error {
	return opts.env.changeSubscription(ctx, "users change-plan", opts.user, func(a plan.Account) (plan.Change, error) {
		wanted, err := a.Plans.Find(opts.plan)
		if err != nil {
			return plan.Change{}, err
		}
		return a.ChangePlan(wanted, opts.env.Now())
	})
}

type usersCancelOptions struct {
	env         *Env
	user        string
	atPeriodEnd bool
}

func newUsersCancelCmd(env *Env, run func(context.Context, *usersCancelOptions) error) *cobra.Command {
	opts := &usersCancelOptions{env: env}
	if run == nil {
		run = usersCancelRun
	}
	cmd := &cobra.Command{
		Use: "cancel USER", Short: "Cancel a subscription, now or at the end of what is paid",
		Example: "  alwrity-sub users cancel alice --at-period-end", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return run(cmd.Context(), opts)
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

func newUsersRenewCmd(env *Env, run func(context.Context, *userOptions) error) *cobra.Command {
	if run == nil {
		run = usersRenewRun
	}
	cmd := newUserCmd(env, "renew", "Renew a subscription for one more cycle", "  alwrity-sub users renew alice", run)
	cmd.Long = `Renew a subscription for one more cycle: a running one from the end of what is
paid, also taking back a cancellation that lies ahead; an ended one from now on.`
	return cmd
}

func usersRenewRun(ctx context.Context, opts *userOptions) error {
	return opts.env.changeSubscription(ctx, "users renew", opts.user, func(a plan.Account) (plan.Change, error) { return a.Renew(opts.env.Now()) })
}

func newUsersSuspendCmd(env *Env, run func(context.Context, *userOptions) error) *cobra.Command {
	if run == nil {
		run = usersSuspendRun
	}
	return newUserCmd(env, "suspend", "Refuse a subscription's calls until it is resumed", "  alwrity-sub users suspend alice", run)
}

func usersSuspendRun(ctx context.Context, opts *userOptions) error {
	return opts.env.changeSubscription(ctx, "users suspend", opts.user, func(a plan.Account) (plan.Change, error) { return a.Suspend(opts.env.Now()) })
}

func newUsersResumeCmd(env *Env, run func(context.Context, *userOptions) error) *cobra.Command {
	if run == nil {
		run = usersResumeRun
	}
	return newUserCmd(env, "resume", "Let a suspended subscription's calls through again", "  alwrity-sub users resume alice", run)
}

func usersResumeRun(ctx context.Context, opts *userOptions) error {
	return opts.env.changeSubscription(ctx, "users resume", opts.user, func(a plan.Account) (plan.Change, error) { return a.Resume(opts.env.Now()) })
}

func newUsersHistoryCmd(env *Env, run func(context.Context, *userOptions) error) *cobra.Command {
	if run == nil {
		run = usersHistoryRun
	}
	return newUserCmd(env, "history", "Show every change of a user's subscription", "  alwrity-sub users history alice", run)
}

func usersHistoryRun(ctx context.Context, opts *userOptions) error {
	return opts.env.withDatabase(ctx, func(db Database) error {
		if _, err := account(ctx, db, opts.user); err != nil {
			return err
		}
		history, err := db.History(ctx, opts.user)
		if err != nil {
			return err
		}
		return opts.env.print(report.History(history))
	})
}
