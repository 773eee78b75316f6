package plan

import "time"

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
	if last := first.AddDate(0, 1, -1).Day(); day > last {
		day = last
	}
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
func CalendarMonth(at time.Time) Period {
	at = at.UTC()
	start := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
	return Period{start, start.AddDate(0, 1, 0)}
}
