package usage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Month is a month of the calendar, in UTC: 202608 is August 2026.
type Month int

// MonthOf returns the month of a moment.
func MonthOf(at time.Time) Month {
	at = at.UTC()
	return Month(at.Year()*100 + int(at.Month()))
}

// Start returns the month's first moment.
func (m Month) Start() time.Time {
	return time.Date(int(m)/100, time.Month(int(m)%100), 1, 0, 0, 0, 0, time.UTC)
}

// End returns the first moment after the month.
func (m Month) End() time.Time { return m.Start().AddDate(0, 1, 0) }

// Next returns the month after it.
func (m Month) Next() Month { return MonthOf(m.End()) }

// String returns the month as 2026-08.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/100, int(m)%100) }

// FileName returns the name of the file that the month's log rows are archived in.
func (m Month) FileName() string { return "usage-" + m.String() + ".jsonl.gz" }

// ManifestName returns the name of the file that describes that one.
func (m Month) ManifestName() string { return "usage-" + m.String() + ".manifest.json" }

// LogMonth is what the log holds of a month.
type LogMonth struct {
	Month Month
	Rows  int64
	Cost  pricing.Total
}

// Archive is a month whose log rows were moved to a file.
type Archive struct {
	LogMonth
	File   string // its name, without a directory
	SHA256 string // of the file
	At     time.Time

	// Of the rows as they were written, and not stored: what MonthContent.Sum has of
	// them, and what MonthRows has returned.
	Content string
	Stamp   int64
}

// ErrMonthChanged is in the chain of the failure of Archive where the log has no longer
// what was written to the file: it can be written again.
var ErrMonthChanged = errors.New("the month has changed since it was written")

// ArchiveStore is the storage that archiving needs.
type ArchiveStore interface {
	// Months returns the months that end at or before a moment and have log rows,
	// oldest first.
	Months(ctx context.Context, before time.Time) ([]LogMonth, error)
	// MonthRows calls fn with each log row of a month, in the order in which they
	// happened, from one state of the database. An error of fn ends it. The stamp that
	// it returns is another one once a row of the log has been changed.
	MonthRows(ctx context.Context, month Month, fn func(*Entry) error) (stamp int64, err error)
	// Archive takes the rows of a month from the log, and keeps what they add up to,
	// if they are still what was written. If not, it is a conflict failure with
	// ErrMonthChanged and nothing changes; so it is, without that, for a month that is
	// archived already.
	Archive(ctx context.Context, audit Audit, archive Archive) error
	// ArchiveClosed does the same for a month that is recorded into all the time: nobody
	// can while write writes the rows that it is given, and returns what it has written.
	// It may be called more than once, and again writes all of them.
	ArchiveClosed(ctx context.Context, audit Audit, month Month, write func(MonthRows) (Archive, error)) error
	// Archives returns the archived months, oldest first.
	Archives(ctx context.Context) ([]Archive, error)
	// Restore puts the rows of an archived month back into the log as they were; it
	// is archived no more. The rows may be read more than once; an error among them
	// is returned, and nothing has changed.
	Restore(ctx context.Context, audit Audit, archive Archive, rows iter.Seq2[Entry, error]) error
}

// MonthRows calls a function with each log row of a month, in the order in which they
// happened.
type MonthRows func(fn func(*Entry) error) error

// archivedFailure refuses an event whose month is archived in a file.
func archivedFailure(month Month, file string) error {
	return failure.Conflictf("the month %s is archived in %s: nothing can be recorded in it", month, file).
		WithReason("archived").WithHint("bring the month back first: alwrity-sub usage restore %s", file)
}

// MonthContent turns the log rows of a month into the lines of its file, one after
// another, and sums them up.
type MonthContent struct {
	Rows        int64
	First, Last time.Time

	cost  pricing.Total
	small int64 // of the cost, what is not in cost yet
	hash  hash.Hash
	line  []byte
}

// NewMonthContent returns the content of no rows.
func NewMonthContent() *MonthContent { return &MonthContent{hash: sha256.New()} }

// Line adds a row and returns its line, which is gone with the next one.
func (c *MonthContent) Line(e *Entry) ([]byte, error) {
	line, err := appendArchived(c.line[:0], e)
	if err != nil {
		return nil, err
	}
	c.line = line
	c.hash.Write(line) // which never fails
	c.Rows++
	if c.First.IsZero() {
		c.First = e.Time
	}
	c.Last = e.Time
	if c.small > math.MaxInt64-int64(e.Cost) {
		c.cost, c.small = c.Cost(), 0
	}
	c.small += int64(e.Cost)
	return line, nil
}

// Cost returns what the rows cost.
func (c *MonthContent) Cost() pricing.Total {
	return c.cost.Add(pricing.TotalOf(pricing.USD(c.small)))
}

// Sum returns what is equal only for equal rows.
func (c *MonthContent) Sum() string { return hex.EncodeToString(c.hash.Sum(nil)) }

// appendArchived appends the line of a row: its fields as an import reads them, without those that are
// empty.
func appendArchived(line []byte, e *Entry) ([]byte, error) {
	first := len(line) + 1
	line = append(line, '{')
	for i := range entryFields {
		f := &entryFields[i]
		if f.empty(e) && f.Name != pricing.Requests.String() { // an import takes none given for one
			continue
		}
		if len(line) > first {
			line = append(line, ',')
		}
		line = append(append(append(line, '"'), f.Name...), `":`...)
		var err error
		if line, err = f.appendJSON(line, e); err != nil {
			return nil, failure.New(failure.Internal, "the event %q can't be written: %s", e.ID, err).Because(err)
		}
	}
	return append(line, "}\n"...), nil
}

// mustBeOpen refuses an event of a month that is archived.
func (p *posting) mustBeOpen(at time.Time) error {
	if len(p.archived) == 0 {
		return nil
	}
	month := MonthOf(at)
	if file, ok := p.archived[month]; ok {
		return archivedFailure(month, file)
	}
	return nil
}

// months returns the months of events, each once: mostly it is one.
func (p *posting) months(events []*Event) []Month {
	var months []Month
	var from, to int64 // of the month that was looked at last, in seconds since 1970
	for _, e := range events {
		at := e.Time
		if at.IsZero() {
			at = p.now
		}
		if seconds := at.Unix(); seconds >= from && seconds < to {
			continue
		}
		month := MonthOf(at)
		from, to = month.Start().Unix(), month.End().Unix()
		if !slices.Contains(months, month) {
			months = append(months, month)
		}
	}
	slices.Sort(months) // everyone locks them in one order
	return months
}
