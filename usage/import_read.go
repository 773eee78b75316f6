package usage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// fileBatch is some rows of a file, good and bad, in their order.
type fileBatch struct {
	rows     []row
	requests []request // memory for those of the rows
}

// batchReader reads a file ahead of what is recorded.
type batchReader struct {
	run         *importing
	ctx         context.Context //nolint:containedctx // of the one import that it reads for
	book        *pricing.Book
	sent        bool               // some rows were handed over
	occurrences map[[16]byte]int64 // of contents without an id
	next        fileBatch
	batches     chan fileBatch
	unfinished  sync.WaitGroup // batches that are not recorded yet
	spare       chan fileBatch // that are needed no more, to be overwritten
}

// readAhead is how many batches may wait to be handed in.
const readAhead = 2

// mostSpare is how many batches are kept to be overwritten: those of a transaction come back together.
const mostSpare = 20

func newBatchReader(run *importing, ctx context.Context) *batchReader {
	b := &batchReader{run: run, ctx: ctx, occurrences: map[[16]byte]int64{},
		batches: make(chan fileBatch, readAhead), spare: make(chan fileBatch, mostSpare)}
	b.next = b.empty()
	return b
}

func (b *batchReader) open(s *source) (rowReader, error) {
	switch s.format {
	case JSONArray:
		return newJSONLReader(newElements(s.text, spill{b}), b.run.events), nil
	case JSONLines:
		return newJSONLReader(newLineReader(s.text, spill{b}), b.run.events), nil
	}
	rows := newCSVReader(newLineReader(s.text, spill{b}), b.run.events)
	rows.mapped = b.run.opts.Mapping.Map
	for field, given := range map[string]string{"user_id": b.run.opts.User, "provider": b.run.opts.Provider} {
		if given != "" {
			rows.optional = append(rows.optional, field)
		}
	}
	err := rows.readHeader()
	b.run.rejects.header = rows.raw
	return rows, err
}

func (b *batchReader) loadBook(ctx context.Context, store Store) error {
	return store.View(ctx, func(r Reader) (err error) {
		b.book, err = r.Book(ctx, "")
		return err
	})
}

// all reads the file to its end.
func (b *batchReader) all(r io.Reader) error {
	file, err := openSource(r, b.run.opts.Name, b.run.opts.Format)
	if err != nil {
		return describeDamage(err, b.run.opts.Name, 0)
	}
	defer file.close()
	rows, err := b.open(file)
	if err != nil {
		return err
	}
	read := 0
	for {
		r, err := rows.next()
		if errors.Is(err, io.EOF) {
			return b.send()
		}
		if err != nil {
			return b.endEarly(err, read)
		}
		read++
		if r.err == nil {
			r.err = b.prepare(&r.event)
		}
		if isSuspect(r.err) {
			return b.stopAt(r)
		}
		b.next.rows = append(b.next.rows, r)
		if len(b.next.rows) == importBatch {
			if err := b.send(); err != nil {
				return err
			}
		}
	}
}

// endEarly hands over what was read before an error of the file, which it returns.
func (b *batchReader) endEarly(err error, read int) error {
	if sendErr := b.send(); sendErr != nil {
		return sendErr
	}
	if b.ctx.Err() != nil {
		return b.ctx.Err()
	}
	if _, damaged := errors.AsType[damagedError](err); damaged {
		return describeDamage(err, b.run.opts.Name, read)
	}
	if isRefusal(err) {
		return err
	}
	return failure.Unavailablef("the file can't be read any further after %d rows: %s", read, err).Because(err)
}

// stopAt ends the import at a row with a field that looks as if it mattered, and that is not read. Of the first rows
// nothing is recorded.
func (b *batchReader) stopAt(bad row) error {
	if b.sent {
		if err := b.send(); err != nil {
			return err
		}
	}
	var f failure.Error
	if found, ok := errors.AsType[*failure.Error](bad.err); ok {
		f = *found
	}
	f.Message = fmt.Sprintf("line %d: %s", bad.line, f.Message)
	return &f
}

// send hands the rows over that were read so far.
func (b *batchReader) send() error {
	if len(b.next.rows) == 0 {
		return nil
	}
	b.sent = true
	b.unfinished.Add(1)
	select {
	case b.batches <- b.next:
		b.next = b.empty()
		return nil
	case <-b.ctx.Done():
		b.unfinished.Done()
		return b.ctx.Err()
	}
}

// empty returns a batch without rows, in the memory of one that is needed no more.
func (b *batchReader) empty() fileBatch {
	select {
	case old := <-b.spare:
		return fileBatch{old.rows[:0], old.requests[:0]}
	default:
		return fileBatch{make([]row, 0, importBatch), make([]request, 0, importBatch)}
	}
}

// finished takes a batch back that is recorded, and of which the bad rows are rejected.
func (b *batchReader) finished(old fileBatch) {
	clear(old.rows) // or they would keep the bytes of their lines
	clear(old.requests[:cap(old.requests)])
	select {
	case b.spare <- old:
	default:
	}
	b.unfinished.Done()
}

// prepare checks what can be checked without the database, and gives the event an
// id if it has none.
func (b *batchReader) prepare(e *Event) error {
	opts := &b.run.opts
	if e.Time.IsZero() {
		if opts.Time.IsZero() {
			return failure.Invalidf("time is missing").WithReason("no_time")
		}
		e.Time = opts.Time
	}
	e.Provider, e.UserID = cmp.Or(e.Provider, opts.Provider), cmp.Or(e.UserID, opts.User)
	if e.ID == "" {
		e.ID = b.deriveID(*e)
	}
	if err := e.Validate(); err != nil {
		return err
	}
	if _, err := b.book.Providers.Find(e.Provider); err != nil {
		return err
	}
	return b.checkCounted(e)
}

// checkCounted returns an invalid failure for a call whose price counts something, and which says nothing of it.
func (b *batchReader) checkCounted(e *Event) error {
	if !e.Counts() {
		return nil
	}
	call := e.Call()
	counted := b.book.Counted(&call)
	if len(counted) == 0 || slices.ContainsFunc(counted, b.run.events.gives) {
		return nil
	}
	return notCounted(e, counted)
}

// notCounted is the failure of a call that gives nothing that its price counts.
func notCounted(e *Event, counted []pricing.Quantity) error {
	names := make([]string, len(counted))
	for i, q := range counted {
		names[i] = q.String()
	}
	return failure.Invalidf("there is nothing that this price counts: %s %s costs by %s", e.Provider, quoted(e.Model),
		strings.Join(names, ", "))
}

// deriveID makes an id of an event's content and of how often this content has
// occurred in the file before.
func (b *batchReader) deriveID(e Event) string {
	h := sha256.New()
	at := ""
	if !e.Time.IsZero() {
		at = e.Time.Format(time.RFC3339Nano)
	}
	var common []string // quantities, in their order
	rare := ""          // what a row has beside what rows had when the first ids were made: those never change
	for q := range pricing.QuantityCount {
		if amount := q.AmountText(e.Quantities[q]); !q.Rare() {
			common = append(common, amount)
		} else if e.Quantities[q] != 0 {
			rare += fmt.Sprintf(" %s=%s", q, amount)
		}
	}
	if e.ServiceTier != "" {
		rare += " service_tier=" + e.ServiceTier
	}
	if e.Reported.Given {
		rare += " reported_cost=" + e.Reported.USD.String()
	}
	if e.Measured != UseReported {
		rare += " measured=" + e.Measured.String()
	}
	if e.ClientRequestID != "" {
		rare += fmt.Sprintf(" client_request_id=%q", e.ClientRequestID)
	}
	fmt.Fprintf(h, "%q %q %q %q %q %v %q %q %d %d %q %d %t%s", e.UserID, e.Provider, e.Model, e.Vendor, at, common,
		e.Endpoint, e.Method, e.StatusCode, e.ResponseTimeMS, e.ErrorMessage, e.RetryCount, e.Billable, rare)
	var content [16]byte
	copy(content[:], h.Sum(nil))
	b.occurrences[content]++
	return fmt.Sprintf("row-%s-%d", hex.EncodeToString(content[:]), b.occurrences[content])
}

// spill writes the rest of a line that is too long for memory to the rejects, after
// those of all rows before it.
type spill struct{ reader *batchReader }

// Write implements io.Writer.
func (s spill) Write(p []byte) (int, error) {
	if err := s.reader.send(); err != nil {
		return 0, err
	}
	recorded := make(chan struct{})
	go func() {
		s.reader.unfinished.Wait()
		close(recorded)
	}()
	select {
	case <-recorded:
	case <-s.reader.ctx.Done():
		return 0, s.reader.ctx.Err()
	}
	return s.reader.run.rejects.spill(p)
}

// rejects takes the rows that are not recorded, as they stand in the file.
type rejects struct {
	out    io.Writer
	header []byte // of a CSV file, until it is written
}

func (r *rejects) write(raw []byte) error {
	_, err := r.spill(append(slices.Clip(raw), '\n'))
	return err
}

// spill writes text, and before the first the header of a CSV file, so that the
// rejects can be imported once they are mended.
func (r *rejects) spill(text []byte) (int, error) {
	if r.header != nil {
		header := append(slices.Clip(r.header), '\n')
		r.header = nil
		if _, err := r.out.Write(header); err != nil {
			return 0, rejectsFailure(err)
		}
	}
	n, err := r.out.Write(text)
	if err != nil {
		return n, rejectsFailure(err)
	}
	return n, nil
}

func rejectsFailure(err error) error {
	return failure.Unavailablef("the rejects file can't be written: %s", err).
		WithHint("free some space or name another file with --rejects, and run the import again: " +
			"nothing is recorded twice").Because(err)
}
