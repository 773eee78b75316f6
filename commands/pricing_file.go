package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

type pricingExportOptions struct{ env *Env }

func newPricingExportCmd(env *Env) *cobra.Command {
	opts := &pricingExportOptions{env}
	return &cobra.Command{
		Use: "export", Short: "Write providers and prices in force as YAML, as pricing apply reads them",
		Example: "  alwrity-sub pricing export > prices.yaml", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return pricingExportRun(cmd.Context(), opts) },
	}
}

func pricingExportRun(ctx context.Context, opts *pricingExportOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		book, err := s.Catalogue.Catalogue(ctx)
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

func newPricingApplyCmd(env *Env) *cobra.Command {
	opts := &pricingApplyOptions{env: env}
	cmd := &cobra.Command{
		Use: "apply -f FILE", Short: "Add the providers and prices of a file",
		Long: `Add the providers of a file, and its prices where they differ from those in force:
from now on, or from their effective_from. A model that has had no price yet gets
it from the beginning. Prices that are not in the file stay.`,
		Example: "  alwrity-sub pricing apply -f prices.yaml --dry-run", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return pricingApplyRun(cmd.Context(), opts) },
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
	return opts.env.withServices(ctx, func(s *Services) error {
		var changes []report.PriceChange
		err := s.Catalogue.ChangePrices(ctx, opts.env.audit("pricing apply"), func(book *pricing.Book) ([]pricing.Provider, []pricing.Price, error) {
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
