package report

import (
	"fmt"
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
			{"meter", "", l.Meter}, {"scope", "", scope(l.Scope)},
			{"used", "USED", measure{l.Meter, v.Used}},
			{"reserved", "RESERVED", measure{l.Meter, v.Reserved}},
			{"requested", "REQUESTED", measure{l.Meter, v.Requested}},
			{"max", "MAXIMUM", shown(maximum(l), limitMaximum(l))},
			{"percent", "", percent(v.LimitUse)}, {"bar", "", peopleOnly(shown("", limitBar(v.LimitUse)))},
			{"action", "", l.Action}, {"ok", "", v.OK},
			// The call is beyond the limit, and passes since the plan allows it.
			{"overage", "", jsonOnly(orAbsent(v.Overage))},
		}
	})
}

// limits writes limits with their bars; what is reserved and requested only where there is any.
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

// barCells is how wide the bar of a limit is.
const barCells = 20

// limitBar draws how full a limit is: "██████████████░░░░░░  66.0%".
func limitBar(u usage.LimitUse) span {
	switch {
	case u.Limit.Unlimited:
		return dim.of("unlimited")
	case u.Limit.Max == 0:
		return dim.of(notInPlan)
	}
	perMille, _ := u.PerMille()
	// What is used at all shows, and only what is full looks full.
	filled := min(perMille*barCells/1000, barCells)
	bar := strings.Repeat("█", int(filled)) + strings.Repeat("░", int(barCells-filled))
	if filled == 0 && u.Used > 0 {
		bar = sliver(perMille) + strings.Repeat("░", barCells-1)
	}
	return span{fmt.Sprintf("%s %6s", bar, ShortPercent(perMille)), fullness(perMille)}
}

// sliver is the first cell of a bar where not all of it is filled, in eighths.
func sliver(perMille int64) string {
	eighths := []rune("▏▎▍▌▋▊▉")
	return string(eighths[min(perMille*barCells*8/1000, int64(len(eighths)-1))])
}

// fullness is the colour of a bar: the steps are those of the default alerts.
func fullness(perMille int64) style {
	switch {
	case perMille >= 1000:
		return bad
	case perMille >= 800:
		return caution
	}
	return good
}
