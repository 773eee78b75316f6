package db

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/usage"
)

// readEntriesPostgreSQL reads the events of some ids.
func readEntriesPostgreSQL(ctx context.Context, t *tx, ids []string, scan func(row scanner) error) error {
	return t.query(ctx, scan, entriesQuery(), ids)
}

// entriesQuery finds the ids and then each row by its key. OFFSET 0 keeps the planner from making a join of that, for
// which it may read the whole log, though mostly no id is known.
func entriesQuery() string {
	return "SELECT " + prefixed("l", entryColumns) + ` FROM usage_event_ids i CROSS JOIN LATERAL (
			SELECT * FROM api_usage_logs l
			WHERE l.user_id = i.user_id AND l.occurred_at = i.occurred_at AND l.event_id = i.event_id OFFSET 0
		) l WHERE i.event_id = ANY ($1)`
}

// manyRows is how many log rows go by COPY: fewer go with all that belongs to them in one statement.
const manyRows = 1_000

// writePostgreSQL writes all in one statement: a transaction then waits for its server a few times only. What was
// assumed is looked at first, and if that does not hold no row is written.
func writePostgreSQL(ctx context.Context, t *tx, c usage.Changes) error {
	if len(c.Entries) >= manyRows {
		return writeApart(ctx, t, c)
	}
	rows, err := t.rowsBeside(c)
	if err != nil {
		return err
	}
	rows = append(t.logRows(c.Entries), rows...)
	rows = slices.DeleteFunc(rows, func(r rowsInto) bool { return r.rows == 0 })
	var args []any
	name := "together" // the text depends on which rows there are, and not on how many
	if c.Assumed != nil {
		name, args = "assumed, together", t.assumptionArguments(c.Assumed)
	}
	a := t.buffers.takeArrays(len(args))
	defer t.buffers.arrays.give(a)
	sources := make([]func() string, len(rows))
	want := 0
	for i, r := range rows {
		name += ", " + r.name
		sources[i] = a.Add(r.rows, r.put)
		if r.each {
			want += r.rows
		}
	}
	text := t.buffers.text(name, func() string { return t.joined(c.Assumed != nil, rows, sources) })
	holds, written := false, 0
	err = t.query(ctx, func(row scanner) error { return row.Scan(&holds, &written) },
		text, append(args, a.Arguments()...)...)
	switch {
	case err != nil:
		return err
	case !holds:
		return usage.ErrOutdated
	case written != want:
		return errLostRace
	}
	return nil
}

// joined is the statement that writes rows of some sources, as long as the assumption holds if there is one. It selects
// whether it does, and how many are written of the rows of which each has to be.
func (t *tx) joined(assumed bool, rows []rowsInto, sources []func() string) string {
	holds, written, condition := "TRUE", "0", ""
	var parts []string
	if assumed {
		holds = "(SELECT holds FROM assumption)"
		condition = " WHERE " + holds
		parts = append(parts, "assumption (holds) AS ("+t.assumptionQuery()+")")
	}
	for i, r := range rows {
		part := r.insert(sources[i]() + condition)
		if r.each {
			part += " RETURNING 1"
			written += " + (SELECT COUNT(*) FROM " + r.name + "_written)"
		}
		parts = append(parts, r.name+"_written AS ("+part+")")
	}
	with := ""
	if len(parts) > 0 {
		with = "WITH " + strings.Join(parts, ", ")
	}
	return with + " SELECT " + holds + ", " + written
}

// logRows are log rows with the ids that they claim: none may be noted yet.
func (t *tx) logRows(entries []usage.Entry) []rowsInto {
	t.noteMonths(entries)
	name, columns, put := logColumns(entries)
	rows := newRows("api_usage_logs", columns, "", len(entries), put)
	rows.name = name
	return []rowsInto{
		newRows("usage_event_ids", idColumns, "", len(entries), func(to encode.Sink, n int) { putID(to, &entries[n]) }),
		rows,
	}
}

const idColumns = "event_id, user_id, occurred_at"

func putID(to encode.Sink, e *usage.Entry) {
	to.Text(e.ID)
	to.Text(e.UserID)
	to.Moment(e.Time.UnixMicro())
}

// noteMonths notes which partitions of the log are needed.
func (t *tx) noteMonths(entries []usage.Entry) {
	times := make([]time.Time, len(entries))
	for i := range entries {
		times[i] = entries[i].Time
	}
	t.months = append(t.months, monthsOf(times)...)
}

// insertEntriesPostgreSQL adds log rows, and claims their ids: one that another transaction has claimed meanwhile is a
// lost race.
func insertEntriesPostgreSQL(ctx context.Context, t *tx, entries []usage.Entry) error {
	return t.copyEntries(ctx, "api_usage_logs", entries)
}

// copyEntries adds log rows to the log, or to a partition of it, and claims their ids.
func (t *tx) copyEntries(ctx context.Context, table string, entries []usage.Entry) error {
	t.noteMonths(entries)
	putIDs := func(to encode.Sink, n int) { putID(to, &entries[n]) }
	if err := t.copyInto(ctx, "usage_event_ids", idColumns, len(entries), putIDs); err != nil {
		return err
	}
	_, columns, put := logColumns(entries)
	return t.copyInto(ctx, table, columns, len(entries), put)
}

// insertArrays writes rows as arrays, and returns how many rows of the table were changed.
func insertArrays(ctx context.Context, t *tx, r rowsInto) (changed int64, err error) {
	if r.rows == 0 {
		return 0, nil
	}
	a := t.buffers.takeArrays(0)
	defer t.buffers.arrays.give(a)
	source := a.Add(r.rows, r.put)
	text := t.buffers.text(r.name+" of arrays", func() string { return r.insert(source()) })
	return t.exec(ctx, text, a.Arguments()...)
}

// copyInto adds so many rows to a table, as psql's \copy does.
func (t *tx) copyInto(ctx context.Context, table, columns string, rows int, put func(to encode.Sink, n int)) error {
	if rows == 0 {
		return nil
	}
	lines := encode.NewLines(rows, put)
	return t.onDriver(func(driverConn any) error {
		return driverConn.(*postgresConn).copyIn(ctx, "COPY "+table+" ("+columns+") FROM STDIN", lines.Chunk)
	})
}
