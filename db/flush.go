package db

import (
	"context"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/db/packedrows"
)

// flushTotals adds what is pending to the tables of totals.
func (t *tx) flushTotals(ctx context.Context) error {
	if t.pending == nil {
		return nil
	}
	pending := t.pending
	t.pending = nil
	defer func() {
		pending.reset()
		t.buffers.pending.give(pending)
	}()
	var daily sync.WaitGroup
	var dailyTooLarge error
	daily.Go(func() { dailyTooLarge = pending.sumUpDaily() }) // while the summaries are written
	err := pending.sumUpSummaries()
	if err == nil {
		err = t.writeTotals(ctx, summariesTable(), pending, &pending.summaries)
	}
	daily.Wait()
	if err != nil {
		return err
	}
	if dailyTooLarge != nil {
		return dailyTooLarge
	}
	if err := t.writeTotals(ctx, t.dailyTable(), pending, &pending.daily); err != nil {
		return err
	}
	return t.writeRollups(ctx, pending)
}

// writeTotals adds the pending sums to a table.
func (t *tx) writeTotals(ctx context.Context, table totalsTable, pending *pendingTotals, sums *pendingTable) error {
	return t.writeRows(ctx, table.name, table.upsert, len(sums.ends), func(to sink, n int) {
		key, sum, _ := pending.total(sums, n) // it fits: it was summed up before
		table.putKey(to, pending, key)
		putAmounts(to, &sum)
	})
}

// writeRows runs the statement that upsert makes of a source of rows: for each row alone
// or, where there are many, for all that are packed on SQLite or in arrays on PostgreSQL.
// The name tells it from others.
func (t *tx) writeRows(ctx context.Context, name string, upsert func(source string) string, rows int, put func(to sink, n int)) error {
	switch {
	case rows == 0:
		return nil
	case t.kind == SQLite && rows < fewRows:
		for n := range rows {
			row := valuesOf(func(to sink) { put(to, n) })
			one := t.buffers.text(name, func() string { return upsert("VALUES " + valueList(1, len(row))) })
			if err := t.do(ctx, one, row...); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := t.insertMany(ctx, upsert, rows, put)
	return err
}

// insertMany runs the INSERT that statement makes of a source of rows, and returns how
// many rows of the table were changed.
func (t *tx) insertMany(ctx context.Context, statement func(source string) string, rows int, put func(to sink, n int)) (changed int64, err error) {
	if rows == 0 {
		return 0, nil
	}
	if t.kind == PostgreSQL {
		return t.insertArrays(ctx, statement, rows, put)
	}
	columns := len(valuesOf(func(to sink) { put(to, 0) }))
	return t.insertPacked(ctx, statement(packedrows.Source(columns)), columns, rows, put)
}

// dayTime returns the beginning of a day that is written yyyymmdd.
func dayTime(day int32) time.Time {
	return time.Date(int(day/10_000), time.Month(day/100%100), int(day%100), 0, 0, 0, 0, time.UTC)
}
