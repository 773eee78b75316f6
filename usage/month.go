package usage

import (
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// Month is a month of the calendar, in UTC: 202608 is August 2026.
type Month int

// MonthOf returns the month of a moment.
func MonthOf(at time.Time) Month {
	at = at.UTC()
	return Month(at.Year()*100 + int(at.Month()))
}

// Start returns the month's first moment.
func (m Month) Start() time.Time {
	return time.Date(int(m)/100, time.Month(int(m)%100), 1, 0, 0, 0, 0, time.UTC)
}

// End returns the first moment after the month.
func (m Month) End() time.Time { return m.Start().AddDate(0, 1, 0) }

// Next returns the month after it.
func (m Month) Next() Month { return MonthOf(m.End()) }

// String returns the month as 2026-08.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/100, int(m)%100) }

// FileName returns the name of the file that the month's log rows are archived in.
func (m Month) FileName() string { return "usage-" + m.String() + ".jsonl.gz" }

// ManifestName returns the name of the file that describes that one.
func (m Month) ManifestName() string { return "usage-" + m.String() + ".manifest.json" }

// LogMonth is what the log holds of a month.
type LogMonth struct {
	Month Month
	Rows  int64
	Cost  pricing.Total
}
