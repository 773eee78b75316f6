package commands

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/report"
)

func newTokensCmd(env *Env) *cobra.Command {
	return group("tokens", "API tokens: who may call, and for whom",
		newTokensCreateCmd(env), newTokensListCmd(env), newTokensChangeCmd(env),
		newTokensRevokeCmd(env), newTokensRotateCmd(env), newTokensLinkCmd(env))
}

func newTokensCreateCmd(env *Env) *cobra.Command {
	var wanted access.NewToken
	var scopes []string
	var expires string
	var known bool
	var bounds tokenBounds
	cmd := &cobra.Command{
		Use: "create --user U", Short: "Make a token; it is shown this once",
		Long: `Make a token with which a program calls. It is shown this once: only a hash of it is
kept. It acts for its user; with --act-as, for any user that a call names.

What it may do is its scopes: gateway (make calls, ask and reserve limits), events
(record usage), read (read what there is about its user), admin (everything, for
every user). Without --scope it has all but admin.

It may have limits of its own, which are judged beside those of the plan: --limit
calls=100, or the name of a plan's limit with another maximum. They count in the
periods of its user; with --act-as, by calendar months over all that is called
with it.`,
		Example: "  alwrity-sub tokens create --user alice --name laptop --expires 90d --limit calls=100\n" +
			"  alwrity-sub tokens create --act-as --scope gateway,events --name backend\n" +
			"  alwrity-sub tokens create --scope admin --name operator -o json",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := mustNotBeEmpty(cmd, "user", "expires"); err != nil {
				return err
			}
			if wanted.Scopes, err = access.ParseScopes(scopes); err != nil {
				return err
			}
			if wanted.ExpiresAt, err = access.ParseExpiry(expires, env.Now()); err != nil {
				return err
			}
			for i, p := range wanted.Providers {
				wanted.Providers[i] = strings.ToLower(p)
			}
			return env.tokensCreateRun(cmd.Context(), wanted, &bounds, known)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&wanted.User, "user", "", "the `USER` that it acts for")
	flags.BoolVar(&wanted.ActAs, "act-as", false, "it may act for any user that a call names")
	flags.StringSliceVar(&scopes, "scope", nil, "what it may do: gateway, events, read, admin (default all but admin)")
	flags.StringVar(&wanted.Name, "name", "", "what people call it")
	flags.StringVar(&expires, "expires", "", "when it ends: a time, or in how long, such as 90d or 12h (default never)")
	flags.StringSliceVar(&wanted.Providers, "provider", nil, "only calls of these `PROVIDER`s (default all)")
	flags.StringSliceVar(&wanted.Models, "model", nil, "only calls of these `MODEL`s (default all)")
	bounds.add(cmd)
	addKnownUser(cmd, &known)
	return cmd
}

func (env *Env) tokensCreateRun(ctx context.Context, wanted access.NewToken, bounds *tokenBounds, known bool) error {
	return env.withServices(ctx, func(s *Services) error {
		if known && wanted.User != "" {
			if err := s.Usage.RequireUser(ctx, wanted.User); err != nil {
				return err
			}
		}
		terms, err := bounds.terms(ctx, env, s)
		if err != nil {
			return err
		}
		wanted.Terms = terms(access.Terms{})
		made, err := s.Access.Create(ctx, env.audit("tokens create"), wanted)
		if err != nil {
			return err
		}
		if made.NewUser {
			env.note("note: the user %s was never seen before", wanted.User)
		}
		return env.print(report.TokenCreated(made))
	})
}

func newTokensListCmd(env *Env) *cobra.Command {
	var q access.TokenQuery
	cmd := &cobra.Command{
		Use: "list", Short: "List tokens, newest first; never their secrets",
		Example: "  alwrity-sub tokens list --user alice", Args: cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			page, err := s.Access.List(ctx, q)
			if page.More {
				env.note("note: these are the latest %d; older ones are there: --limit N", len(page.Rows))
			}
			if err != nil {
				return report.Document{}, err
			}
			used, err := s.Usage.TokenUsages(ctx, env.Now(), access.IDs(page.Rows))
			return report.Tokens(page.Rows, used), err
		}),
	}
	cmd.Flags().StringVar(&q.User, "user", "", "only of this `USER`")
	cmd.Flags().BoolVar(&q.Revoked, "revoked", false, "also those that were revoked")
	cmd.Flags().IntVar(&q.Limit, "limit", 1000, "at most `N`")
	return cmd
}

func newTokensRevokeCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "revoke TOKEN", Short: "End a token at once, and the sessions that were begun with it",
		Long: `End a token at once, everywhere, and the sessions that were begun with it. It is named by
its id, its public part (ask_AB12CD34EF56), or the whole of it, such as one that has leaked.`,
		Example: "  alwrity-sub tokens revoke 7\n  alwrity-sub tokens revoke ask_AB12CD34EF56",
		Args:    cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			revoked, err := s.Access.Revoke(ctx, env.audit("tokens revoke"), args[0])
			return report.TokenRevoked(revoked), err
		}),
	}
}

func newTokensRotateCmd(env *Env) *cobra.Command {
	var keep time.Duration
	cmd := &cobra.Command{
		Use: "rotate TOKEN", Short: "Give a token another secret; the old one is valid for a while",
		Long: `Give a token another secret, shown this once. The old one is valid for a while, so that
every program can change over. All else of the token stays: its id, scopes and limits.`,
		Example: "  alwrity-sub tokens rotate 7 --keep 1h", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			made, err := s.Access.Rotate(ctx, env.audit("tokens rotate"), args[0], keep)
			return report.TokenRotated(made), err
		}),
	}
	cmd.Flags().DurationVar(&keep, "keep", 10*time.Minute, "how long the old one is valid, 0s to 720h")
	return cmd
}

// linkPath is where the server takes the secret of a link.
const linkPath = "/login?link="

func newTokensLinkCmd(env *Env) *cobra.Command {
	var admin bool
	cmd := &cobra.Command{
		Use: "link [USER]", Short: "Make a link that signs a browser in, once",
		Long: `Make a link that signs a browser in as a user, or with --admin as an operator. It works
once, within 15 minutes; the browser stays signed in for 12 hours.`,
		Example: "  alwrity-sub tokens link alice\n  alwrity-sub tokens link --admin", Args: cobra.MaximumNArgs(1),
		Annotations: exitCodes("0,1,2,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			link, err := s.Access.CreateLink(ctx, env.audit("tokens link"), strings.Join(args, ""), admin)
			return report.Link(link, env.Settings.PublicURL, linkPath+link.Secret), err
		}),
	}
	cmd.Flags().BoolVar(&admin, "admin", false, "who signs in is an admin")
	return cmd
}
