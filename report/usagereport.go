package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type reportView struct {
	From    moment            `json:"from"`
	To      moment            `json:"to"`
	By      []usage.Dimension `json:"by"`
	Rows    []reportRowView   `json:"rows"`
	LeftOut int               `json:"rows_left_out"` // by --top; they are in the total
	Total   sumsView          `json:"total"`
}

// sumsView are the figures of one row of a report.
type sumsView struct {
	Calls         int64         `json:"calls"`
	Errors        int64         `json:"errors"`
	InputTokens   int64         `json:"input_tokens"`
	OutputTokens  int64         `json:"output_tokens"`
	Tokens        int64         `json:"tokens"`
	Cost          pricing.Total `json:"cost"`
	UnpricedCalls int64         `json:"unpriced_calls"`
}

func viewSums(r usage.ReportRow) sumsView {
	return sumsView{r.Calls, r.Errors, r.InputTokens, r.OutputTokens, r.Tokens(), r.Cost, r.Unpriced}
}

// sumsHeader names the figures in CSV.
func sumsHeader() []string {
	return []string{"calls", "errors", "input_tokens", "output_tokens", "tokens", "cost", "unpriced_calls"}
}

func (v sumsView) cells() []Cell {
	return []Cell{NumberCell(v.Calls), NumberCell(v.Errors), NumberCell(v.InputTokens), NumberCell(v.OutputTokens), NumberCell(v.Tokens),
		MoneyCell(v.Cost), NumberCell(v.UnpricedCalls)}
}

// sumsColumns are the figures in a table.
func sumsColumns() []column {
	return []column{{"CALLS", number}, {"ERRORS", number}, {"INPUT TOKENS", number}, {"OUTPUT TOKENS", number}, {"COST", money}}
}

func sumsSpans(r usage.ReportRow) []span {
	return []span{text(Count(r.Calls)), countSpan(r.Errors, bad), text(Count(r.InputTokens)), text(Count(r.OutputTokens)), text(r.Cost.Display())}
}

func inBold(spans []span) []span {
	return listOf(spans, func(s span) span { return strong.of(s.text) })
}

// reportRowView is a row whose first fields are named after the dimensions.
type reportRowView struct {
	by   []usage.Dimension
	keys []string
	sums sumsView
}

// MarshalJSON writes the keys in the order of the dimensions, then the figures.
func (v reportRowView) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, d := range v.by {
		var key bytes.Buffer
		if err := encode(&key, v.keys[i], ""); err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%q:%s,", string(d), bytes.TrimSpace(key.Bytes()))
	}
	sums, err := json.Marshal(v.sums)
	if err != nil {
		return nil, err
	}
	out.Write(sums[1:])
	return out.Bytes(), nil
}

// Report shows usage, broken down; with a chart of its cost if that is asked
// for, which is for people only.
func Report(r usage.Report, chart bool) Document {
	by := r.Query.By
	view := reportView{moment(r.Query.From), moment(r.Query.To), append([]usage.Dimension{}, by...),
		listOf(r.Rows, func(row usage.ReportRow) reportRowView { return reportRowView{by, row.Keys, viewSums(row)} }), r.Left, viewSums(r.Sum)}
	header := append(listOf(by, func(d usage.Dimension) string { return string(d) }), sumsHeader()...)
	grid := gridOf(header, r.Rows, func(row usage.ReportRow) []Cell {
		return append(listOf(row.Keys, TextCell), viewSums(row).cells()...)
	})
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		t.Title("usage by %s, %s", strings.Join(listOf(by, func(d usage.Dimension) string { return string(d) }), " and "), daysForPeople(r.Query))
		if len(r.Rows) == 0 {
			t.Note("no usage in this time")
			return nil
		}
		if err := t.table(reportTable(r)); err != nil {
			return err
		}
		if r.Left > 0 {
			t.Note("and %s that --top leaves out; the total counts them too", Counted(r.Left, "row"))
		}
		noteUnpriced(t, r.Sum.Unpriced)
		if chart {
			t.Gap()
			t.chart(r)
		}
		return nil
	}}
}

func reportTable(r usage.Report) table {
	var columns []column
	for _, d := range r.Query.By {
		kind := words
		if d == usage.ByUser || d == usage.ByModel {
			kind = names
		}
		columns = append(columns, column{strings.ToUpper(string(d)), kind})
	}
	tb := tableOf(append(columns, sumsColumns()...), r.Rows, func(row usage.ReportRow) []span {
		return append(listOf(row.Keys, orNone), sumsSpans(row)...)
	})
	footer := make([]span, len(columns))
	if len(footer) > 0 {
		footer[0] = strong.of("TOTAL")
	}
	tb.footer = append(footer, inBold(sumsSpans(r.Sum))...)
	return tb
}

// daysForPeople writes the days of a report, the last one included.
func daysForPeople(q usage.ReportQuery) string {
	first, last := q.From.Format(time.DateOnly), q.To.AddDate(0, 0, -1).Format(time.DateOnly)
	if first == last {
		return first
	}
	return first + " to " + last
}
