package usage

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Refusals are how many calls were refused alike.
type Refusals struct {
	Day    time.Time // in UTC
	User   string    // "" for all whom nobody has ever seen
	Reason Reason
	Limit  string // that refused; "" where the subscription did
	Calls  int64
}

func (r Refusals) compare(o Refusals) int {
	return cmp.Or(r.Day.Compare(o.Day), cmp.Compare(r.User, o.User), cmp.Compare(r.Reason, o.Reason),
		cmp.Compare(r.Limit, o.Limit))
}

// RefusalStore keeps how many calls were refused.
type RefusalStore interface {
	// AddRefusals adds to what is counted. Those of users who were never seen are counted together.
	AddRefusals(ctx context.Context, counted []Refusals) error
}

// refusalCounter counts refused calls until they are written. Its zero value is ready for use.
type refusalCounter struct {
	mutex sync.Mutex
	calls map[Refusals]int64 // by all but Calls
}

// mostRefusals is how many kinds of refusals are kept in memory. Those of further users are counted together: whoever
// makes up names fills no memory with them.
const mostRefusals = 10_000

func (c *refusalCounter) add(r Refusals) {
	calls := r.Calls
	r.Calls = 0
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.calls == nil {
		c.calls = map[Refusals]int64{}
	}
	if _, known := c.calls[r]; !known && len(c.calls) >= mostRefusals {
		r.User = ""
	}
	c.calls[r] = AtMost(c.calls[r], calls)
}

// take returns what was counted, in an order that is the same for all who write, and forgets it.
func (c *refusalCounter) take() []Refusals {
	c.mutex.Lock()
	taken := c.calls
	c.calls = nil
	c.mutex.Unlock()
	list := make([]Refusals, 0, len(taken))
	for r, calls := range taken {
		r.Calls = calls
		list = append(list, r)
	}
	slices.SortFunc(list, Refusals.compare)
	return list
}

// WriteRefusals writes how many calls were refused since it was done last. What can't be written is kept for the next
// time.
func (s *Service) WriteRefusals(ctx context.Context, to RefusalStore) error {
	counted := s.refusals.take()
	if len(counted) == 0 {
		return nil
	}
	err := to.AddRefusals(ctx, counted)
	if err != nil {
		for _, r := range counted {
			s.refusals.add(r)
		}
	}
	return err
}

// refusalsEvery is how often refused calls are written while a process goes on.
const refusalsEvery = 3 * time.Second

// KeepRefusals writes how many calls were refused every few seconds, until ctx is done, and once more then.
func (s *Service) KeepRefusals(ctx context.Context, to RefusalStore, log *slog.Logger) {
	tick := time.NewTicker(refusalsEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		if err := s.WriteRefusals(writing, to); err != nil {
			log.Warn("how many calls were refused was not written", "error", err)
		}
		cancel()
	}
}

// RefusalDimension is what a report of refused calls is broken down by.
type RefusalDimension string

// The dimensions of refusals.
const (
	RefusedDay    RefusalDimension = "day"
	RefusedUser   RefusalDimension = "user"
	RefusedReason RefusalDimension = "reason"
	RefusedLimit  RefusalDimension = "limit"
)

// ParseRefusalDimensions reads a comma-separated list of dimensions.
func ParseRefusalDimensions(text string) (by []RefusalDimension, err error) {
	known := []string{string(RefusedDay), string(RefusedUser), string(RefusedReason), string(RefusedLimit)}
	for part := range strings.SplitSeq(text, ",") {
		d := RefusalDimension(strings.ToLower(strings.TrimSpace(part)))
		if !slices.Contains(known, string(d)) {
			return nil, failure.UnknownName(failure.Invalid, "dimension of refusals", part, known)
		}
		if slices.Contains(by, d) {
			return nil, failure.Invalidf("by names %s twice", d)
		}
		by = append(by, d)
	}
	return by, nil
}

// RefusalQuery says which refused calls are counted: those of whole UTC days from From until before To, of one user
// where one is given.
type RefusalQuery struct {
	From, To time.Time
	By       []RefusalDimension
	User     string
}

// Over returns the query for a whole month, or over its own days: see ReportQuery.
func (q RefusalQuery) Over(month string, now time.Time) (RefusalQuery, error) {
	days, err := ReportQuery{From: q.From, To: q.To}.Over(month, now)
	q.From, q.To = days.From, days.To
	return q, err
}

// RefusalReport is how many calls were refused, broken down.
type RefusalReport struct {
	Query RefusalQuery
	Rows  []Refusals // with what the query breaks down by; those of a day in order, else the most first
	Sum   int64
	Left  int // how many rows were left out; they are in the sum
}

// ReadRefusals is the storage that reports of refused calls need.
type ReadRefusals interface {
	// Refusals returns the query's rows in no particular order; what it does not break down by is empty.
	Refusals(ctx context.Context, q RefusalQuery) ([]Refusals, error)
}

// MakeRefusalReport returns the report of a query, with top above 0 of that many rows, those with the most calls.
func MakeRefusalReport(ctx context.Context, store ReadRefusals, q RefusalQuery, top int) (RefusalReport, error) {
	if err := (ReportQuery{From: q.From, To: q.To}).Validate(); err != nil {
		return RefusalReport{}, err
	}
	rows, err := store.Refusals(ctx, q)
	if err != nil {
		return RefusalReport{}, err
	}
	r := RefusalReport{Query: q}
	for _, row := range rows {
		r.Sum = AtMost(r.Sum, row.Calls)
	}
	slices.SortFunc(rows, func(a, b Refusals) int { return cmp.Or(cmp.Compare(b.Calls, a.Calls), a.compare(b)) })
	if top > 0 && len(rows) > top {
		r.Left = len(rows) - top
		rows = rows[:top]
	}
	slices.SortStableFunc(rows, func(a, b Refusals) int { return a.Day.Compare(b.Day) })
	r.Rows = rows
	return r, nil
}
