package report

import (
	"encoding/json"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// limitView is what one limit says: amounts are numbers of calls and tokens, and
// decimal strings of dollars.
type limitView struct {
	Name      string       `json:"name"`
	Meter     plan.Meter   `json:"meter"`
	Scope     string       `json:"scope"`
	Used      measure      `json:"used"`
	Reserved  measure      `json:"reserved"`
	Requested measure      `json:"requested"`
	Max       *measure     `json:"max"`     // null: unlimited
	Percent   *json.Number `json:"percent"` // null: unlimited, or a maximum of 0
	Action    plan.Action  `json:"action"`
	OK        bool         `json:"ok"`
	Overage   bool         `json:"overage,omitempty"` // the call is beyond the limit, and passes since the plan allows it
}

func viewLimit(v usage.LimitVerdict) limitView {
	l := v.Limit
	return limitView{l.Name, l.Meter, scopeText(l.Scope), measure{l.Meter, v.Used}, measure{l.Meter, v.Reserved}, measure{l.Meter, v.Requested},
		maximum(l), percentOf(v.LimitUse), l.Action, v.OK, v.Overage}
}

func limitHeader() []string {
	return []string{"name", "meter", "scope", "used", "reserved", "requested", "max", "percent", "action", "ok"}
}

func limitCells(v usage.LimitVerdict) []Cell {
	l := v.Limit
	return []Cell{TextCell(l.Name), TextCell(string(l.Meter)), TextCell(scopeText(l.Scope)), Cell(measure{l.Meter, v.Used}.String()),
		Cell(measure{l.Meter, v.Reserved}.String()), Cell(measure{l.Meter, v.Requested}.String()), maximumCell(l), percentCell(v.LimitUse),
		TextCell(string(l.Action)), BoolCell(v.OK)}
}

// limitTable shows limits with their bars; what is reserved and requested only
// where there is any.
func limitTable(verdicts []usage.LimitVerdict) table {
	amounts := []struct {
		title string
		of    func(usage.LimitVerdict) int64
	}{
		{"USED", func(v usage.LimitVerdict) int64 { return v.Used }},
		{"RESERVED", func(v usage.LimitVerdict) int64 { return v.Reserved }},
		{"REQUESTED", func(v usage.LimitVerdict) int64 { return v.Requested }},
	}
	tb := table{columns: []column{{"LIMIT", words}}, rows: make([][]span, len(verdicts))}
	for i, v := range verdicts {
		tb.rows[i] = []span{limitName(v)}
	}
	for k, a := range amounts {
		any := k == 0
		for _, v := range verdicts {
			any = any || a.of(v) != 0
		}
		if !any {
			continue
		}
		tb.columns = append(tb.columns, column{a.title, number})
		for i, v := range verdicts {
			tb.rows[i] = append(tb.rows[i], text(Amount(v.Limit.Meter, a.of(v))))
		}
	}
	tb.columns = append(tb.columns, column{"MAXIMUM", number}, column{"", words})
	for i, v := range verdicts {
		tb.rows[i] = append(tb.rows[i], limitMaximum(v.Limit), limitBar(v.LimitUse))
	}
	return tb
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
