package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newPricingCmd(env *Env) *cobra.Command {
	return group("pricing", "Prices of providers and models",
		newPricingListCmd(env, nil), newPricingHistoryCmd(env, nil), newPricingSetCmd(env, nil), newPricingQuoteCmd(env, nil),
		newPricingRerateCmd(env, nil), newPricingExportCmd(env, nil), newPricingApplyCmd(env, nil))
}

type pricingListOptions struct {
	env      *Env
	provider string
	model    string
	at       time.Time
}

func newPricingListCmd(env *Env, run func(context.Context, *pricingListOptions) error) *cobra.Command {
	opts := &pricingListOptions{env: env}
	if run == nil {
		run = pricingListRun
	}
	cmd := &cobra.Command{
		Use: "list", Short: "List the prices in force",
		Example: "  alwrity-sub pricing list --provider gemini\n  alwrity-sub pricing list --at 2026-01-01", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), opts) },
	}
	addProvider(cmd, &opts.provider, "only this PROVIDER")
	cmd.Flags().StringVar(&opts.model, "model", "", "only this `MODEL`")
	addTime(cmd, &opts.at, "at", "as they were, or will be, in force then (default now)")
	return cmd
}

func pricingListRun(ctx context.Context, opts *pricingListOptions) error {
	if opts.at.IsZero() {
		opts.at = opts.env.Now()
	}
	return opts.env.withDatabase(ctx, func(db Database) error {
		book, err := db.Catalogue(ctx)
		if err != nil {
			return err
		}
		if opts.provider != "" {
			if _, err := book.Providers.Find(opts.provider); err != nil {
				return err
			}
		}
		var prices []pricing.Price
		for _, p := range book.All(opts.at) {
			if (opts.provider == "" || p.Provider == opts.provider) && (opts.model == "" || p.Model == opts.model) {
				prices = append(prices, p)
			}
		}
		return opts.env.print(report.Prices(prices))
	})
}

type pricingHistoryOptions struct {
	env             *Env
	provider, model string
}

func newPricingHistoryCmd(env *Env, run func(context.Context, *pricingHistoryOptions) error) *cobra.Command {
	opts := &pricingHistoryOptions{env: env}
	if run == nil {
		run = pricingHistoryRun
	}
	return &cobra.Command{
		Use: "history PROVIDER MODEL", Short: "Show every price that a model has had",
		Example: "  alwrity-sub pricing history huggingface default", Args: cobra.ExactArgs(2), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.provider, opts.model = strings.ToLower(args[0]), args[1]
			return run(cmd.Context(), opts)
		},
	}
}

func pricingHistoryRun(ctx context.Context, opts *pricingHistoryOptions) error {
	return opts.env.withDatabase(ctx, func(db Database) error {
		book, err := db.Catalogue(ctx)
		if err != nil {
			return err
		}
		if _, err := book.Providers.Find(opts.provider); err != nil {
			return err
		}
		history := book.History(opts.provider, opts.model)
		if len(history) == 0 {
			return pricing.UnknownName(failure.NotFound, "price of "+opts.provider, opts.model, book.Models(opts.provider))
		}
		return opts.env.print(report.Prices(history))
	})
}

type pricingQuoteOptions struct {
	env             *Env
	provider, model string
	quantities      pricing.Quantities
	at              time.Time
	strict          bool
}

func newPricingQuoteCmd(env *Env, run func(context.Context, *pricingQuoteOptions) error) *cobra.Command {
	opts := &pricingQuoteOptions{env: env}
	if run == nil {
		run = pricingQuoteRun
	}
	cmd := &cobra.Command{
		Use: "quote", Short: "Say what a call would cost, part by part",
		Long:        "Say what a call would cost, part by part. PROVIDER and MODEL may be given as arguments or as flags.",
		Example:     "  alwrity-sub pricing quote --provider gemini --model gemini-2.5-pro --input-tokens 250000 --output-tokens 1000",
		Args:        cobra.MaximumNArgs(2),
		Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for i, place := range []*string{&opts.provider, &opts.model} {
				if i < len(args) {
					*place = args[i]
				}
			}
			opts.provider = strings.ToLower(opts.provider)
			return run(cmd.Context(), opts)
		},
	}
	addProvider(cmd, &opts.provider, "the PROVIDER")
	cmd.Flags().StringVar(&opts.model, "model", "", "the `MODEL`")
	addQuantities(cmd.Flags(), &opts.quantities)
	addTime(cmd, &opts.at, "at", "at the price in force then (default now)")
	cmd.Flags().BoolVar(&opts.strict, "strict", false, "fail where there is no price")
	return cmd
}

func pricingQuoteRun(ctx context.Context, opts *pricingQuoteOptions) error {
	if opts.at.IsZero() {
		opts.at = opts.env.Now()
	}
	if opts.provider == "" {
		return failure.Invalidf("the provider is missing").WithHint("name it with --provider")
	}
	if err := opts.quantities.Validate(); err != nil {
		return err
	}
	return opts.env.withDatabase(ctx, func(db Database) error {
		book, err := db.Catalogue(ctx)
		if err != nil {
			return err
		}
		if _, err := book.Providers.Find(opts.provider); err != nil {
			return err
		}
		rating, err := book.Rate(opts.provider, opts.model, opts.at, opts.quantities)
		if err != nil {
			return err
		}
		if rating.Basis == pricing.Unpriced {
			if opts.strict {
				return failure.NotFoundf("there is no price for %s %q", opts.provider, opts.model).WithHint("%s", book.Advice(opts.provider, opts.model))
			}
			opts.env.note("hint: %s", book.Advice(opts.provider, opts.model))
		}
		return opts.env.print(report.Quote(opts.provider, opts.model, rating))
	})
}

type pricingRerateOptions struct {
	env      *Env
	from, to time.Time
	dryRun   bool
}

func newPricingRerateCmd(env *Env, run func(context.Context, *pricingRerateOptions) error) *cobra.Command {
	opts := &pricingRerateOptions{env: env}
	if run == nil {
		run = pricingRerateRun
	}
	cmd := &cobra.Command{
		Use: "rerate", Short: "Rate recorded usage again, at the prices now known to have been in force",
		Long: `Rate recorded usage again: what had no price when it was recorded, and what was
rated before a price for its time was set. Prices that hold from a later moment
change nothing. Every log row keeps the history of its ratings.`,
		Example: "  alwrity-sub pricing rerate --dry-run\n  alwrity-sub pricing rerate --from 2026-11-01 --to 2026-12-01", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), opts) },
	}
	addTime(cmd, &opts.from, "from", "only usage from then on")
	addTime(cmd, &opts.to, "to", "only usage before then")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "show what would change, and change nothing")
	return cmd
}

func pricingRerateRun(ctx context.Context, opts *pricingRerateOptions) error {
	return opts.env.withDatabase(ctx, func(db Database) error {
		result, err := usage.Rerate(ctx, db, opts.env.Now(), opts.from, opts.to, !opts.dryRun)
		if err != nil {
			return err
		}
		if !opts.dryRun {
			if err := opts.env.checkAlertsOf(ctx, db, result); err != nil {
				return err
			}
		}
		return opts.env.print(report.Rerating(result, !opts.dryRun))
	})
}

// checkAlertsOf makes the alerts of users whose cost has changed.
func (env *Env) checkAlertsOf(ctx context.Context, db Database, result usage.RerateResult) error {
	users := make([]string, len(result.Users))
	for i, u := range result.Users {
		users[i] = u.UserID
	}
	_, err := env.service(db).CheckAlerts(ctx, env.Now(), users)
	return err
}

// service returns the metering of a database.
func (env *Env) service(db Database) *usage.Service {
	return &usage.Service{Store: db, Thresholds: env.Settings.Thresholds}
}

type pricingExportOptions struct{ env *Env }

func newPricingExportCmd(env *Env, run func(context.Context, *pricingExportOptions) error) *cobra.Command {
	opts := &pricingExportOptions{env}
	if run == nil {
		run = pricingExportRun
	}
	return &cobra.Command{
		Use: "export", Short: "Write providers and prices in force as YAML, as pricing apply reads them",
		Example: "  alwrity-sub pricing export > prices.yaml", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), opts) },
	}
}

func pricingExportRun(ctx context.Context, opts *pricingExportOptions) error {
	return opts.env.withDatabase(ctx, func(db Database) error {
		book, err := db.Catalogue(ctx)
		if err != nil {
			return err
		}
		catalogue := pricing.Catalogue{Providers: book.Providers.Sorted(), Prices: book.All(opts.env.Now())}
		for i := range catalogue.Prices {
			catalogue.Prices[i].EffectiveFrom = pricing.Beginning() // what is in force, from when it is applied
		}
		_, err = fmt.Fprint(opts.env.Printer.Out, catalogue.YAML())
		return err
	})
}

type pricingApplyOptions struct {
	env    *Env
	file   string
	dryRun bool
}

func newPricingApplyCmd(env *Env, run func(context.Context, *pricingApplyOptions) error) *cobra.Command {
	opts := &pricingApplyOptions{env: env}
	if run == nil {
		run = pricingApplyRun
	}
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Add the providers and prices of a file",
		Long: `Add the providers of a file, and its prices where they differ from those in force:
from now on, or from their effective_from. A model that has had no price yet gets
it from the beginning. Prices that are not in the file stay.`,
		Example: "  alwrity-sub pricing apply -f prices.yaml --dry-run", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), opts) },
	}
	cmd.Flags().StringVarP(&opts.file, "file", "f", "", "the price `FILE`")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "show what would change, and change nothing")
	mustRequire(cmd, "file")
	return cmd
}

func pricingApplyRun(ctx context.Context, opts *pricingApplyOptions) error {
	catalogue, err := readPrices(opts.file)
	if err != nil {
		return err
	}
	return opts.env.withDatabase(ctx, func(db Database) error {
		var changes []report.PriceChange
		err := db.ChangePrices(ctx, opts.env.audit("pricing apply"), func(book *pricing.Book) ([]pricing.Provider, []pricing.Price, error) {
			if err := knownProviders(catalogue.Prices, directory(book.Providers, catalogue.Providers)); err != nil {
				return nil, nil, err
			}
			seeding := pricing.Seed(catalogue, pricing.FromAdmin, book, pricing.EnvironmentRates{}, opts.env.Now())
			changes = priceChanges(book, seeding.Add, "added")
			if opts.dryRun {
				return nil, nil, nil
			}
			return catalogue.Providers, seeding.Add, nil
		})
		if err != nil {
			return err
		}
		return opts.env.print(report.PriceChanges(changes))
	})
}

func priceChanges(book *pricing.Book, prices []pricing.Price, status string) []report.PriceChange {
	changes := []report.PriceChange{}
	for _, p := range prices {
		change := report.PriceChange{After: p, Status: status}
		if before, ok := book.InForce(p.Provider, p.Model, p.EffectiveFrom); ok {
			change.Before = &before
		}
		changes = append(changes, change)
	}
	return changes
}
