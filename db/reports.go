package db

import (
	"context"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// dimensionColumn returns the expression over usage_daily that a report is broken
// down by.
func dimensionColumn(d usage.Dimension) string {
	return map[usage.Dimension]string{
		usage.ByDay: "d.day", usage.ByMonth: "d.day / 100", usage.ByUser: "d.user_id", usage.ByPlan: "p.name",
		usage.ByProvider: "d.provider", usage.ByVendor: "d.vendor", usage.ByModel: "d.model",
	}[d]
}

// Usage implements usage.Reports. The cost is summed in two parts, since the sum
// over a fleet may not fit an integer of the database.
func (d *DB) Usage(ctx context.Context, q usage.ReportQuery) ([]usage.ReportRow, error) {
	var columns []string
	for _, dimension := range q.By {
		columns = append(columns, dimensionColumn(dimension))
	}
	query := `SELECT CAST(SUM(d.calls) AS BIGINT), CAST(SUM(d.errors) AS BIGINT), CAST(SUM(d.input_tokens) AS BIGINT),
		CAST(SUM(d.output_tokens) AS BIGINT), CAST(SUM(d.unpriced_calls) AS BIGINT),
		SUM(d.cost_pico / 1000000), SUM(d.cost_pico % 1000000)` + strings.Join(append([]string{""}, columns...), ", ") + `
		FROM usage_daily d JOIN subscription_plans p ON p.plan_id = d.plan_id
		WHERE d.day >= $1 AND d.day < $2 AND ($3 = '' OR d.user_id = $3) AND ($4 = '' OR d.provider = $4)`
	if len(columns) > 0 {
		query += " GROUP BY " + strings.Join(columns, ", ")
	}
	var rows []usage.ReportRow
	err := d.view(ctx, func(t *tx) error {
		rows = nil
		return t.query(ctx, func(row scanner) error {
			r, err := scanReportRow(row, q.By)
			rows = append(rows, r)
			return err
		}, query, usage.Day(q.From), usage.Day(q.To), q.User, q.Provider)
	})
	return rows, err
}

func scanReportRow(row scanner, by []usage.Dimension) (usage.ReportRow, error) {
	var r usage.ReportRow
	var high, low int64
	dest := []any{&r.Calls, &r.Errors, &r.InputTokens, &r.OutputTokens, &r.Unpriced, &high, &low}
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
			r.Keys[i] = usage.DayText(day)
		}
	}
	r.Cost = pricing.TotalFromParts(high, low)
	return r, nil
}

// UnpricedModels returns the providers and models whose calls have no price, with
// their number, over all time.
func (d *DB) UnpricedModels(ctx context.Context) ([]usage.ReportRow, error) {
	var rows []usage.ReportRow
	err := d.view(ctx, func(t *tx) error {
		rows = nil
		return t.query(ctx, func(row scanner) error {
			r := usage.ReportRow{Keys: make([]string, 2)}
			err := row.Scan(&r.Keys[0], &r.Keys[1], &r.Unpriced)
			rows = append(rows, r)
			return err
		}, `SELECT provider, model, CAST(SUM(requests) AS BIGINT) FROM api_usage_logs
			WHERE pricing = 'unpriced' AND (status_code < 400 OR billable) GROUP BY provider, model ORDER BY provider, model`)
	})
	return rows, err
}

// Logs implements usage.Logs. It continues after a key, never after an offset,
// so that every page costs the same.
func (d *DB) Logs(ctx context.Context, q usage.LogQuery) ([]usage.Entry, error) {
	var where conditions
	where.equal("user_id", q.User)
	where.equal("provider", q.Provider)
	where.equal("model", q.Model)
	where.compare("occurred_at >=", q.From)
	where.compare("occurred_at <", q.To)
	switch q.Status {
	case usage.LogOK:
		where.texts = append(where.texts, "status_code < 400")
	case usage.LogFailed:
		where.texts = append(where.texts, "status_code >= 400")
	case usage.LogUnpriced:
		where.texts = append(where.texts, "pricing = 'unpriced'", "(status_code < 400 OR billable)")
	}
	if !q.BeforeTime.IsZero() {
		where.texts = append(where.texts, "(occurred_at, event_id) < ("+where.bind(q.BeforeTime)+", "+where.bind(q.BeforeID)+")")
	}
	query := "SELECT " + entryColumns + " FROM api_usage_logs" + where.sql() + " ORDER BY occurred_at DESC, event_id DESC LIMIT " + where.bind(q.Limit)
	var entries []usage.Entry
	err := d.view(ctx, func(t *tx) error {
		entries = nil
		return t.query(ctx, func(row scanner) error {
			e, err := scanEntry(row)
			entries = append(entries, e)
			return err
		}, query, where.args...)
	})
	return entries, err
}

// conditions collects what a WHERE clause is made of.
type conditions struct {
	texts []string
	args  []any
}

func (c *conditions) bind(arg any) string {
	c.args = append(c.args, arg)
	return placeholders(len(c.args), 1)
}

func (c *conditions) equal(column, value string) {
	if value != "" {
		c.texts = append(c.texts, column+" = "+c.bind(value))
	}
}

func (c *conditions) compare(operation string, at time.Time) {
	if !at.IsZero() {
		c.texts = append(c.texts, operation+" "+c.bind(at))
	}
}

func (c *conditions) sql() string {
	if len(c.texts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.texts, " AND ")
}
