package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
)

type plansSimulateOptions struct {
	plans, prices, month string
	refused              bool
}

func newPlansSimulateCmd(env *Env) *cobra.Command {
	var opts plansSimulateOptions
	cmd := &cobra.Command{
		Use:   "simulate --month YYYY-MM [-f FILE] [--prices FILE]",
		Short: "Replay a month's usage against other plans or prices",
		Long: `Replay a month's real usage against the plans or prices of a file: who would have
been refused, and what revenue, cost and margin were and would have been. Nothing
is changed.

Everyone is on the plan of the file that has the tier of the plan that they were
on; where the file has no such tier, on its plan of the tier free. A call that is
refused is not made: it costs nothing, and counts for no limit. A usage period
that began before the month begins with what was used until then. Who had a
subscription at any moment of the month pays the fee of a whole month of the last
plan, a twelfth of a yearly price: then what was agreed on, now what the plan of the
file costs. Overage is what the month's usage adds to it, then by what the plans
were at the time. Costs are as recorded, unless the price file has a price for the
call.`,
		Example: "  alwrity-sub plans simulate --month 2026-10 -f plans.yaml\n" +
			"  alwrity-sub plans simulate --month 2026-10 -f plans.yaml --prices prices.yaml --refused -o csv",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,5,6"),
		RunE: func(cmd *cobra.Command, _ []string) error { return plansSimulateRun(cmd.Context(), env, opts) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&opts.plans, "file", "f", "", "the plan `FILE` (default the plans as they were)")
	flags.StringVar(&opts.prices, "prices", "", "the price `FILE` (default the costs as they are recorded)")
	flags.StringVar(&opts.month, "month", "", "the month, as `YYYY-MM`")
	flags.BoolVar(&opts.refused, "refused", false, "list who would have been refused, and nothing else")
	mustRequire(cmd, "month")
	return cmd
}

func plansSimulateRun(ctx context.Context, env *Env, opts plansSimulateOptions) error {
	month, err := plan.ParseMonth(opts.month)
	if err != nil {
		return err
	}
	now := env.Now()
	if month.Start().After(now) {
		return failure.Invalidf("the month %s has not begun: there is nothing to replay", opts.month).
			WithHint("the last whole month: --month %s", now.AddDate(0, 0, -now.Day()).Format("2006-01"))
	}
	if opts.plans == "" && opts.prices == "" {
		return failure.Invalidf("there is nothing to simulate: name a plan file, a price file, or both").
			WithHint("begin with the plans as they are: alwrity-sub plans export > plans.yaml; then change them, and " +
				"give -f plans.yaml")
	}
	return env.withServices(ctx, func(s *Services) error {
		request, err := opts.request(month)
		if err != nil {
			return err
		}
		result, err := s.Simulate.Run(ctx, request)
		if err != nil {
			return err
		}
		if month.End().After(now) {
			env.note("note: %s is not over: what was used so far is replayed, against the fees of a whole month", opts.month)
		}
		if opts.refused {
			return env.print(report.SimulatedRefusals(result))
		}
		return env.print(report.Simulation(result))
	})
}

// request reads the files.
func (opts *plansSimulateOptions) request(month plan.Month) (simulate.Request, error) {
	r := simulate.Request{Month: month}
	if opts.prices != "" {
		prices, err := readPrices(opts.prices)
		if err != nil {
			return r, err
		}
		r.Prices = &prices
	}
	plans, err := readOptionalFile(opts.plans)
	r.Plans = (*simulate.File)(plans)
	return r, err
}
