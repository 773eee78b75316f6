package usage

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Dimension is what a report is broken down by.
type Dimension string

// The dimensions.
const (
	ByDay      Dimension = "day"
	ByMonth    Dimension = "month"
	ByUser     Dimension = "user"
	ByPlan     Dimension = "plan"
	ByProvider Dimension = "provider"
	ByVendor   Dimension = "vendor"
	ByModel    Dimension = "model"
)

// Dimensions returns all of them.
func Dimensions() []Dimension {
	return []Dimension{ByDay, ByMonth, ByUser, ByPlan, ByProvider, ByVendor, ByModel}
}

// ParseDimensions reads a comma-separated list of dimensions.
func ParseDimensions(text string) ([]Dimension, error) {
	var by []Dimension
	for part := range strings.SplitSeq(text, ",") {
		d := Dimension(strings.ToLower(strings.TrimSpace(part)))
		if !slices.Contains(Dimensions(), d) {
			var names []string
			for _, d := range Dimensions() {
				names = append(names, string(d))
			}
			return nil, failure.UnknownName(failure.Invalid, "report dimension", part, names)
		}
		if slices.Contains(by, d) {
			return nil, failure.Invalidf("by names %s twice", d)
		}
		by = append(by, d)
	}
	return by, nil
}

// isTime tells whether rows of the dimension have an order of their own.
func (d Dimension) isTime() bool { return d == ByDay || d == ByMonth }

// ReportQuery says what a report counts: whole UTC days from From until before To, of one user or provider where they
// are given.
type ReportQuery struct {
	From, To time.Time
	By       []Dimension
	User     string
	Provider string
}

// Over returns the query for a whole month, such as 2026-11; for "" over its own days, which are those of the running
// month until today where it has none.
func (q ReportQuery) Over(month string, now time.Time) (ReportQuery, error) {
	if month != "" {
		if !q.From.IsZero() || !q.To.IsZero() {
			return q, failure.Invalidf("month is given together with from or to: either names the days")
		}
		m, err := plan.ParseMonth(month)
		q.From, q.To = m.Start(), m.End()
		return q, err
	}
	if q.To.IsZero() {
		q.To = now.Truncate(24*time.Hour).AddDate(0, 0, 1)
	}
	if q.From.IsZero() {
		q.From = plan.CalendarMonth(q.To.AddDate(0, 0, -1)).Start
	}
	return q, q.Validate()
}

// Validate returns an invalid failure for a query that makes no sense.
func (q ReportQuery) Validate() error {
	if err := cmp.Or(requireMidnight("from", q.From), requireMidnight("to", q.To)); err != nil {
		return err
	}
	if !q.From.Before(q.To) {
		return failure.Invalidf("from (%s) is not before to (%s): to is the first day that does not count",
			q.From.Format(time.DateOnly), q.To.Format(time.DateOnly))
	}
	return nil
}

func requireMidnight(name string, t time.Time) error {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return nil
	}
	return failure.Invalidf("%s is %s: a report counts whole days, give a date such as %s", name, t.Format(time.RFC3339),
		t.Format(time.DateOnly))
}

// ReportRow is the usage of one combination of the query's dimensions.
type ReportRow struct {
	Keys         []string // in the order of the query's dimensions
	Calls        int64
	Errors       int64
	InputTokens  int64
	OutputTokens int64
	Unpriced     int64 // calls without a price
	Cost         pricing.Total

	Estimated     int64         // of the calls: those of which it was estimated what they used
	EstimatedCost pricing.Total // what they cost
}

// Tokens returns the input and output tokens together.
func (r ReportRow) Tokens() int64 { return AtMost(r.InputTokens, r.OutputTokens) }

// Empty tells whether a row counts nothing.
func (r ReportRow) Empty() bool {
	return r.Calls == 0 && r.Errors == 0 && r.InputTokens == 0 && r.OutputTokens == 0 && r.Unpriced == 0 &&
		r.Cost.Cmp(pricing.Total{}) == 0 && r.Estimated == 0 && r.EstimatedCost.Cmp(pricing.Total{}) == 0
}

func (r ReportRow) plus(s ReportRow) ReportRow {
	r.Calls = AtMost(r.Calls, s.Calls)
	r.Errors = AtMost(r.Errors, s.Errors)
	r.InputTokens = AtMost(r.InputTokens, s.InputTokens)
	r.OutputTokens = AtMost(r.OutputTokens, s.OutputTokens)
	r.Unpriced = AtMost(r.Unpriced, s.Unpriced)
	r.Cost = r.Cost.Add(s.Cost)
	r.Estimated = AtMost(r.Estimated, s.Estimated)
	r.EstimatedCost = r.EstimatedCost.Add(s.EstimatedCost)
	return r
}

// Plus returns the row with the figures of others added.
func (r ReportRow) Plus(others ...ReportRow) ReportRow {
	for _, other := range others {
		r = r.plus(other)
	}
	return r
}

// Report is usage, broken down.
type Report struct {
	Query ReportQuery
	Rows  []ReportRow
	Sum   ReportRow // over all rows, also those that Top leaves out
	Left  int       // how many rows Top leaves out
}

// Reports is the storage that reports need. It reads totals and never the log.
type Reports interface {
	// Usage returns the query's rows in no particular order; a day as 2026-11-23, a month as 2026-11, a plan by its name.
	Usage(ctx context.Context, q ReportQuery) ([]ReportRow, error)
}

// MakeReport returns the report of a query: in the order of time where it is broken down by time, else the most
// expensive first. With top above 0 it keeps that many rows, the most expensive.
func MakeReport(ctx context.Context, store Reports, q ReportQuery, top int) (Report, error) {
	if err := q.Validate(); err != nil {
		return Report{}, err
	}
	rows, err := store.Usage(ctx, q)
	if err != nil {
		return Report{}, err
	}
	r := Report{Query: q}
	for _, row := range rows {
		r.Sum = r.Sum.plus(row)
	}
	slices.SortFunc(rows, mostExpensiveFirst)
	if top > 0 && len(rows) > top {
		r.Left = len(rows) - top
		rows = rows[:top]
	}
	slices.SortStableFunc(rows, func(a, b ReportRow) int {
		for i, d := range q.By {
			if c := strings.Compare(a.Keys[i], b.Keys[i]); d.isTime() && c != 0 {
				return c
			}
		}
		return 0
	})
	r.Rows = rows
	return r, nil
}

func mostExpensiveFirst(a, b ReportRow) int {
	return cmp.Or(b.Cost.Cmp(a.Cost), cmp.Compare(b.Calls, a.Calls), slices.Compare(a.Keys, b.Keys))
}

// Trend is usage by calendar month, the last of which is running.
type Trend struct {
	User   string // empty: everyone
	Months []TrendMonth
	// Projected is what the running month will cost if it goes on as it began: its cost so far, by the share of the month
	// that has passed.
	Projected pricing.Total
}

// TrendMonth is one month of a Trend.
type TrendMonth struct {
	Month string // 2026-11
	ReportRow
}

// MakeTrend returns the last so many months of one user, or of everyone.
func MakeTrend(ctx context.Context, store Reports, user string, months int, now time.Time) (Trend, error) {
	if months < 1 || months > 120 {
		return Trend{}, failure.Invalidf("months is %d: it must be 1 to 120", months)
	}
	running := plan.CalendarMonth(now)
	first := running.Start.AddDate(0, 1-months, 0)
	rows, err := store.Usage(ctx, ReportQuery{From: first, To: running.End, By: []Dimension{ByMonth}, User: user})
	if err != nil {
		return Trend{}, err
	}
	t := Trend{User: user}
	for month := first; month.Before(running.End); month = month.AddDate(0, 1, 0) {
		m := TrendMonth{Month: plan.MonthOf(month).String()}
		for _, row := range rows {
			if row.Keys[0] == m.Month {
				m.ReportRow = row
			}
		}
		t.Months = append(t.Months, m)
	}
	t.Projected = projected(t.Months[months-1].Cost, running, now)
	return t, nil
}
