package commands

import (
	"context"
	"errors"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageArchiveOptions struct {
	env    *Env
	before time.Time
	to     string
	dryRun bool
}

func newUsageArchiveCmd(env *Env) *cobra.Command {
	opts := &usageArchiveOptions{env: env}
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
			return usageArchiveRun(cmd.Context(), opts)
		},
	}
	addTime(cmd, &opts.before, "before", "only months that ended at or before then")
	cmd.Flags().StringVar(&opts.to, "to", "", "the directory `DIR` that gets the files")
	cmd.Flags().BoolVar(&opts.dryRun, "dry-run", false, "show what would be archived, and change nothing")
	mustRequire(cmd, "before", "to")
	return cmd
}

func usageArchiveRun(ctx context.Context, opts *usageArchiveOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		audit := usage.Audit{At: opts.env.Now(), Actor: opts.env.Settings.Actor, Action: "usage archive"}
		bar := opts.bar()
		what := usage.ArchiveOptions{Before: opts.before, Dir: opts.to, Progress: func(written, of int64) {
			bar.ChangeMax64(of)
			_ = bar.Set64(written) // it only draws
		}}
		if opts.dryRun {
			months, err := s.Archives.Plan(ctx, audit.At, what)
			if err != nil {
				return err
			}
			return opts.env.print(report.Archivable(months, opts.to))
		}
		archived, err := s.Archives.Archive(ctx, audit, what)
		_ = bar.Finish() // as above
		if err != nil && len(archived) == 0 {
			return err
		}
		return errors.Join(err, opts.env.print(report.Archived(archived, opts.to)))
	})
}

// bar shows on a terminal how many rows are written.
func (opts *usageArchiveOptions) bar() *progressbar.ProgressBar {
	return progressbar.NewOptions64(0, progressbar.OptionSetWriter(opts.env.Err), progressbar.OptionShowCount(),
		progressbar.OptionSetDescription("archiving"),
		progressbar.OptionSetVisibility(opts.env.Progress && !opts.env.Quiet),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
}

type usageArchivesOptions struct{ env *Env }

func newUsageArchivesCmd(env *Env) *cobra.Command {
	opts := &usageArchivesOptions{env}
	return &cobra.Command{
		Use: "archives", Short: "List the months of the log that were moved to files",
		Example: "  alwrity-sub usage archives", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return usageArchivesRun(cmd.Context(), opts) },
	}
}

func usageArchivesRun(ctx context.Context, opts *usageArchivesOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		archives, err := s.Archives.Store.Archives(ctx)
		if err != nil {
			return err
		}
		return opts.env.print(report.Archives(archives))
	})
}
