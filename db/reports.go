package db

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// reportSource is a table of totals, as reports read it.
type reportSource struct {
	table      string
	time       string // its column of time: the day, yyyymmdd, or the month, yyyymm
	dollars    bool   // its money is kept as dollars and the rest
	dimensions string // what it can be broken down by
}

// The sources, the smallest first. The last one has everything.
func reportSources() []reportSource {
	return []reportSource{
		{"usage_user_monthly", "month", false, "month user plan"},
		{"usage_fleet_daily", "day", true, "day month plan provider vendor model"},
		{"usage_daily", "day", false, "day month user plan provider vendor model"},
	}
}

// money selects the sums of money, in millionths of a dollar and the rest: one sum of either may not fit an integer.
func (s reportSource) money() string {
	value := func(column string) string {
		if rareColumns[column] {
			return "COALESCE(d." + column + ", 0)"
		}
		return "d." + column
	}
	return eachFleetMoney(true, func(m fleetMoney) string {
		high := value(m.pico) + " / 1000000"
		if s.dollars {
			high = value(m.dollars) + " * 1000000 + " + high
		}
		return "SUM(" + high + "), SUM(" + value(m.pico) + " % 1000000)"
	})
}

// sourceOf returns the smallest source that has what a report needs.
func sourceOf(q usage.ReportQuery) reportSource {
	sources := reportSources()
	return sources[slices.IndexFunc(sources, func(s reportSource) bool {
		has := func(d usage.Dimension) bool { return slices.Contains(strings.Fields(s.dimensions), string(d)) }
		wholeMonths := q.From.Day() == 1 && q.To.Day() == 1
		return (s.time == "day" || wholeMonths) && (q.User == "" || s.table == "usage_daily") &&
			(q.Provider == "" || has(usage.ByProvider)) &&
			!slices.ContainsFunc(q.By, func(d usage.Dimension) bool { return !has(d) }) &&
			(s.table != "usage_user_monthly" || slices.Contains(q.By, usage.ByUser))
	})]
}

// column returns the expression that a report is broken down by.
func (s reportSource) column(d usage.Dimension) string {
	if d == usage.ByMonth && s.time == "day" {
		return "d.day / 100"
	}
	return map[usage.Dimension]string{
		usage.ByDay: "d.day", usage.ByMonth: "d.month", usage.ByUser: "d.user_id", usage.ByPlan: "p.name",
		usage.ByProvider: "d.provider", usage.ByVendor: "d.vendor", usage.ByModel: "d.model",
	}[d]
}

// Usage implements usage.Reports.
func (d *DB) Usage(ctx context.Context, q usage.ReportQuery) ([]usage.ReportRow, error) {
	return inView(ctx, d, func(t *tx) ([]usage.ReportRow, error) {
		source := sourceOf(q)
		rows, err := t.report(ctx, source, q)
		// A total of the fleet that has nothing in it is one of calls that asked for
		// nothing, or one from which all usage has moved to another plan.
		if err == nil && source.table == "usage_fleet_daily" && slices.ContainsFunc(rows, usage.ReportRow.Empty) {
			return t.report(ctx, reportSources()[2], q)
		}
		return rows, err
	})
}

func (t *tx) report(ctx context.Context, source reportSource, q usage.ReportQuery) ([]usage.ReportRow, error) {
	var columns []string
	for _, dimension := range q.By {
		columns = append(columns, source.column(dimension))
	}
	where, err := t.reported(ctx, source, q)
	if err != nil {
		return nil, err
	}
	query := `SELECT CAST(SUM(d.calls) AS BIGINT), CAST(SUM(d.errors) AS BIGINT), CAST(SUM(d.input_tokens) AS BIGINT),
		CAST(SUM(d.output_tokens) AS BIGINT), CAST(SUM(d.unpriced_calls) AS BIGINT),
		CAST(COALESCE(SUM(d.estimated_calls), 0) AS BIGINT), ` + source.money() +
		strings.Join(append([]string{""}, columns...), ", ") +
		" FROM " + source.table + " d JOIN subscription_plans p ON p.plan_id = d.plan_id" + where.sql()
	if len(columns) > 0 {
		query += " GROUP BY " + strings.Join(columns, ", ")
	}
	scan := func(row scanner) (usage.ReportRow, error) { return scanReportRow(row, q.By) }
	return selectRows(ctx, t, scan, query, where.args...)
}

// reported returns the conditions of a report. Of one user the days are named one by
// one: the rows of a day are in the order of their users.
func (t *tx) reported(ctx context.Context, source reportSource, q usage.ReportQuery) (conditions, error) {
	var where conditions
	from, to := plan.Day(q.From), plan.Day(q.To)
	if source.time == "month" {
		from, to = from/100, to/100
	}
	where.add("d."+source.time+" >= ? AND d."+source.time+" < ?", from, to)
	where.equal("d.provider", q.Provider)
	where.equal("d.user_id", q.User)
	if q.User == "" {
		return where, nil
	}
	days, err := t.daysBetween(ctx, q.From, q.To)
	where.texts = append(where.texts,
		"d.day IN (SELECT CAST(u AS BIGINT) FROM "+t.rowsOf(where.bind(t.list(dayTexts(days))), "u")+")")
	return where, err
}

// daysBetween returns the days from one until before another, as far as there are
// daily totals at all.
func (t *tx) daysBetween(ctx context.Context, from, to time.Time) ([]int, error) {
	first, last := 0, 0
	err := t.query(ctx, into(&first, &last),
		"SELECT COALESCE((SELECT MIN(day) FROM usage_daily), 0), COALESCE((SELECT MAX(day) FROM usage_daily), 0)")
	if err != nil || first == 0 {
		return nil, err
	}
	var days []int
	if begin := dayTime(int32(first)); from.Before(begin) {
		from = begin
	}
	for day := from; day.Before(to) && plan.Day(day) <= last; day = day.AddDate(0, 0, 1) {
		days = append(days, plan.Day(day))
	}
	return days, nil
}

func scanReportRow(row scanner, by []usage.Dimension) (usage.ReportRow, error) {
	var r usage.ReportRow
	var high, low, estimatedHigh, estimatedLow int64
	dest := []any{&r.Calls, &r.Errors, &r.InputTokens, &r.OutputTokens, &r.Unpriced, &r.Estimated, &high, &low,
		&estimatedHigh, &estimatedLow}
	days := make([]int, len(by))
	r.Keys = make([]string, len(by))
	for i, dimension := range by {
		if dimension == usage.ByDay || dimension == usage.ByMonth {
			dest = append(dest, &days[i])
			continue
		}
		dest = append(dest, &r.Keys[i])
	}
	if err := row.Scan(dest...); err != nil {
		return r, err
	}
	for i, day := range days {
		if day != 0 {
			r.Keys[i] = plan.DayText(day)
		}
	}
	r.Cost, r.EstimatedCost = pricing.TotalFromParts(high, low), pricing.TotalFromParts(estimatedHigh, estimatedLow)
	return r, nil
}

// ReportedEvents implements health.Store.
func (d *DB) ReportedEvents(ctx context.Context, fn func(*usage.Entry) error) error {
	return d.view(ctx, func(t *tx) error {
		return t.query(ctx, func(row scanner) error {
			e, err := scanEntry(row)
			if err != nil {
				return err
			}
			return fn(&e)
		}, "SELECT "+entryColumns+" FROM api_usage_logs WHERE reported_cost_pico IS NOT NULL "+
			"AND (status_code < 400 OR billable) AND "+stands)
	})
}

// UnpricedModels returns the providers and models whose calls have no price, with
// their number, over all time.
func (d *DB) UnpricedModels(ctx context.Context) ([]usage.ReportRow, error) {
	return inView(ctx, d, func(t *tx) ([]usage.ReportRow, error) {
		return selectRows(ctx, t, func(row scanner) (usage.ReportRow, error) {
			r := usage.ReportRow{Keys: make([]string, 2)}
			return r, row.Scan(&r.Keys[0], &r.Keys[1], &r.Unpriced)
		}, `SELECT provider, model, CAST(SUM(requests) AS BIGINT) FROM api_usage_logs
			WHERE pricing = 'unpriced' AND (status_code < 400 OR billable) AND `+stands+`
			GROUP BY provider, model ORDER BY provider, model`)
	})
}
