package commands

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type pricingSetOptions struct {
	env             *Env
	provider, model string
	rates           [pricing.QuantityCount]*pricing.USD
	aboveTokens     pricing.Quantities // its input tokens are where long context begins
	aboveInput      *pricing.USD
	aboveOutput     *pricing.USD
	effectiveFrom   time.Time
	dated           bool // --effective-from was given
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
			opts.provider = strings.ToLower(args[0])
			if len(args) > 1 {
				opts.model = args[1]
			}
			return pricingSetRun(cmd.Context(), opts)
		},
	}
	for _, q := range pricing.AllQuantities() {
		name := strings.ReplaceAll(q.Unit(), "_", "-") + "-cost"
		cmd.Flags().Var(priceFlag{&opts.rates[q]}, name, "what one "+strings.ReplaceAll(q.Unit(), "_", " ")+" costs")
	}
	cmd.Flags().Var(quantityFlag{pricing.InputTokens, &opts.aboveTokens}, "above-input-tokens", "input longer than this takes the higher token prices")
	cmd.Flags().Var(priceFlag{&opts.aboveInput}, "above-input-token-cost", "an input token's cost in a long call")
	cmd.Flags().Var(priceFlag{&opts.aboveOutput}, "above-output-token-cost", "an output token's cost in a long call")
	addTime(cmd, &opts.effectiveFrom, "effective-from", "from then on (default now)")
	return cmd
}

func pricingSetRun(ctx context.Context, opts *pricingSetOptions) error {
	opts.dated = !opts.effectiveFrom.IsZero()
	if !opts.dated {
		opts.effectiveFrom = opts.env.Now()
	}
	if opts.model != "" {
		if err := usage.ValidateModel(opts.model); err != nil {
			return err
		}
	}
	environment, err := opts.environment()
	if err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		var changes []report.PriceChange
		err := s.Catalogue.ChangePrices(ctx, opts.env.audit("pricing set"), func(book *pricing.Book) ([]pricing.Provider, []pricing.Price, error) {
			if _, err := book.Providers.Find(opts.provider); err != nil {
				return nil, nil, err
			}
			if environment.Set() {
				add := environment.FromNow(book, opts.effectiveFrom)
				changes = priceChanges(book, add, "added")
				return nil, add, nil
			}
			change, err := opts.change(book)
			changes = []report.PriceChange{change}
			if err != nil || change.Status == "unchanged" {
				return nil, nil, err
			}
			return nil, []pricing.Price{change.After}, nil
		})
		if err != nil {
			return err
		}
		for _, c := range changes {
			if c.Before == nil && c.Status == "added" && !opts.dated {
				opts.env.note("note: usage of %s %s before %s has no price of its own; to price it too, set one with --effective-from and run: alwrity-sub pricing rerate",
					c.After.Provider, c.After.Model, c.After.EffectiveFrom.Format(time.RFC3339))
			}
		}
		return opts.env.print(report.PriceChanges(changes))
	})
}

// environment returns the prices that the environment sets, where the command
// names none itself.
func (opts *pricingSetOptions) environment() (pricing.EnvironmentRates, error) {
	named := opts.aboveInput != nil || opts.aboveOutput != nil || opts.aboveTokens[pricing.InputTokens] > 0
	for _, rate := range opts.rates {
		named = named || rate != nil
	}
	if named {
		return pricing.EnvironmentRates{}, nil
	}
	if opts.provider == "huggingface" && opts.model == "" {
		rates, err := pricing.ParseEnvironmentRates(opts.env.Settings.Lookup)
		if err == nil && !rates.Set() {
			err = failure.Invalidf("no cost is given, and neither %s nor %s is set", pricing.HuggingFaceInputVariable, pricing.HuggingFaceOutputVariable).
				WithHint("set them, or name costs: --input-token-cost 1/1M --output-token-cost 3/1M")
		}
		return rates, err
	}
	return pricing.EnvironmentRates{}, failure.Invalidf("no cost is given").
		WithHint("name at least one, for example --input-token-cost 2.5/1M or --request-cost 0.25")
}

// change returns the price in force with what the command changes in it.
func (opts *pricingSetOptions) change(book *pricing.Book) (report.PriceChange, error) {
	model := opts.model
	if model == "" {
		model = pricing.DefaultModel
	}
	before, exists := book.InForce(opts.provider, model, opts.effectiveFrom)
	after := before
	after.ID, after.Provider, after.Model = 0, opts.provider, model
	after.EffectiveFrom, after.Source = opts.effectiveFrom, pricing.FromAdmin
	for q, rate := range opts.rates {
		if rate != nil {
			after.Rates[q] = *rate
			after.CachedPriced = after.CachedPriced || pricing.Quantity(q) == pricing.CachedInputTokens
		}
	}
	if err := opts.setAbove(&after); err != nil {
		return report.PriceChange{}, err
	}
	change := report.PriceChange{After: after, Status: "added"}
	if exists {
		change.Before = &before
	}
	if exists && after.SameFigures(before) {
		change.Status, change.After = "unchanged", before
	}
	return change, after.Validate()
}

func (opts *pricingSetOptions) setAbove(p *pricing.Price) error {
	tokens := opts.aboveTokens[pricing.InputTokens]
	if tokens == 0 && opts.aboveInput == nil && opts.aboveOutput == nil {
		return nil
	}
	above := pricing.LongContext{OverInputTokens: tokens, InputToken: p.Rates[pricing.InputTokens], OutputToken: p.Rates[pricing.OutputTokens]}
	if p.Above != nil {
		above = *p.Above
		if tokens > 0 {
			above.OverInputTokens = tokens
		}
	}
	if above.OverInputTokens == 0 {
		return failure.Invalidf("--above-input-token-cost and --above-output-token-cost need --above-input-tokens")
	}
	if opts.aboveInput != nil {
		above.InputToken = *opts.aboveInput
	}
	if opts.aboveOutput != nil {
		above.OutputToken = *opts.aboveOutput
	}
	p.Above = &above
	return nil
}
