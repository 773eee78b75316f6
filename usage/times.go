package usage

import (
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// secondsToMS turns seconds, as a decimal number, into whole milliseconds, rounded half up: it is a measurement and
// nothing that is billed.
func secondsToMS(text string) (string, error) {
	s := strings.TrimSpace(text)
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "+"), ".")
	if digits := whole + fraction; len(s) <= 40 && digits != "" && strings.Trim(digits, "0123456789") == "" {
		// What follows the fourth decimal changes nothing. 63 bits leave room to round.
		if tenths, err := strconv.ParseUint(whole+(fraction + "0000")[:4], 10, 63); err == nil {
			return strconv.FormatUint((tenths+5)/10, 10), nil
		}
	}
	return "", failure.Invalidf("response_time is %q: it must be a number of seconds", failure.Shorten(text))
}

// ParseTime reads a moment: RFC 3339, a date (its midnight), or a date and time without a zone, which then is UTC. The
// result is in UTC, whole microseconds. The name is used in the invalid failure.
func ParseTime(name, text string) (time.Time, error) {
	s := strings.TrimSpace(text)
	for _, layout := range []string{
		time.RFC3339Nano, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05Z07",
		"2006-01-02T15:04:05Z07", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02T15:04Z07:00",
	} {
		if !sameShape(s, layout) {
			continue
		}
		if t, err := time.Parse(layout, s); err == nil {
			if _, offset := t.Zone(); offset > 15*3600 || offset < -15*3600 { // the farthest are +14:00 and -12:00
				break
			}
			t = t.UTC().Truncate(time.Microsecond)
			if !plan.ValidTime(t) {
				return time.Time{}, failure.Invalidf("%s is %s: it must lie between the years 1970 and 8999", name, s)
			}
			return t, nil
		}
	}
	return time.Time{}, failure.Invalidf("%s is %q: there is no such time; write it as 2026-11-23T10:00:00Z or 2026-11-23",
		name, failure.Shorten(text))
}

// sameShape spares ParseTime most layouts, whose failing takes long: it tells whether a text ends with its date as the
// layout does, or goes on with the same letter.
func sameShape(s, layout string) bool {
	const date = len(time.DateOnly)
	if len(s) <= date || len(layout) <= date {
		return len(s) <= date && len(layout) <= date
	}
	return s[date] == layout[date]
}

// parseTimeBytes is ParseTime for the field time. RFC 3339 in UTC, which most files have, is read without a copy of the
// text.
func parseTimeBytes(text []byte) (time.Time, error) {
	if len(text) > 0 && text[len(text)-1] == 'Z' {
		var t time.Time
		if t.UnmarshalText(text) == nil && plan.ValidTime(t) {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return ParseTime("time", string(text))
}

const (
	// MostAhead is how far an event's time may be ahead of now, for clocks are never quite the same.
	MostAhead = 5 * time.Minute
	// MostClockAhead is how far the moment that counts as now may be ahead of the clock where what is recorded is real:
	// time zones, and a day's end.
	MostClockAhead = 24 * time.Hour
)

// firstCalls is before any call.
var firstCalls = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC) // read-only

// checkTime returns an invalid failure for an event of a time when it can't have happened, or whose call the limits are
// asked about although it was not made now.
func (e *Event) checkTime(now time.Time, opts *RecordOptions) error {
	switch {
	case e.Time.IsZero() || opts.anyTime:
		return nil
	case e.Time.Before(firstCalls):
		return failure.Invalidf("time is %s: there were no such calls before 2015", e.Time.Format(time.RFC3339))
	case opts.asksLimits() && e.Time.Sub(now).Abs() > MostAhead:
		return e.notNow(now)
	case !opts.AllowFuture && e.Time.After(now.Add(MostAhead)):
		return failure.Invalidf("time is %s, which is still to come: it is %s now", e.Time.Format(time.RFC3339),
			now.UTC().Format(time.RFC3339)).WithReason("future_time")
	}
	return nil
}

func (e *Event) notNow(now time.Time) error {
	return failure.Invalidf("time is %s: the limits are asked about a call that is made now, at %s",
		e.Time.Format(time.RFC3339), now.UTC().Format(time.RFC3339)).WithReason("enforce_now")
}
