package commands

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

func newPricingAliasCmd(env *Env) *cobra.Command {
	var setting catalogue.AliasSetting
	var remove bool
	cmd := &cobra.Command{
		Use: "alias PROVIDER NAME [MODEL]", Short: "Let a name stand for another model of its provider",
		Long: `Let a name stand for another model of its provider: what is called by the name costs
what the model does, as long as the name has no price of its own. The first alias of
a name holds from the beginning, another one from now on, unless --effective-from
names a moment; what had been set from exactly that moment on is replaced.

Dates and the like need no alias. A price is looked for by the exact name, by its
alias, then without vendor/ in front and without what marks a snapshot (-2024-08-06,
-20240806, -preview-05-06, @001, :latest), and last under the provider's default.
Recorded usage keeps its cost until pricing rerate.`,
		Example: `  alwrity-sub pricing alias anthropic claude-3-5-sonnet claude-3.5-sonnet
  alwrity-sub pricing alias anthropic claude-3-5-sonnet --remove`,
		Args: cobra.RangeArgs(2, 3), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			setting.Provider, setting.Name = strings.ToLower(args[0]), args[1]
			if len(args) > 2 {
				setting.Model = args[2]
			}
			if remove == (setting.Model != "") {
				return failure.Invalidf("name the model that %s stands for, or remove it", failure.Shorten(args[1])).
					WithHint("pricing alias PROVIDER NAME MODEL, or pricing alias PROVIDER NAME --remove")
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				change, err := s.Catalogue.SetAlias(ctx, env.audit("pricing alias"), setting)
				return report.AliasChange(change), err
			})(cmd, nil)
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "the name stands for no other model any more")
	addTime(cmd, &setting.From, "effective-from", "from then on")
	return cmd
}

func newPricingAliasesCmd(env *Env) *cobra.Command {
	var q catalogue.AliasQuery
	cmd := &cobra.Command{
		Use: "aliases", Short: "List the names that stand for other models",
		Example: "  alwrity-sub pricing aliases --provider anthropic", Args: cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			q.At = cmp.Or(q.At, env.Now())
			aliases, err := s.Catalogue.Aliases(ctx, q)
			return report.Aliases(aliases), err
		}),
	}
	addProvider(cmd, &q.Provider, "only of this PROVIDER")
	addTime(cmd, &q.At, "at", "as they were, or will be, in force then (default now)")
	return cmd
}
