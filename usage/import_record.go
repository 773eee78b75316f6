package usage

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// longestWait is how long a transaction waits for more rows of a file that comes
// slowly, such as a pipe: while it lasts nobody else can write.
const longestWait = 20 * time.Millisecond

// series records batches one after another, many of them in one transaction. It is
// for a storage that never runs a transaction again.
func (run *importing) series(ctx context.Context, first batch, batches <-chan batch, bulk Bulk) error {
	var t tally
	w := run.writers[0]
	run.result.Read += int64(len(first.rows))
	enough := time.After(bulk.Longest)
	err := run.service.Store.Update(ctx, nil, run.now, func(tx Tx) error {
		p, err := run.resume(ctx, tx, w)
		if err != nil {
			return err
		}
		for b, more := first, true; more; {
			if err := p.postBatch(ctx, b, &t); err != nil {
				return err
			}
			if t.rows >= bulk.Rows || ctx.Err() != nil {
				break
			}
			select {
			case <-enough:
				more = false
			case b, more = <-batches:
				if b.enormous() {
					run.apart = &b
					more = false
					break
				}
				run.result.Read += int64(len(b.rows))
			case <-time.After(longestWait):
				more = false
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return p.append(ctx, p.pass)
	})
	if err != nil {
		return err
	}
	w.committed = true
	return run.finish(t)
}

// resume returns a writer's posting of the transaction before, as long as that was
// committed and nobody else has changed anything since, or a new one.
func (run *importing) resume(ctx context.Context, tx Tx, w *writer) (*posting, error) {
	quiet, err := w.watch.Quiet(ctx, tx)
	if err != nil {
		return nil, err
	}
	if w.posting == nil || !quiet || !w.committed {
		w.posting = run.service.newPosting(tx, run.now, RecordOptions{Strict: run.opts.Strict})
		// All prices: a first batch of one row would ask for those of its provider alone.
		if w.posting.book, err = tx.Book(ctx, ""); err != nil {
			return nil, err
		}
	}
	w.committed = false
	w.posting.goOn(tx)
	return w.posting, nil
}

// postBatch records the good rows of a batch and tallies all of them. What the batch
// before has made is appended meanwhile; what this one makes is left to the next.
func (p *posting) postBatch(ctx context.Context, b batch, t *tally) error {
	events, places, users := b.events(p.accounts)
	if err := p.tx.Lock(ctx, users, p.now); err != nil {
		return err
	}
	if err := p.read(ctx, events); err != nil {
		return err
	}
	var appending sync.WaitGroup
	var failed error
	if prior := p.prior; prior != nil {
		appending.Go(func() { failed = p.append(ctx, prior) })
	}
	results, err := p.judge(ctx, events)
	appending.Wait()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	t.note(b, func(i int) posted { return results[places[i]] })
	b.spent()
	return nil
}

// events returns the events of a batch's good rows, the place among them of each row,
// and those of their users who have no account yet.
func (b batch) events(known map[string]plan.Account) (events []*Event, places []int, users []string) {
	events, places = make([]*Event, 0, len(b.rows)), make([]int, len(b.rows))
	seen := map[string]bool{}
	for i := range b.rows {
		if b.rows[i].err != nil {
			continue
		}
		e := &b.rows[i].event
		places[i] = len(events)
		events = append(events, e)
		if _, ok := known[e.UserID]; !ok && !seen[e.UserID] {
			seen[e.UserID] = true
			users = append(users, e.UserID)
		}
	}
	return events, places, users
}

// enormous is a quantity with which sums may become too large to be kept: no call has it.
const enormous = 1_000_000_000_000

// enormous tells whether a row has such a quantity. Its batch is recorded alone, so that
// what does not fit can be told from what does.
func (b batch) enormous() bool {
	return slices.ContainsFunc(b.rows, func(r row) bool {
		return slices.ContainsFunc(r.event.Quantities[:], func(n int64) bool { return n > enormous })
	})
}

// gather makes one batch of this one and those that are ready, up to so many rows. It
// holds until gather is called again.
func (run *importing) gather(b batch, batches <-chan batch, rows int) batch {
	all := batch{rows: run.gathered[:0]}
	var done []func()
	add := func(b batch) {
		all.rows = append(all.rows, b.rows...)
		b.spent()
		done = append(done, b.done)
	}
	add(b)
	for len(all.rows) < rows {
		select {
		case more, ok := <-batches:
			if ok {
				add(more)
				continue
			}
		default:
		}
		break
	}
	run.gathered = all.rows
	all.spent = func() { clear(all.rows) } // or they would keep the bytes of their lines
	all.done = func() {
		for _, one := range done {
			one()
		}
	}
	return all
}

// sideBySide records a batch, the rows of each user in one of several transactions.
func (run *importing) sideBySide(ctx context.Context, b batch, bulk Bulk) error {
	run.result.Read += int64(len(b.rows))
	results := make([]posted, len(b.rows))
	shares := run.shares(b, bulk.Writers)
	errs := make([]error, len(shares))
	var work sync.WaitGroup
	for n, share := range shares {
		work.Go(func() { errs[n] = run.recordShare(ctx, run.writers[n], b, share, results) })
	}
	work.Wait()
	if len(shares) < bulk.Writers { // one writer has recorded for users of others
		for _, w := range run.writers {
			w.posting = nil
		}
	}
	if err := errors.Join(errs...); err != nil {
		for _, made := range results { // a share that is committed counts, whatever became of another
			if made.status == Recorded {
				run.result.Recorded++
			}
		}
		return err
	}
	var t tally
	t.note(b, func(i int) posted { return results[i] })
	b.spent()
	return run.finish(t)
}

// shares returns the places of a batch's good rows, by users in as many shares as
// there are writers. Where two users have one id, whose row comes first counts: then
// there is one share.
func (run *importing) shares(b batch, writers int) [][]int {
	shares := make([][]int, writers)
	users := make(map[string]string, len(b.rows)) // by event id
	for i := range b.rows {
		e := &b.rows[i].event
		if b.rows[i].err != nil {
			continue
		}
		if user, known := users[e.ID]; known && user != e.UserID && writers > 1 {
			return run.shares(b, 1)
		}
		users[e.ID] = e.UserID
		n := maphash.String(run.seed, e.UserID) % uint64(writers)
		shares[n] = append(shares[n], i)
	}
	return shares
}

// errKnown rolls back what was recorded without looking for events that are known.
var errKnown = errors.New("an event is known")

// refusedKnown tells whether an event that was refused without being looked for is
// recorded already: then it is a duplicate or a conflict, and whatever would refuse a
// new one does not matter. One that is not refused is found by its id.
func (p *posting) refusedKnown(ctx context.Context, events []*Event, made []posted) (bool, error) {
	if !p.allNew {
		return false, nil
	}
	var ids []string
	for i, o := range made {
		if o.err != nil {
			ids = append(ids, events[i].ID)
		}
	}
	if len(ids) == 0 {
		return false, nil
	}
	before, err := p.tx.Entries(ctx, ids)
	return len(before) > 0, err
}

// recordShare records some rows of a batch in one transaction. A total that would
// become too large fails all of them: by halves, only the rows at fault are left out.
func (run *importing) recordShare(ctx context.Context, w *writer, b batch, share []int, results []posted) error {
	if len(share) == 0 {
		return nil
	}
	events, users := make([]*Event, len(share)), make([]string, len(share))
	for n, i := range share {
		events[n], users[n] = &b.rows[i].event, b.rows[i].event.UserID
	}
	var made []posted
	var known bool
	hopeful := run.service.Store.Bulk().Unique && !w.careful
	err := run.service.Store.Update(ctx, users, run.now, func(tx Tx) error {
		p, err := run.resume(ctx, tx, w)
		if err != nil {
			return err
		}
		p.allNew = hopeful
		hopeful = false // if it is sent back, an event was not new
		if made, err = p.post(ctx, events); err != nil {
			return err
		}
		if known, err = p.refusedKnown(ctx, events, made); known {
			return errKnown
		}
		return err
	})
	if known {
		w.careful = true
		return run.recordShare(ctx, w, b, share, results)
	}
	if err == nil {
		w.committed = true
		w.careful = slices.ContainsFunc(made, func(o posted) bool { return o.status == Duplicate || failure.Is(o.err, failure.Conflict) })
	}
	switch {
	case err == nil:
		for n, i := range share {
			results[i] = made[n]
		}
		return nil
	case !refused(err):
		return err
	case len(share) == 1:
		results[share[0]] = posted{err: err}
		return nil
	}
	half := len(share) / 2
	for _, part := range [][]int{share[:half], share[half:]} {
		w.posting = nil // what one half has made is looked at after the other: it must stay
		if err := run.recordShare(ctx, w, b, part, results); err != nil {
			return err
		}
	}
	return nil
}
