package commands

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

type pricingListOptions struct {
	env      *Env
	provider string
	model    string
	at       time.Time
}

func newPricingListCmd(env *Env) *cobra.Command {
	opts := &pricingListOptions{env: env}
	cmd := &cobra.Command{
		Use: "list", Short: "List the prices in force",
		Example: "  alwrity-sub pricing list --provider gemini\n  alwrity-sub pricing list --at 2026-01-01", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return pricingListRun(cmd.Context(), opts) },
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
	return opts.env.withServices(ctx, func(s *Services) error {
		book, err := s.Catalogue.Catalogue(ctx)
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

func newPricingHistoryCmd(env *Env) *cobra.Command {
	opts := &pricingHistoryOptions{env: env}
	return &cobra.Command{
		Use: "history PROVIDER MODEL", Short: "Show every price that a model has had",
		Example: "  alwrity-sub pricing history huggingface default", Args: cobra.ExactArgs(2), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.provider, opts.model = strings.ToLower(args[0]), args[1]
			return pricingHistoryRun(cmd.Context(), opts)
		},
	}
}

func pricingHistoryRun(ctx context.Context, opts *pricingHistoryOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		book, err := s.Catalogue.Catalogue(ctx)
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
