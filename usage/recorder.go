package usage

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// recorder is the one road of every change of usage. Callers hand in operations and wait. While one
// transaction is under way, the next gathers: it reads for all of its operations at once, decides one
// after another in the order in which they came, writes with one statement a table, commits, and
// only then does anyone hear of success. Who comes alone pays nothing for it.
type recorder struct {
	mu      sync.Mutex
	waiting []*operation
	running bool // a goroutine runs what waits, and ends when nothing does

	// What follows belongs to that goroutine.
	writer Writer // NoWriter for the first transaction: who comes alone keeps nothing
	state  *state // as the last transaction left it, which holds until somebody else writes
}

// operation is what one caller wants done: a single request, those of a list, or the many of a file's rows.
type operation struct {
	recorder *recorder
	service  *Service
	ctx      context.Context //nolint:containedctx // of the one caller that waits for it
	requests []*request
	err      error         // of a caller that gave up before it was begun
	done     chan struct{} // is closed when all of its requests have their answers
}

// request is one change of usage, and the answer to it. An import has many thousands at a time: what they have in
// common is in their order.
type request struct {
	*order
	event *Event // that is recorded, or that a reservation is taken for

	user string // whose usage changes, once that is known
	busy bool   // another transaction holds that user: it has to be done apart

	// What became of it.
	status    Status
	cost      pricing.USD
	unpriced  bool
	caveats   pricing.Caveats
	overLimit bool
	answer    *Outcome     // all there is to say, for who reports a single event
	decision  *Decision    // about a reservation that was asked for, or that refused an event
	released  *Reservation // that was given back
	err       error
}

// order says what is to be done.
type order struct {
	now         time.Time
	decide      func(*batch, *request) error // one of batch's methods
	opts        RecordOptions
	reservation string        // the id of the one that is taken, settled or released
	owner       string        // whose it has to be where it is closed; "" for anyone
	ttl         time.Duration // of the one that is taken
	origin      string        // likewise
	records     bool          // the event goes to the log
	closes      bool          // the reservation is settled or released
	single      bool          // it is no row of a file: it gets a whole answer, and waits for nobody else's user
	newID       bool          // the event's or reservation's id was made for it: nobody else has it

	// stop ends the context of a file's rows for what the storage refused: none of a user's is recorded before those above
	// it. Nil for a single request.
	stop context.CancelCauseFunc
}

// forget forgets what an attempt has made of a request.
func (r *request) forget() {
	*r = request{order: r.order, event: r.event}
}

// fail gives a request the error of a transaction that was not committed.
func (r *request) fail(err error) {
	r.forget()
	r.err = err
	if r.stop != nil && !isRefusal(err) {
		r.stop(err)
	}
}

// mostOperations is how many callers share a transaction at most: the first waits for the last.
const mostOperations = 512

// mostSingles is how many rows of callers who are not files share a transaction.
const mostSingles = 5_000

// do carries a request out and waits until that is done. A caller that gives up while it waits is taken out, which is
// the error.
func (s *Service) do(ctx context.Context, r request) (request, error) {
	all := s.recorders()
	recorder := all.of(&r)
	op := s.submit(ctx, recorder, []*request{&r})
	op.wait()
	all.note(recorder, &r)
	return r, op.err
}

// submit hands requests in, behind all that were handed in before.
func (s *Service) submit(ctx context.Context, r *recorder, requests []*request) *operation {
	op := &operation{recorder: r, service: s, ctx: ctx, requests: requests, done: make(chan struct{})}
	if len(requests) == 0 {
		op.end(nil)
		return op
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, op)
	if !r.running {
		r.running = true
		go s.runWaiting(r)
	}
	return op
}

// wait waits until an operation is done or, where nobody has begun it, its caller gives up.
func (op *operation) wait() {
	select {
	case <-op.done:
	case <-op.ctx.Done():
		if !op.withdraw() {
			<-op.done // it has begun: what becomes of it must be known
		}
	}
}

// withdraw takes an operation out of those that wait, if it is still there.
func (op *operation) withdraw() bool {
	r := op.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.waiting, op)
	if i < 0 {
		return false
	}
	r.waiting = slices.Delete(r.waiting, i, i+1)
	for _, one := range op.requests {
		one.err = op.ctx.Err()
	}
	op.end(op.ctx.Err())
	return true
}

// end gives an operation its outcome.
func (op *operation) end(err error) {
	op.err = err
	for _, r := range op.requests {
		op.service.tell(r)
	}
	close(op.done)
}

// runWaiting runs one load of operations after another until none waits.
func (s *Service) runWaiting(r *recorder) {
	for {
		load := r.next(s.Store.Load().Rows)
		if load == nil {
			return
		}
		s.run(r, load)
		runtime.Gosched() // who has just heard may have more for the next transaction
	}
}

// next takes the operations of the next transaction: calls and lists of them, or those of one file, of as many rows as
// fit, but at least one.
func (r *recorder) next(mostRows int) []*operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, rows := 0, 0
	if len(r.waiting) > 0 && r.waiting[0].isSingle() {
		mostRows = min(mostRows, mostSingles)
	}
	for n < min(len(r.waiting), mostOperations) {
		op, first := r.waiting[n], r.waiting[0]
		together := op.isSingle() && first.isSingle() || op.ctx == first.ctx
		if n > 0 && (!together || rows+len(op.requests) > mostRows) {
			break
		}
		rows += len(op.requests)
		n++
	}
	if n == 0 {
		r.running = false
		return nil
	}
	load := slices.Clone(r.waiting[:n])
	r.waiting = slices.Delete(r.waiting, 0, n)
	return load
}

// run carries operations out in one transaction and tells their callers. Those whose user another
// process holds just now are done apart, so that nobody else waits for them.
func (s *Service) run(r *recorder, load []*operation) {
	ctx, shared := load[0].ctx, false
	var requests []*request
	for _, op := range load {
		shared = shared || op.ctx != ctx
		requests = append(requests, op.requests...)
	}
	if shared {
		ctx = context.WithoutCancel(ctx) // one who gives up does not stop the others
	}
	b := &batch{service: s, requests: requests, inParts: !load[0].isSingle()}
	if most := s.Store.Load(); most.GoesOn && b.inParts && !shared {
		b.more = func() []*request {
			op := r.nextOfFile(ctx, most.Rows-len(b.requests))
			if op == nil {
				return nil
			}
			load = append(load, op)
			return op.requests
		}
	}
	s.commit(ctx, r, b)
	for _, op := range load {
		if busy := op.busy(); len(busy) > 0 {
			go s.runApart(op, busy)
			continue
		}
		op.end(nil)
	}
	if len(b.requests) >= importBatch {
		time.Sleep(s.Store.Load().Pause)
	}
}

// isSingle tells whether it is a single call or a list of them, and no rows of a file.
func (op *operation) isSingle() bool { return op.requests[0].single }

// busy returns the requests whose user another transaction holds.
func (op *operation) busy() (busy []*request) {
	for _, r := range op.requests {
		if r.busy {
			busy = append(busy, r)
		}
	}
	return busy
}

// nextOfFile takes the operation that is next, if it is of the same file and has no more rows than so many; else nil.
func (r *recorder) nextOfFile(ctx context.Context, mostRows int) *operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 || ctx.Err() != nil {
		return nil
	}
	op := r.waiting[0]
	if op.ctx != ctx || len(op.requests) > mostRows {
		return nil
	}
	r.waiting = slices.Delete(r.waiting, 0, 1)
	return op
}

// runApart carries requests of an operation out that have to wait for their users.
func (s *Service) runApart(op *operation, busy []*request) {
	defer op.end(nil)
	slots := s.recorders().apart
	select {
	case slots <- struct{}{}:
	case <-op.ctx.Done():
		failAll(busy, op.ctx.Err())
		return
	}
	defer func() { <-slots }()
	s.commitApart(op.ctx, busy)
}

// commitApart carries requests out in a transaction that waits for their users, or in halves as commit does.
func (s *Service) commitApart(ctx context.Context, requests []*request) {
	err := (&batch{service: s, requests: requests, waits: true}).commit(ctx)
	switch {
	case err == nil:
	case len(requests) == 1 || ctx.Err() != nil || failure.Is(err, failure.Unavailable):
		failAll(requests, err)
	default:
		half := len(requests) / 2
		s.commitApart(ctx, requests[:half])
		s.commitApart(ctx, requests[half:])
	}
}

// failAll gives requests the error of a transaction that was not committed.
func failAll(requests []*request, err error) {
	for _, r := range requests {
		r.fail(err)
	}
}

// commit carries requests out in one transaction. If that fails for something that is in them it is done again in
// halves, so that nobody spoils it for others. Each request gets its answer, or the error of the storage.
func (s *Service) commit(ctx context.Context, r *recorder, b *batch) {
	b.writer, b.state = r.writer, r.state
	if r.writer == NoWriter {
		r.writer = newWriter()
	}
	r.state = nil // it is changed now, and holds again once that is committed
	err := b.commit(ctx)
	switch {
	case err == nil:
		if b.writer != NoWriter {
			r.state = b.state
		}
	case len(b.requests) == 1 || ctx.Err() != nil || failure.Is(err, failure.Unavailable):
		failAll(b.requests, err)
	default:
		half := len(b.requests) / 2
		for _, requests := range [][]*request{b.requests[:half], b.requests[half:]} {
			s.commit(ctx, r, &batch{service: s, requests: requests, inParts: b.inParts})
		}
	}
}

// newWriter returns a writer that nobody else is.
func newWriter() Writer { return Writer(rand.Int64N(math.MaxInt64-1) + 1) }
