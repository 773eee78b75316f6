package report

import (
	"github.com/alwrity/alwrity-sub/usage"
)

// Usage shows what a user has used in a period, against every limit.
func Usage(st usage.PeriodUsage) Document {
	total := func(t usage.Total) fields {
		return sums(t.Calls, t.Errors, t.InputTokens, t.OutputTokens, t.Cost, t.Unpriced)
	}
	providers := rowsOf(st.Providers, func(t usage.Total) fields {
		return append(fields{{"provider", "PROVIDER", t.Provider}}, total(t)...)
	})
	limits := limitRows(st.Limits)
	all := fields{
		{"user_id", "", st.UserID},
		{"plan", "plan", st.Plan.Name},
		{"status", "", st.LimitStatus},
		{"subscription", "subscription", shown(st.Status, statusSpan(st.Status))},
		{"period", "period", st.Period},
		{"totals", "", total(st.Sum)},
		{"providers", "", providers},
		{"limits", "", limits},
	}
	return Document{JSON: all, CSV: limits, Text: func(t *Text) {
		t.line(strong.of(st.UserID), text("  "), limitStatusSpan(st.LimitStatus))
		t.facts(all.pick(""))
		t.Gap()
		if len(st.Providers) == 0 {
			t.Note("no usage in this period")
		} else {
			footer := append([]span{text("TOTAL")}, total(st.Sum).pick("").spans()...)
			t.table(providers.table("").total(inBold(footer)...))
			noteUnpriced(t, st.Sum.Unpriced)
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
		t.Warning("%s without a price, counted as $0.00: set the price, then run: alwrity-sub pricing rerate", Counted(calls, "call"))
	}
}
