package health

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// future names what lies in the future.
func (s *Service) future(ctx context.Context, now time.Time, c *Configuration) ([]Check, error) {
	if c.Clock.After(now) {
		now = c.Clock
	}
	f, err := s.Store.Future(ctx, now.Add(usage.MostAhead), now.Add(usage.MostClockAhead))
	if err != nil {
		return nil, err
	}
	check := Check{Name: "future", OK: true, Detail: "nothing lies ahead"}
	parts := futureParts(f)
	if len(parts) == 0 {
		return []Check{check}, nil
	}
	check.Detail = "recorded with a time that has not come: " + strings.Join(parts, "; ")
	if check.OK = c.Rehearsal; !check.OK {
		check.Reason = "recorded_ahead"
	}
	return []Check{check}, nil
}

func futureParts(f billing.Future) []string {
	var parts []string
	add := func(what string, names []string) {
		if len(names) > 0 {
			text := what + " " + strings.Join(names[:min(len(names), billing.MostFuture)], ", ")
			if len(names) > billing.MostFuture {
				text += " and more"
			}
			parts = append(parts, text)
		}
	}
	numbers := make([]string, len(f.Bills))
	for i, n := range f.Bills {
		numbers[i] = fmt.Sprint(n)
	}
	add("bills", numbers)
	add("events", shortened(f.Events))
	add("renewals or changes of plan of", shortened(f.Renewals))
	return parts
}

func shortened(names []string) []string {
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = failure.Shorten(name)
	}
	return short
}
