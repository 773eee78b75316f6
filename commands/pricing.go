package commands

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

func newPricingCmd(env *Env) *cobra.Command {
	return group("pricing", "Prices of providers and models",
		newPricingListCmd(env), newPricingHistoryCmd(env), newPricingSetCmd(env), newPricingQuoteCmd(env),
		newPricingRerateCmd(env), newPricingFixCmd(env), newPricingExportCmd(env), newPricingApplyCmd(env),
		newPricingAliasCmd(env), newPricingAliasesCmd(env), newPricingImportCmd(env))
}

func newPricingListCmd(env *Env) *cobra.Command {
	var q catalogue.PriceQuery
	cmd := &cobra.Command{
		Use: "list", Short: "List the prices in force, and the aliases of their models",
		Example: "  alwrity-sub pricing list --provider gemini\n  alwrity-sub pricing list --at 2026-01-01",
		Args:    cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			q.At = cmp.Or(q.At, env.Now())
			prices, aliases, err := s.Catalogue.Prices(ctx, q)
			return report.Prices(prices, aliases), err
		}),
	}
	addProvider(cmd, &q.Provider, "only this PROVIDER")
	cmd.Flags().StringVar(&q.Model, "model", "", "only this `MODEL`")
	addTime(cmd, &q.At, "at", "as they were, or will be, in force then (default now)")
	return cmd
}

func newPricingHistoryCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "history PROVIDER MODEL", Short: "Show every price that a model has had",
		Example: "  alwrity-sub pricing history huggingface default", Args: cobra.ExactArgs(2),
		Annotations: exitCodes("0,1,2,3,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			history, err := s.Catalogue.History(ctx, strings.ToLower(args[0]), args[1])
			return report.PriceHistory(history), err
		}),
	}
}

func newPricingSetCmd(env *Env) *cobra.Command {
	var setting catalogue.PriceSetting
	var above pricing.Quantities // its input tokens are where long context begins
	cmd := &cobra.Command{
		Use: "set PROVIDER [MODEL]", Short: "Set the price of a model from now, or from a moment, on",
		Long: `Set the price of a model from now, or from a moment, on. What is not named stays as
it is. Without MODEL it is the provider's default price, for every model that has
none of its own. Earlier usage keeps its cost; for usage that was recorded at a
price set late, see pricing rerate.

A cost is what one unit costs in dollars: 0.000001, 1e-06, $3, 3/1M or 1.5/1K.
Hours with other prices (bands), and prices of a tier that are no factor, are given
in a file: see pricing export and pricing apply.
"pricing set huggingface" without any cost takes the token prices from
HUGGINGFACE_INPUT_TOKEN_COST and HUGGINGFACE_OUTPUT_TOKEN_COST.`,
		Example: `  alwrity-sub pricing set openai gpt-4o --input-token-cost 2.5/1M --output-token-cost 10/1M
  alwrity-sub pricing set video --request-cost 0.25
  alwrity-sub pricing set openai gpt-4o --tier batch=0.5 --tier priority=1.7
  alwrity-sub pricing set huggingface`,
		Args: cobra.RangeArgs(1, 2), Annotations: exitCodes("0,1,2,5,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			setting.Provider, setting.AboveInputTokens = strings.ToLower(args[0]), above[pricing.InputTokens]
			if len(args) > 1 {
				setting.Model = args[1]
			}
			changes, err := s.Catalogue.SetPrice(ctx, env.audit("pricing set"), setting, env.Settings.Lookup)
			for _, c := range changes {
				if err == nil && c.Before == nil && c.Status == catalogue.Added && setting.From.IsZero() {
					env.note("note: usage of %s %s before %s has no price of its own; to price it too, "+
						"set one with --effective-from and run: alwrity-sub pricing rerate",
						c.After.Provider, c.After.Model, c.After.EffectiveFrom.Format(time.RFC3339))
				}
			}
			return report.PriceChanges(catalogue.Changes{Prices: changes}), err
		}),
	}
	addCosts(cmd, &setting, &above)
	addTime(cmd, &setting.From, "effective-from", "from then on (default now)")
	cmd.Flags().BoolVar(&setting.DryRun, "dry-run", false, "show what would change, and change nothing")
	addForce(cmd, &setting.Force)
	return cmd
}

// addCosts adds a flag for each cost of a price.
func addCosts(cmd *cobra.Command, setting *catalogue.PriceSetting, above *pricing.Quantities) {
	flags := cmd.Flags()
	for q := range pricing.QuantityCount {
		flags.Var(priceFlag{&setting.Rates[q]}, strings.ReplaceAll(q.Unit(), "_", "-")+"-cost",
			"what one "+strings.ReplaceAll(q.Unit(), "_", " ")+" costs")
	}
	flags.Var(quantityFlag{pricing.InputTokens, above}, "above-input-tokens",
		"input longer than this takes the higher token prices")
	flags.Var(priceFlag{&setting.AboveInputToken}, "above-input-token-cost", "an input token's cost in a long call")
	flags.Var(priceFlag{&setting.AboveOutputToken}, "above-output-token-cost", "an output token's cost in a long call")
	flags.Var(tierFlag{&setting.Tiers}, "tier", "a service tier costs the price times a factor: batch=0.5; repeatable")
	flags.Var(costKindFlag{&setting.Reported}, "cost", "reported: a call costs what its event reports; priced: not so")
}

func addForce(cmd *cobra.Command, force *bool) {
	cmd.Flags().BoolVar(force, "force", false, "also what looks like a slip: over $1 for a token, or 20 times as much")
}

func newPricingQuoteCmd(env *Env) *cobra.Command {
	var call catalogue.Quote
	var strict bool
	cmd := &cobra.Command{
		Use: "quote", Short: "Say what a call would cost, part by part",
		Long: "Say what a call would cost, part by part. PROVIDER and MODEL may be given as arguments or as flags.",
		Example: "  alwrity-sub pricing quote --provider gemini --model gemini-2.5-pro" +
			" --input-tokens 250000 --output-tokens 1000",
		Args:        cobra.MaximumNArgs(2),
		Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for i, place := range []*string{&call.Provider, &call.Model} {
				if i < len(args) {
					*place = args[i]
				}
			}
			call.Provider, call.At = strings.ToLower(call.Provider), cmp.Or(call.At, env.Now())
			if call.Provider == "" {
				return failure.Invalidf("the provider is missing").WithHint("name it with --provider")
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				rating, err := s.Catalogue.Quote(ctx, call)
				if f, ok := errors.AsType[*failure.Error](err); ok && rating.Basis == pricing.Unpriced && !strict {
					env.note("hint: %s", Hint(f))
					err = nil
				}
				return report.Quote(call.Provider, call.Model, rating), err
			})(cmd, nil)
		},
	}
	addProvider(cmd, &call.Provider, "the PROVIDER")
	cmd.Flags().StringVar(&call.Model, "model", "", "the `MODEL`")
	addQuantities(cmd.Flags(), &call.Quantities)
	addServiceTier(cmd.Flags(), &call.Tier)
	addTime(cmd, &call.At, "at", "at the price in force then (default now)")
	cmd.Flags().BoolVar(&strict, "strict", false, "fail where there is no price")
	return cmd
}

func newPricingRerateCmd(env *Env) *cobra.Command {
	var from, to time.Time
	var dryRun bool
	cmd := &cobra.Command{
		Use: "rerate", Short: "Rate recorded usage again, at the prices now known to have been in force",
		Long: `Rate recorded usage again: what had no price when it was recorded, and what was
rated before a price for its time was set. Prices that hold from a later moment
change nothing. Every log row keeps the history of its ratings.`,
		Example: "  alwrity-sub pricing rerate --dry-run\n" +
			"  alwrity-sub pricing rerate --from 2026-11-01 --to 2026-12-01", Args: cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			result, err := s.Fixer.Rerate(ctx, env.Now(), from, to, !dryRun)
			return report.Rerating(result, !dryRun), err
		}),
	}
	addTime(cmd, &from, "from", "only usage from then on")
	addTime(cmd, &to, "to", "only usage before then")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, and change nothing")
	return cmd
}

func newPricingExportCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "export", Short: "Write providers, prices and aliases in force as YAML, as pricing apply reads them",
		Example: "  alwrity-sub pricing export > prices.yaml", Args: cobra.NoArgs,
		RunE: env.writeText(func(ctx context.Context, s *Services) (string, error) {
			prices, err := s.Catalogue.Export(ctx, env.Now())
			return prices.YAML(), err
		}),
	}
}

func newPricingApplyCmd(env *Env) *cobra.Command {
	var file string
	var dryRun, force bool
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Add the providers, prices and aliases of a file",
		Long: `Add the providers of a file, and its prices and aliases where they differ from
those in force: from now on, or from their effective_from. A model that has had no
price yet gets it from the beginning, and so does a name that has been no alias.
Prices and aliases that are not in the file stay.`,
		Example: "  alwrity-sub pricing apply -f prices.yaml --dry-run", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			prices, err := readPrices(file)
			if err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				changes, err := s.Catalogue.ApplyPrices(ctx, env.audit("pricing apply"), prices, dryRun, force)
				return report.PriceChanges(changes), err
			})(cmd, nil)
		},
	}
	addFile(cmd, &file, "the price `FILE`")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, and change nothing")
	addForce(cmd, &force)
	return cmd
}
