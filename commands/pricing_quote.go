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

type pricingQuoteOptions struct {
	env             *Env
	provider, model string
	quantities      pricing.Quantities
	at              time.Time
	strict          bool
}

func newPricingQuoteCmd(env *Env) *cobra.Command {
	opts := &pricingQuoteOptions{env: env}
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
			return pricingQuoteRun(cmd.Context(), opts)
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
	return opts.env.withServices(ctx, func(s *Services) error {
		book, err := s.Catalogue.Catalogue(ctx)
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
