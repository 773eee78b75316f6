package usage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// FileFormat is the format of an event file.
type FileFormat string

// The formats.
const (
	JSONLines FileFormat = "jsonl"
	CSV       FileFormat = "csv"
)

// ImportOptions say how a file is imported.
type ImportOptions struct {
	Format   FileFormat
	Strict   bool           // reject what has no price
	Rejects  io.Writer      // gets the rows that were not recorded, as they stand; may be nil
	Progress func(rows int) // is told how many rows more are done; may be nil
}

const (
	importBatch  = 10_000 // rows of one transaction
	mostProblems = 10     // that are shown one by one
)

// Import records the events of a file. A bad row stops nothing: it is counted,
// and written to the rejects. A row without an id gets one that is derived from
// its content and how often that has occurred in the file, so importing the file
// again adds nothing. Interrupted, it has recorded whole batches, and may simply
// be run again; the result says how far it came, also with an error.
func (s *Service) Import(ctx context.Context, now time.Time, r io.Reader, opts ImportOptions) (ImportResult, error) {
	run := &importing{service: s, now: now, opts: opts, occurrences: map[[16]byte]int64{}, events: newEventReader()}
	if run.opts.Rejects == nil {
		run.opts.Rejects = io.Discard
	}
	rows, err := run.open(r)
	if err != nil {
		return ImportResult{}, err
	}
	if err := run.loadProviders(ctx); err != nil {
		return ImportResult{}, err
	}
	err = run.all(ctx, rows)
	for _, name := range slices.Sorted(maps.Keys(run.events.unread)) {
		run.result.Unread = append(run.result.Unread, UnreadField{name, run.events.unread[name]})
	}
	return run.result, err
}

// importing is an import under way.
type importing struct {
	service     *Service
	now         time.Time
	opts        ImportOptions
	events      *eventReader
	providers   pricing.Providers
	occurrences map[[16]byte]int64 // of contents without an id
	header      []byte             // of a CSV file, until it was written to the rejects
	batch       []row
	result      ImportResult
}

func (run *importing) open(r io.Reader) (rowReader, error) {
	lines := newLineReader(r, &rejectSink{run: run})
	if run.opts.Format == JSONLines {
		return &jsonlReader{lines: lines, events: run.events}, nil
	}
	rows := &csvReader{lines: lines, events: run.events}
	err := rows.readHeader()
	run.header = rows.raw
	return rows, err
}

// rejectSink writes the rest of a line that is too long for memory to the rejects.
type rejectSink struct{ run *importing }

// Write implements io.Writer.
func (s *rejectSink) Write(p []byte) (int, error) {
	if err := s.run.writeHeader(); err != nil {
		return 0, err
	}
	return s.run.opts.Rejects.Write(p)
}

func (run *importing) loadProviders(ctx context.Context) error {
	return run.service.Store.View(ctx, func(r Reader) error {
		book, err := r.Book(ctx, "")
		if err == nil {
			run.providers = book.Providers
		}
		return err
	})
}

func (run *importing) all(ctx context.Context, rows rowReader) error {
	for {
		r, err := rows.next()
		if errors.Is(err, io.EOF) {
			return run.flush(ctx)
		}
		if err != nil {
			return failure.Unavailablef("the file can't be read any further after %d rows: %s", run.result.Read, err).Because(err)
		}
		run.result.Read++
		if r.err == nil {
			r.err = run.prepare(&r.event)
		}
		if r.err != nil {
			if err := run.reject(r, r.err); err != nil {
				return err
			}
			continue
		}
		run.batch = append(run.batch, r)
		if len(run.batch) == importBatch {
			if err := run.flush(ctx); err != nil {
				return err
			}
		}
	}
}

// prepare checks what can be checked without the database, and gives the event an
// id if it has none.
func (run *importing) prepare(e *Event) error {
	if e.ID == "" {
		e.ID = run.deriveID(*e)
	}
	if err := e.Validate(); err != nil {
		return err
	}
	_, err := run.providers.Find(e.Provider)
	return err
}

// deriveID makes an id of an event's content and of how often this content has
// occurred in the file before.
func (run *importing) deriveID(e Event) string {
	h := sha256.New()
	at := ""
	if !e.Time.IsZero() {
		at = e.Time.Format(time.RFC3339Nano)
	}
	fmt.Fprintf(h, "%q %q %q %q %q %v %q %q %d %d %q %d %t", e.UserID, e.Provider, e.Model, e.Vendor, at, e.Quantities,
		e.Endpoint, e.Method, e.StatusCode, e.ResponseTimeMS, e.ErrorMessage, e.RetryCount, e.Billable)
	var content [16]byte
	copy(content[:], h.Sum(nil))
	run.occurrences[content]++
	return fmt.Sprintf("row-%s-%d", hex.EncodeToString(content[:]), run.occurrences[content])
}

// flush records the batch in one transaction.
func (run *importing) flush(ctx context.Context) error {
	if len(run.batch) == 0 {
		return nil
	}
	outcomes, err := run.record(ctx, run.batch)
	if err != nil {
		return err
	}
	for i, o := range outcomes {
		if err := run.count(run.batch[i], o); err != nil {
			return err
		}
	}
	if run.opts.Progress != nil {
		run.opts.Progress(len(run.batch))
	}
	run.batch = run.batch[:0]
	return nil
}

func (run *importing) record(ctx context.Context, rows []row) ([]Outcome, error) {
	events := make([]Event, len(rows))
	users := make([]string, len(rows))
	for i, r := range rows {
		events[i], users[i] = r.event, r.event.UserID
	}
	var outcomes []Outcome
	err := run.service.Store.Update(ctx, users, run.now, func(tx Tx) error {
		var err error
		outcomes, err = run.service.newPosting(tx, run.now, RecordOptions{Strict: run.opts.Strict}).post(ctx, events)
		return err
	})
	if err == nil || !refused(err) || len(rows) == 1 {
		if err != nil && refused(err) {
			return []Outcome{{Err: err}}, nil
		}
		return outcomes, err
	}
	// A total that would become too large fails the whole batch: by halves, only
	// the rows at fault are left out.
	half := len(rows) / 2
	first, err := run.record(ctx, rows[:half])
	if err != nil {
		return nil, err
	}
	second, err := run.record(ctx, rows[half:])
	return append(first, second...), err
}

func (run *importing) count(r row, o Outcome) error {
	if o.Err != nil {
		return run.reject(r, o.Err)
	}
	if o.Status == Duplicate {
		run.result.Duplicates++
		return nil
	}
	run.result.Recorded++
	run.result.Cost = run.result.Cost.Add(pricing.TotalOf(o.Entry.Cost))
	if o.Entry.Basis == pricing.Unpriced && o.Entry.Counts() {
		run.result.Unpriced++
	}
	if len(o.OverLimit) > 0 {
		run.result.OverLimit++
	}
	return nil
}

func (run *importing) reject(r row, reason error) error {
	if failure.Is(reason, failure.Conflict) {
		run.result.Conflicts++
	} else {
		run.result.Rejected++
	}
	if len(run.result.Problems) < mostProblems {
		text := reason.Error()
		var f *failure.Error
		if errors.As(reason, &f) && f.Hint != "" && !failure.Is(reason, failure.Conflict) {
			text += "; " + f.Hint
		}
		run.result.Problems = append(run.result.Problems, ImportProblem{r.line, text})
	}
	if r.spilled {
		return nil
	}
	if err := run.writeHeader(); err != nil {
		return err
	}
	if _, err := run.opts.Rejects.Write(append(slices.Clip(r.raw), '\n')); err != nil {
		return rejectsFailure(err)
	}
	return nil
}

// writeHeader writes the header of a CSV file before the first reject, so that
// the rejects can be imported once they are mended.
func (run *importing) writeHeader() error {
	if run.header == nil {
		return nil
	}
	header := append(slices.Clip(run.header), '\n')
	run.header = nil
	if _, err := run.opts.Rejects.Write(header); err != nil {
		return rejectsFailure(err)
	}
	return nil
}

func rejectsFailure(err error) error {
	return failure.Unavailablef("the rejects file can't be written: %s", err).
		WithHint("free some space or name another file with --rejects, and run the import again: nothing is recorded twice").Because(err)
}
