package usage

import (
	"context"
	"errors"
	"hash/maphash"
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
	Name     string         // the file's, for the notification of rows that were rejected
	Strict   bool           // reject what has no price
	Rejects  io.Writer      // gets the rows that were not recorded, as they stand; may be nil
	Progress func(rows int) // is told how many rows more are done; may be nil
}

const (
	importBatch  = 5_000 // rows that are read, and judged, at a time
	mostProblems = 10    // that are shown one by one
)

// Import records the events of a file. A bad row stops nothing: it is counted,
// and written to the rejects. A row without an id gets one that is derived from
// its content and how often that has occurred in the file, so importing the file
// again adds nothing. Interrupted, it has recorded whole batches, and may simply
// be run again; the result says how far it came, also with an error.
func (s *Service) Import(ctx context.Context, now time.Time, r io.Reader, opts ImportOptions) (ImportResult, error) {
	run := &importing{service: s, now: now, opts: opts, events: newEventReader(), rejects: rejects{out: opts.Rejects}, seed: maphash.MakeSeed()}
	for _, watch := range s.Store.Watches(s.Store.Bulk().Writers) {
		run.writers = append(run.writers, &writer{watch: watch})
	}
	if opts.Rejects == nil {
		run.rejects.out = io.Discard
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reader := newBatchReader(run, ctx)
	if err := reader.loadProviders(ctx, s.Store); err != nil {
		return ImportResult{}, err
	}
	var reading error
	go func() {
		defer close(reader.batches)
		reading = reader.all(r)
	}()
	if err := run.record(ctx, reader.batches); err != nil {
		return run.result, err // and leave the reader, who may wait for input for ever
	}
	for _, name := range slices.Sorted(maps.Keys(run.events.unread)) {
		run.result.Unread = append(run.result.Unread, UnreadField{name, run.events.unread[name]})
	}
	if err := run.notifyRejected(ctx); err != nil {
		return run.result, errors.Join(reading, err)
	}
	return run.result, reading
}

// notifyRejected adds a notification if rows were not recorded.
func (run *importing) notifyRejected(ctx context.Context) error {
	r := &run.result
	if r.Rejected+r.Conflicts == 0 {
		return nil
	}
	id, err := NewID()
	if err != nil {
		return err
	}
	return run.service.Store.Update(ctx, nil, run.now, func(tx Tx) error {
		return tx.AddNotifications(ctx, []Notification{r.rejectedNotification(id, run.opts.Name, run.now)})
	})
}

// importing is an import under way: one goroutine reads the file, another records.
type importing struct {
	service  *Service
	now      time.Time
	opts     ImportOptions
	events   *eventReader
	rejects  rejects
	writers  []*writer
	seed     maphash.Seed // by which users are shared among the writers
	apart    *batch       // that is to be recorded alone, after those before it
	gathered []row        // the memory of several batches that are recorded at once
	result   ImportResult
}

// writer records in one transaction after another.
type writer struct {
	watch     Watch
	posting   *posting // what was read of users so far
	committed bool     // the transaction that the posting was used in last
	careful   bool     // events of that transaction had been recorded before
}

// record records batches until there are no more.
func (run *importing) record(ctx context.Context, batches <-chan batch) error {
	bulk := run.service.Store.Bulk()
	pause := time.After(0)
	for {
		b, more, err := run.next(ctx, batches)
		if err != nil || !more {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause:
		}
		switch {
		case bulk.Writers > 1:
			err = run.sideBySide(ctx, run.gather(b, batches, bulk.Rows), bulk)
		case b.enormous():
			err = run.sideBySide(ctx, b, bulk)
		default:
			err = run.series(ctx, b, batches, bulk)
		}
		if err != nil {
			return err
		}
		pause = time.After(bulk.Pause)
	}
}

// next waits for a batch, for the end of the file, or for an interruption.
func (run *importing) next(ctx context.Context, batches <-chan batch) (b batch, more bool, err error) {
	if apart := run.apart; apart != nil {
		run.apart = nil
		return *apart, true, nil
	}
	select {
	case <-ctx.Done():
		return b, false, ctx.Err()
	case b, more = <-batches:
		return b, more, nil
	}
}

// tally is what became of rows, until it is certain: after the commit.
type tally struct {
	rows   int
	done   []func() // of the batches
	result ImportResult
	cost   pricing.USD // that is still to be added to the result's
	bad    []badRow
}

// badRow is a row that is not recorded, and why.
type badRow struct {
	row
	reason error
}

// note counts the rows of a batch; result tells what became of a good one, by its
// place among the rows.
func (t *tally) note(b batch, result func(i int) posted) {
	t.rows += len(b.rows)
	t.done = append(t.done, b.done)
	for i := range b.rows {
		if r := &b.rows[i]; r.err != nil {
			t.bad = append(t.bad, badRow{*r, r.err})
		} else if o := result(i); o.err != nil {
			t.bad = append(t.bad, badRow{*r, o.err})
		} else {
			t.noteRecorded(o)
		}
	}
}

func (t *tally) noteRecorded(o posted) {
	if o.status == Duplicate {
		t.result.Duplicates++
		return
	}
	t.result.Recorded++
	t.charge(o.entry.Cost)
	if o.entry.Basis == pricing.Unpriced && o.entry.Counts() {
		t.result.Unpriced++
	}
	if len(o.over) > 0 {
		t.result.OverLimit++
	}
}

// charge adds a cost: as long as they fit to a plain number, which is much faster.
func (t *tally) charge(cost pricing.USD) {
	sum, err := t.cost.Add(cost)
	if err != nil {
		t.result.Cost = t.result.Cost.Add(pricing.TotalOf(t.cost))
		sum = cost
	}
	t.cost = sum
}

// finish adds a tally to the result, writes its bad rows to the rejects, and lets the
// reader of its batches go on.
func (run *importing) finish(t tally) error {
	r := &run.result
	r.Recorded += t.result.Recorded
	r.Duplicates += t.result.Duplicates
	r.Unpriced += t.result.Unpriced
	r.OverLimit += t.result.OverLimit
	r.Cost = r.Cost.Add(t.result.Cost).Add(pricing.TotalOf(t.cost))
	for _, bad := range t.bad {
		if err := run.reject(bad); err != nil {
			return err
		}
	}
	if run.opts.Progress != nil {
		run.opts.Progress(t.rows)
	}
	for _, done := range t.done {
		done()
	}
	return nil
}

func (run *importing) reject(bad badRow) error {
	if failure.Is(bad.reason, failure.Conflict) {
		run.result.Conflicts++
	} else {
		run.result.Rejected++
	}
	if len(run.result.Problems) < mostProblems {
		text := bad.reason.Error()
		var f *failure.Error
		if errors.As(bad.reason, &f) && f.Hint != "" && !failure.Is(bad.reason, failure.Conflict) {
			text += "; " + f.Hint
		}
		run.result.Problems = append(run.result.Problems, ImportProblem{bad.line, text})
	}
	if bad.spilled {
		return nil
	}
	return run.rejects.write(bad.raw)
}
