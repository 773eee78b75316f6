package report

import (
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// limitRows are limits, and how far each is used.
func limitRows(verdicts []usage.LimitVerdict) rows {
	return rowsOf(verdicts, func(v usage.LimitVerdict) fields {
		l := v.Limit
		return fields{
			{"name", "LIMIT", shown(l.Name, limitName(v))},
			{"meter", "", l.Meter},
			{"scope", "", scope(l.Scope)},
			{"used", "USED", measure{l.Meter, v.Used}},
			{"reserved", "RESERVED", measure{l.Meter, v.Reserved}},
			{"requested", "REQUESTED", measure{l.Meter, v.Requested}},
			{"max", "MAXIMUM", shown(maximum(l), limitMaximum(l))},
			{"percent", "", percent(v.LimitUse)},
			{"bar", "", peopleOnly(shown("", limitBar(v.LimitUse)))},
			{"action", "", l.Action},
			{"ok", "", v.OK},
			// The call is beyond the limit, and passes since the plan allows it.
			{"overage", "", jsonOnly(orAbsent(v.Overage))},
		}
	})
}

// limits writes limits with their bars; what is reserved and requested only where there is
// any.
func (t *Text) limits(verdicts []usage.LimitVerdict) {
	columns := []string{"name used"}
	if slices.ContainsFunc(verdicts, func(v usage.LimitVerdict) bool { return v.Reserved != 0 }) {
		columns = append(columns, "reserved")
	}
	if slices.ContainsFunc(verdicts, func(v usage.LimitVerdict) bool { return v.Requested != 0 }) {
		columns = append(columns, "requested")
	}
	t.table(limitRows(verdicts).table(strings.Join(append(columns, "max bar"), " ")))
}

func limitName(v usage.LimitVerdict) span {
	name := text(v.Limit.Name)
	if v.Limit.Action == plan.Warn {
		name.text += " (warns)"
	}
	if v.Overage {
		name.text += " (overage)"
		name.style = caution
	}
	if !v.OK && v.Requested > 0 {
		name.style = bad
		if v.Limit.Action == plan.Warn {
			name.style = caution
		}
	}
	return name
}

// limitMaximum leaves to the bar's column what is no amount.
func limitMaximum(l plan.Limit) span {
	if l.Unlimited || l.Max == 0 {
		return dim.of(Dash)
	}
	return text(Amount(l.Meter, l.Max))
}
