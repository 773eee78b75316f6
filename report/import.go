package report

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type importView struct {
	Read       int64         `json:"read"`
	Recorded   int64         `json:"recorded"`
	Duplicates int64         `json:"duplicates"`
	Rejected   int64         `json:"rejected"`
	Conflicts  int64         `json:"conflicts"`
	Unpriced   int64         `json:"unpriced"`
	OverLimit  int64         `json:"over_limit"`
	Cost       pricing.Total `json:"cost"`
	Seconds    json.Number   `json:"seconds"`
	Problems   []problemView `json:"problems"`
	Unread     []unreadView  `json:"unread_fields"`
}

type problemView struct {
	Line   int64  `json:"line"`
	Reason string `json:"reason"`
}

type unreadView struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

// Import sums up an import.
func Import(r usage.ImportResult) Document {
	view := importView{r.Read, r.Recorded, r.Duplicates, r.Rejected, r.Conflicts, r.Unpriced, r.OverLimit, r.Cost, seconds(r.Elapsed),
		listOf(r.Problems, func(p usage.ImportProblem) problemView { return problemView(p) }),
		listOf(r.Unread, func(f usage.UnreadField) unreadView { return unreadView(f) })}
	grid := Grid{
		Header: []string{"read", "recorded", "duplicates", "rejected", "conflicts", "unpriced", "over_limit", "cost", "seconds"},
		Rows: [][]Cell{{NumberCell(r.Read), NumberCell(r.Recorded), NumberCell(r.Duplicates), NumberCell(r.Rejected), NumberCell(r.Conflicts),
			NumberCell(r.Unpriced), NumberCell(r.OverLimit), MoneyCell(r.Cost), Cell(view.Seconds)}},
	}
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		t.facts(
			factOf("read", Counted(r.Read, "row")),
			fact{"recorded", strong.of(Count(r.Recorded))},
			factOf("duplicates", Count(r.Duplicates)),
			fact{"rejected", countSpan(r.Rejected, bad)},
			fact{"conflicts", countSpan(r.Conflicts, bad)},
			fact{"unpriced", countSpan(r.Unpriced, caution)},
			fact{"over limit", countSpan(r.OverLimit, caution)},
			fact{"cost", strong.of(r.Cost.Display())},
			factOf("time", string(view.Seconds)+" s"+speed(r.Read, r.Elapsed)),
		)
		for _, f := range r.Unread {
			t.Note("the field %s of %s is none of an event and was not read", f.Name, Counted(f.Rows, "row"))
		}
		return writeProblems(t, r)
	}}
}

func writeProblems(t *Text, r usage.ImportResult) error {
	if len(r.Problems) == 0 {
		return nil
	}
	t.Gap()
	err := t.table(tableOf([]column{{"LINE", number}, {"WHY IT WAS NOT RECORDED", words}}, r.Problems, func(p usage.ImportProblem) []span {
		return []span{text(Count(p.Line)), bad.of(p.Reason)}
	}))
	if more := r.Rejected + r.Conflicts - int64(len(r.Problems)); more > 0 {
		t.Note("and %s more", Count(more))
	}
	return err
}

// countSpan writes a number that stands out where it is not 0.
func countSpan(n int64, s style) span {
	if n == 0 {
		s = plain
	}
	return s.of(Count(n))
}

// seconds writes a duration as a JSON number with at most three decimals.
func seconds(d time.Duration) json.Number {
	return json.Number(strconv.FormatFloat(float64(d.Milliseconds())/1000, 'f', -1, 64))
}

// speed says how many rows a second were read, where that means anything.
func speed(rows int64, elapsed time.Duration) string {
	ms := elapsed.Milliseconds()
	if rows == 0 || ms <= 0 {
		return ""
	}
	return " (" + Counted(rows*1000/ms, "row") + " a second)"
}
