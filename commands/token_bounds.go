package commands

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
)

// tokenBounds are the flags for a token's own limits and rates.
type tokenBounds struct {
	cmd    *cobra.Command
	limits []string
	rates  [3]string // as plan.Rates.List has them
}

func (b *tokenBounds) add(cmd *cobra.Command) {
	b.cmd = cmd
	flags := cmd.Flags()
	flags.StringArrayVar(&b.limits, "limit", nil,
		"a limit of its own, `NAME=MAXIMUM`: calls, tokens, cost (in dollars), or as a limit of a plan is called; or "+
			"NAME={max: 10, meter: calls, providers: [tavily, exa], action: warn}, as plan files have it")
	for i, rate := range b.flags() {
		flags.StringVar(&b.rates[i], rate.flag, "", rate.says)
	}
}

type rateFlag struct{ flag, name, says string }

func (b *tokenBounds) flags() [3]rateFlag {
	return [3]rateFlag{
		{"requests-per-minute", plan.RequestsPerMinute, "at most `N` calls a minute, where a server is asked"},
		{"tokens-per-minute", plan.TokensPerMinute, "at most `N` tokens a minute, where a server is asked"},
		{"parallel-calls", plan.ParallelCalls, "at most `N` reservations that hold at the same time"},
	}
}

// terms returns what makes other terms of those that are there: a limit of a name takes its place, and a rate that is
// not named stays.
func (b *tokenBounds) terms(
	ctx context.Context, env *Env, s *Services,
) (change func(now access.Terms) access.Terms, err error) {
	wanted := make([]plan.WantedLimit, len(b.limits))
	for i, text := range b.limits {
		if wanted[i], err = plan.ParseWantedLimit(text); err != nil {
			return nil, err
		}
	}
	var rates [3]int64
	for i, rate := range b.flags() {
		if rates[i], err = plan.ParseRate(rate.name, b.rates[i]); err != nil {
			return nil, err
		}
	}
	limits, err := s.Catalogue.OwnLimits(ctx, env.Now(), wanted)
	return func(now access.Terms) access.Terms {
		now = now.With(limits)
		to := [3]*int64{&now.Rates.RequestsPerMinute, &now.Rates.TokensPerMinute, &now.Rates.ParallelCalls}
		for i, rate := range b.flags() {
			if b.cmd.Flags().Changed(rate.flag) {
				*to[i] = rates[i]
			}
		}
		return now
	}, err
}

// isEmpty tells whether no flag is given.
func (b *tokenBounds) isEmpty() bool {
	rates := b.flags()
	given := func(r rateFlag) bool { return b.cmd.Flags().Changed(r.flag) }
	return len(b.limits) == 0 && !slices.ContainsFunc(rates[:], given)
}

func newTokensChangeCmd(env *Env) *cobra.Command {
	var bounds tokenBounds
	var drop []string
	cmd := &cobra.Command{
		Use: "change TOKEN", Short: "Give a token other limits and rates of its own",
		Long: `Give a token other limits and rates of its own. What is not named stays. It holds
everywhere within a second, also for what was used before: a limit counts the whole
of the running period.`,
		Example: "  alwrity-sub tokens change 7 --limit calls=500 --no-limit cost\n" +
			"  alwrity-sub tokens change ask_AB12CD34EF56 --requests-per-minute unlimited",
		Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
	}
	bounds.add(cmd)
	cmd.Flags().StringSliceVar(&drop, "no-limit", nil, "take the limit of this `NAME` away")
	cmd.RunE = env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
		if len(drop) == 0 && bounds.isEmpty() {
			return report.Document{}, failure.Invalidf("nothing is to be changed: name a limit or a rate")
		}
		change, err := bounds.terms(ctx, env, s)
		if err != nil {
			return report.Document{}, err
		}
		changed, err := s.Access.Change(ctx, env.audit("tokens change"), args[0],
			func(now access.Terms) (access.Terms, error) {
				now, err := now.Without(drop)
				return change(now), err
			})
		return report.TokenChanged(changed), err
	})
	return cmd
}

// addToken adds the flag that names a token.
func addToken(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "token", "",
		"as a call with this API `TOKEN`: its id, public part or name; its limits are judged too")
}
