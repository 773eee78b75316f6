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
		table, apart, err := t.monthTable(ctx, a.Month)
		if err != nil {
			return err
		}
		if err := t.restoreRows(ctx, table, a, rows); err != nil {
			return err
		}
		if apart {
			// Who reads the log while its rows and partitions change at once would see only one of both.
			if err := t.haveLogAlone(ctx, table); err != nil {
				return err
			}
			if err := t.attachPartition(ctx, table, a.Month.Start()); err != nil {
				return err
			}
		}
		if err := t.changeCatalogue(ctx); err != nil {
			return err
		}
		return t.audit(ctx, audit, "month "+a.Month.String(), archiveState(a), logState(a))
	})
}

// reopenMonth takes a month from those that are archived, with what was kept of it.
func (t *tx) reopenMonth(ctx context.Context, a usage.Archive) error {
	result, err := t.exec(ctx, "DELETE FROM usage_archives WHERE month = $1 AND sha256 = $2", int64(a.Month), a.SHA256)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return failure.Conflictf("the month %s is no longer archived in %s", a.Month, a.File).WithReason("archive_gone", "file", a.File).Because(err)
	}
	_, err = t.exec(ctx, "DELETE FROM usage_archived_totals WHERE month = $1", int64(a.Month))
	return err
}

// restoreRows puts rows back, and checks that they are what was archived.
func (t *tx) restoreRows(ctx context.Context, table string, a usage.Archive, rows iter.Seq2[usage.Entry, error]) error {
	batch := make([]usage.Entry, 0, restoreBatch)
	found, cost := int64(0), pricing.Total{}
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
			if err := t.restoreBatch(ctx, table, a, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if found != a.Rows || cost.Cmp(a.Cost) != 0 {
		return failure.Conflictf("%s has %d rows that cost %s: %d rows that cost %s were archived",
			a.File, found, cost.Display(), a.Rows, a.Cost.Display())
	}
	return t.restoreBatch(ctx, table, a, batch)
}

// restoreBatch puts some rows back. An id that was used again since then is a conflict
// failure: one of the two events would be lost.
func (t *tx) restoreBatch(ctx context.Context, table string, a usage.Archive, batch []usage.Entry) error {
	if len(batch) == 0 {
		return nil
	}
	ids := make([]string, len(batch))
	for i := range batch {
		ids[i] = batch[i].ID
	}
	taken, err := t.Entries(ctx, ids)
	if err != nil {
		return err
	}
	for id, e := range taken {
		return failure.Conflictf("the event %q of %s has been recorded again, with the time %s: an id stands for one event",
			failure.Shorten(id), a.File, e.Time.Format(time.RFC3339)).
			WithHint("restore a backup of the time before that, or leave the month archived")
	}
	if t.kind == SQLite {
		return t.insertEntries(ctx, batch)
	}
	return t.copyEntries(ctx, table, batch)
}

// monthTable returns the table that the rows of a month go into. On PostgreSQL it is a new one, apart from
// the log, that becomes a partition of it once they are there. Months that share a partition go into that.
func (t *tx) monthTable(ctx context.Context, month plan.Month) (table string, apart bool, err error) {
	if t.kind == SQLite {
		return "api_usage_logs", false, nil
	}
	table = partitionOf(month)
	there, err := t.hasTable(ctx, table)
	if err != nil || there {
		return table, false, err
	}
	return table, true, t.createPartition(ctx, table)
}
