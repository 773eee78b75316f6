package report

import (
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Refusals shows how many calls were refused, broken down.
func Refusals(r usage.RefusalReport) Document {
	by := listOf(r.Query.By, func(d usage.RefusalDimension) string { return string(d) })
	list := rowsOf(r.Rows, func(row usage.Refusals) fields {
		var all fields
		for i, d := range r.Query.By {
			all = append(all, field{by[i], strings.ToUpper(by[i]), refusedBy(d, row)})
		}
		return append(all, field{"calls", "CALLS", row.Calls})
	})
	days := usage.ReportQuery{From: r.Query.From, To: r.Query.To}
	all := fields{{"from", "", r.Query.From}, {"to", "", r.Query.To}, {"user_id", "", orNull(r.Query.User)},
		{"by", "", by}, {"rows", "", list}, {"rows_left_out", "", r.Left}, {"calls", "", r.Sum}}
	return Document{JSON: all, CSV: list, Text: func(t *Text) {
		t.Title("refused calls by %s, %s", strings.Join(by, " and "), daysOf(days))
		if len(r.Rows) == 0 {
			t.Note("no call was refused in this time")
			return
		}
		footer := make([]span, len(by), len(by)+1)
		footer[0] = text("TOTAL")
		t.table(list.table("").total(inBold(append(footer, text(Count(r.Sum))))...))
		if r.Left > 0 {
			t.Note("and %s that --top leaves out; the total counts them too", failure.Counted(r.Left, "row"))
		}
	}}
}

// refusedBy is what refused calls have in common: null for a user whom nobody has seen, and for no limit.
func refusedBy(d usage.RefusalDimension, row usage.Refusals) any {
	switch d {
	case usage.RefusedDay:
		return row.Day.Format(time.DateOnly)
	case usage.RefusedUser:
		return orNull(name(row.User))
	case usage.RefusedReason:
		return string(row.Reason)
	}
	return orNull(row.Limit)
}
