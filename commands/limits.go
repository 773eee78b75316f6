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
func addCall(cmd *cobra.Command, call *usage.Call) {
	flags := cmd.Flags()
	flags.StringVar(&call.UserID, "user", "", "the `USER`")
	addProvider(cmd, &call.Provider, "the PROVIDER that the call is billed under")
	flags.StringVar(&call.Model, "model", "", "the `MODEL`")
	flags.StringVar(&call.Vendor, "vendor", "", "the `VENDOR` that serves the call (default by provider and model)")
	addQuantities(flags, &call.Quantities)
}

func requireCall(call usage.Call) error {
	return required("--user", call.UserID, "--provider", call.Provider)
}

type limitsCheckOptions struct {
	env  *Env
	call usage.Call
}

func newLimitsCheckCmd(env *Env) *cobra.Command {
	opts := &limitsCheckOptions{env: env}
	cmd := &cobra.Command{
		Use: "check --user U --provider P", Short: "Say whether a call would pass now; takes nothing",
		Long: `Say whether a call would pass now. It takes nothing: of two callers who are both
told yes, one may come too late. To take what is checked, use limits reserve or
usage record --enforce. Refused is exit code 4.`,
		Example: "  alwrity-sub limits check --user alice --provider gemini --model gemini-2.5-pro --input-tokens 2000 --output-tokens 500",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,4,6"),
		RunE: func(cmd *cobra.Command, _ []string) error { return limitsCheckRun(cmd.Context(), opts) },
	}
	addCall(cmd, &opts.call)
	return cmd
}

func limitsCheckRun(ctx context.Context, opts *limitsCheckOptions) error {
	if err := requireCall(opts.call); err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		decision, err := s.Usage.Check(ctx, opts.env.Now(), opts.call)
		if err != nil {
			return err
		}
		return opts.env.answer(ctx, s, decision)
	})
}

// answer prints a decision and returns the failure of a refused call.
func (env *Env) answer(ctx context.Context, s *Services, j usage.Decision) error {
	if err := env.print(report.Decision(j)); err != nil {
		return err
	}
	if j.Basis == pricing.Unpriced {
		env.adviseUnpriced(ctx, s, j.Call.Provider, j.Call.Model)
	}
	return j.Denied()
}

// adviseUnpriced says what to do about a call without a price. The call itself is
// done: that the advice can't be had is no failure of it.
func (env *Env) adviseUnpriced(ctx context.Context, s *Services, provider, model string) {
	if book, err := s.Catalogue.Book(ctx); err == nil {
		env.note("hint: %s", wording(book.Advice(provider, model)))
	}
}

type limitsReserveOptions struct {
	env  *Env
	call usage.Call
	id   string
	ttl  time.Duration
}

func newLimitsReserveCmd(env *Env) *cobra.Command {
	opts := &limitsReserveOptions{env: env}
	cmd := &cobra.Command{
		Use: "reserve --user U --provider P", Short: "Take a hold on the limits before a call is made",
		Long: `Take a hold on the limits before a call is made, if it passes. Settle it afterwards
with usage record --reservation ID, or give it back with limits release ID; left
alone it expires by itself. Refused is exit code 4.`,
		Example: "  alwrity-sub limits reserve --user alice --provider video --model wan-2.5 --id req-7f3a --ttl 10m",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,4,5,6"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustNotBeEmpty(cmd, "id"); err != nil {
				return err
			}
			return limitsReserveRun(cmd.Context(), opts)
		},
	}
	addCall(cmd, &opts.call)
	cmd.Flags().StringVar(&opts.id, "id", "", "the reservation's `ID`, by which a retry is known (default a new UUID)")
	cmd.Flags().DurationVar(&opts.ttl, "ttl", 5*time.Minute, "how long it holds, 1s to 24h")
	return cmd
}

func limitsReserveRun(ctx context.Context, opts *limitsReserveOptions) error {
	if err := requireCall(opts.call); err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		decision, err := s.Usage.Reserve(ctx, opts.env.Now(), opts.call, opts.id, opts.ttl)
		if err != nil {
			return err
		}
		return opts.env.answer(ctx, s, decision)
	})
}

type limitsReleaseOptions struct {
	env *Env
	id  string
}

func newLimitsReleaseCmd(env *Env) *cobra.Command {
	opts := &limitsReleaseOptions{env: env}
	return &cobra.Command{
		Use: "release ID", Short: "Give back what a reservation holds",
		Example: "  alwrity-sub limits release req-7f3a", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.id = args[0]
			return limitsReleaseRun(cmd.Context(), opts)
		},
	}
}

func limitsReleaseRun(ctx context.Context, opts *limitsReleaseOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		reservation, err := s.Usage.Release(ctx, opts.env.Now(), opts.id)
		if err != nil {
			return err
		}
		return opts.env.print(report.Released(reservation))
	})
}

type limitsReservationsOptions struct {
	env  *Env
	user string
}

func newLimitsReservationsCmd(env *Env) *cobra.Command {
	opts := &limitsReservationsOptions{env: env}
	cmd := &cobra.Command{
		Use: "reservations", Short: "List the reservations that hold now",
		Example: "  alwrity-sub limits reservations --user alice", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return limitsReservationsRun(cmd.Context(), opts) },
	}
	cmd.Flags().StringVar(&opts.user, "user", "", "only this `USER`")
	return cmd
}

func limitsReservationsRun(ctx context.Context, opts *limitsReservationsOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		now := opts.env.Now()
		reservations, err := usage.Every(func(last usage.Reservation) (usage.Page[usage.Reservation], error) {
			return s.Lists.Reservations(ctx, usage.ReservationQuery{
				User: opts.user, Now: now, AfterTime: last.CreatedAt, AfterID: last.ID, Limit: usage.PageSize,
			})
		})
		if err != nil {
			return err
		}
		return opts.env.print(report.Reservations(reservations, now))
	})
}

func newLimitsExplainCmd(env *Env) *cobra.Command {
	opts := &limitsCheckOptions{env: env}
	cmd := &cobra.Command{
		Use: "explain --user U --provider P", Short: "Explain a decision step by step",
		Long:    "Explain whether a call would pass now: plan, period, price, each limit with what is used and reserved, and why.",
		Example: "  alwrity-sub limits explain --user alice --provider openai --model gpt-4o", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return limitsExplainRun(cmd.Context(), opts) },
	}
	addCall(cmd, &opts.call)
	return cmd
}

func limitsExplainRun(ctx context.Context, opts *limitsCheckOptions) error {
	if err := requireCall(opts.call); err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		decision, err := s.Usage.Check(ctx, opts.env.Now(), opts.call)
		if err != nil {
			return err
		}
		return opts.env.print(report.Explanation(decision))
	})
}
