package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// pendingTotals sums up what a transaction has appended to the log. It is added to
// the tables of totals before the commit: once for many rows.
//
// Its keys are small: a user, and a provider, vendor and model, are numbers in the
// order of their first appearance.
type pendingTotals struct {
	users     numbering[string]
	series    numbering[series]
	amounts   []usage.Amounts // of each entry
	summaries pendingTable
	daily     pendingTable
	periods   map[usage.PeriodKey]bool // of summaries
	latest    []int64                  // the period of each user's latest event, by number
	parts     map[dayOfSeries]int64    // of the day in which there are entries
	last      lastDay
}

// series is what a total is told apart by beside its user and time.
type series struct{ provider, vendor, model string }

// dayOfSeries is a day, yyyymmdd, and the number of what was used on it.
type dayOfSeries struct {
	day    int32
	series uint32
}

// pendingKey names a total: period is that of a summary, in microseconds since 1970;
// day (yyyymmdd) and planID are those of a daily total.
type pendingKey struct {
	user, series uint32
	period       int64
	day          int32
	planID       int64
}

// pendingTable has the key of each entry for one table, and once they are summed up, a
// sum for each key, in the order of the keys in the database.
type pendingTable struct {
	entries []pendingKey
	keys    []pendingKey
	sums    []usage.Amounts // of keys
	order   []int32         // of entries
}

// numbering numbers values.
type numbering[T comparable] struct {
	numbers map[T]uint32
	values  []T
}

func (n *numbering[T]) number(value T) uint32 {
	number, ok := n.numbers[value]
	if !ok {
		number = uint32(len(n.values))
		n.numbers[value] = number
		n.values = append(n.values, value)
	}
	return number
}

// ranks returns for each number the place of its value in their order.
func (n *numbering[T]) ranks(compare func(a, b T) int) []uint32 {
	order := make([]uint32, len(n.values))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compare(n.values[a], n.values[b]) })
	ranks := make([]uint32, len(order))
	for rank, number := range order {
		ranks[number] = uint32(rank)
	}
	return ranks
}

// lastDay saves computing the day of moments of one day again and again.
type lastDay struct {
	from, to int64 // seconds since 1970
	day      int32
}

func (l *lastDay) of(at time.Time) int32 {
	const seconds = 24 * 60 * 60
	if now := at.Unix(); now < l.from || now >= l.to {
		l.from = now - (now%seconds+seconds)%seconds
		l.to = l.from + seconds
		l.day = int32(usage.Day(at))
	}
	return l.day
}

// part returns the part of its last day in which a moment lies, as a bit.
func (l *lastDay) part(at time.Time) int64 {
	return 1 << ((at.Unix() - l.from) / int64(partLength/time.Second))
}

// reset empties it, and keeps its memory for the next transaction.
func (p *pendingTotals) reset() {
	clear(p.periods)
	clear(p.parts)
	p.latest, p.amounts = p.latest[:0], p.amounts[:0]
	p.users.reset()
	p.series.reset()
	p.summaries.reset()
	p.daily.reset()
}

func (n *numbering[T]) reset() {
	clear(n.numbers)
	n.values = n.values[:0]
}

func (t *pendingTable) reset() {
	t.entries, t.keys, t.sums = t.entries[:0], t.keys[:0], t.sums[:0]
}

func newPendingTotals() *pendingTotals {
	return &pendingTotals{
		users:   numbering[string]{numbers: map[string]uint32{}},
		series:  numbering[series]{numbers: map[series]uint32{}},
		periods: map[usage.PeriodKey]bool{},
		parts:   map[dayOfSeries]int64{},
	}
}

// add takes entries over.
func (p *pendingTotals) add(entries []usage.Entry) {
	for i := range entries {
		e := &entries[i]
		key := pendingKey{user: p.users.number(e.UserID), series: p.series.number(series{e.Provider, e.Vendor, e.Model})}
		summary, daily := key, key
		summary.period = e.PeriodStart.UnixMicro()
		daily.day, daily.planID = p.last.of(e.Time), e.PlanID
		p.parts[dayOfSeries{daily.day, daily.series}] |= p.last.part(e.Time)
		p.note(e.UserID, summary)
		p.amounts = append(p.amounts, e.Amounts())
		p.summaries.entries = append(p.summaries.entries, summary)
		p.daily.entries = append(p.daily.entries, daily)
	}
}

// note remembers that something is pending for a period.
func (p *pendingTotals) note(user string, key pendingKey) {
	if int(key.user) == len(p.latest) {
		p.latest = append(p.latest, key.period-1)
	}
	if p.latest[key.user] != key.period {
		p.latest[key.user] = key.period
		p.periods[usage.PeriodKey{UserID: user, Start: key.period}] = true
	}
}

// has tells whether anything is pending for one of some periods.
func (p *pendingTotals) has(periods []usage.PeriodKey) bool {
	return slices.ContainsFunc(periods, func(key usage.PeriodKey) bool { return p.periods[key] })
}

// sumUp leaves one sum of each key in a table, in the order of the keys in the
// database: everyone locks rows in one order, and pages are changed one after another.
// A sum that does not fit is an invalid failure.
func (p *pendingTotals) sumUp(t *pendingTable) error {
	for _, i := range p.order(t) {
		last := len(t.keys) - 1
		if last < 0 || t.keys[last] != t.entries[i] {
			t.keys = append(t.keys, t.entries[i])
			t.sums = append(t.sums, p.amounts[i])
			continue
		}
		sum, err := t.sums[last].Add(p.amounts[i])
		if err != nil {
			return err
		}
		t.sums[last] = sum
	}
	return nil
}

// order returns the places of a table's entries in the order of their keys.
func (p *pendingTotals) order(t *pendingTable) []int32 {
	users := p.users.ranks(strings.Compare)
	allSeries := p.series.ranks(func(a, b series) int {
		return cmp.Or(strings.Compare(a.provider, b.provider), strings.Compare(a.vendor, b.vendor), strings.Compare(a.model, b.model))
	})
	order := t.order[:0]
	for i := range t.entries {
		order = append(order, int32(i))
	}
	t.order = order
	slices.SortFunc(order, func(i, j int32) int {
		a, b := &t.entries[i], &t.entries[j]
		switch {
		case a.day != b.day:
			return cmp.Compare(a.day, b.day)
		case a.user != b.user:
			return cmp.Compare(users[a.user], users[b.user])
		case a.period != b.period:
			return cmp.Compare(a.period, b.period)
		case a.planID != b.planID:
			return cmp.Compare(a.planID, b.planID)
		}
		return cmp.Compare(allSeries[a.series], allSeries[b.series])
	})
	return order
}

// flushTotals adds what is pending to the tables of totals.
func (t *tx) flushTotals(ctx context.Context) error {
	if t.pending == nil {
		return nil
	}
	pending := t.pending
	t.pending = nil
	defer func() {
		pending.reset()
		t.buffers.pending.Put(pending)
	}()
	write := t.writeTotals
	if t.kind == SQLite && len(pending.daily.entries) >= fewRows {
		write = t.writeTotalsSQLite
	}
	tables := t.totalsTables()
	tooLarge := make([]error, len(tables))
	summed := make([]sync.WaitGroup, len(tables))
	for i, table := range tables { // the second while the first is written
		summed[i].Go(func() { tooLarge[i] = pending.sumUp(pending.sumsOf(table)) })
	}
	for i, table := range tables {
		if summed[i].Wait(); tooLarge[i] != nil {
			waitAll(summed)
			return tooLarge[i]
		}
		if err := write(ctx, table, pending, pending.sumsOf(table)); err != nil {
			waitAll(summed)
			return err
		}
	}
	return t.writeRollups(ctx, pending)
}

func waitAll(groups []sync.WaitGroup) {
	for i := range groups {
		groups[i].Wait()
	}
}

// sumsOf returns the pending sums of a table.
func (p *pendingTotals) sumsOf(table totalsTable) *pendingTable {
	if table.name == "usage_daily" {
		return &p.daily
	}
	return &p.summaries
}

// writeTotals writes the pending sums of a table.
func (t *tx) writeTotals(ctx context.Context, table totalsTable, pending *pendingTotals, sums *pendingTable) error {
	return t.writeRows(ctx, t.upsertOne(table), table.upsert, len(sums.keys), func(n int) []any {
		return append(pending.keyValues(table, sums.keys[n]), totalValues(sums.sums[n])...)
	})
}

// upsertOne returns the statement that adds one row to a table of totals.
func (t *tx) upsertOne(table totalsTable) string {
	return t.buffers.text(table.name, func() string { return table.upsert("VALUES " + valueList(1, table.columns())) })
}

// writeRows runs a statement for each of so many rows of values or, where PostgreSQL
// gets many, the statement that upsert makes of a source of rows: a list for each
// column is one.
func (t *tx) writeRows(ctx context.Context, one string, upsert func(rows string) string, rows int, values func(n int) []any) error {
	if t.kind == SQLite && rows >= fewRows {
		_, err := t.eachPacked(ctx, one, rows, func(packed *packedRows, n int) {
			for _, value := range values(n) {
				packed.value(value)
			}
		})
		return err
	}
	if rows < fewRows {
		for n := range rows {
			if err := t.later(ctx, one, values(n)...); err != nil {
				return err
			}
		}
		return nil
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

// keyValues returns the values of a table's key columns.
func (p *pendingTotals) keyValues(table totalsTable, key pendingKey) []any {
	s := p.series.values[key.series]
	return table.values(usage.Entry{
		Event:       usage.Event{UserID: p.users.values[key.user], Provider: s.provider, Vendor: s.vendor, Model: s.model, Time: dayTime(key.day)},
		PeriodStart: time.UnixMicro(key.period).UTC(), PlanID: key.planID,
	})
}

// dayTime returns the beginning of a day that is written yyyymmdd.
func dayTime(day int32) time.Time {
	return time.Date(int(day/10_000), time.Month(day/100%100), int(day%100), 0, 0, 0, 0, time.UTC)
}

// writeTotalsSQLite does so for many sums on SQLite, without a list of each row's values.
func (t *tx) writeTotalsSQLite(ctx context.Context, table totalsTable, pending *pendingTotals, sums *pendingTable) error {
	statement := t.upsertOne(table)
	_, err := t.eachPacked(ctx, statement, len(sums.keys), func(packed *packedRows, n int) {
		packed.totalKey(pending, sums.keys[n])
		packed.amounts(&sums.sums[n])
	})
	return err
}

// totalKey packs the values of the key columns of the table that the key belongs to.
func (p *packedRows) totalKey(pending *pendingTotals, key pendingKey) {
	if key.day != 0 {
		p.integer(int64(key.day))
		p.text(pending.users.values[key.user])
		p.integer(key.planID)
	} else {
		p.text(pending.users.values[key.user])
		p.integer(key.period)
	}
	s := &pending.series.values[key.series]
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
