package commands

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

type pricingQuoteOptions struct {
	env    *Env
	call   catalogue.Quote
	strict bool
}

func newPricingQuoteCmd(env *Env) *cobra.Command {
	opts := &pricingQuoteOptions{env: env}
	cmd := &cobra.Command{
		Use: "quote", Short: "Say what a call would cost, part by part",
		Long: "Say what a call would cost, part by part. PROVIDER and MODEL may be given as arguments or as flags.",
		Example: "  alwrity-sub pricing quote --provider gemini --model gemini-2.5-pro" +
			" --input-tokens 250000 --output-tokens 1000",
		Args:        cobra.MaximumNArgs(2),
		Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for i, place := range []*string{&opts.call.Provider, &opts.call.Model} {
				if i < len(args) {
					*place = args[i]
				}
			}
			opts.call.Provider = strings.ToLower(opts.call.Provider)
			return pricingQuoteRun(cmd.Context(), opts)
		},
	}
	addProvider(cmd, &opts.call.Provider, "the PROVIDER")
	cmd.Flags().StringVar(&opts.call.Model, "model", "", "the `MODEL`")
	addQuantities(cmd.Flags(), &opts.call.Quantities)
	addTime(cmd, &opts.call.At, "at", "at the price in force then (default now)")
	cmd.Flags().BoolVar(&opts.strict, "strict", false, "fail where there is no price")
	return cmd
}

func pricingQuoteRun(ctx context.Context, opts *pricingQuoteOptions) error {
	opts.call.At = cmp.Or(opts.call.At, opts.env.Now())
	if opts.call.Provider == "" {
		return failure.Invalidf("the provider is missing").WithHint("name it with --provider")
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		rating, err := s.Catalogue.Quote(ctx, opts.call)
		if f, ok := asFailure(err); ok && rating.Basis == pricing.Unpriced && !opts.strict {
			opts.env.note("hint: %s", Hint(f))
			err = nil
		}
		if err != nil {
			return err
		}
		return opts.env.print(report.Quote(opts.call.Provider, opts.call.Model, rating))
	})
}
