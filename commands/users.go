package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newUsersCmd(env *Env) *cobra.Command {
	return group("users", "Users and their subscriptions",
		newUsersListCmd(env), newUsersShowCmd(env), newUsersSetCmd(env), newUsersSubscribeCmd(env),
		newUsersChangePlanCmd(env), newUsersCancelCmd(env), newUsersRenewCmd(env), newUsersSuspendCmd(env),
		newUsersResumeCmd(env), newUsersHistoryCmd(env))
}

func newUsersListCmd(env *Env) *cobra.Command {
	var q usage.UserQuery
	var status string
	cmd := &cobra.Command{
		Use: "list", Short: "List every user that was ever seen",
		Example: "  alwrity-sub users list -o csv\n  alwrity-sub users list --search example.com --status suspended",
		Args:    cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			q.Status, q.Now, q.Limit = plan.Status(status), env.Now(), usage.PageSize
			users, err := usage.Every(func(last usage.User) (usage.Page[usage.User], error) {
				q.After = last.UserID
				return s.Lists.FindUsers(ctx, q)
			})
			return report.Users(users, q.Now), err
		}),
	}
	cmd.Flags().StringVar(&q.Search, "search", "", "only those with this `TEXT` in their id, name or address")
	cmd.Flags().StringVar(&status, "status", "",
		"only with this `STATUS`: active, pending, suspended, cancelled or expired")
	cmd.Flags().StringVar(&q.Plan, "plan", "", "only on the plan of this `NAME` or tier")
	return cmd
}

// newUserCmd makes a command that concerns one user, who is its argument.
func newUserCmd(env *Env, use, short, example string, ask query) *cobra.Command {
	return &cobra.Command{
		Use: use + " USER", Short: short, Example: example, Args: cobra.ExactArgs(1),
		Annotations: exitCodes("0,1,2,3,5,6"), RunE: env.show(ask),
	}
}

func newUsersShowCmd(env *Env) *cobra.Command {
	return newUserCmd(env, "show", "Show a user's subscription", "  alwrity-sub users show alice",
		func(ctx context.Context, s *Services, args []string) (doc report.Document, err error) {
			return env.showUser(ctx, s, args[0], env.Now())
		})
}

// showUser makes the document of where a user stands.
func (env *Env) showUser(ctx context.Context, s *Services, user string, now time.Time) (report.Document, error) {
	subscriber, err := s.Billing.Subscriber(ctx, user)
	if err != nil {
		return report.Document{}, err
	}
	return report.User(subscriber, now)
}

func newUsersSetCmd(env *Env) *cobra.Command {
	var change usage.ProfileChange
	cmd := newUserCmd(env, "set", "Set who a user is, as bills say it",
		"  alwrity-sub users set alice --name \"Alice Ltd\" --address \"1 High Street\\nLeeds\" --country GB\n"+
			"  alwrity-sub users set alice --email accounts@alice.example --tax-id \"GB 123\"",
		func(ctx context.Context, s *Services, args []string) (doc report.Document, err error) {
			if change.IsEmpty() {
				return doc, failure.Invalidf("there is nothing to set").
					WithHint("name one at least: --email, --name, --address, --country, --tax-id")
			}
			audit := env.audit("users set")
			if err := s.Billing.SetProfile(ctx, audit, args[0], change); err != nil {
				return doc, err
			}
			return env.showUser(ctx, s, args[0], audit.At)
		})
	cmd.Long = `Set who a user is, as statements and exports of bills say it, and where mails go. What
is not given stays as it is, and an empty text takes it away. A bill's figures never
change; whom it is for is as it is known when it is shown.`
	flags := cmd.Flags()
	flags.Var(textFlag{&change.Email, "EMAIL"}, "email", "the mail address")
	flags.Var(textFlag{&change.Name, "NAME"}, "name", "the name of the person or company")
	flags.Var(textFlag{&change.Address, "ADDRESS"}, "address", `the address, its lines apart by \n`)
	flags.Var(textFlag{&change.Country, "CODE"}, "country", "the country's two letters of ISO 3166-1, such as DE")
	flags.Var(textFlag{&change.TaxID, "ID"}, "tax-id", "the tax or VAT number")
	return cmd
}

func newUsersHistoryCmd(env *Env) *cobra.Command {
	return newUserCmd(env, "history", "Show every change of a user's subscription", "  alwrity-sub users history alice",
		func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			history, err := s.Billing.History(ctx, args[0])
			return report.History(history), err
		})
}

// subscriptionChange is an operation on a user's subscription.
type subscriptionChange func(
	b *billing.Service, ctx context.Context, audit usage.Audit, user string) (billing.SubscriptionResult, error)

// newSubscriptionCmd makes a command that changes a user's subscription and shows the user.
func newSubscriptionCmd(env *Env, name, short, example string, change subscriptionChange) *cobra.Command {
	return newUserCmd(env, name, short, example,
		func(ctx context.Context, s *Services, args []string) (doc report.Document, err error) {
			audit := env.audit("users " + name)
			r, err := change(s.Billing, ctx, audit, args[0])
			if err != nil {
				return doc, err
			}
			if next := r.TakenBack; next != nil {
				env.note("note: the change to %s that was set for %s is taken back", next.PlanName, next.At.Format(time.RFC3339))
			}
			return env.showUser(ctx, s, args[0], audit.At)
		})
}

func newUsersSubscribeCmd(env *Env) *cobra.Command {
	order, noAutoRenew := billing.Order{Cycle: plan.Monthly}, false
	cmd := newSubscriptionCmd(env, "subscribe", "Begin a subscription", "  alwrity-sub users subscribe alice --plan pro\n"+
		"  alwrity-sub users subscribe bob --plan basic --cycle yearly --start 2026-01-31 --email bob@example.com",
		func(b *billing.Service, ctx context.Context, audit usage.Audit, user string) (billing.SubscriptionResult, error) {
			order.AutoRenew = !noAutoRenew
			return b.Subscribe(ctx, audit, user, order)
		})
	cmd.Use += " --plan NAME"
	cmd.Long = `Begin a subscription. Its usage periods run from the day it begins to the same day
of the next month. Usage that was recorded for that time already moves into them.`
	cmd.Flags().StringVar(&order.Plan, "plan", "", "the plan's `NAME` or tier")
	cmd.Flags().Var(cycleFlag{&order.Cycle}, "cycle", "monthly or yearly")
	addTime(cmd, &order.Start, "start", "when it begins (default now)")
	cmd.Flags().StringVar(&order.Email, "email", "", "the user's `EMAIL` address")
	cmd.Flags().BoolVar(&noAutoRenew, "no-auto-renew", false, "let it expire at the end of what is paid")
	mustRequire(cmd, "plan")
	return cmd
}

func newUsersChangePlanCmd(env *Env) *cobra.Command {
	var planName string
	var atPeriodEnd bool
	cmd := newSubscriptionCmd(env, "change-plan", "Move a subscription to another plan, now or at the end of what is paid",
		"  alwrity-sub users change-plan alice --plan enterprise\n"+
			"  alwrity-sub users change-plan alice --plan basic --at-period-end",
		func(b *billing.Service, ctx context.Context, audit usage.Audit, user string) (billing.SubscriptionResult, error) {
			return b.ChangePlan(ctx, audit, user, planName, atPeriodEnd)
		})
	cmd.Use += " --plan NAME"
	cmd.Long = `Move a subscription to another plan: from now on, or from the end of its paid cycle on.
Now, its period goes on, what was used in it counts against the new limits, and the
next bill takes back the rest of the old plan's price and adds that of the new one.
A change that lies ahead is taken back by any other, and by the plan that the
subscription has already.`
	cmd.Flags().StringVar(&planName, "plan", "", "the plan's `NAME` or tier")
	cmd.Flags().BoolVar(&atPeriodEnd, "at-period-end", false, "change at the end of the cycle that is paid")
	mustRequire(cmd, "plan")
	return cmd
}

func newUsersCancelCmd(env *Env) *cobra.Command {
	var atPeriodEnd bool
	cmd := newSubscriptionCmd(env, "cancel", "Cancel a subscription, now or at the end of what is paid",
		"  alwrity-sub users cancel alice --at-period-end",
		func(b *billing.Service, ctx context.Context, audit usage.Audit, user string) (billing.SubscriptionResult, error) {
			return b.Cancel(ctx, audit, user, atPeriodEnd)
		})
	cmd.Flags().BoolVar(&atPeriodEnd, "at-period-end", false, "let it run until the end of the cycle that is paid")
	return cmd
}

func newUsersRenewCmd(env *Env) *cobra.Command {
	cmd := newSubscriptionCmd(env, "renew", "Renew a subscription for one more cycle", "  alwrity-sub users renew alice",
		(*billing.Service).Renew)
	cmd.Long = `Renew a subscription for one more cycle: a running one from the end of what is
paid, also taking back a cancellation that lies ahead; an ended one from now on.`
	return cmd
}

func newUsersSuspendCmd(env *Env) *cobra.Command {
	return newSubscriptionCmd(env, "suspend", "Refuse a subscription's calls until it is resumed",
		"  alwrity-sub users suspend alice", (*billing.Service).Suspend)
}

func newUsersResumeCmd(env *Env) *cobra.Command {
	return newSubscriptionCmd(env, "resume", "Let a suspended subscription's calls through again",
		"  alwrity-sub users resume alice", (*billing.Service).Resume)
}
