package plan

import (
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Period is a half-open interval of time in UTC: Start belongs to it, End not.
type Period struct {
	Start time.Time
	End   time.Time
}

// Contains tells whether a moment lies in the period.
func (p Period) Contains(t time.Time) bool { return !t.Before(p.Start) && t.Before(p.End) }

// AddMonths returns the moment n months after the anchor: on the anchor's day of the month or, in a shorter month, on
// its last day, at the anchor's time of day. It is always computed from the anchor, so a 31st does not turn into a 28th
// for good. n may be negative.
func AddMonths(anchor time.Time, n int) time.Time {
	anchor = anchor.UTC()
	year, month, day := anchor.Date()
	first := time.Date(year, month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	day = min(day, first.AddDate(0, 1, -1).Day())
	hour, minute, second := anchor.Clock()
	return time.Date(first.Year(), first.Month(), day, hour, minute, second, anchor.Nanosecond(), time.UTC)
}

// PeriodAt returns the usage period, a month counted from the anchor, that contains a moment.
func PeriodAt(anchor, at time.Time) Period { return cycleAt(anchor, at, 1) }

// cycleAt returns the stretch of so many months from the anchor that contains a moment.
func cycleAt(anchor, at time.Time, months int) Period {
	anchor, at = anchor.UTC(), at.UTC()
	apart := (at.Year()-anchor.Year())*12 + int(at.Month()) - int(anchor.Month())
	n := apart / months * months
	start := AddMonths(anchor, n)
	if at.Before(start) { // the anchor's day lies later in the month, or n was rounded up from below 0
		n -= months
		start = AddMonths(anchor, n)
	}
	return Period{start, AddMonths(anchor, n+months)}
}

// CalendarMonth returns the month of the calendar that contains a moment.
func CalendarMonth(at time.Time) Period { return MonthOf(at).Period() }

// Month is a month of the calendar, in UTC: 202608 is August 2026.
type Month int

// MonthOf returns the month of a moment.
func MonthOf(at time.Time) Month {
	at = at.UTC()
	return Month(at.Year()*100 + int(at.Month()))
}

// ParseMonth reads a month that is written as 2026-11; anything else is an invalid failure.
func ParseMonth(text string) (Month, error) {
	at, err := time.Parse("2006-01", text)
	if err != nil || !ValidTime(at) {
		return 0, failure.Invalidf("month is %q: write it as YYYY-MM, for example 2026-11", failure.Shorten(text))
	}
	return MonthOf(at), nil
}

// Start returns the month's first moment.
func (m Month) Start() time.Time {
	return time.Date(int(m)/100, time.Month(int(m)%100), 1, 0, 0, 0, 0, time.UTC)
}

// End returns the first moment after the month.
func (m Month) End() time.Time { return m.Start().AddDate(0, 1, 0) }

// Period returns the time of the month.
func (m Month) Period() Period { return Period{m.Start(), m.End()} }

// Next returns the month after it.
func (m Month) Next() Month { return MonthOf(m.End()) }

// String returns the month as 2026-08.
func (m Month) String() string { return DayText(int(m)) }

// Day returns the UTC day of a moment as yyyymmdd: 20261123.
func Day(t time.Time) int {
	year, month, day := t.UTC().Date()
	return year*10_000 + int(month)*100 + day
}

// DayText turns 20261123 into 2026-11-23, and the month 202611 into 2026-11.
func DayText(day int) string {
	if day < 1_000_000 {
		return fmt.Sprintf("%04d-%02d", day/100, day%100)
	}
	return fmt.Sprintf("%04d-%02d-%02d", day/10_000, day/100%100, day%100)
}

// ValidTime tells whether a moment may be an event's: from 1970 to 8999, which leaves room for the periods that begin
// at it, as RFC 3339 ends with the year 9999.
func ValidTime(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 9000 }
