package usage

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"

	"github.com/alwrity/alwrity-sub/failure"
)

// batch is what one transaction does: it decides requests one after another, by what is read for all
// of them at once or known from before, and writes what follows.
type batch struct {
	service  *Service
	requests []*request
	skipBusy bool   // requests of a user whom another transaction holds are left to others
	writer   Writer // who keeps the state
	state    *state
	decided  bool // by the state, which holds again once that is committed

	tx           Tx
	assumed      *Assumption // nil: the users are locked
	newUsers     []string
	takenOver    []string                // users of another writer before
	known        map[string]Entry        // by event id, what was recorded before
	reservations map[string]*Reservation // by id, as they are by now
	added        map[string]*Entry       // by event id, what this batch records

	// What is written in the end.
	entries []Entry // it never grows beyond its capacity: pointers to its elements stay
	changed []*Reservation
	alerts  []Alert
	missing missingPrices
}

// errNothingToWrite rolls back a transaction in which everything was refused or known.
var errNothingToWrite = errors.New("nothing to write")

// commit decides and writes in one transaction. Where all users are known it decides at once, and whether nobody else
// has written for them is checked as it writes; else it locks them, and reads. A fault of the program is an error like
// others: it must not end a process that serves many.
func (b *batch) commit(ctx context.Context) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = failure.New(failure.Internal, "a fault of the program: %v", fault).
				Because(errors.New(string(debug.Stack())))
		}
	}()
	if b.knowsUsers() {
		if err := b.service.Store.Assume(ctx, b.within(ctx, b.runByState)); !errors.Is(err, ErrOutdated) {
			return unlessNothing(err)
		}
	}
	return unlessNothing(b.service.Store.Update(ctx, nil, b.requests[0].now, b.within(ctx, b.runLocked)))
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
		user := b.state.holders[r.reservation]
		if !r.closes {
			user = r.event.UserID
		}
		if b.state.users[user] == nil || r.now.Before(b.state.since) {
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
		b.assign(r)
	}
	b.assumed = &Assumption{Writer: b.writer, Users: distinct(b.users()), Catalogue: b.state.catalogue}
	return b.finish(ctx)
}

// runLocked decides by what it reads once the users are locked. What is known of those for whom nobody else has written
// still holds.
func (b *batch) runLocked(ctx context.Context) error {
	b.assumed = nil
	if b.decided {
		b.state = nil
	}
	if err := b.lockUsers(ctx); err != nil {
		return err
	}
	if err := b.keepState(ctx); err != nil {
		return err
	}
	return b.finish(ctx)
}

// finish reads what is still missing, decides and writes.
func (b *batch) finish(ctx context.Context) error {
	b.decided = true
	if err := b.read(ctx); err != nil {
		return err
	}
	for _, r := range b.requests {
		if r.err == nil && !r.busy {
			r.err = r.decide(b, r)
		}
	}
	return b.write(ctx)
}

// reset forgets what an attempt before has made.
func (b *batch) reset() {
	records := 0
	for _, r := range b.requests {
		r.forget()
		if r.records {
			records++
		}
	}
	b.added, b.entries = make(map[string]*Entry, records), make([]Entry, 0, records)
	b.reservations, b.changed, b.alerts, b.missing = map[string]*Reservation{}, nil, nil, missingPrices{}
	b.newUsers, b.takenOver, b.known = nil, nil, nil
}

// lockUsers locks the rows of the users, adding those who are new. Whose reservation is settled or
// released is read before that: it never changes.
func (b *batch) lockUsers(ctx context.Context) error {
	if err := b.findOwners(ctx); err != nil {
		return err
	}
	var all, alone []string // of many requests at once all are locked, of those that came alone who is free
	for _, r := range b.requests {
		switch {
		case r.err != nil:
		case b.skipBusy && r.single:
			alone = append(alone, r.user)
		default:
			all = append(all, r.user)
		}
	}
	now := b.requests[0].now
	waited, err := b.tx.LockUsers(ctx, all, now, b.writer, false)
	if err != nil {
		return err
	}
	free, err := b.tx.LockUsers(ctx, alone, now, b.writer, true)
	if err != nil {
		return err
	}
	b.newUsers = append(waited.Added, free.Added...)
	b.takenOver = append(waited.Changed, free.Changed...)
	for _, r := range b.requests {
		r.busy = r.single && slices.Contains(free.Busy, r.user)
	}
	clear(b.reservations) // they may be others by now
	return nil
}

// findOwners finds whose the reservations are that are settled or released, and says of each request
// whose user it concerns.
func (b *batch) findOwners(ctx context.Context) error {
	var ids []string
	for _, r := range b.requests {
		if r.closes {
			ids = append(ids, r.reservation)
		}
	}
	err := b.readReservations(ctx, ids)
	for _, r := range b.requests {
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
	case held == nil:
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

// users returns whose usage may change.
func (b *batch) users() []string {
	var users []string
	for _, r := range b.requests {
		if r.err == nil && !r.busy {
			users = append(users, r.user)
		}
	}
	return users
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

// read reads what the requests are decided by, as far as it is not known.
func (b *batch) read(ctx context.Context) error {
	var reservations, events []string
	var moments []userMoment
	for _, r := range b.requests {
		if r.err != nil || r.busy {
			continue
		}
		if r.reservation != "" && !r.newID && b.reservations[r.reservation] == nil {
			reservations = append(reservations, r.reservation)
		}
		if r.event == nil {
			continue
		}
		moments = append(moments, userMoment{r.user, r.event.timeOr(r.now)})
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
	if err := b.state.loadUsers(ctx, b.tx, distinct(b.users())); err != nil {
		return err
	}
	return b.state.loadPeriods(ctx, b.tx, moments)
}

// keepState goes on with what is known, but for the users of another writer, or begins anew.
func (b *batch) keepState(ctx context.Context) error {
	version, err := b.tx.CatalogueVersion(ctx)
	if err != nil {
		return err
	}
	since := b.requests[0].now
	for _, r := range b.requests {
		if r.now.Before(since) {
			since = r.now
		}
	}
	if b.state == nil || b.state.isFull() || b.state.catalogue != version || since.Before(b.state.since) {
		b.state = newState(since)
		b.state.catalogue = version
	}
	for _, user := range b.takenOver {
		b.state.forget(user)
	}
	return nil
}

// provider returns the one provider that all events are of, "" where there are several.
func (b *batch) provider() string {
	provider := ""
	for _, r := range b.requests {
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

// write writes what the requests have come to.
func (b *batch) write(ctx context.Context) error {
	unseen := b.unseen()
	nothing := len(b.entries)+len(b.changed) == 0 && len(unseen) == len(b.newUsers)
	if nothing && b.assumed == nil && (b.writer == NoWriter || len(b.takenOver) == 0) {
		return errNothingToWrite
	}
	err := b.tx.Write(ctx, Changes{
		Assumed: b.assumed, Entries: b.entries, Reservations: b.changed, Alerts: b.alerts,
		Notifications: b.missing.take(), RemovedUsers: unseen,
	})
	if err == nil && nothing && b.assumed != nil {
		return errNothingToWrite
	}
	return err
}

// unseen returns the users who were added only to be locked: a single call of theirs was refused. A file's users stay,
// whatever became of their rows.
func (b *batch) unseen() []string {
	if len(b.newUsers) == 0 {
		return nil
	}
	seen := map[string]bool{}
	for _, r := range b.requests {
		if !r.single || r.err == nil && r.decision == nil || r.decision != nil && r.decision.Reservation != nil {
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
	if entry, ok := b.known[id]; ok {
		return &entry
	}
	return nil
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
