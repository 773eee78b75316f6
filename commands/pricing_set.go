package commands

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

type pricingSetOptions struct {
	env     *Env
	setting catalogue.PriceSetting
	above   pricing.Quantities // its input tokens are where long context begins
}

func newPricingSetCmd(env *Env) *cobra.Command {
	opts := &pricingSetOptions{env: env}
	cmd := &cobra.Command{
		Use: "set PROVIDER [MODEL]", Short: "Set the price of a model from now, or from a moment, on",
		Long: `Set the price of a model from now, or from a moment, on. What is not named stays as
it is. Without MODEL it is the provider's default price, for every model that has
none of its own. Earlier usage keeps its cost; for usage that was recorded at a
price set late, see pricing rerate.

A cost is what one unit costs in dollars: 0.000001, 1e-06, $3, 3/1M or 1.5/1K.
"pricing set huggingface" without any cost takes the token prices from
HUGGINGFACE_INPUT_TOKEN_COST and HUGGINGFACE_OUTPUT_TOKEN_COST.`,
		Example: `  alwrity-sub pricing set openai gpt-4o --input-token-cost 2.5/1M --output-token-cost 10/1M
  alwrity-sub pricing set video --request-cost 0.25
  alwrity-sub pricing set huggingface`,
		Args: cobra.RangeArgs(1, 2), Annotations: exitCodes("0,1,2,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.setting.Provider = strings.ToLower(args[0])
			if len(args) > 1 {
				opts.setting.Model = args[1]
			}
			return pricingSetRun(cmd.Context(), opts)
		},
	}
	for _, q := range pricing.AllQuantities() {
		name := strings.ReplaceAll(q.Unit(), "_", "-") + "-cost"
		cmd.Flags().Var(priceFlag{&opts.setting.Rates[q]}, name, "what one "+strings.ReplaceAll(q.Unit(), "_", " ")+" costs")
	}
	flags := cmd.Flags()
	flags.Var(quantityFlag{pricing.InputTokens, &opts.above}, "above-input-tokens",
		"input longer than this takes the higher token prices")
	flags.Var(priceFlag{&opts.setting.AboveInputToken}, "above-input-token-cost",
		"an input token's cost in a long call")
	flags.Var(priceFlag{&opts.setting.AboveOutputToken}, "above-output-token-cost",
		"an output token's cost in a long call")
	addTime(cmd, &opts.setting.From, "effective-from", "from then on (default now)")
	return cmd
}

func pricingSetRun(ctx context.Context, opts *pricingSetOptions) error {
	opts.setting.AboveInputTokens = opts.above[pricing.InputTokens]
	return opts.env.withServices(ctx, func(s *Services) error {
		audit := opts.env.audit("pricing set")
		changes, err := s.Catalogue.SetPrice(ctx, audit, opts.setting, opts.env.Settings.Lookup)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.Before == nil && c.Status == catalogue.Added && opts.setting.From.IsZero() {
				opts.env.note("note: usage of %s %s before %s has no price of its own; to price it too, "+
					"set one with --effective-from and run: alwrity-sub pricing rerate",
					c.After.Provider, c.After.Model, c.After.EffectiveFrom.Format(time.RFC3339))
			}
		}
		return opts.env.print(report.PriceChanges(changes))
	})
}
