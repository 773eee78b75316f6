package notify

import (
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Quiet are the hours of the day in which nobody is disturbed without need, by the
// clock on the wall. The zero value is none.
type Quiet struct{ From, To int } // minutes since midnight; To is not part of them

// ParseQuiet reads hours such as 22:00-07:00; "" or off is none.
func ParseQuiet(text string) (Quiet, error) {
	if text == "" || text == "off" {
		return Quiet{}, nil
	}
	from, to, ok := strings.Cut(text, "-")
	var q Quiet
	if ok {
		var errFrom, errTo error
		q.From, errFrom = minuteOf(from)
		q.To, errTo = minuteOf(to)
		ok = errFrom == nil && errTo == nil && q.From != q.To
	}
	if !ok {
		return Quiet{}, failure.Invalidf("the quiet hours are %q: write two different times of day", pricing.Shorten(text)).WithHint("such as 22:00-07:00, or off")
	}
	return q, nil
}

func minuteOf(text string) (int, error) {
	at, err := time.Parse("15:04", strings.TrimSpace(text))
	return at.Hour()*60 + at.Minute(), err
}

// Holds tells whether a moment lies in the quiet hours of a zone. Since the clock on
// the wall counts, a day on which it is set forward or back makes no exception.
func (q Quiet) Holds(t time.Time, zone *time.Location) bool {
	local := t.In(zone)
	minute := local.Hour()*60 + local.Minute()
	if q.From <= q.To {
		return minute >= q.From && minute < q.To
	}
	return minute >= q.From || minute < q.To
}

// digestHour is the time of day, in the zone that is set, from which digests go out.
const digestHour = 8

// digestTime returns when what was written at a moment goes out in a digest.
func digestTime(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	at := time.Date(year, month, day, digestHour, 0, 0, 0, zone)
	if !at.After(t) {
		at = time.Date(year, month, day+1, digestHour, 0, 0, 0, zone)
	}
	return at.UTC()
}
