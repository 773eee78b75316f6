package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
)

type auditOptions struct {
	env   *Env
	limit int
}

func newAuditCmd(env *Env) *cobra.Command {
	return group("audit", "Who changed what", newAuditListCmd(env))
}

func newAuditListCmd(env *Env) *cobra.Command {
	opts := &auditOptions{env: env}
	cmd := &cobra.Command{
		Use: "list", Short: "List changes of plans, prices and subscriptions, newest first",
		Example: "  alwrity-sub audit list --limit 20", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return auditListRun(cmd.Context(), opts) },
	}
	cmd.Flags().IntVar(&opts.limit, "limit", 50, "at most so many")
	return cmd
}

func auditListRun(ctx context.Context, opts *auditOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		page, err := s.Lists.Audit(ctx, 0, opts.limit)
		if err != nil {
			return err
		}
		return opts.env.print(report.Audit(page.Rows))
	})
}
