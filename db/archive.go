package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Months implements usage.ArchiveStore.
func (d *DB) Months(ctx context.Context, before time.Time) ([]usage.LogMonth, error) {
	var months []usage.LogMonth
	err := d.view(ctx, func(t *tx) error {
		months = nil
		for from, to := time.Unix(0, 0), monthOf(before); from.Before(to); {
			first, err := t.firstTime(ctx, from, to)
			if err != nil || first.IsZero() {
				return err
			}
			month, err := t.logMonth(ctx, usage.MonthOf(first))
			if err != nil {
				return err
			}
			months = append(months, month)
			from = month.Month.End()
		}
		return nil
	})
	return months, err
}

// firstTime returns the time of the first log row of an interval, or the zero time. It
// is found in an index, however long the log is.
func (t *tx) firstTime(ctx context.Context, from, to time.Time) (time.Time, error) {
	var first time.Time
	err := t.query(ctx, func(row scanner) error { return row.Scan(moment{&first}) },
		"SELECT MIN(occurred_at) FROM api_usage_logs WHERE occurred_at >= $1 AND occurred_at < $2", from, to)
	return first, err
}

// logMonth counts a month of the log. Its cost is summed in two parts, since the sum
// may not fit an integer of the database.
func (t *tx) logMonth(ctx context.Context, month usage.Month) (usage.LogMonth, error) {
	found := usage.LogMonth{Month: month}
	var high, low int64
	err := t.query(ctx, func(row scanner) error { return row.Scan(&found.Rows, &high, &low) },
		`SELECT COUNT(*), COALESCE(SUM(cost_pico / 1000000), 0), COALESCE(SUM(cost_pico % 1000000), 0)
		FROM api_usage_logs WHERE occurred_at >= $1 AND occurred_at < $2`, month.Start(), month.End())
	found.Cost = pricing.TotalFromParts(high, low)
	return found, err
}

// MonthRows implements usage.ArchiveStore. Whoever changes a row of the log, and does
// not only add one, changes the version of the catalogue.
func (d *DB) MonthRows(ctx context.Context, month usage.Month, fn func(*usage.Entry) error) (int64, error) {
	var version int64
	err := d.view(ctx, func(t *tx) (err error) {
		if version, err = t.catalogueVersion(ctx); err != nil {
			return err
		}
		return t.monthRows(ctx, month, fn)
	})
	return version, err
}

func (t *tx) monthRows(ctx context.Context, month usage.Month, fn func(*usage.Entry) error) error {
	return t.query(ctx, func(row scanner) error {
		e, err := scanEntry(row)
		if err != nil {
			return err
		}
		return fn(&e)
	}, "SELECT "+entryColumns+" FROM api_usage_logs WHERE occurred_at >= $1 AND occurred_at < $2 ORDER BY occurred_at, log_id", month.Start(), month.End())
}

// Archive implements usage.ArchiveStore.
func (d *DB) Archive(ctx context.Context, audit usage.Audit, a usage.Archive) error {
	return d.archive(ctx, audit, a.Month, func(t *tx) (usage.Archive, error) { return a, t.mustBeAsWritten(ctx, a) })
}

// ArchiveClosed implements usage.ArchiveStore.
func (d *DB) ArchiveClosed(ctx context.Context, audit usage.Audit, month usage.Month, write func(usage.MonthRows) (usage.Archive, error)) error {
	return d.archive(ctx, audit, month, func(t *tx) (usage.Archive, error) {
		return write(func(fn func(*usage.Entry) error) error { return t.monthRows(ctx, month, fn) })
	})
}

// archive takes a month from the log, whose file is written when written returns. All
// that takes long comes before the rows are removed, which others may have to wait for.
func (d *DB) archive(ctx context.Context, audit usage.Audit, month usage.Month, written func(*tx) (usage.Archive, error)) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.closeMonth(ctx, month); err != nil {
			return err
		}
		a, err := written(t)
		if err != nil {
			return err
		}
		if a.Rows == 0 {
			return failure.Conflictf("the log has no rows of the month %s: there is nothing to archive", month)
		}
		if err := t.saveArchive(ctx, audit, a); err != nil {
			return err
		}
		if err := t.removeMonth(ctx, month); err != nil {
			return err
		}
		// Last, since it locks a row that others who are using the log may wait for.
		return t.changeCatalogue(ctx)
	})
}

// saveArchive notes that a month is archived, and what its rows add up to.
func (t *tx) saveArchive(ctx context.Context, audit usage.Audit, a usage.Archive) error {
	if err := t.keepTotals(ctx, a.Month); err != nil {
		return err
	}
	_, err := t.exec(ctx, "INSERT INTO usage_archives (month, file, sha256, row_count, cost_usd, archived_at) VALUES "+valueList(1, 6),
		int64(a.Month), a.File, a.SHA256, a.Rows, a.Cost.String(), a.At)
	if err != nil {
		return err
	}
	return t.audit(ctx, audit, "month "+a.Month.String(), logState(a), archiveState(a))
}

// logState and archiveState are what the audit log has of a month that is in the log,
// and of one that is archived.
func logState(a usage.Archive) state {
	return state{"rows": a.Rows, "cost": a.Cost, "file": "none, in the log"}
}

func archiveState(a usage.Archive) state {
	return state{"rows": a.Rows, "cost": a.Cost, "file": a.File, "sha256": a.SHA256}
}

// mustBeAsWritten refuses to go on if the rows of a month are not what the file has, now
// that nobody can change them. If there are as many and no row of the log has been
// changed since, they are; else they are read once more.
func (t *tx) mustBeAsWritten(ctx context.Context, a usage.Archive) error {
	now, err := t.logMonth(ctx, a.Month)
	if err != nil {
		return err
	}
	same := now.Rows == a.Rows && now.Cost.Cmp(a.Cost) == 0
	version, err := t.catalogueVersion(ctx)
	if err == nil && same && version != a.Stamp {
		same, err = t.hasContent(ctx, a)
	}
	if err == nil && !same {
		err = failure.Conflictf("the month %s has changed while it was written to %s: %d rows that cost %s were written, and now there are %d that cost %s",
			a.Month, a.File, a.Rows, a.Cost.Display(), now.Rows, now.Cost.Display()).WithHint("run it again").Because(usage.ErrMonthChanged)
	}
	return err
}

// hasContent tells whether the rows of a month are those that were written.
func (t *tx) hasContent(ctx context.Context, a usage.Archive) (bool, error) {
	content := usage.NewMonthContent()
	err := t.monthRows(ctx, a.Month, func(e *usage.Entry) error {
		_, err := content.Line(e)
		return err
	})
	return content.Sum() == a.Content, err
}

// keepTotals keeps what the rows of a month add up to.
func (t *tx) keepTotals(ctx context.Context, month usage.Month) error {
	keys := t.dayOf() + ", user_id, period_start, plan_id, provider, vendor, model"
	_, err := t.exec(ctx, "INSERT INTO usage_archived_totals (month, day, user_id, period_start, plan_id, provider, vendor, model, "+totalColumns+
		") SELECT CAST($1 AS BIGINT), "+keys+", "+logSums()+" FROM api_usage_logs WHERE occurred_at >= $2 AND occurred_at < $3 GROUP BY "+keys,
		int64(month), month.Start(), month.End())
	return err
}

// closeMonth keeps everyone from recording into a month for the rest of the
// transaction. On SQLite that is so since its beginning.
func (t *tx) closeMonth(ctx context.Context, month usage.Month) error {
	if t.kind == PostgreSQL {
		if err := t.takeMonth(ctx, month); err != nil {
			return err
		}
	}
	archived, err := t.archives(ctx)
	if err != nil {
		return err
	}
	for _, other := range archived {
		if other.Month == month {
			return failure.Conflictf("the month %s is archived in %s already", month, other.File).WithHint("list what is archived: alwrity-sub usage archives")
		}
	}
	if t.kind == PostgreSQL {
		return t.lockPartition(ctx, month)
	}
	return nil
}

// removeMonth removes the log rows of a month.
func (t *tx) removeMonth(ctx context.Context, month usage.Month) error {
	if t.kind == SQLite {
		_, err := t.exec(ctx, "DELETE FROM api_usage_logs WHERE occurred_at >= $1 AND occurred_at < $2", month.Start(), month.End())
		return err
	}
	return t.removeMonthPostgreSQL(ctx, month)
}

// Archives implements usage.ArchiveStore.
func (d *DB) Archives(ctx context.Context) ([]usage.Archive, error) {
	var archives []usage.Archive
	err := d.view(ctx, func(t *tx) (err error) {
		archives, err = t.archives(ctx)
		return err
	})
	return archives, err
}

func (t *tx) archives(ctx context.Context) ([]usage.Archive, error) {
	var archives []usage.Archive
	err := t.query(ctx, func(row scanner) error {
		var a usage.Archive
		var cost string
		err := row.Scan(&a.Month, &a.File, &a.SHA256, &a.Rows, &cost, moment{&a.At})
		if err == nil {
			a.Cost, err = pricing.ParseTotal(cost)
		}
		archives = append(archives, a)
		return err
	}, "SELECT month, file, sha256, row_count, cost_usd, archived_at FROM usage_archives ORDER BY month")
	return archives, err
}

// ArchivedMonths implements usage.Reader.
func (t *tx) ArchivedMonths(ctx context.Context) (map[usage.Month]string, error) {
	version, err := t.catalogueVersion(ctx)
	if err != nil {
		return nil, err
	}
	var files map[usage.Month]string
	t.kept(version, func(c *catalogue) { files = c.archived })
	if files != nil {
		return files, nil
	}
	archives, err := t.archives(ctx)
	if err != nil {
		return nil, err
	}
	files = make(map[usage.Month]string, len(archives))
	for _, a := range archives {
		files[a.Month] = a.File
	}
	return files, t.keep(ctx, version, func(c *catalogue) { c.archived = files })
}
