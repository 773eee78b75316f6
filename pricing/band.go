package pricing

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Band is what holds at some times of the day or week, in UTC.
type Band struct {
	// From and To are minutes of the day. To is the first that is not in the band. A band that ends at or before its
	// beginning goes on into the next day, and belongs to the day on which it began. 0 and 0 are the whole day.
	From, To int
	Days     DaySet // on which the band begins; 0: on all
	Tariff
}

// DaySet is a set of days of the week.
type DaySet uint8

const (
	allDays      = DaySet(1<<7 - 1)
	minutesOfDay = 24 * 60
)

func (d DaySet) has(day time.Weekday) bool { return d == 0 || d&(1<<day) != 0 }

func (b Band) same(c Band) bool {
	return b.From == c.From && b.To == c.To && b.Days == c.Days && b.Tariff.same(c.Tariff)
}

// length is how many minutes the band has.
func (b *Band) length() int {
	if b.To > b.From {
		return b.To - b.From
	}
	return b.To - b.From + minutesOfDay
}

// holdsAt tells whether a moment lies in the band.
func (b *Band) holdsAt(at time.Time) bool {
	at = at.UTC()
	minute := at.Hour()*60 + at.Minute()
	if minute >= b.From && minute < b.From+b.length() && b.Days.has(at.Weekday()) {
		return true
	}
	minute += minutesOfDay // of a band that began the day before
	return minute < b.From+b.length() && b.Days.has((at.Weekday()+6)%7)
}

func validateBands(bands []Band) error {
	if len(bands) > mostVariants {
		return failure.Invalidf("it has %d bands: %d are enough", len(bands), mostVariants)
	}
	taken := make([]bool, 7*minutesOfDay)
	for _, b := range bands {
		switch {
		case b.From < 0 || b.From >= minutesOfDay || b.To < 0 || b.To >= minutesOfDay || b.Days >= allDays:
			return failure.Invalidf("a band is from minute %d to %d of the day: there are %d", b.From, b.To, minutesOfDay)
		case b.length() == minutesOfDay && b.Days == 0:
			return failure.Invalidf("a band holds always: give it hours, days or both")
		case b.Given == 0 && b.Above == nil:
			return failure.Invalidf("the band %s has no price", b.Times())
		}
		for day := range 7 {
			if !b.Days.has(time.Weekday(day)) {
				continue
			}
			for minute := range b.length() {
				place := (day*minutesOfDay + b.From + minute) % len(taken)
				if taken[place] {
					return failure.Invalidf("the band %s overlaps another one", b.Times())
				}
				taken[place] = true
			}
		}
	}
	return nil
}

// Times says when the band holds: "16:30-00:30 UTC" or "sat,sun 00:00-24:00 UTC".
func (b *Band) Times() string { return strings.TrimSpace(b.DaysText()+" "+b.HoursText()) + " UTC" }

// HoursText writes the hours as a price file has them, also those of a whole day.
func (b *Band) HoursText() string {
	to := b.To
	if b.length() == minutesOfDay && b.From == 0 {
		to = minutesOfDay
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", b.From/60, b.From%60, to/60, to%60)
}

var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // read-only

// DaysText writes the days as a price file has them, and nothing for all.
func (b *Band) DaysText() string {
	var names []string
	for day := range 7 {
		at := time.Weekday((day + 1) % 7) // from Monday on
		if b.Days != 0 && b.Days.has(at) {
			names = append(names, dayNames[at])
		}
	}
	return strings.Join(names, ",")
}

// parseHours reads "16:30-00:30", or whole hours as "16-24".
func parseHours(text string) (from, to int, err error) {
	first, last, _ := strings.Cut(text, "-")
	from, ok := parseMinute(first)
	to, alsoOK := parseMinute(last)
	if !ok || !alsoOK || from == minutesOfDay || from == to {
		return 0, 0, failure.Invalidf("hours is %q: write them in UTC as 16:30-00:30", failure.Shorten(text))
	}
	return from, to % minutesOfDay, nil
}

func parseMinute(text string) (int, bool) {
	hours, minutes, given := strings.Cut(strings.TrimSpace(text), ":")
	if !given {
		minutes = "00"
	}
	h, errHours := strconv.ParseUint(hours, 10, 8)
	m, errMinutes := strconv.ParseUint(minutes, 10, 8)
	minute := int(h)*60 + int(m)
	return minute, errHours == nil && errMinutes == nil && len(minutes) == 2 && len(hours) <= 2 && m < 60 &&
		minute <= minutesOfDay
}

// parseDays reads "mon-fri" and "sat,sun".
func parseDays(text string) (days DaySet, err error) {
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		first, last, isRange := strings.Cut(part, "-")
		from := slices.Index(dayNames[:], strings.TrimSpace(first))
		to := from
		if isRange {
			to = slices.Index(dayNames[:], strings.TrimSpace(last))
		}
		if from < 0 || to < 0 {
			return 0, failure.Invalidf("days is %q: write them as mon-fri or sat,sun", failure.Shorten(text))
		}
		for day := from; ; day = (day + 1) % 7 {
			days |= 1 << day
			if day == to {
				break
			}
		}
	}
	if days == allDays {
		days = 0
	}
	return days, nil
}
