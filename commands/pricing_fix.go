package commands

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

func newPricingFixCmd(env *Env) *cobra.Command {
	var fix catalogue.PriceFix
	var above pricing.Quantities // as for pricing set
	cmd := &cobra.Command{
		Use: "fix PROVIDER [MODEL] --from T --reason R", Short: "Replace a price that was wrong from its beginning",
		Long: `Replace a price that was wrong, from the moment on at which it began, and rate the
calls again that had it. What is not named stays as it is. The wrong price stays in
the history, marked, and is never used again. Open periods are right at once; for
closed ones the next bills have adjustments. Look first with --dry-run: it says how
many calls of which users cost how much before and after.

To change a price from a later moment on is pricing set --effective-from.
Interrupted, run it again.`,
		Example: "  alwrity-sub pricing history openai gpt-x\n" +
			"  alwrity-sub pricing fix openai gpt-x --input-token-cost 2/1M --from 2026-11-03T09:12:44.5Z" +
			" --reason \"per 1K, not per 1M\" --dry-run",
		Args: cobra.RangeArgs(1, 2), Annotations: exitCodes("0,1,2,3,5,6,130"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			fix.Provider, fix.AboveInputTokens = strings.ToLower(args[0]), above[pricing.InputTokens]
			if len(args) > 1 {
				fix.Model = args[1]
			}
			fixed, err := s.Fixer.Fix(ctx, env.audit("pricing fix"), fix)
			return report.PriceFixed(fixed), err
		}),
	}
	addCosts(cmd, &fix.PriceSetting, &above)
	flags := cmd.Flags()
	addTime(cmd, &fix.From, "from", "when the wrong price began, as pricing history has it")
	flags.StringVar(&fix.Reason, "reason", "", "why; it is kept with both prices")
	flags.BoolVar(&fix.DryRun, "dry-run", false, "show what would change, and change nothing")
	addForce(cmd, &fix.Force)
	mustRequire(cmd, "from", "reason")
	return cmd
}
