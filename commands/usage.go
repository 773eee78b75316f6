package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
)

func newUsageCmd(env *Env) *cobra.Command {
	return group("usage", "Record, import and report usage",
		newUsageRecordCmd(env), newUsageImportCmd(env), newUsageLogsCmd(env), newUsageShowCmd(env),
		newUsageReportCmd(env), newUsageTrendsCmd(env), newUsageArchiveCmd(env), newUsageArchivesCmd(env),
		newUsageRestoreCmd(env))
}

type usageShowOptions struct {
	env  *Env
	user string
	at   time.Time
}

func newUsageShowCmd(env *Env) *cobra.Command {
	opts := &usageShowOptions{env: env}
	cmd := &cobra.Command{
		Use: "show USER", Short: "Show a user's period against every limit of the plan",
		Example: "  alwrity-sub usage show alice\n  alwrity-sub usage show alice --at 2026-10-15", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.user = args[0]
			return usageShowRun(cmd.Context(), opts)
		},
	}
	addTime(cmd, &opts.at, "at", "the period that contains this moment (default now)")
	return cmd
}

func usageShowRun(ctx context.Context, opts *usageShowOptions) error {
	now := opts.env.Now()
	if opts.at.IsZero() {
		opts.at = now
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		statement, err := s.Usage.Show(ctx, opts.user, opts.at, now)
		if err != nil {
			return err
		}
		return opts.env.print(report.Usage(statement))
	})
}
