package report

import (
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// moment is a time as scripts read it: RFC 3339 in UTC, as many decimals of a
// second as it needs, null for the zero time.
type moment time.Time

// String returns the time as it stands in CSV.
func (m moment) String() string {
	return time.Time(m).UTC().Format("2006-01-02T15:04:05.999999Z07:00")
}

// MarshalJSON writes the time, or null.
func (m moment) MarshalJSON() ([]byte, error) {
	if time.Time(m).IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + m.String() + `"`), nil
}

// Dash stands in a table where there is nothing.
const Dash = "–"

// Time writes a time as a person reads it.
func Time(t time.Time) string {
	if t.IsZero() {
		return Dash
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// periodView is a period in JSON.
type periodView struct {
	Start moment `json:"start"`
	End   moment `json:"end"`
}

func viewPeriod(p plan.Period) periodView { return periodView{moment(p.Start), moment(p.End)} }

// periodForPeople writes a period; one that begins and ends at midnight, as most
// do, by its days.
func periodForPeople(p plan.Period) string {
	start, end := p.Start.UTC(), p.End.UTC()
	layout := "2006-01-02 15:04"
	if WholeDays(p) {
		layout = time.DateOnly
	}
	return start.Format(layout) + " until " + end.Format(layout) + " UTC"
}

// WholeDays tells whether a period begins and ends at midnight.
func WholeDays(p plan.Period) bool {
	return p.Start.Equal(p.Start.Truncate(24*time.Hour)) && p.End.Equal(p.End.Truncate(24*time.Hour))
}
