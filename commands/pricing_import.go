package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

// largestLiteLLM is how large a price file of LiteLLM may be, in bytes: it has about two million.
const largestLiteLLM = 32 << 20

func newPricingImportCmd(env *Env) *cobra.Command {
	return group("import", "Import prices that others publish", newPricingImportLiteLLMCmd(env))
}

func newPricingImportLiteLLMCmd(env *Env) *cobra.Command {
	var provider string
	var dryRun, force bool
	cmd := &cobra.Command{
		Use: "litellm FILE", Short: "Import prices from LiteLLM's model_prices_and_context_window.json",
		Long: `Import prices from LiteLLM's model_prices_and_context_window.json as it is, also packed
with gzip or zstd, of the providers that are known here. A price that differs from the one in force holds from
now on, and the first of a model from the beginning. Doing it twice changes nothing.

A model whose entry charges for something that a price here can't say is skipped and
named, unless that is charged as much by what it is a part of. What a call may cost
beside (fees for web searches and other tools, surcharges for regions) is left out
and listed: record it as calls of their own. 0 as the price of a part, such as cached
tokens, counts as none given: the part costs what its total costs.`,
		Example: "  alwrity-sub pricing import litellm model_prices_and_context_window.json --provider openai --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			packed, err := failure.ReadFileUpTo(args[0], largestLiteLLM)
			if err != nil {
				return unreadable(args[0], err)
			}
			text, err := usage.Unpack(packed, args[0], largestLiteLLM)
			if err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				result, err := s.Catalogue.ImportLiteLLM(ctx, env.audit("pricing import litellm"),
					catalogue.File{Name: args[0], Text: text}, provider, dryRun, force)
				return report.LiteLLMImport(result, dryRun), err
			})(cmd, nil)
		},
	}
	addProvider(cmd, &provider, "only of this PROVIDER")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, and change nothing")
	addForce(cmd, &force)
	return cmd
}
