package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newLimitsCmd(env *Env) *cobra.Command {
	return group("limits", "Check, reserve and explain limits",
		newLimitsCheckCmd(env), newLimitsReserveCmd(env), newLimitsReleaseCmd(env), newLimitsReservationsCmd(env),
		newLimitsExplainCmd(env))
}

// addCall adds the flags that describe a call.
func addCall(cmd *cobra.Command, call *asked) {
	flags := cmd.Flags()
	flags.StringVar(&call.UserID, "user", "", "the `USER`")
	addProvider(cmd, &call.Provider, "the PROVIDER that the call is billed under")
	flags.StringVar(&call.Model, "model", "", "the `MODEL`")
	flags.StringVar(&call.Vendor, "vendor", "", "the `VENDOR` that serves the call (default by provider and model)")
	addQuantities(flags, &call.Quantities)
	addServiceTier(flags, &call.ServiceTier)
	addToken(cmd, &call.token)
}

// asked is a call that a command asks about.
type asked struct {
	usage.Call
	token string // by which name the API token is known that it comes with; "" for none
}

func (a *asked) require() error {
	if a.token != "" {
		return required("--provider", a.Provider)
	}
	return required("--user", a.UserID, "--provider", a.Provider)
}

// resolve finds the token, and whose call it is.
func (a *asked) resolve(ctx context.Context, env *Env, s *Services) (err error) {
	if a.token != "" {
		a.TokenID, a.UserID, err = s.Access.CallWith(ctx, env.Now(), a.token, a.UserID, a.Provider, a.Model)
	}
	return err
}

func newLimitsCheckCmd(env *Env) *cobra.Command {
	var call asked
	var known bool
	cmd := &cobra.Command{
		Use: "check --user U --provider P", Short: "Say whether a call would pass now; takes nothing",
		Long: `Say whether a call would pass now. It takes nothing: of two callers who are both
told yes, one may come too late. To take what is checked, use limits reserve or
usage record --enforce. Refused is exit code 4.`,
		Example: "  alwrity-sub limits check --user alice --provider gemini --model gemini-2.5-pro" +
			" --input-tokens 2000 --output-tokens 500",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,3,4,6"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.decide(cmd.Context(), &call, known, func(s *Services) (usage.Decision, error) {
				return s.Usage.Check(cmd.Context(), env.Now(), call.Call)
			})
		},
	}
	addCall(cmd, &call)
	addKnownUser(cmd, &known)
	return cmd
}

// decide prints a decision about a call and returns the failure of one that is refused. With known its user must have
// been seen before.
func (env *Env) decide(
	ctx context.Context, call *asked, known bool, ask func(*Services) (usage.Decision, error),
) error {
	if err := call.require(); err != nil {
		return err
	}
	return env.withServices(ctx, func(s *Services) error {
		if err := call.resolve(ctx, env, s); err != nil {
			return err
		}
		if known {
			if err := s.Usage.RequireUser(ctx, call.UserID); err != nil {
				return err
			}
		}
		decision, err := ask(s)
		if err != nil {
			return err
		}
		if err := env.print(report.Decision(decision)); err != nil {
			return err
		}
		if decision.Basis == pricing.Unpriced {
			env.adviseUnpriced(ctx, s, decision.Call.Provider, decision.Call.Model)
		}
		return decision.Denied()
	})
}

// adviseUnpriced says what to do about a call without a price. The call itself is
// done: that the advice can't be had is no failure of it.
func (env *Env) adviseUnpriced(ctx context.Context, s *Services, provider, model string) {
	if book, err := s.Catalogue.Book(ctx); err == nil {
		env.note("hint: %s", hintText(book.Advice(provider, model)))
	}
}

func newLimitsReserveCmd(env *Env) *cobra.Command {
	var call asked
	var id string
	var known bool
	var ttl time.Duration
	cmd := &cobra.Command{
		Use: "reserve --user U --provider P", Short: "Take a hold on the limits before a call is made",
		Long: `Take a hold on the limits before a call is made, if it passes. Settle it afterwards
with usage record --reservation ID, or give it back with limits release ID; left
alone it expires by itself. Refused is exit code 4.`,
		Example: "  alwrity-sub limits reserve --user alice --provider video --model wan-2.5 --id req-7f3a --ttl 10m",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,3,4,5,6"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustNotBeEmpty(cmd, "id"); err != nil {
				return err
			}
			return env.decide(cmd.Context(), &call, known, func(s *Services) (usage.Decision, error) {
				return s.Usage.Reserve(cmd.Context(), env.Now(), call.Call, id, ttl)
			})
		},
	}
	addCall(cmd, &call)
	addKnownUser(cmd, &known)
	cmd.Flags().StringVar(&id, "id", "", "the reservation's `ID`, by which a retry is known (default a new UUID)")
	cmd.Flags().DurationVar(&ttl, "ttl", 5*time.Minute, "how long it holds, 1s to 24h")
	return cmd
}

func newLimitsReleaseCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "release ID", Short: "Give back what a reservation holds",
		Example: "  alwrity-sub limits release req-7f3a", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			reservation, err := s.Usage.Release(ctx, env.Now(), args[0])
			return report.Released(reservation), err
		}),
	}
}

func newLimitsReservationsCmd(env *Env) *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use: "reservations", Short: "List the reservations that hold now",
		Example: "  alwrity-sub limits reservations --user alice", Args: cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			now := env.Now()
			reservations, err := usage.Every(func(last usage.Reservation) (usage.Page[usage.Reservation], error) {
				return s.Lists.Reservations(ctx, usage.ReservationQuery{
					User: user, Now: now, AfterTime: last.CreatedAt, AfterID: last.ID, Limit: usage.PageSize,
				})
			})
			return report.Reservations(reservations, now), err
		}),
	}
	cmd.Flags().StringVar(&user, "user", "", "only this `USER`")
	return cmd
}

func newLimitsExplainCmd(env *Env) *cobra.Command {
	var call asked
	cmd := &cobra.Command{
		Use: "explain --user U --provider P", Short: "Explain a decision step by step",
		Long: "Explain whether a call would pass now: plan, period, price, each limit with what is used and reserved, " +
			"and why.",
		Example: "  alwrity-sub limits explain --user alice --provider openai --model gpt-4o", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := call.require(); err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				if err := call.resolve(ctx, env, s); err != nil {
					return report.Document{}, err
				}
				decision, err := s.Usage.Explain(ctx, env.Now(), call.Call)
				return report.Explanation(decision), err
			})(cmd, nil)
		},
	}
	addCall(cmd, &call)
	return cmd
}
