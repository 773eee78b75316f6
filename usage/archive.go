package usage

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Archiver moves whole months of the log to files and brings them back.
type Archiver struct{ Store ArchiveStore }

// Archive is a month whose log rows were moved to a file.
type Archive struct {
	LogMonth
	File   string // its name, without a directory
	SHA256 string // of the file
	At     time.Time
}

// LogMonth is what the log holds of a month.
type LogMonth struct {
	Month plan.Month
	Rows  int64
	Cost  pricing.Total
}

// ArchiveFile returns the name of the file that a month's log rows are archived in.
func ArchiveFile(month plan.Month) string { return "usage-" + month.String() + ".jsonl.gz" }

// ArchiveStore is the storage that archiving needs.
type ArchiveStore interface {
	// Months returns the months that end at or before a moment and have log rows, oldest first. Those before 2000 or after
	// 2099 are never archived and not among them.
	Months(ctx context.Context, before time.Time) ([]LogMonth, error)
	// ArchiveMonth has write write the rows of a month to a file. Then it takes them from the log, and keeps what they add
	// up to. If they are no longer what was written, that is a conflict failure with ErrMonthChanged, and nothing changes.
	// With alone nobody can use the log while the file is written, so that cannot happen; write may run more than once
	// then.
	ArchiveMonth(ctx context.Context, audit Audit, month plan.Month, alone bool, write WriteMonth) error
	// Archives returns the archived months, oldest first.
	Archives(ctx context.Context) ([]Archive, error)
	// Restore puts the rows of an archived month back into the log as they were; it is archived no more. The rows may be
	// read more than once. An error among them is returned, and nothing has changed.
	Restore(ctx context.Context, audit Audit, archive Archive, rows iter.Seq2[Entry, error]) error
	View(ctx context.Context, fn func(Reader) error) error
}

// MonthRows calls fn with each log row of a month, in the order in which they happened. An error of fn ends it.
type MonthRows func(fn func(*Entry) error) error

// WriteMonth writes the rows of a month to a file.
type WriteMonth func(MonthRows) (Archive, error)

// ErrMonthChanged is in the chain of the failure of a month that has changed since it was written to a file: it can be
// written again.
var ErrMonthChanged = errors.New("the month has changed since it was written")

// ArchiveOptions say what is archived.
type ArchiveOptions struct {
	Before   time.Time               // only months that ended at or before then
	Dir      string                  // the directory that gets the files
	Progress func(written, of int64) // told of each row that is written
}

// List returns the archived months, oldest first.
func (a *Archiver) List(ctx context.Context) ([]Archive, error) { return a.Store.Archives(ctx) }

// Plan returns the months that Archive would move.
func (a *Archiver) Plan(ctx context.Context, now time.Time, opts ArchiveOptions) (months []LogMonth, err error) {
	err = a.within(ctx, now, opts, func(found []LogMonth) error {
		months = found
		return nil
	})
	return months, err
}

// Archive moves months to files, one after another, and returns those that are done, also with an error. A directory
// that cannot be used is an invalid failure, a file in it that is not ours a conflict.
func (a *Archiver) Archive(ctx context.Context, audit Audit, opts ArchiveOptions) (done []Archive, err error) {
	err = a.within(ctx, audit.At, opts, func(months []LogMonth) error {
		rows, written := int64(0), int64(0)
		for _, m := range months {
			rows += m.Rows
		}
		for _, m := range months {
			archive, err := a.ArchiveMonth(ctx, audit, m.Month, opts.Dir, func() {
				written++
				opts.Progress(written, rows)
			})
			if err != nil {
				return err
			}
			done = append(done, archive)
		}
		return nil
	})
	return done, err
}

// within runs fn on the months that are to be archived while no other process works in the directory.
func (a *Archiver) within(
	ctx context.Context, now time.Time, opts ArchiveOptions, fn func([]LogMonth) error,
) (err error) {
	if opts.Before.After(now) {
		return failure.Invalidf("before is %s: it must not be in the future", opts.Before.Format(time.RFC3339)).
			WithHint("only months that are over can be archived; now is %s", now.Format(time.RFC3339))
	}
	dir, err := openArchiveDir(opts.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	months, err := a.Store.Months(ctx, opts.Before)
	if err != nil {
		return err
	}
	return fn(months)
}

// openAttempts is how often a month is written while others may record into it.
const openAttempts = 2

// ArchiveMonth moves one month to a file in a directory in which nobody else archives, and calls progress for each row
// that is written. If the month changes each time while it is written, it is written alone at last.
func (a *Archiver) ArchiveMonth(
	ctx context.Context, audit Audit, month plan.Month, dir string, progress func(),
) (archive Archive, err error) {
	ours := false // the file that is there was written here
	write := func(rows MonthRows) (Archive, error) {
		archive = Archive{LogMonth: LogMonth{Month: month}, File: ArchiveFile(month), At: audit.At}
		file := monthFile{path: filepath.Join(dir, archive.File), archive: archive}
		err := file.write(rows, progress, func(sum string) error {
			if ours {
				return nil
			}
			return a.mustBeReplaceable(ctx, file.path, sum)
		})
		ours = ours || err == nil
		archive = file.archive
		return archive, err
	}
	for range openAttempts {
		if err = a.Store.ArchiveMonth(ctx, audit, month, false, write); !errors.Is(err, ErrMonthChanged) {
			return archive, err
		}
	}
	return archive, a.Store.ArchiveMonth(ctx, audit, month, true, write)
}

// Restore brings an archived month back into the log. The file must be the one that was archived, to the last byte: any
// other is a conflict or not_found failure.
func (a *Archiver) Restore(ctx context.Context, audit Audit, file string) (Archive, error) {
	archive, err := a.find(ctx, file)
	if err != nil {
		return archive, err
	}
	return archive, a.Store.Restore(ctx, audit, archive, until(ctx, ReadArchived(file)))
}

// find returns the archived month that a file has.
func (a *Archiver) find(ctx context.Context, file string) (Archive, error) {
	sum, err := sumOfFile(ctx, file)
	if ctx.Err() != nil {
		return Archive{}, ctx.Err()
	}
	if err != nil {
		return Archive{}, unreadable(file, err)
	}
	archives, err := a.Store.Archives(ctx)
	if err != nil {
		return Archive{}, err
	}
	for _, archive := range archives {
		if archive.SHA256 == sum {
			return archive, nil
		}
	}
	for _, archive := range archives {
		if archive.File == filepath.Base(file) {
			return archive, failure.Conflictf("the file %s is not the one that was archived: its SHA-256 is %s, "+
				"and %s was recorded", file, sum, archive.SHA256).WithHint("find the right file, or its copy in a backup")
		}
	}
	return Archive{}, failure.NotFoundf("no month is archived in %s", file).
		WithReason("not_archived", "file", file)
}

// RequireNotArchived refuses the file of a month that is archived here: an import would refuse each of its rows.
func (a *Archiver) RequireNotArchived(ctx context.Context, file string) error {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || filepath.Ext(file) != ".gz" {
		return nil
	}
	archives, err := a.Store.Archives(ctx)
	if err != nil || len(archives) == 0 { // most often: then the file need not be read
		return err
	}
	archive, err := a.find(ctx, file)
	switch {
	case err == nil:
		return failure.Conflictf("%s has the month %s, which is archived here: nothing was recorded", file, archive.Month).
			WithReason("file_archived", "file", file)
	case failure.Is(err, failure.NotFound), failure.Is(err, failure.Conflict):
		return nil
	}
	return err
}

// checkOpen refuses an event of a month that is archived: nothing can be recorded in it.
func (s *state) checkOpen(at time.Time) error {
	if len(s.archived) == 0 {
		return nil
	}
	month := plan.MonthOf(at)
	file, archived := s.archived[month]
	if !archived {
		return nil
	}
	return failure.Conflictf("the month %s is archived in %s: nothing can be recorded in it", month, file).
		WithReason("archived", "file", file)
}
