package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageRestoreOptions struct {
	env  *Env
	file string
}

func newUsageRestoreCmd(env *Env) *cobra.Command {
	opts := &usageRestoreOptions{env: env}
	return &cobra.Command{
		Use: "restore FILE", Short: "Bring an archived month of the log back",
		Long: `Bring the log rows of an archived month back as they were recorded, with their cost,
plan and period; usage can be recorded in the month again. The file must be the one
that was archived from this database, to the last byte. It stays where it is. In
another database its events are recorded with usage import.`,
		Example: "  alwrity-sub usage archives\n  alwrity-sub usage restore /srv/alwrity/archive/usage-2026-08.jsonl.gz",
		Args:    cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6,130"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.file = args[0]
			return usageRestoreRun(cmd.Context(), opts)
		},
	}
}

func usageRestoreRun(ctx context.Context, opts *usageRestoreOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		audit := usage.Audit{At: opts.env.Now(), Actor: opts.env.Settings.Actor, Action: "usage restore"}
		restored, err := s.Archives.Restore(ctx, audit, opts.file)
		if err != nil {
			return err
		}
		return opts.env.print(report.Restored(restored))
	})
}
