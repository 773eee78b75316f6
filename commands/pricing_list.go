package commands

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/catalogue"
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
	return opts.env.withServices(ctx, func(s *Services) error {
		prices, err := s.Catalogue.Prices(ctx, catalogue.PriceQuery{
			Provider: opts.provider, Model: opts.model, At: cmp.Or(opts.at, opts.env.Now()),
		})
		if err != nil {
			return err
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
		history, err := s.Catalogue.History(ctx, opts.provider, opts.model)
		if err != nil {
			return err
		}
		return opts.env.print(report.Prices(history))
	})
}
