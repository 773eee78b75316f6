package db

import (
	"context"
	"strings"

	"github.com/alwrity/alwrity-sub/db/packedrows"
	"github.com/alwrity/alwrity-sub/usage"
)

// rowsInto are rows that one statement writes into one table.
type rowsInto struct {
	name   string                     // of the statement; it tells it from others
	insert func(source string) string // makes it of a SELECT of the rows
	rows   int
	put    func(to sink, n int) // puts the values of one of them
}

// fewRows is how many rows are not worth the ways of many: SQLite then takes them one by one.
const fewRows = 50

// manyRows is how many log rows PostgreSQL gets by COPY: fewer go with all that belongs to them in one statement.
const manyRows = 1_000

// Write implements usage.Tx.
func (t *tx) Write(ctx context.Context, c usage.Changes) error {
	totals := t.buffers.takePending()
	defer t.buffers.givePending(totals)
	totals.add(c.Entries)
	rows, err := t.totalRows(totals)
	if err != nil {
		return err
	}
	if len(c.Reservations) > 0 {
		rows = append(rows, reservationRows(c.Reservations))
	}
	if t.kind == PostgreSQL && len(c.Entries) < manyRows {
		err = t.writeTogether(ctx, c, append(t.logRows(c.Entries), rows...))
	} else {
		err = t.writeApart(ctx, c, rows)
	}
	if err != nil {
		return err
	}
	if _, err := t.AddAlerts(ctx, c.Alerts); err != nil {
		return err
	}
	if err := t.AddNotifications(ctx, c.Notifications); err != nil {
		return err
	}
	return t.removeUsers(ctx, c.RemovedUsers)
}

// writeApart writes log rows and then what belongs to them, table by table.
func (t *tx) writeApart(ctx context.Context, c usage.Changes, rows []rowsInto) error {
	if c.Assumed != nil {
		if holds, err := t.holds(ctx, c.Assumed); err != nil || !holds {
			return outdatedUnless(err)
		}
	}
	if err := t.insertEntries(ctx, c.Entries); err != nil {
		return err
	}
	for _, r := range rows {
		if r.name != reservationsName {
			if err := t.writeRows(ctx, r); err != nil {
				return err
			}
			continue
		}
		saved, err := t.insertMany(ctx, r)
		if err != nil {
			return err
		}
		if saved != int64(r.rows) {
			return errLostRace
		}
	}
	return nil
}

func outdatedUnless(err error) error {
	if err != nil {
		return err
	}
	return usage.ErrOutdated
}

// writeTogether does so in one statement, on PostgreSQL: a transaction then waits for its server a few times only. What
// was assumed is looked at first, and if that does not hold no row is written.
func (t *tx) writeTogether(ctx context.Context, c usage.Changes, rows []rowsInto) error {
	a := t.buffers.takeArrays()
	defer t.buffers.arrays.give(a)
	name, condition := "together", ""
	var args []any
	if c.Assumed != nil {
		name, condition = name+", assumed", " WHERE (SELECT holds FROM assumption)"
		args = t.assumptionArguments(c.Assumed)
	}
	a.offset = len(args)
	sources := make([]func() string, 0, len(rows))
	kept := rows[:0:0]
	for _, r := range rows {
		if r.rows > 0 {
			sources = append(sources, a.add(r.rows, r.put))
			kept = append(kept, r)
			name += ", " + r.name
		}
	}
	if len(kept) == 0 && c.Assumed == nil {
		return nil
	}
	text := t.buffers.text(name, func() string {
		var parts []string
		holds, saved := "TRUE", "0"
		if c.Assumed != nil {
			parts, holds = append(parts, "assumption (holds) AS ("+t.assumptionQuery()+")"), "(SELECT holds FROM assumption)"
		}
		for i, r := range kept {
			part := r.insert(sources[i]() + condition)
			if r.name == reservationsName {
				part, saved = part+" RETURNING 1", "(SELECT COUNT(*) FROM "+r.name+"_written)"
			}
			parts = append(parts, r.name+"_written AS ("+part+")")
		}
		return "WITH " + strings.Join(parts, ", ") + " SELECT " + holds + ", " + saved
	})
	holds, saved := false, 0
	err := t.query(ctx, func(row scanner) error { return row.Scan(&holds, &saved) },
		text, append(args, a.arguments()...)...)
	switch {
	case err != nil:
		return err
	case !holds:
		return usage.ErrOutdated
	case saved != len(c.Reservations):
		return errLostRace
	}
	return nil
}

// writeRows writes rows: each alone or, where there are many, all that are packed on SQLite or in arrays on PostgreSQL.
func (t *tx) writeRows(ctx context.Context, r rowsInto) error {
	if t.kind == PostgreSQL || r.rows >= fewRows {
		_, err := t.insertMany(ctx, r)
		return err
	}
	for n := range r.rows {
		row := valuesOf(func(to sink) { r.put(to, n) })
		one := t.buffers.text(r.name, func() string { return r.insert("VALUES " + valueList(1, len(row))) })
		if err := t.do(ctx, one, row...); err != nil {
			return err
		}
	}
	return nil
}

// insertMany writes rows with one statement, and returns how many rows of the table were changed.
func (t *tx) insertMany(ctx context.Context, r rowsInto) (changed int64, err error) {
	if r.rows == 0 {
		return 0, nil
	}
	if t.kind == PostgreSQL {
		return t.insertArrays(ctx, r)
	}
	columns := len(valuesOf(func(to sink) { r.put(to, 0) }))
	return t.insertPacked(ctx, r.insert(packedrows.Source(columns)), columns, r.rows, r.put)
}
