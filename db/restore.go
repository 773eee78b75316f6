package db

import (
	"context"
	"iter"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// restoreBatch is how many rows are put back at a time.
const restoreBatch = 5_000

// Restore implements usage.ArchiveStore. Until it commits, the month is archived for everyone else, so
// nobody records into it meanwhile.
func (d *DB) Restore(
	ctx context.Context, audit usage.Audit, a usage.Archive, rows iter.Seq2[usage.Entry, error],
) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.reopenMonth(ctx, a); err != nil {
			return err
		}
		err := t.restoreMonth(ctx, t, a.Month, func(insert func([]usage.Entry) error) error {
			return t.restoreRows(ctx, a, rows, insert)
		})
		if err != nil {
			return err
		}
		if err := t.changeCatalogue(ctx); err != nil {
			return err
		}
		return t.audit(ctx, audit, "month "+a.Month.String(), archiveState(a), logState(a))
	})
}

// reopenMonth takes a month from those that are archived, with what was kept of it.
func (t *tx) reopenMonth(ctx context.Context, a usage.Archive) error {
	n, err := t.changes(t.exec(ctx, "DELETE FROM usage_archives WHERE month = $1 AND sha256 = $2",
		int64(a.Month), a.SHA256))
	if err != nil {
		return err
	}
	if n != 1 {
		return failure.Conflictf("the month %s is no longer archived in %s", a.Month, a.File).
			WithReason("archive_gone", "file", a.File)
	}
	return t.do(ctx, "DELETE FROM usage_archived_totals WHERE month = $1", int64(a.Month))
}

// restoreRows has rows inserted, and checks that they are what was archived.
func (t *tx) restoreRows(
	ctx context.Context, a usage.Archive, rows iter.Seq2[usage.Entry, error], insert func(batch []usage.Entry) error,
) error {
	batch := make([]usage.Entry, 0, restoreBatch)
	found, cost := int64(0), pricing.Total{}
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := t.refuseTaken(ctx, a, batch); err != nil {
			return err
		}
		err := insert(batch)
		batch = batch[:0]
		return err
	}
	for e, err := range rows {
		if err != nil {
			return err
		}
		if plan.MonthOf(e.Time) != a.Month {
			return failure.Invalidf("the event %q of %s is not of the month %s: its time is %s",
				failure.Shorten(e.ID), a.File, a.Month, e.Time.Format(time.RFC3339))
		}
		found, cost = found+1, cost.Add(pricing.TotalOf(e.Cost))
		if batch = append(batch, e); len(batch) == restoreBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if found != a.Rows || cost.Cmp(a.Cost) != 0 {
		return failure.Conflictf("%s has %d rows that cost %s: %d rows that cost %s were archived",
			a.File, found, cost.Display(), a.Rows, a.Cost.Display())
	}
	return flush()
}

// refuseTaken refuses a batch in which an id was used again since then: one of the two events would be lost.
func (t *tx) refuseTaken(ctx context.Context, a usage.Archive, batch []usage.Entry) error {
	ids := make([]string, len(batch))
	for i := range batch {
		ids[i] = batch[i].ID
	}
	taken, err := t.Entries(ctx, ids)
	for id, e := range taken {
		return failure.Conflictf("the event %q of %s has been recorded again, with the time %s: an id stands for one event",
			failure.Shorten(id), a.File, e.Time.Format(time.RFC3339)).
			WithHint("restore a backup of the time before that, or leave the month archived")
	}
	return err
}
