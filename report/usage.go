package report

import (
	"cmp"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Usage shows what a user has used in a period, against every limit.
func Usage(st usage.PeriodUsage) Document {
	total := func(t usage.ProviderUsage) fields {
		return append(sums(t.Calls, t.Errors, t.InputTokens, t.OutputTokens, t.Cost, t.Unpriced),
			estimated(t.Estimated, t.EstimatedCost)...)
	}
	providers := rowsOf(st.Providers, func(t usage.ProviderUsage) fields {
		return append(fields{{"provider", "PROVIDER", t.Provider}}, total(t)...)
	})
	limits := limitRows(st.Limits)
	all := fields{
		{"user_id", "", st.UserID},
		{"plan", "plan", st.Plan.Name},
		{"status", "", st.LimitStatus},
		{"subscription", "subscription", shown(st.Status, statusSpan(st.Status))},
		{"period", "period", st.Period},
		{"totals", "", total(st.Sum)}, {"providers", "", providers}, {"limits", "", limits},
		{"rates", "rates", rates(st.Plan.Rates)},
	}
	facts := all.pick("plan subscription period")
	if (st.Plan.Rates != plan.Rates{}) {
		facts = all.pick("plan subscription period rates")
	}
	return Document{JSON: all, CSV: limits, Text: func(t *Text) {
		t.line(strong.of(st.UserID), text("  "), limitStatusSpan(st.LimitStatus))
		t.facts(facts)
		t.Gap()
		if len(st.Providers) == 0 {
			t.Note("no usage in this period")
		} else {
			footer := append([]span{text("TOTAL")}, total(st.Sum).pick("").spans()...)
			t.table(providers.table("").total(inBold(footer)...))
			noteUnpriced(t, st.Sum.Unpriced)
			noteEstimated(t, st.Sum.Estimated, st.Sum.Calls, st.Sum.EstimatedCost)
		}
		t.Gap()
		if len(st.Limits) == 0 {
			t.Note("the plan has no limits")
			return
		}
		t.limits(st.Limits)
	}}
}

func limitStatusSpan(s usage.LimitStatus) span {
	switch s {
	case usage.LimitsWarning:
		return caution.of("close to a limit")
	case usage.LimitsReached:
		return bad.of("limit reached")
	}
	return good.of("within the limits")
}

// noteUnpriced says that a cost is not the whole cost.
func noteUnpriced(t *Text, calls int64) {
	if calls > 0 {
		t.Warning("%s without a price, counted as $0.00%s", failure.Counted(calls, "call"), t.hint(": ", "calls_unpriced"))
	}
}

// estimated are how many calls were estimated, and what they cost: a pricing.USD or pricing.Total.
func estimated(calls int64, cost any) fields {
	return fields{{"estimated_calls", "", calls}, {"estimated_cost", "", cost}}
}

// noteEstimated says which part of some calls was estimated.
func noteEstimated(t *Text, calls, of int64, cost interface{ Display() string }) {
	if calls != 0 {
		t.Note("%s, %s of the cost", EstimatedShare(calls, of), cost.Display())
	}
}

// EstimatedShare says which part of some calls was estimated: "of which estimated: 3 of 40 calls (7.5%)".
func EstimatedShare(calls, of int64) string {
	text := "of which estimated: " + Count(calls) + " of " + failure.Counted(of, "call")
	part, ok := pricing.TotalOf(pricing.USD(calls)).PerMilleOf(pricing.TotalOf(pricing.USD(of)))
	if ok && calls > 0 {
		text += " (" + ShortPercent(part) + ")"
	}
	return text
}

// sums are the figures of one row of a report; cost is a pricing.USD or pricing.Total.
func sums(calls, errors, input, output int64, cost any, unpriced int64) fields {
	return fields{
		{"calls", "CALLS", calls},
		{"errors", "ERRORS", flagged(errors, bad)},
		{"input_tokens", "INPUT TOKENS", input},
		{"output_tokens", "OUTPUT TOKENS", output},
		{"tokens", "", input + output},
		{"cost", "COST", cost},
		{"unpriced_calls", "", unpriced},
	}
}

func rowSums(r usage.ReportRow) fields {
	return append(sums(r.Calls, r.Errors, r.InputTokens, r.OutputTokens, r.Cost, r.Unpriced),
		estimated(r.Estimated, r.EstimatedCost)...)
}

func inBold(spans []span) []span {
	return listOf(spans, func(s span) span { return strong.of(s.text) })
}

// Report shows usage, broken down; with a chart of its cost if that is asked for, which is for people only.
func Report(r usage.Report, chart bool) Document {
	by := listOf(r.Query.By, func(d usage.Dimension) string { return string(d) })
	list := rowsOf(r.Rows, func(row usage.ReportRow) fields {
		var keys fields
		for i, d := range r.Query.By {
			key := ""
			if row.Keys != nil {
				key = row.Keys[i]
			}
			var v any = key
			if d == usage.ByUser || d == usage.ByModel {
				v = name(key)
			}
			keys = append(keys, field{by[i], strings.ToUpper(by[i]), orDash(v)})
		}
		return append(keys, rowSums(row)...)
	})
	all := fields{
		{"from", "", r.Query.From}, {"to", "", r.Query.To}, {"by", "", by}, {"rows", "", list},
		{"rows_left_out", "", r.Left}, // by --top; they are in the total
		{"total", "", rowSums(r.Sum)},
	}
	return Document{JSON: all, CSV: list, Text: func(t *Text) {
		t.Title("usage by %s, %s", strings.Join(by, " and "), daysOf(r.Query))
		if len(r.Rows) == 0 {
			t.Note("no usage in this time")
			return
		}
		footer := make([]span, len(by))
		if len(by) > 0 {
			footer[0] = text("TOTAL")
		}
		t.table(list.table("").total(inBold(append(footer, rowSums(r.Sum).pick("").spans()...))...))
		if r.Left > 0 {
			t.Note("and %s that --top leaves out; the total counts them too", failure.Counted(r.Left, "row"))
		}
		noteUnpriced(t, r.Sum.Unpriced)
		noteEstimated(t, r.Sum.Estimated, r.Sum.Calls, r.Sum.EstimatedCost)
		if chart {
			t.Gap()
			t.chart(r)
		}
	}}
}

// daysOf writes the days of a report, the last one included.
func daysOf(q usage.ReportQuery) string {
	first, last := q.From.Format(time.DateOnly), q.To.AddDate(0, 0, -1).Format(time.DateOnly)
	if first == last {
		return first
	}
	return first + " to " + last
}

// Trend shows usage by month, and what the running month is heading for.
func Trend(tr usage.Trend) Document {
	months := rowsOf(tr.Months, func(m usage.TrendMonth) fields {
		return append(fields{{"month", "MONTH", m.Month}}, rowSums(m.ReportRow)...)
	})
	all := fields{
		{"user_id", "", orNull(tr.User)}, // null: everyone
		{"months", "", months},
		{"projected_cost", "", tr.Projected}, // of the running month
	}
	return Document{JSON: all, CSV: months, Text: func(t *Text) {
		t.Title("usage of %s by month", cmp.Or(tr.User, "everyone"))
		t.list(months, "", "no months")
		if len(tr.Months) == 0 {
			return
		}
		running := tr.Months[len(tr.Months)-1]
		t.Line("%s is heading for %s if it goes on as it began", running.Month, projected(tr.Projected))
		t.Gap()
		t.trendChart(tr)
	}}
}

// projected writes an estimate: by the cent, unless it is smaller.
func projected(t pricing.Total) string {
	if cents := t.Cents(); cents.Cmp(pricing.Total{}) > 0 {
		return cents.Display()
	}
	return t.Display()
}
