package notify

import (
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// QuietHours are the hours of the day in which only urgent messages go out, by the local clock. The zero value is none.
type QuietHours struct{ From, To int } // minutes since midnight; To is not part of them

// ParseQuietHours reads hours such as 22:00-07:00; "" and off mean none.
func ParseQuietHours(text string) (QuietHours, error) {
	if text == "" || text == "off" {
		return QuietHours{}, nil
	}
	from, to, _ := strings.Cut(text, "-")
	var q QuietHours
	var errFrom, errTo error
	q.From, errFrom = parseMinute(from)
	q.To, errTo = parseMinute(to)
	if errFrom != nil || errTo != nil || q.From == q.To {
		return QuietHours{}, failure.Invalidf("the quiet hours are %q: write two different times of day",
			failure.Shorten(text)).WithHint("such as 22:00-07:00, or off")
	}
	return q, nil
}

func parseMinute(text string) (int, error) {
	at, err := time.Parse("15:04", strings.TrimSpace(text))
	return at.Hour()*60 + at.Minute(), err
}

// Contains tells whether a moment lies in the quiet hours of a time zone. Since the local clock counts, the days on
// which it is set forward or back are no exception.
func (q QuietHours) Contains(t time.Time, zone *time.Location) bool {
	local := t.In(zone)
	minute := local.Hour()*60 + local.Minute()
	if q.From <= q.To {
		return minute >= q.From && minute < q.To
	}
	return minute >= q.From || minute < q.To
}

// digestHour is the hour of the day, in the configured time zone, from which digests go out.
const digestHour = 8

// digestTime returns when a message written at t goes out in a digest.
func digestTime(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	at := time.Date(year, month, day, digestHour, 0, 0, 0, zone)
	if !at.After(t) {
		at = time.Date(year, month, day+1, digestHour, 0, 0, 0, zone)
	}
	return at.UTC()
}
