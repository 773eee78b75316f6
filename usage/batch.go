package usage

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// batch is what one transaction does: it decides requests one after another, by what is read for many
// of them at once or known from before, and writes what follows.
type batch struct {
	service  *Service
	requests []*request        // of the transaction, as far as they have come
	more     func() []*request // returns requests that have come meanwhile, if they are to be in it too; may be nil
	inParts  bool              // the requests only record
	waits    bool              // for users whom another transaction holds; else single requests of them are left
	writer   Writer            // who keeps the state
	state    *state
	decided  bool // by the state, which holds again once that is committed

	tx           Tx
	assumed      *Assumption     // nil: the users are locked
	locked       map[string]bool // users who are, or will be by what is assumed
	newUsers     []string
	newUserSet   map[string]bool         // the same, once it was asked for
	noted        bool                    // in rows of users, who writes now
	reservations map[string]*Reservation // by id, as they are by now
	wrote        bool

	*part        // that is decided now
	before *part // the one before it, which is written beside that
}

// errNothingToWrite rolls back a transaction in which everything was refused or known.
var errNothingToWrite = errors.New("nothing to write")

// commit decides and writes in one transaction. Where all users are known it decides at once, and whether nobody else
// has written for them is checked as it writes; else it locks them, and reads.
func (b *batch) commit(ctx context.Context) (err error) {
	defer catchFault(&err)
	if b.knowsUsers() {
		assuming := ctx
		if !b.inParts {
			lingering, stop := linger(ctx)
			defer stop()
			assuming = lingering
		}
		if err := b.service.Store.Assume(assuming, b.within(assuming, b.runByState)); !errors.Is(err, ErrOutdated) {
			return unlessNothing(err)
		}
	}
	return unlessNothing(b.service.Store.Update(ctx, nil, b.requests[0].now, b.within(ctx, b.runLocked)))
}

// lingerFor is how long an answer is waited for after an interruption.
const lingerFor = 5 * time.Second

// linger returns a context that ends some seconds after another. What is written by one statement alone may be there by
// the time that its caller gives up: only the answer tells.
func linger(ctx context.Context) (lingering context.Context, stop func()) {
	lingering, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() { time.AfterFunc(lingerFor, cancel) })
	return lingering, func() {
		forget()
		cancel()
	}
}

// catchFault makes an error of a fault of the program: it must not end a process that serves many.
func catchFault(err *error) {
	if fault := recover(); fault != nil {
		*err = failure.New(failure.Internal, "a fault of the program: %v", fault).
			Because(errors.New(string(debug.Stack())))
	}
}

// within returns what runs in a transaction, maybe again.
func (b *batch) within(ctx context.Context, run func(context.Context) error) func(Tx) error {
	return func(tx Tx) error {
		b.tx = tx
		b.reset()
		return run(ctx)
	}
}

func unlessNothing(err error) error {
	if errors.Is(err, errNothingToWrite) {
		return nil
	}
	return err
}

// knowsUsers tells whether the state has the users of all requests.
func (b *batch) knowsUsers() bool {
	if b.state == nil || b.state.isFull() {
		return false
	}
	for _, r := range b.requests {
		user, token := b.state.holders[r.reservation], r.token()
		if !r.closes {
			user = r.event.UserID
		} else if user != "" {
			token = cmp.Or(b.state.reservation(r.reservation).TokenID, token)
		}
		if b.state.users[user] == nil || r.now.Before(b.state.since) || !b.state.knowsToken(token) {
			return false
		}
	}
	return true
}

// runByState decides by the state.
func (b *batch) runByState(ctx context.Context) error {
	if b.decided {
		return ErrOutdated
	}
	for _, r := range b.requests {
		if r.closes {
			b.reservations[r.reservation] = b.state.reservation(r.reservation)
		}
		if b.assign(r); r.err == nil {
			b.locked[r.user] = true
		}
	}
	users := slices.Sorted(maps.Keys(b.locked))
	b.assumed = &Assumption{Writer: b.writer, Users: users, Catalogue: b.state.catalogue}
	return b.run(ctx)
}

// runLocked decides by what it reads once the users are locked. What is known of those for whom nobody else has written
// still holds.
func (b *batch) runLocked(ctx context.Context) error {
	b.assumed = nil
	if b.decided {
		b.state = nil
	}
	takenOver, err := b.lockUsers(ctx, b.requests)
	if err != nil {
		return err
	}
	if err := b.keepState(ctx); err != nil {
		return err
	}
	b.state.forget(takenOver)
	if err := b.lockTokens(ctx); err != nil {
		return err
	}
	return b.run(ctx)
}

// run decides and writes. Of requests that only record, a part is decided while the one before it is written.
func (b *batch) run(ctx context.Context) error {
	b.decided = true
	for rest := b.requests; ; {
		n := len(rest)
		if b.inParts {
			n = min(n, importBatch)
		}
		b.before, b.part, rest = b.part, newPart(rest[:n], b.before), rest[n:]
		if err := b.read(ctx); err != nil {
			return err
		}
		if err := b.decideAndWriteBefore(ctx); err != nil {
			return err
		}
		if len(rest) > 0 {
			continue
		}
		if rest = b.takeMore(); len(rest) == 0 {
			return b.writeLast(ctx)
		}
		takenOver, err := b.lockUsers(ctx, rest)
		if err != nil {
			return err
		}
		b.state.forget(takenOver)
	}
}

// takeMore takes requests up that have come meanwhile.
func (b *batch) takeMore() []*request {
	if b.more == nil || b.state.isFull() {
		return nil
	}
	more := b.more()
	b.requests = append(b.requests, more...)
	return more
}

// decideAndWriteBefore decides the part, and writes the one before it beside that.
func (b *batch) decideAndWriteBefore(ctx context.Context) (err error) {
	if b.before != nil {
		written := make(chan error, 1)
		go func() { written <- b.writeBefore(ctx) }()
		defer func() { err = <-written }()
	}
	for _, r := range b.part.requests {
		r.err = r.decide(b, r)
	}
	return nil
}

// reset forgets what an attempt before has made.
func (b *batch) reset() {
	for _, r := range b.requests {
		r.forget()
	}
	b.part, b.before, b.wrote = nil, nil, false
	b.locked, b.newUsers, b.newUserSet, b.noted = map[string]bool{}, nil, nil, false
	b.reservations = map[string]*Reservation{}
}

// lockUsers locks the rows of the users, adding those who are new, and returns those for whom another writer has
// written. Whose reservation is settled or released is read before that: it never changes.
func (b *batch) lockUsers(ctx context.Context, requests []*request) (takenOver []string, err error) {
	if err := b.findOwners(ctx, requests); err != nil {
		return nil, err
	}
	var all, alone []string // of many requests at once all are locked, of those that came alone who is free
	for _, r := range requests {
		switch {
		case r.err != nil || b.locked[r.user]:
			continue
		case r.single && !b.waits:
			alone = append(alone, r.user)
		default:
			all = append(all, r.user)
		}
		b.locked[r.user] = true
	}
	now := requests[0].now
	waited, err := b.tx.LockUsers(ctx, all, now, b.writer, false)
	if err != nil {
		return nil, err
	}
	free, err := b.tx.LockUsers(ctx, alone, now, b.writer, true)
	if err != nil {
		return nil, err
	}
	takenOver = append(waited.Changed, free.Changed...)
	b.newUsers = slices.Concat(b.newUsers, waited.Added, free.Added)
	b.noted = b.noted || len(takenOver) > 0
	for _, r := range requests {
		r.busy = r.single && slices.Contains(free.Busy, r.user)
	}
	clear(b.reservations) // they may be others by now
	return takenOver, nil
}

// lockTokens reads the terms of the requests' tokens and locks those that several users share, and that have bounds, so
// that what they have used is known until the end.
func (b *batch) lockTokens(ctx context.Context) error {
	var ids []int64
	for _, r := range b.requests {
		if r.token() != 0 && r.err == nil && !r.busy {
			ids = append(ids, r.token())
		}
	}
	if len(ids) == 0 {
		return nil
	}
	ids = distinct(ids)
	if err := b.state.loadTokens(ctx, b.tx, ids); err != nil {
		return err
	}
	shared := b.state.sharedBounds(ids)
	if len(shared) == 0 {
		return nil
	}
	busy, err := b.tx.LockTokens(ctx, shared, !b.waits)
	if err != nil {
		return err
	}
	for _, r := range b.requests {
		r.busy = r.busy || r.err == nil && slices.Contains(busy, r.token())
	}
	return b.state.loadHeld(ctx, b.tx, shared)
}

// token returns the API token that a request comes with, 0 for none.
func (r *request) token() int64 {
	if r.event == nil {
		return 0
	}
	return r.event.TokenID
}

// isNew tells whether a user was never seen before this transaction.
func (b *batch) isNew(user string) bool {
	if len(b.newUserSet) != len(b.newUsers) {
		b.newUserSet = make(map[string]bool, len(b.newUsers))
		for _, added := range b.newUsers {
			b.newUserSet[added] = true
		}
	}
	return b.newUserSet[user]
}

// findOwners finds whose the reservations are that are settled or released, and says of each request
// whose user it concerns.
func (b *batch) findOwners(ctx context.Context, requests []*request) error {
	var ids []string
	for _, r := range requests {
		if r.closes {
			ids = append(ids, r.reservation)
		}
	}
	err := b.readReservations(ctx, ids)
	for _, r := range requests {
		b.assign(r)
	}
	return err
}

// assign says whose user a request concerns. A settlement takes from its reservation what its event leaves open.
func (b *batch) assign(r *request) {
	if !r.closes {
		r.user = r.event.UserID
		return
	}
	held := b.reservations[r.reservation]
	switch {
	case held == nil || r.owner != "" && r.owner != held.UserID: // that it is another's is nothing to be told
		r.err = failure.NotFoundf("there is no reservation %q", failure.Shorten(r.reservation)).
			WithReason("unknown_reservation", "reservation", r.reservation)
	case r.event == nil:
		r.user = held.UserID
	default:
		var event Event
		event, r.err = r.event.settling(*held)
		r.event, r.user = &event, held.UserID
	}
}

func (b *batch) readReservations(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	found, err := b.tx.Reservations(ctx, ids)
	for i := range found {
		b.reservations[found[i].ID] = &found[i]
	}
	return err
}

// read reads what the part's requests are decided by, as far as it is not known.
func (b *batch) read(ctx context.Context) error {
	var reservations []string
	events := make([]string, 0, len(b.part.requests))
	for _, r := range b.part.requests {
		if r.reservation != "" && !r.newID && b.reservations[r.reservation] == nil {
			reservations = append(reservations, r.reservation)
		}
		if r.records && !r.newID {
			events = append(events, r.event.ID)
		}
	}
	if err := b.readReservations(ctx, reservations); err != nil {
		return err
	}
	if len(events) > 0 {
		var err error
		if b.known, err = b.tx.Entries(ctx, events); err != nil {
			return err
		}
	}
	if err := b.state.loadCatalogue(ctx, b.tx, b.provider()); err != nil {
		return err
	}
	if err := b.state.loadUsers(ctx, b.tx, b.users()); err != nil {
		return err
	}
	b.state.forgetOver(b.users(), b.earliest())
	if err := b.state.loadPeriods(ctx, b.tx, b.calls()); err != nil {
		return err
	}
	return b.state.loadTokenUse(ctx, b.tx, b.tokenCalls())
}

// keepState goes on with what is known, but for the users of another writer, or begins anew.
func (b *batch) keepState(ctx context.Context) error {
	version, err := b.tx.CatalogueVersion(ctx)
	if err != nil {
		return err
	}
	since := b.earliest()
	if b.state == nil || b.state.isFull() || b.state.catalogue != version || since.Before(b.state.since) {
		b.state = newState(since)
		b.state.catalogue = version
	}
	return nil
}

// earliest returns the earliest of the moments that count as now for a request.
func (b *batch) earliest() time.Time {
	first := b.requests[0].now
	for _, r := range b.requests {
		if r.now.Before(first) {
			first = r.now
		}
	}
	return first
}

// provider returns the one provider that all events are of, "" where there are several.
func (p *part) provider() string {
	provider := ""
	for _, r := range p.requests {
		if r.event == nil {
			continue
		}
		if provider != "" && provider != r.event.Provider {
			return ""
		}
		provider = r.event.Provider
	}
	return provider
}

// writeBefore writes the part before, if it has come to anything.
func (b *batch) writeBefore(ctx context.Context) (err error) {
	defer catchFault(&err)
	if b.before.isEmpty() {
		return nil
	}
	c := b.before.changes()
	c.Assumed, c.Continues = b.assumed, true
	b.assumed, b.wrote = nil, true
	return b.tx.Write(ctx, c)
}

// writeLast writes the last part. If that is all, and has come to nothing, the transaction is to be rolled back.
func (b *batch) writeLast(ctx context.Context) error {
	unseen := b.unseen()
	nothing := !b.wrote && b.isEmpty() && len(unseen) == len(b.newUsers)
	if nothing && b.assumed == nil && (b.writer == NoWriter || !b.noted) {
		return errNothingToWrite
	}
	c := b.changes()
	c.Assumed, c.RemovedUsers = b.assumed, unseen
	err := b.tx.Write(ctx, c)
	if err == nil && nothing && b.assumed != nil {
		return errNothingToWrite
	}
	return err
}

// unseen returns the users who were added only to be locked: a single call of theirs was refused. A file's users stay,
// whatever became of their rows, unless only known ones were meant.
func (b *batch) unseen() []string {
	if len(b.newUsers) == 0 {
		return nil
	}
	seen := map[string]bool{}
	for _, r := range b.requests {
		stays := !r.single && !r.opts.KnownUser
		if stays || !r.busy && r.err == nil && r.decision == nil || r.decision != nil && r.decision.Reservation != nil {
			seen[r.user] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(b.newUsers), func(user string) bool { return seen[user] })
}

// save has a reservation written.
func (b *batch) save(r *Reservation) {
	b.reservations[r.ID] = r
	if !slices.Contains(b.changed, r) {
		b.changed = append(b.changed, r)
	}
}

// recorded returns what is recorded under an id, before or by this batch; nil where nothing is.
func (b *batch) recorded(id string) *Entry {
	if entry, ok := b.added[id]; ok {
		return entry
	}
	if b.before != nil {
		if entry, ok := b.before.added[id]; ok {
			return entry
		}
	}
	known, ok := b.known[id]
	if !ok {
		return nil
	}
	entry := known // or a copy of it would be made for each id that is not known
	return &entry
}
