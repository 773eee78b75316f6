package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

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
		catalogue, err := s.Catalogue.Export(ctx, opts.env.Now())
		if err != nil {
			return err
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
	file, err := readPrices(opts.file)
	if err != nil {
		return err
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		changes, err := s.Catalogue.ApplyPrices(ctx, opts.env.audit("pricing apply"), file, opts.dryRun)
		if err != nil {
			return err
		}
		return opts.env.print(report.PriceChanges(changes))
	})
}
