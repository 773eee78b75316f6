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

// Months implements usage.ArchiveStore. The first row of a month is found in an index, however long the log is.
func (d *DB) Months(ctx context.Context, before time.Time) ([]usage.LogMonth, error) {
	end := plan.MonthOf(before).Start()
	if end.After(afterPartitions()) {
		end = afterPartitions()
	}
	return inView(ctx, d, func(t *tx) (months []usage.LogMonth, err error) {
		for from := firstPartition(); ; {
			var first time.Time
			err := t.query(ctx, into(moment{&first}),
				"SELECT MIN(occurred_at) FROM api_usage_logs WHERE occurred_at >= $1 AND occurred_at < $2", from, end)
			if err != nil || first.IsZero() {
				return months, err
			}
			month, err := t.logMonth(ctx, plan.MonthOf(first))
			if err != nil {
				return nil, err
			}
			months = append(months, month)
			from = month.Month.End()
		}
	})
}

// logMonth counts a month of the log. Its cost is summed in two parts, since the sum may not fit an
// integer of the database.
func (t *tx) logMonth(ctx context.Context, month plan.Month) (usage.LogMonth, error) {
	found := usage.LogMonth{Month: month}
	var high, low int64
	err := t.query(ctx, into(&found.Rows, &high, &low),
		`SELECT COUNT(*), COALESCE(SUM(cost_pico / 1000000), 0), COALESCE(SUM(cost_pico % 1000000), 0)
		FROM api_usage_logs WHERE occurred_at >= $1 AND occurred_at < $2`, month.Start(), month.End())
	found.Cost = pricing.TotalFromParts(high, low)
	return found, err
}

// monthRows calls fn with each log row of a month, in the order in which they happened.
func (t *tx) monthRows(ctx context.Context, month plan.Month, fn func(*usage.Entry) error) error {
	links, err := t.linksBetween(ctx, month.Start(), month.End())
	if err != nil {
		return err
	}
	return t.query(ctx, func(row scanner) error {
		e, err := scanEntry(row)
		if err != nil {
			return err
		}
		e.Links = links[e.ID]
		return fn(&e)
	}, "SELECT "+entryColumns+` FROM api_usage_logs WHERE occurred_at >= $1 AND occurred_at < $2
		ORDER BY occurred_at, log_id`, month.Start(), month.End())
}

// ArchiveMonth implements usage.ArchiveStore.
//
// Others may record until the log is locked, at the very end. Then the month is looked at again: it has the rows that
// were written if there are as many, as expensive, and no row of the log has been changed since, which changes the
// version of the catalogue.
func (d *DB) ArchiveMonth(
	ctx context.Context, audit usage.Audit, month plan.Month, alone bool, write usage.WriteMonth,
) error {
	if !hasPartition(month) {
		return failure.Conflictf("the month %s can't be archived: only those from 2000 to 2099 can", month)
	}
	if d.refused != nil { // before a file is written
		return d.refused
	}
	var written usage.Archive
	var version int64
	read := func(t *tx) (err error) {
		if version, err = t.CatalogueVersion(ctx); err != nil {
			return err
		}
		written, err = write(func(fn func(*usage.Entry) error) error { return t.monthRows(ctx, month, fn) })
		return err
	}
	if !alone {
		if err := d.view(ctx, read); err != nil {
			return err
		}
	}
	return d.update(ctx, func(t *tx) error {
		if err := t.beginArchiving(ctx, month); err != nil {
			return err
		}
		if alone {
			if err := t.lockWholeLog(ctx, partitionOf(month)); err != nil {
				return err
			}
			if err := read(t); err != nil {
				return err
			}
		}
		if err := t.saveArchive(ctx, audit, written); err != nil {
			return err
		}
		if !alone {
			if err := t.checkUnchanged(ctx, written, version); err != nil {
				return err
			}
		}
		if err := t.removeMonth(ctx, t, month); err != nil {
			return err
		}
		// Last, since it locks a row that others who are using the log may wait for.
		return t.changeCatalogue(ctx)
	})
}

// beginArchiving keeps others from archiving or restoring, and refuses a month that is archived already.
func (t *tx) beginArchiving(ctx context.Context, month plan.Month) error {
	if err := t.lock(ctx, "usage_archives", "SHARE ROW EXCLUSIVE"); err != nil {
		return err
	}
	archived, err := t.ArchivedMonths(ctx)
	if file, ok := archived[month]; ok {
		return failure.Conflictf("the month %s is archived in %s already", month, file).
			WithReason("archived_already", "file", file)
	}
	return err
}

// saveArchive notes that a month is archived, and what its rows add up to. That takes long.
func (t *tx) saveArchive(ctx context.Context, audit usage.Audit, a usage.Archive) error {
	keys := t.dayOf + ", user_id, period_start, plan_id, provider, vendor, model"
	err := t.do(ctx, "INSERT INTO usage_archived_totals "+
		"(month, day, user_id, period_start, plan_id, provider, vendor, model, "+totalColumns+") "+
		"SELECT CAST($1 AS BIGINT), "+keys+", "+logSums()+
		" FROM api_usage_logs WHERE occurred_at >= $2 AND occurred_at < $3 GROUP BY "+keys,
		int64(a.Month), a.Month.Start(), a.Month.End())
	if err != nil {
		return err
	}
	if err := t.archiveTokenTotals(ctx, a.Month); err != nil {
		return err
	}
	err = t.do(ctx, "INSERT INTO usage_archives (month, file, sha256, row_count, cost_usd, archived_at) VALUES "+
		valueList(1, 6), int64(a.Month), a.File, a.SHA256, a.Rows, a.Cost.String(), a.At)
	if err != nil {
		return err
	}
	if err := t.forgetIDs(ctx, t, a.Month); err != nil {
		return err
	}
	return t.audit(ctx, audit, "month "+a.Month.String(), logState(a), archiveState(a))
}

// logState and archiveState are what the audit log keeps of a month in the log, and of one that is archived.
func logState(a usage.Archive) state {
	return state{"rows": a.Rows, "cost": a.Cost, "file": "none, in the log"}
}

func archiveState(a usage.Archive) state {
	return state{"rows": a.Rows, "cost": a.Cost, "file": a.File, "sha256": a.SHA256}
}

// checkUnchanged locks the log, and refuses to go on if the rows of a month are not those of its file any more, which
// was written at a version of the catalogue.
func (t *tx) checkUnchanged(ctx context.Context, a usage.Archive, version int64) error {
	if err := t.lockWholeLog(ctx, partitionOf(a.Month)); err != nil {
		return err
	}
	found, err := t.logMonth(ctx, a.Month)
	if err != nil {
		return err
	}
	newest, err := t.newestVersion(ctx)
	if err != nil || newest == version && found.Rows == a.Rows && found.Cost.Cmp(a.Cost) == 0 {
		return err
	}
	return failure.Conflictf("the month %s has changed while it was written to %s: "+
		"%d rows that cost %s were written, and now there are %d that cost %s",
		a.Month, a.File, a.Rows, a.Cost.Display(), found.Rows, found.Cost.Display()).
		WithHint("run it again").Because(usage.ErrMonthChanged)
}

// Archives implements usage.ArchiveStore.
func (d *DB) Archives(ctx context.Context) ([]usage.Archive, error) {
	return inView(ctx, d, func(t *tx) ([]usage.Archive, error) { return t.archives(ctx) })
}

func (t *tx) archives(ctx context.Context) ([]usage.Archive, error) {
	return selectRows(ctx, t, func(row scanner) (a usage.Archive, err error) {
		var cost string
		if err = row.Scan(&a.Month, &a.File, &a.SHA256, &a.Rows, &cost, moment{&a.At}); err == nil {
			a.Cost, err = pricing.ParseTotal(cost)
		}
		return a, err
	}, "SELECT month, file, sha256, row_count, cost_usd, archived_at FROM usage_archives ORDER BY month")
}

// ArchivedMonths implements usage.Reader.
func (t *tx) ArchivedMonths(ctx context.Context) (map[plan.Month]string, error) {
	version, err := t.CatalogueVersion(ctx)
	if err != nil {
		return nil, err
	}
	var files map[plan.Month]string
	t.kept(version, func(c *catalogue) { files = c.archived })
	if files != nil {
		return files, nil
	}
	archives, err := t.archives(ctx)
	if err != nil {
		return nil, err
	}
	files = make(map[plan.Month]string, len(archives))
	for _, a := range archives {
		files[a.Month] = a.File
	}
	return files, t.keep(ctx, version, func(c *catalogue) { c.archived = files })
}

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
	n, err := t.exec(ctx, "DELETE FROM usage_archives WHERE month = $1 AND sha256 = $2",
		int64(a.Month), a.SHA256)
	if err != nil {
		return err
	}
	if n != 1 {
		return failure.Conflictf("the month %s is no longer archived in %s", a.Month, a.File).
			WithReason("archive_gone", "file", a.File)
	}
	if err := t.do(ctx, "DELETE FROM usage_archived_token_totals WHERE month = $1", int64(a.Month)); err != nil {
		return err
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
		if err := t.refuseReusedIDs(ctx, a, batch); err != nil {
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

// refuseReusedIDs refuses a batch in which an id was used again since then: one of the two events would be lost.
func (t *tx) refuseReusedIDs(ctx context.Context, a usage.Archive, batch []usage.Entry) error {
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
