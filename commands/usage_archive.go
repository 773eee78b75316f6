package commands

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
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
		Example: "  alwrity-sub usage archive --before 2026-09-01 --to /srv/alwrity/archive --dry-run\n  alwrity-sub usage archive --before 2026-09-01 --to /srv/alwrity/archive",
		Args:    cobra.NoArgs, Annotations: exitCodes("0,1,2,5,6,130"),
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
	if now := opts.env.Now(); opts.before.After(now) {
		return failure.Invalidf("before is %s: it must not be in the future", opts.before.Format(time.RFC3339)).
			WithHint("only months that are over can be archived; now is %s", now.Format(time.RFC3339))
	}
	return opts.env.withServices(ctx, func(s *Services) (err error) {
		dir, err := openArchiveDir(opts.to)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, dir.close()) }()
		months, err := s.Archives.Months(ctx, opts.before)
		if err != nil {
			return err
		}
		if opts.dryRun {
			return opts.env.print(report.Archivable(months, func(m usage.Month) string { return dir.file(m) }))
		}
		archived, err := opts.archiveAll(ctx, s, dir, months)
		if err != nil && len(archived) == 0 {
			return err
		}
		return errors.Join(err, opts.env.print(report.Archived(archived, func(name string) string { return filepath.Join(opts.to, name) })))
	})
}

// archiveAll archives months one after another, and returns those that are done, also
// with an error.
func (opts *usageArchiveOptions) archiveAll(ctx context.Context, s *Services, dir *archiveDir, months []usage.LogMonth) ([]usage.Archive, error) {
	rows := int64(0)
	for _, m := range months {
		rows += m.Rows
	}
	bar := opts.bar(rows)
	defer func() { _ = bar.Finish() }() // it only draws
	var archived []usage.Archive
	for _, m := range months {
		a, err := opts.archive(ctx, s, dir, m.Month, func() { _ = bar.Add(1) })
		if err != nil {
			return archived, err
		}
		archived = append(archived, a)
	}
	return archived, nil
}

// openAttempts is how often a month is written while others may record into it.
const openAttempts = 2

// archive writes a month and then takes its rows from the log. If it is recorded into
// each time, nobody can while it is written at last.
func (opts *usageArchiveOptions) archive(ctx context.Context, s *Services, dir *archiveDir, month usage.Month, progress func()) (usage.Archive, error) {
	now := opts.env.Now()
	audit := usage.Audit{At: now, Actor: opts.env.Settings.Actor, Action: "usage archive"}
	mayReplace := func(sum string) error { return dir.mustBeReplaceable(ctx, s, month, sum) }
	for range openAttempts {
		var stamp int64
		a, err := dir.write(month, func(fn func(*usage.Entry) error) (err error) {
			stamp, err = s.Archives.MonthRows(ctx, month, func(e *usage.Entry) error {
				progress()
				return fn(e)
			})
			return err
		}, now, mayReplace)
		if err != nil {
			return a, err
		}
		a.Stamp = stamp
		if err = s.Archives.Archive(ctx, audit, a); !errors.Is(err, usage.ErrMonthChanged) {
			return a, err
		}
		mayReplace = func(string) error { return nil } // what was just written
	}
	var a usage.Archive
	err := s.Archives.ArchiveClosed(ctx, audit, month, func(rows usage.MonthRows) (written usage.Archive, err error) {
		a, err = dir.write(month, rows, now, mayReplace)
		return a, err
	})
	return a, err
}

// bar shows on a terminal how many rows are written.
func (opts *usageArchiveOptions) bar(rows int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(rows, progressbar.OptionSetWriter(opts.env.Err), progressbar.OptionShowCount(),
		progressbar.OptionSetDescription("archiving"), progressbar.OptionSetVisibility(opts.env.Progress && !opts.env.Quiet),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
}

type usageArchivesOptions struct{ env *Env }

func newUsageArchivesCmd(env *Env) *cobra.Command {
	opts := &usageArchivesOptions{env}
	return &cobra.Command{
		Use: "archives", Short: "List the months of the log that were moved to files", Example: "  alwrity-sub usage archives", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return usageArchivesRun(cmd.Context(), opts) },
	}
}

func usageArchivesRun(ctx context.Context, opts *usageArchivesOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		archives, err := s.Archives.Archives(ctx)
		if err != nil {
			return err
		}
		return opts.env.print(report.Archives(archives))
	})
}
