package db

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// No index of the log has providers and models: each row that is recorded would pay for
// it. What usage_fleet_daily knows of the days on which they were used leads a search to
// the stretches of the log that are worth reading.

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

// partLength is how long the parts of time are, of which is known whether a provider or
// model was used in them.
const partLength = 24 * time.Hour

// mostStretches is how many stretches are read at once.
const mostStretches = 64

// search reads the page's rows of a provider or model. It looks at the days of use from
// the newest on, at more and more at a time: mostly the first fills the page. Where many
// stretches have not filled it, since other conditions hold too, it reads more and more
// of what lies between them as well: rows that do not match take less than statements.
func (s *logSearch) search(ctx context.Context, where stretch) error {
	count, gap := 1, int64(1)
	for days := 1; where.from.Before(where.to) && !s.full(); days *= 4 {
		window := where
		last := where.to.Add(-time.Microsecond)
		window.clip(stretch{from: time.Date(last.Year(), last.Month(), last.Day()+1-days, 0, 0, 0, 0, time.UTC)})
		parts, err := s.usedParts(ctx, window)
		if err != nil {
			return err
		}
		for len(parts) > 0 && !s.full() {
			var some []stretch
			some, parts = cut(parts, gap, count)
			for i := range some {
				some[i].clip(window)
			}
			if err := s.read(ctx, some...); err != nil {
				return err
			}
			if count < mostStretches {
				count *= 4
			} else {
				gap *= 8
			}
		}
		where.to = window.from
	}
	return nil
}

// cut makes at most so many stretches of parts that come the newest first, and returns
// the parts that are left. What is no more than the gap apart is one stretch.
func cut(parts []int64, gap int64, most int) (some []stretch, rest []int64) {
	for len(parts) > 0 && len(some) < most {
		n := 1
		for n < len(parts) && parts[n-1]-parts[n] <= gap {
			n++
		}
		some = append(some, stretch{partTime(parts[n-1]), partTime(parts[0] + 1)})
		parts = parts[n:]
	}
	return some, parts
}

// partTime returns the beginning of a part, counted from 1970.
func partTime(part int64) time.Time { return time.Unix(part*int64(partLength/time.Second), 0).UTC() }

// narrow limits a search to the days from the first to the last on which the provider or
// model was used, and tells whether there is any.
func (s *logSearch) narrow(ctx context.Context, where *stretch) (used bool, err error) {
	days := s.usedWithin(*where)
	var first, last *int32
	err = s.tx.query(ctx, func(row scanner) error { return row.Scan(&first, &last) }, "SELECT MIN(day), MAX(day) FROM usage_fleet_daily"+days.sql(), days.args...)
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
	var parts []int64
	err := s.send(ctx, statement{"SELECT DISTINCT day FROM usage_fleet_daily" + days.sql(), days.args, func(row scanner) error {
		var day int32
		err := row.Scan(&day)
		parts = append(parts, dayTime(day).Unix()/int64(partLength/time.Second))
		return err
	}})
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
		days.texts = append(days.texts, "day >= "+days.bind(usage.Day(where.from)))
	}
	if !where.to.IsZero() {
		days.texts = append(days.texts, "day <= "+days.bind(usage.Day(where.to.Add(-time.Microsecond))))
	}
	return days
}
