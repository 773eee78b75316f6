package db

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// No index of the log has providers and models: each row that is recorded would pay for
// it. Instead usage_fleet_daily has, in each of its rows, a bit for each part of the day
// in which there is one: they lead a search to the stretches of the log that are worth
// reading. A bit may stand where there is nothing (any more), but never be missing.

// stretch is a half-open interval of time; a zero time leaves it open.
type stretch struct{ from, to time.Time }

// clip cuts off what lies outside of another stretch.
func (s *stretch) clip(o stretch) {
	if s.from.Before(o.from) {
		s.from = o.from
	}
	if s.to.IsZero() || !o.to.IsZero() && o.to.Before(s.to) {
		s.to = o.to
	}
}

// A day has as many parts as an integer has bits for.
const (
	dayParts   = 60
	partLength = 24 * time.Hour / dayParts
)

// mostStretches is how many stretches are read at once.
const mostStretches = 64

// search reads the page's rows of a provider or model. It looks at the days of use from
// the newest on, at more and more at a time: mostly the first fills the page.
func (s *logSearch) search(ctx context.Context, where stretch) error {
	var c cutter
	for days := 1; where.from.Before(where.to) && !s.full(); days *= 4 {
		window := where
		last := where.to.Add(-time.Microsecond)
		window.clip(stretch{from: time.Date(last.Year(), last.Month(), last.Day()+1-days, 0, 0, 0, 0, time.UTC)})
		var err error
		if c.parts, err = s.usedParts(ctx, window); err != nil {
			return err
		}
		for len(c.parts) > 0 && !s.full() {
			if err := s.read(ctx, c.cut(window, len(s.entries), s.query.Limit)...); err != nil {
				return err
			}
		}
		where.to = window.from
	}
	return nil
}

// cutter cuts stretches out of parts that come the newest first.
type cutter struct {
	parts                    []int64
	rounds, stretches, taken int // so far
}

// cut returns the next stretches of a window, as many as will fill the page if they have
// as many rows as those before: other conditions may leave none. After many stretches it
// takes in more and more of what lies between: rows that do not match cost less than
// statements.
func (c *cutter) cut(window stretch, found, wanted int) (some []stretch) {
	most := min(4<<min(2*c.rounds, 30), mostStretches)
	enough := c.taken + (wanted-found)*(c.taken+1)/(found+1)
	gap := int64(2) << min(3*(c.stretches/mostStretches), 30)
	for len(c.parts) > 0 && len(some) < most && c.taken <= enough {
		n := 1
		for n < len(c.parts) && c.parts[n-1]-c.parts[n] <= gap {
			n++
		}
		one := stretch{partTime(c.parts[n-1]), partTime(c.parts[0] + 1)}
		one.clip(window)
		some = append(some, one)
		c.parts = c.parts[n:]
		c.taken += n
	}
	c.rounds++
	c.stretches += len(some)
	return some
}

// partTime returns the beginning of a part, counted from 1970.
func partTime(part int64) time.Time { return time.Unix(part*int64(partLength/time.Second), 0).UTC() }

// narrow limits a search to the days from the first to the last on which the provider or
// model was used, and tells whether there is any.
func (s *logSearch) narrow(ctx context.Context, where *stretch) (used bool, err error) {
	days := s.usedWithin(*where)
	nearest := "(SELECT day FROM usage_fleet_daily" + days.sql() + " ORDER BY day"
	var first, last *int32
	err = s.tx.query(ctx, into(&first, &last),
		"SELECT "+nearest+" LIMIT 1), "+nearest+" DESC LIMIT 1)", days.args...)
	if err != nil || first == nil {
		return false, err
	}
	where.clip(stretch{dayTime(*first), dayTime(*last).AddDate(0, 0, 1)})
	return true, nil
}

// usedParts returns the parts of a stretch in which the provider or model was used, the
// newest first.
func (s *logSearch) usedParts(ctx context.Context, where stretch) ([]int64, error) {
	days := s.usedWithin(where)
	bits := map[int32]int64{}
	err := s.tx.query(ctx, func(row scanner) error {
		var day int32
		var parts int64
		err := row.Scan(&day, &parts)
		bits[day] |= parts
		return err
	}, "SELECT DISTINCT day, day_parts FROM usage_fleet_daily"+days.sql(), days.args...)
	var parts []int64
	for day, set := range bits {
		first := dayTime(day).Unix() / int64(partLength/time.Second)
		for n := range int64(dayParts) {
			if set&(1<<n) != 0 {
				parts = append(parts, first+n)
			}
		}
	}
	slices.Sort(parts)
	slices.Reverse(parts)
	return parts, err
}

// usedWithin returns the conditions of the totals of the provider or model on the days
// of a stretch.
func (s *logSearch) usedWithin(where stretch) conditions {
	var days conditions
	days.equal("provider", s.query.Provider)
	days.equal("model", s.query.Model)
	if !where.from.IsZero() {
		days.add("day >= ?", plan.Day(where.from))
	}
	if !where.to.IsZero() {
		days.add("day <= ?", plan.Day(where.to.Add(-time.Microsecond)))
	}
	return days
}
