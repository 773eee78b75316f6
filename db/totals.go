package db

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// totalColumns are the columns of usage.Amounts in both tables of totals. The
// requests among the quantities stand in them as calls.
const totalColumns = "calls, errors, unpriced_calls, input_tokens, output_tokens, cached_input_tokens, images, searches, pages, characters, seconds, cost_pico"

func totalValues(a usage.Amounts) []any {
	values := []any{a.Calls, a.Errors, a.Unpriced}
	for _, n := range a.Quantities[pricing.InputTokens:] {
		values = append(values, n)
	}
	return append(values, int64(a.Cost))
}

// totalsTable is one of the two tables that keep sums of log rows.
type totalsTable struct {
	name string
	keys string // its key columns
	key  func(usage.Entry) []any
	// ofLog are the expressions over a log row that make the key, in its order.
	ofLog string
}

func (t *tx) totalsTables() []totalsTable {
	dayOf := "CAST(strftime('%Y%m%d', occurred_at / 1000000, 'unixepoch') AS INTEGER)"
	if t.kind == PostgreSQL {
		dayOf = "CAST(to_char(occurred_at AT TIME ZONE 'UTC', 'YYYYMMDD') AS BIGINT)"
	}
	return []totalsTable{{
		name:  "usage_summaries",
		keys:  "user_id, period_start, provider, vendor, model",
		key:   func(e usage.Entry) []any { return []any{e.UserID, e.PeriodStart, e.Provider, e.Vendor, e.Model} },
		ofLog: "user_id, period_start, provider, vendor, model",
	}, {
		name: "usage_daily",
		keys: "day, user_id, plan_id, provider, vendor, model",
		key: func(e usage.Entry) []any {
			return []any{usage.Day(e.Time), e.UserID, e.PlanID, e.Provider, e.Vendor, e.Model}
		},
		ofLog: dayOf + ", user_id, plan_id, provider, vendor, model",
	}}
}

// addToTotals adds what log rows amount to to both tables.
func (t *tx) addToTotals(ctx context.Context, entries []usage.Entry) error {
	for _, table := range t.totalsTables() {
		rows, err := table.sum(entries)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(rows, chunkSize) {
			if err := t.upsertTotals(ctx, table, chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

type totalRow struct {
	key     []any
	amounts usage.Amounts
}

// sum adds entries up by the table's key, in the order of the key: everyone locks
// rows in one order.
func (table totalsTable) sum(entries []usage.Entry) ([]totalRow, error) {
	index := map[string]int{}
	var rows []totalRow
	var order []string
	for _, e := range entries {
		key := table.key(e)
		text := keyText(key)
		i, ok := index[text]
		if !ok {
			i = len(rows)
			index[text] = i
			rows = append(rows, totalRow{key: key})
			order = append(order, text)
		}
		sum, err := rows[i].amounts.Add(e.Amounts())
		if err != nil {
			return nil, err
		}
		rows[i].amounts = sum
	}
	sort.Strings(order)
	ordered := make([]totalRow, len(rows))
	for i, text := range order {
		ordered[i] = rows[index[text]]
	}
	return ordered, nil
}

func keyText(key []any) string {
	var b strings.Builder
	for _, part := range key {
		if at, ok := part.(time.Time); ok {
			part = at.UnixMicro()
		}
		fmt.Fprintf(&b, "%v\x00", part)
	}
	return b.String()
}

func (t *tx) upsertTotals(ctx context.Context, table totalsTable, rows []totalRow) error {
	var args []any
	for _, row := range rows {
		args = append(append(args, row.key...), totalValues(row.amounts)...)
	}
	var sets []string
	for column := range strings.SplitSeq(totalColumns, ", ") {
		sets = append(sets, fmt.Sprintf("%s = %s.%s + excluded.%s", column, table.name, column, column))
	}
	_, err := t.exec(ctx, "INSERT INTO "+table.name+" ("+table.keys+", "+totalColumns+") VALUES "+valueList(len(rows), len(args)/len(rows))+
		" ON CONFLICT ("+table.keys+") DO UPDATE SET "+strings.Join(sets, ", "), args...)
	return err
}

// logSums is the SELECT list that adds log rows up to totalColumns. A failed call
// that is not billable adds to errors alone: usage.Entry.Amounts in SQL.
func logSums() string {
	const counts = "(status_code < 400 OR billable)"
	sum := func(column string) string {
		return "CAST(COALESCE(SUM(" + column + ") FILTER (WHERE " + counts + "), 0) AS BIGINT)"
	}
	parts := []string{
		sum("requests"),
		"CAST(COALESCE(SUM(requests) FILTER (WHERE NOT " + counts + "), 0) AS BIGINT)",
		"CAST(COALESCE(SUM(requests) FILTER (WHERE " + counts + " AND pricing = 'unpriced'), 0) AS BIGINT)",
	}
	for _, q := range pricing.AllQuantities()[pricing.InputTokens:] {
		parts = append(parts, sum(q.String()))
	}
	return strings.Join(append(parts, sum("cost_pico")), ", ")
}

// rebuildTotals sums the log of one user anew, or of everyone where user is "".
func (t *tx) rebuildTotals(ctx context.Context, user string) error {
	for _, table := range t.totalsTables() {
		if _, err := t.exec(ctx, "DELETE FROM "+table.name+" WHERE $1 = '' OR user_id = $1", user); err != nil {
			return err
		}
		_, err := t.exec(ctx, "INSERT INTO "+table.name+" ("+table.keys+", "+totalColumns+") SELECT "+table.ofLog+", "+logSums()+
			" FROM api_usage_logs WHERE $1 = '' OR user_id = $1 GROUP BY "+table.ofLog, user)
		if err != nil {
			return err
		}
	}
	return nil
}

// Totals implements usage.Reader. It asks for the users' rows of any of the
// periods at once, which are hardly more than those that are wanted. A sum that
// does not fit is an error on both databases, hence the casts.
func (t *tx) Totals(ctx context.Context, periods []usage.PeriodKey) (map[usage.PeriodKey][]usage.Total, error) {
	totals := make(map[usage.PeriodKey][]usage.Total, len(periods))
	for chunk := range slices.Chunk(periods, chunkSize) {
		wanted := make(map[usage.PeriodKey][]usage.Total, len(chunk))
		var users []string
		var starts []int64
		for _, key := range chunk {
			wanted[key] = nil
			users = append(users, key.UserID)
			starts = append(starts, key.Start)
		}
		if err := t.loadTotals(ctx, distinct(users), distinct(starts), wanted); err != nil {
			return nil, err
		}
		maps.Copy(totals, wanted)
	}
	return totals, nil
}

func distinct[T cmp.Ordered](values []T) []T {
	slices.Sort(values)
	return slices.Compact(values)
}

func (t *tx) loadTotals(ctx context.Context, users []string, starts []int64, totals map[usage.PeriodKey][]usage.Total) error {
	args := anys(users)
	for _, start := range starts {
		args = append(args, time.UnixMicro(start).UTC())
	}
	return t.query(ctx, func(row scanner) error {
		var user string
		var start time.Time
		var u usage.Total
		err := row.Scan(&user, moment{&start}, &u.Provider, &u.Vendor, &u.Calls, &u.Errors, &u.Unpriced, &u.InputTokens, &u.OutputTokens, &u.Cost)
		key := usage.NewPeriodKey(user, start)
		if _, ok := totals[key]; ok {
			totals[key] = append(totals[key], u)
		}
		return err
	}, `SELECT user_id, period_start, provider, vendor, CAST(SUM(calls) AS BIGINT), CAST(SUM(errors) AS BIGINT), CAST(SUM(unpriced_calls) AS BIGINT),
			CAST(SUM(input_tokens) AS BIGINT), CAST(SUM(output_tokens) AS BIGINT), CAST(SUM(cost_pico) AS BIGINT)
		FROM usage_summaries WHERE user_id IN (`+placeholders(1, len(users))+") AND period_start IN ("+placeholders(1+len(users), len(starts))+`)
		GROUP BY user_id, period_start, provider, vendor ORDER BY user_id, period_start, provider, vendor`, args...)
}
