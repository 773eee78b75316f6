package db

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
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
	if t.kind == SQLite && len(sums.ends) >= fewRows {
		statement := t.buffers.text(table.name+" packed", func() string { return table.upsert(packedSource(table.columns())) })
		_, err := t.insertPacked(ctx, statement, table.columns(), len(sums.ends), func(packed *packedRows, n int) {
			key, sum, _ := pending.total(sums, n) // it fits: it was summed up before
			table.pack(packed, pending, key)
			packed.amounts(&sum)
		})
		return err
	}
	return t.writeRows(ctx, t.upsertOne(table), table.upsert, len(sums.ends), func(n int) []any {
		key, sum, _ := pending.total(sums, n)
		return append(table.keyValues(pending, key), totalValues(sum)...)
	})
}

// upsertOne returns the statement that adds one row to a table of totals.
func (t *tx) upsertOne(table totalsTable) string {
	return t.buffers.text(table.name, func() string { return table.upsert("VALUES " + valueList(1, table.columns())) })
}

// writeRows runs a statement for each of so many rows of values or, where there are many,
// the statement that upsert makes of a source of rows: packed ones on SQLite, a list for
// each column on PostgreSQL.
func (t *tx) writeRows(ctx context.Context, one string, upsert func(rows string) string, rows int, values func(n int) []any) error {
	if rows < fewRows {
		for n := range rows {
			if err := t.later(ctx, one, values(n)...); err != nil {
				return err
			}
		}
		return nil
	}
	if columns := len(values(0)); t.kind == SQLite {
		_, err := t.insertPacked(ctx, upsert(packedSource(columns)), columns, rows, func(packed *packedRows, n int) {
			for _, value := range values(n) {
				packed.value(value)
			}
		})
		return err
	}
	var columns []any
	for n := range rows {
		row := values(n)
		if columns == nil {
			columns = make([]any, len(row))
		}
		for c, value := range row {
			columns[c] = appended(columns[c], value)
		}
	}
	return t.later(ctx, upsert("SELECT * FROM "+unnested(columns)), columns...)
}

// unnested is a source of rows of which each argument is a column.
func unnested(columns []any) string {
	lists := make([]string, len(columns))
	for c, column := range columns {
		lists[c] = fmt.Sprintf("$%d::%s[]", c+1, columnType(column))
	}
	return "unnest(" + strings.Join(lists, ", ") + ")"
}

// appended appends a value to a list of its kind, which is nil before the first.
func appended(list, value any) any {
	switch v := value.(type) {
	case string:
		l, _ := list.([]string)
		return append(l, v)
	case time.Time:
		l, _ := list.([]time.Time)
		return append(l, v)
	case int:
		l, _ := list.([]int64)
		return append(l, int64(v))
	}
	l, _ := list.([]int64)
	return append(l, value.(int64))
}

// columnType returns PostgreSQL's name of the type of a list's values.
func columnType(list any) string {
	switch list.(type) {
	case []string:
		return "text"
	case []time.Time:
		return "timestamptz"
	}
	return "bigint"
}

// dayTime returns the beginning of a day that is written yyyymmdd.
func dayTime(day int32) time.Time {
	return time.Date(int(day/10_000), time.Month(day/100%100), int(day%100), 0, 0, 0, 0, time.UTC)
}

// packSummaryKey packs the values of the key columns of usage_summaries.
func packSummaryKey(packed *packedRows, p *pendingTotals, key *pendingEntry) {
	packed.text(p.users.values[key.user])
	packed.integer(p.starts.values[key.start])
	packed.series(p.series.values[key.series])
}

// packDailyKey packs those of usage_daily.
func packDailyKey(packed *packedRows, p *pendingTotals, key *pendingEntry) {
	packed.integer(int64(key.day))
	packed.text(p.users.values[key.user])
	packed.integer(p.plans.values[key.plan])
	packed.series(p.series.values[key.series])
}

func (p *packedRows) series(s series) {
	p.text(s.provider)
	p.text(s.vendor)
	p.text(s.model)
}

// amounts packs the values of totalColumns.
func (p *packedRows) amounts(a *usage.Amounts) {
	p.integer(a.Calls)
	p.integer(a.Errors)
	p.integer(a.Unpriced)
	for _, n := range a.Quantities[pricing.InputTokens:] {
		p.integer(n)
	}
	p.integer(int64(a.Cost))
}
