package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newUsersCmd(env *Env) *cobra.Command {
	return group("users", "Users and their subscriptions",
		newUsersListCmd(env), newUsersShowCmd(env), newUsersSubscribeCmd(env), newUsersChangePlanCmd(env),
		newUsersCancelCmd(env), newUsersRenewCmd(env), newUsersSuspendCmd(env), newUsersResumeCmd(env),
		newUsersHistoryCmd(env))
}

type usersListOptions struct{ env *Env }

func newUsersListCmd(env *Env) *cobra.Command {
	opts := &usersListOptions{env}
	return &cobra.Command{
		Use: "list", Short: "List every user that was ever seen", Example: "  alwrity-sub users list -o csv", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return usersListRun(cmd.Context(), opts) },
	}
}

func usersListRun(ctx context.Context, opts *usersListOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		users, err := usage.Every(func(last usage.User) (usage.Page[usage.User], error) {
			return s.Lists.Users(ctx, last.UserID, usage.PageSize)
		})
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

func newUsersShowCmd(env *Env) *cobra.Command {
	return newUserCmd(env, "show", "Show a user's subscription", "  alwrity-sub users show alice", usersShowRun)
}

func usersShowRun(ctx context.Context, opts *userOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		account, err := s.Billing.Account(ctx, opts.user)
		if err != nil {
			return err
		}
		return opts.env.printUser(account, opts.env.Now())
	})
}

func (env *Env) printUser(a plan.Account, now time.Time) error {
	doc, err := report.User(a, now)
	if err != nil {
		return err
	}
	return env.print(doc)
}

func newUsersHistoryCmd(env *Env) *cobra.Command {
	return newUserCmd(env, "history", "Show every change of a user's subscription", "  alwrity-sub users history alice", usersHistoryRun)
}

func usersHistoryRun(ctx context.Context, opts *userOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		history, err := s.Billing.History(ctx, opts.user)
		if err != nil {
			return err
		}
		return opts.env.print(report.History(history))
	})
}
