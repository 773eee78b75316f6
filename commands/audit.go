package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
)

func newAuditCmd(env *Env) *cobra.Command {
	return group("audit", "Who changed what", newAuditListCmd(env))
}

func newAuditListCmd(env *Env) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List changes of plans, prices and subscriptions, newest first",
		Example: "  alwrity-sub audit list --limit 20", Args: cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			page, err := s.Lists.Audit(ctx, 0, limit)
			return report.Audit(page.Rows), err
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many")
	return cmd
}
