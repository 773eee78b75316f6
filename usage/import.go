package usage

import (
	"cmp"
	"context"
	"errors"
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
	JSONArray FileFormat = "json" // a list, or objects of several lines
)

// ImportOptions say how a file is imported.
type ImportOptions struct {
	Format      FileFormat // "": as the file itself tells
	Name        string     // the file's, for messages
	Mapping     Mapping
	Time        time.Time      // of rows that have none; zero: they are bad
	Provider    string         // of rows that name none
	User        string         // likewise
	AllowFuture bool           // take rows whose time is still to come
	DryRun      bool           // record nothing, and say what would have been
	Strict      bool           // reject what has no price
	KnownUsers  bool           // reject the rows of users who were never seen
	Rejects     io.Writer      // gets the rows that were not recorded, as they stand; may be nil
	Progress    func(rows int) // is told how many rows more are done; may be nil
	// Hint words what to do about a bad row; nil: only hints that need no words of the caller's.
	Hint func(*failure.Error) string
}

const (
	importBatch  = 5_000 // rows that are read, and judged, at a time
	mostProblems = 10    // that are shown one by one
)

// Import records the events of a file. A bad row stops nothing: it is counted, and written to the
// rejects. A row without an id gets one that is derived from its content and how often that has
// occurred in the file, so importing the file again adds nothing. Interrupted, it has recorded whole
// batches, and may simply be run again; the result says how far it came, also with an error. It
// returns once nothing reads from r any more.
//
// Of an io.ReadSeeker the names of all fields are looked at first: where one looks as if it mattered and is not read,
// nothing is recorded. Of another reader that is so for the first rows; a later one ends the import.
//
// A dry run reads the database and the file alike, and writes nothing but the rejects, where somebody wants them.
func (s *Service) Import(ctx context.Context, now time.Time, r io.Reader, opts ImportOptions) (ImportResult, error) {
	if !opts.DryRun {
		return s.importFile(ctx, now, r, opts)
	}
	dry := newDryStore(s.Store, opts.KnownUsers)
	result, err := (&Service{Store: dry, Thresholds: s.Thresholds}).importFile(ctx, now, r, opts)
	result.DryRun = dry.result()
	return result, err
}

func (s *Service) importFile(
	ctx context.Context, now time.Time, r io.Reader, opts ImportOptions,
) (ImportResult, error) {
	tree := newColumnTree(false)
	if err := tree.apply(opts.Mapping); err != nil {
		return ImportResult{}, err
	}
	if err := checkNames(ctx, r, tree, opts); err != nil {
		return ImportResult{}, err
	}
	run := &importing{service: s, now: now, opts: opts, events: makeEventReader(tree), rejects: rejects{out: opts.Rejects}}
	run.events.fallback = opts.Provider
	if opts.Rejects == nil {
		run.rejects.out = io.Discard
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reader := newBatchReader(run, ctx)
	run.reader, run.recorders, run.routes = reader, s.recorders(), newIDRoutes()
	if err := reader.loadBook(ctx, s.Store); err != nil {
		return ImportResult{}, err
	}
	var reading error
	go func() {
		defer close(reader.batches)
		defer catchFault(&reading)
		reading = reader.all(r)
	}()
	if err := run.record(ctx, reader.batches); err != nil {
		stop()
		for b := range reader.batches { // until the reader has ended
			reader.finished(b)
		}
		return run.result, err
	}
	slices.SortStableFunc(run.result.Reasons, func(a, b ImportReason) int { return cmp.Compare(b.Rows, a.Rows) })
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
	if r.Rejected+r.Conflicts == 0 || run.opts.DryRun {
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

// importing is an import under way: one goroutine reads the file, another hands its batches to the
// recorder and counts what becomes of them.
type importing struct {
	service *Service
	now     time.Time
	opts    ImportOptions
	events  *eventReader
	rejects rejects
	reader  *batchReader

	recorders *recorders
	routes    *idRoutes
	pending   []handedIn // batches in the order of the file
	result    ImportResult
}

// handedIn is a batch that recorders have, with the requests of its good rows in their order.
type handedIn struct {
	fileBatch
	ops  []*operation // one for each recorder
	done chan struct{}
}

// record records batches until there are no more. It hands in some before it has heard of those
// before them, so that the recorder has enough for its next transaction.
func (run *importing) record(ctx context.Context, batches <-chan fileBatch) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	load := run.service.Store.Load()
	mostPending := load.Rows/importBatch + readAhead
	if !load.GoesOn { // the next transactions have what waits when they begin
		mostPending = 2 * len(run.recorders.all) * load.Rows / importBatch
	}
	for batches != nil || len(run.pending) > 0 {
		more := batches
		if len(run.pending) >= mostPending {
			more = nil
		}
		var first <-chan struct{}
		if len(run.pending) > 0 {
			first = run.pending[0].done
		}
		select {
		case <-ctx.Done():
			return run.giveUp(context.Cause(ctx))
		case <-first:
			if err := run.finishFirst(); err != nil {
				stop(err)
				return run.giveUp(context.Cause(ctx)) // which came first
			}
		case b, ok := <-more:
			if ok {
				run.handIn(ctx, stop, b)
			} else {
				batches = nil
			}
		}
	}
	return nil
}

// giveUp takes back what the recorder has not begun, counts what it has done by then, and returns err.
func (run *importing) giveUp(err error) error {
	for len(run.pending) > 0 {
		for _, op := range run.pending[0].ops {
			op.wait()
		}
		_ = run.finishFirst() // err came before
	}
	return err
}

// handIn hands a batch to the recorders: all calls of a user to the same one, and all of a dry run; but those with an
// id that is under way go behind it.
func (run *importing) handIn(ctx context.Context, stop context.CancelCauseFunc, b fileBatch) {
	run.result.Read += int64(len(b.rows))
	opts := RecordOptions{Strict: run.opts.Strict, AllowFuture: run.opts.AllowFuture, KnownUser: run.opts.KnownUsers}
	each := &order{now: run.now, opts: opts, records: true, decide: (*batch).record, stop: stop}
	shares := make([][]*request, len(run.recorders.all))
	run.routes.begin()
	for i := range b.rows {
		if b.rows[i].err != nil {
			continue
		}
		event := &b.rows[i].event
		b.requests = append(b.requests, request{order: each, event: event})
		share := 0 // a dry run keeps the rows in their order: which of two with one id comes first is what it tells
		if !run.opts.DryRun && len(shares) > 1 {
			share = run.routes.of(event.ID, run.recorders.share(event.UserID))
		}
		shares[share] = append(shares[share], &b.requests[len(b.requests)-1])
	}
	h := handedIn{fileBatch: b, done: make(chan struct{})}
	for i, requests := range shares {
		h.ops = append(h.ops, run.service.submit(ctx, run.recorders.all[i], requests))
	}
	go func() {
		defer close(h.done)
		for _, op := range h.ops {
			<-op.done
		}
	}()
	run.pending = append(run.pending, h)
}

// finishFirst counts what became of the first batch that is pending, writes its bad rows to the
// rejects, and lets its reader go on. What the storage refused is an error.
func (run *importing) finishFirst() error {
	b := run.pending[0]
	run.pending = slices.Delete(run.pending, 0, 1) // which keeps nothing of it
	run.routes.finished++
	defer run.reader.finished(b.fileBatch)
	var failed error
	cost, results := batchCost{}, b.requests
	for i := range b.rows {
		row := &b.rows[i]
		if row.err == nil {
			run.count(&results[0], &cost)
			row.err, results = results[0].err, results[1:]
		}
		switch {
		case row.err == nil:
		case !isRefusal(row.err):
			failed = cmp.Or(failed, row.err)
		default:
			failed = cmp.Or(failed, run.reject(row))
		}
	}
	run.result.Cost = run.result.Cost.Add(cost.total())
	if failed == nil && run.opts.Progress != nil {
		run.opts.Progress(len(b.rows))
	}
	return failed
}

// count counts what became of a good row.
func (run *importing) count(r *request, cost *batchCost) {
	switch {
	case r.err != nil:
	case r.status == Duplicate:
		run.result.Duplicates++
	default:
		run.result.Recorded++
		cost.add(r.cost)
		if r.unpriced {
			run.result.Unpriced++
		}
		if r.overLimit {
			run.result.OverLimit++
		}
		if r.caveats.Averaged {
			run.result.Averaged++
		}
		if r.caveats.NoTier {
			run.result.NoTier++
		}
	}
}

// batchCost is the cost of some rows: a plain number as long as it fits, which is much faster.
type batchCost struct {
	sum  pricing.USD
	more pricing.Total
}

func (c *batchCost) add(cost pricing.USD) {
	sum, err := c.sum.Add(cost)
	if err != nil {
		c.more = c.more.Add(pricing.TotalOf(c.sum))
		sum = cost
	}
	c.sum = sum
}

func (c *batchCost) total() pricing.Total { return c.more.Add(pricing.TotalOf(c.sum)) }

// isRefusal tells whether an error concerns a row and not the storage.
func isRefusal(err error) bool {
	return !failure.OfStorage(err) && !failure.Is(err, failure.Internal)
}

// reject counts a row that is not recorded, and writes it to the rejects.
func (run *importing) reject(bad *row) error {
	conflict := failure.Is(bad.err, failure.Conflict)
	if conflict {
		run.result.Conflicts++
	} else {
		run.result.Rejected++
	}
	run.result.noteReason(bad.err.Error())
	if len(run.result.Problems) < mostProblems {
		text := bad.err.Error()
		var f *failure.Error
		if errors.As(bad.err, &f) && !conflict {
			hint := f.Hint
			if run.opts.Hint != nil {
				hint = run.opts.Hint(f)
			}
			if hint != "" {
				text += "; " + hint
			}
		}
		run.result.Problems = append(run.result.Problems, ImportProblem{bad.line, text})
	}
	if bad.spilled {
		return nil
	}
	return run.rejects.write(bad.raw)
}
