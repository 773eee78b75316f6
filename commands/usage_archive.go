package commands

import (
	"context"
	"errors"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

func newUsageArchiveCmd(env *Env) *cobra.Command {
	var opts usage.ArchiveOptions
	var dryRun bool
	cmd := &cobra.Command{
		Use: "archive --before TIME --to DIR", Short: "Move whole months of the log to files",
		Long: `Move the log rows of whole months (UTC) that ended at or before a moment to files:
DIR/usage-2026-08.jsonl.gz has one JSON object a line, which usage import reads, and
DIR/usage-2026-08.manifest.json says how many rows it has, what they cost and its
SHA-256. A month's rows are removed once its files are safe on the disk, and only if
they are still what was written. Totals, reports and limits stay as they are. Nothing
more can be recorded in an archived month, until usage restore brings it back. Killed
at any moment, it is simply run again.`,
		Example: "  alwrity-sub usage archive --before 2026-09-01 --to /srv/alwrity/archive --dry-run\n" +
			"  alwrity-sub usage archive --before 2026-09-01 --to /srv/alwrity/archive",
		Args: cobra.NoArgs, Annotations: exitCodes("0,1,2,5,6,130"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := mustNotBeEmpty(cmd, "to"); err != nil {
				return err
			}
			return env.withServices(cmd.Context(), func(s *Services) error {
				if dryRun {
					months, err := s.Archives.Plan(cmd.Context(), env.Now(), opts)
					if err != nil {
						return err
					}
					return env.print(report.Archivable(months, opts.Dir))
				}
				bar := env.progressBar(0, "archiving", progressbar.OptionShowCount())
				opts.Progress = func(written, of int64) {
					bar.ChangeMax64(of)
					_ = bar.Set64(written) // it only draws
				}
				archived, err := s.Archives.Archive(cmd.Context(), env.audit("usage archive"), opts)
				_ = bar.Finish() // as above
				if err != nil && len(archived) == 0 {
					return err
				}
				return errors.Join(err, env.print(report.Archived(archived, opts.Dir)))
			})
		},
	}
	addTime(cmd, &opts.Before, "before", "only months that ended at or before then")
	cmd.Flags().StringVar(&opts.Dir, "to", "", "the directory `DIR` that gets the files")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be archived, and change nothing")
	mustRequire(cmd, "before", "to")
	return cmd
}

func newUsageArchivesCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "archives", Short: "List the months of the log that were moved to files",
		Example: "  alwrity-sub usage archives", Args: cobra.NoArgs,
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			archives, err := s.Archives.List(ctx)
			return report.Archives(archives), err
		}),
	}
}

func newUsageRestoreCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "Bring an archived month of the log back",
		Long: `Bring the log rows of an archived month back as they were recorded, with their cost,
plan and period; usage can be recorded in the month again. The file must be the one
that was archived from this database, to the last byte. It stays where it is. In
another database its events are recorded with usage import.`,
		Example: "  alwrity-sub usage archives\n  alwrity-sub usage restore /srv/alwrity/archive/usage-2026-08.jsonl.gz",
		Args:    cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6,130"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			restored, err := s.Archives.Restore(ctx, env.audit("usage restore"), args[0])
			return report.Restored(restored), err
		}),
	}
}
