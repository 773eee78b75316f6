package db

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// totalColumns are the columns of usage.Amounts in the tables of totals. The requests
// among the quantities stand in them as calls.
var totalColumns = namesOfTotals(true) // read-only

// amountColumns are all of them but money.
var amountColumns = namesOfAmounts(true) // read-only

// namesOfAmounts are the columns of all amounts but money, or of those that nearly every call has something in. What
// few calls use has columns that cost time with each total that is added to, so they are left out where a transaction
// has nothing for them.
func namesOfAmounts(rare bool) string {
	columns := "calls, errors, unpriced_calls"
	for q := pricing.InputTokens; q < pricing.QuantityCount; q++ {
		if rare || !q.Rare() {
			columns += ", " + q.Column()
		}
	}
	if rare {
		columns += ", estimated_calls"
	}
	return columns
}

func namesOfTotals(rare bool) string {
	columns := namesOfAmounts(rare)
	if rare {
		columns += ", estimated_cost_pico"
	}
	return columns + ", cost_pico"
}

// rareColumns are the columns of totals that have NULL for 0: what few calls use.
var rareColumns = namesOfRare() // read-only

func namesOfRare() map[string]bool {
	columns := map[string]bool{"estimated_calls": true, "estimated_cost_pico": true, "estimated_dollars": true}
	for q := range pricing.QuantityCount {
		columns[q.Column()] = q.Rare()
	}
	return columns
}

// stored is what a column of totals has for a value.
func stored(column, value string) string {
	if rareColumns[column] {
		return "NULLIF(" + value + ", 0)"
	}
	return value
}

// plus is the expression that adds two values of a column of totals up.
func plus(column, a, b string) string {
	a, b = a+"."+column, b+"."+column
	if rareColumns[column] {
		return "COALESCE(" + a + ", 0) + COALESCE(" + b + ", 0)"
	}
	return a + " + " + b
}

// summed is the expression that adds the values of a column of totals up over many rows.
func summed(column, sum string) string { return stored(column, "CAST("+sum+" AS BIGINT)") }

// totalsTable is one of the two tables that keep sums of log rows; rollups.go has those
// that are sums of their sums.
type totalsTable struct {
	name string
	keys string // its key columns
	// putKey puts the values of the key columns of a pending total.
	putKey func(to encode.Sink, p *pendingTotals, key *pendingEntry)
	// ofLog are the expressions over a log row that make the key, in its order.
	ofLog string
	// counted ends the SET list of whoever changes a row: it counts the changes of a user, for UserVersion.
	counted string
}

func summariesTable() totalsTable {
	return totalsTable{
		name: "usage_summaries",
		keys: "user_id, period_start, provider, vendor, model",
		putKey: func(to encode.Sink, p *pendingTotals, key *pendingEntry) {
			to.Text(p.users.values[key.user])
			to.Moment(p.starts.values[key.start])
			putSeries(to, p.series.values[key.series])
		},
		ofLog:   "user_id, period_start, provider, vendor, model",
		counted: ", changes = usage_summaries.changes + 1",
	}
}

func (d *dialect) dailyTable() totalsTable {
	return totalsTable{
		name: "usage_daily",
		keys: "day, user_id, plan_id, provider, vendor, model",
		putKey: func(to encode.Sink, p *pendingTotals, key *pendingEntry) {
			to.Integer(int64(key.day))
			to.Text(p.users.values[key.user])
			to.Integer(p.plans.values[key.plan])
			putSeries(to, p.series.values[key.series])
		},
		ofLog: d.dayOf + ", user_id, plan_id, provider, vendor, model",
	}
}

func (d *dialect) totalsTables() []totalsTable {
	return []totalsTable{summariesTable(), d.dailyTable()}
}

// totalRows are what log rows that were summed up add to the tables of totals. A sum that does not fit is an invalid
// failure.
func (t *tx) totalRows(pending *pendingTotals) ([]rowsInto, error) {
	if len(pending.entries) == 0 {
		return nil, nil
	}
	if err := pending.sumUp(); err != nil {
		return nil, err
	}
	of := func(table totalsTable, sums *pendingTable) rowsInto {
		return rowsInto{name: pending.statement(table.name), insert: table.upsert(namesOfTotals(pending.rare)),
			rows: len(sums.ends), put: func(to encode.Sink, n int) {
				key, sum, _ := pending.total(sums, n) // it fits: it was summed up before
				table.putKey(to, pending, key)
				putTotals(to, &sum, pending.rare)
			}}
	}
	rows := []rowsInto{of(summariesTable(), &pending.summaries), of(t.dailyTable(), &pending.daily)}
	return append(rows, t.rollupRows(pending)...), nil
}

// upsert returns the statement that adds some columns of rows of totals to what is there.
func (table totalsTable) upsert(columns string) func(rows string) string {
	return func(rows string) string {
		return "INSERT INTO " + table.name + " (" + table.keys + ", " + columns + ") " + rows +
			" ON CONFLICT (" + table.keys + ") DO UPDATE SET " + adding(columns, table.name) + table.counted
	}
}

// adding is the SET list that adds columns of new rows of totals to those of a table.
func adding(columns, table string) string {
	var sets []string
	for column := range strings.SplitSeq(columns, ", ") {
		sets = append(sets, column+" = "+stored(column, plus(column, table, "excluded")))
	}
	return strings.Join(sets, ", ")
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
	for q := pricing.InputTokens; q < pricing.QuantityCount; q++ {
		if part := sum(q.Column()); q.Rare() {
			parts = append(parts, "NULLIF("+part+", 0)")
		} else {
			parts = append(parts, part)
		}
	}
	estimated := func(column string) string {
		return "NULLIF(CAST(COALESCE(SUM(" + column + ") FILTER (WHERE " + counts +
			" AND measured = 'estimated'), 0) AS BIGINT), 0)"
	}
	return strings.Join(append(parts, estimated("requests"), estimated("cost_pico"), sum("cost_pico")), ", ")
}

// sums is the SELECT of what the table has to have: the sums of the log's rows and of
// those that are archived, where a condition holds for each.
func (table totalsTable) sums(log, archived string) string {
	var sums []string
	for column := range strings.SplitSeq(totalColumns, ", ") {
		sums = append(sums, summed(column, "SUM("+column+")"))
	}
	columns := table.keys + ", " + totalColumns
	return "WITH x (" + columns + ") AS (SELECT " + table.ofLog + ", " + logSums() +
		" FROM api_usage_logs WHERE " + log + " GROUP BY " + table.ofLog +
		" UNION ALL SELECT " + columns + " FROM usage_archived_totals WHERE " + archived + ")" +
		" SELECT " + table.keys + ", " + strings.Join(sums, ", ") + " FROM x GROUP BY " + table.keys
}

// insertSums fills the table with them.
func (table totalsTable) insertSums(where string) string {
	return "INSERT INTO " + table.name + " (" + table.keys + ", " + totalColumns + ") " + table.sums(where, where)
}

// rebuildTotals sums the log anew.
func (t *tx) rebuildTotals(ctx context.Context) error {
	for _, table := range t.totalsTables() {
		if err := t.do(ctx, "DELETE FROM "+table.name); err != nil {
			return err
		}
		if err := t.do(ctx, table.insertSums("TRUE")); err != nil {
			return err
		}
	}
	if err := t.rebuildTokenTotals(ctx); err != nil {
		return err
	}
	return t.rebuildRollups(ctx)
}

// rebuildTotalsOf sums the log of one user anew.
func (t *tx) rebuildTotalsOf(ctx context.Context, user string) error {
	days, err := t.daysOf(ctx, user)
	if err != nil {
		return err
	}
	if err := t.takeOut(ctx, user, days); err != nil {
		return err
	}
	if err := t.do(ctx, "DELETE FROM usage_summaries WHERE user_id = $1", user); err != nil {
		return err
	}
	err = t.forDays(ctx, "DELETE FROM usage_daily WHERE user_id = $1 AND day IN {days}", user, days)
	if err != nil {
		return err
	}
	for _, table := range t.totalsTables() {
		if err := t.do(ctx, table.insertSums("user_id = $1"), user); err != nil {
			return err
		}
	}
	if err := t.rebuildTokenTotalsOf(ctx, user); err != nil {
		return err
	}
	return t.putIn(ctx, user, days)
}

// daysOf returns the days on which a user has log rows, archived or not.
func (t *tx) daysOf(ctx context.Context, user string) ([]int, error) {
	var days []int
	err := t.query(ctx, func(row scanner) error {
		var day int
		err := row.Scan(&day)
		days = append(days, day)
		return err
	}, "SELECT "+t.dayOf+" AS day FROM api_usage_logs WHERE user_id = $1 "+
		"UNION SELECT day FROM usage_archived_totals WHERE user_id = $1", user)
	return days, err
}

// Totals implements usage.Reader. It asks for the users' rows of any of the
// periods at once, which are hardly more than those that are wanted.
func (t *tx) Totals(ctx context.Context, periods []usage.PeriodKey) (map[usage.PeriodKey][]usage.ProviderUsage, error) {
	totals := make(map[usage.PeriodKey][]usage.ProviderUsage, len(periods))
	var users []string
	starts := map[int64]bool{}
	for _, key := range periods {
		totals[key] = nil
		users = append(users, key.UserID)
		starts[key.Start] = true
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(starts)), chunkSize) {
		if err := t.loadTotals(ctx, distinct(users), chunk, totals); err != nil {
			return nil, err
		}
	}
	return totals, nil
}

// UsedPeriods implements usage.Reader.
func (t *tx) UsedPeriods(ctx context.Context, user string) ([]time.Time, error) {
	return selectRows(ctx, t, func(row scanner) (start time.Time, err error) {
		err = row.Scan(moment{&start})
		return start, err
	}, "SELECT DISTINCT period_start FROM usage_summaries WHERE user_id = $1 ORDER BY period_start", user)
}

// UsedUnder implements usage.Reader. No total is kept by plan and period: it is summed from the log.
func (t *tx) UsedUnder(
	ctx context.Context, key usage.PeriodKey, planID int64, within plan.Period,
) ([]usage.ProviderUsage, error) {
	const keys, under = "provider, vendor", "user_id = $1 AND period_start = $2 AND plan_id = $3 AND "
	table := totalsTable{keys: keys, ofLog: keys}
	return selectRows(ctx, t, func(row scanner) (u usage.ProviderUsage, err error) {
		var a usage.Amounts
		err = row.Scan(append([]any{&u.Provider, &u.Vendor}, scanAmounts(&a)...)...)
		u.Calls, u.Errors, u.Unpriced, u.Cost = a.Calls, a.Errors, a.Unpriced, a.Cost
		u.Estimated, u.EstimatedCost = a.Estimated, a.EstimatedCost
		u.InputTokens, u.OutputTokens = a.Quantities[pricing.InputTokens], a.Quantities[pricing.OutputTokens]
		return u, err
	}, table.sums(under+"occurred_at >= $4 AND occurred_at < $5", under+"month <= $6"),
		key.UserID, time.UnixMicro(key.Start).UTC(), planID, within.Start, within.End, int64(plan.MonthOf(within.End)))
}

func distinct[T cmp.Ordered](values []T) []T {
	slices.Sort(values)
	return slices.Compact(values)
}

func (t *tx) loadTotals(
	ctx context.Context, users []string, starts []int64, totals map[usage.PeriodKey][]usage.ProviderUsage,
) error {
	args := []any{t.list(users)}
	for _, start := range starts {
		args = append(args, time.UnixMicro(start).UTC())
	}
	return t.query(ctx, func(row scanner) error {
		key, u, err := scanTotal(row)
		if _, ok := totals[key]; ok {
			totals[key] = append(totals[key], u)
		}
		return err
	}, totalsOf(t.among("user_id", "$1")+" AND period_start IN ("+placeholders(2, len(starts))+")"), args...)
}

// totalsOf selects what was used in some periods, by provider and vendor. A sum that
// does not fit is an error on both databases, hence the casts.
func totalsOf(periods string) string {
	const keys = "user_id, period_start, provider, vendor"
	return "SELECT " + keys + `, CAST(SUM(calls) AS BIGINT), CAST(SUM(errors) AS BIGINT),
			CAST(SUM(unpriced_calls) AS BIGINT), CAST(SUM(input_tokens) AS BIGINT), CAST(SUM(output_tokens) AS BIGINT),
			CAST(SUM(cost_pico) AS BIGINT), CAST(SUM(estimated_calls) AS BIGINT), CAST(SUM(estimated_cost_pico) AS BIGINT)
		FROM usage_summaries WHERE ` + periods + " GROUP BY " + keys + " ORDER BY " + keys
}

func scanTotal(row scanner) (usage.PeriodKey, usage.ProviderUsage, error) {
	var user string
	var start time.Time
	var u usage.ProviderUsage
	err := row.Scan(&user, moment{&start}, &u.Provider, &u.Vendor, &u.Calls, &u.Errors, &u.Unpriced,
		&u.InputTokens, &u.OutputTokens, &u.Cost, rare(&u.Estimated), rare((*int64)(&u.EstimatedCost)))
	return usage.NewPeriodKey(user, start), u, err
}
