package usage

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// batch is what one transaction does: it decides requests one after another, by what is read for all
// of them at once, and writes what follows.
type batch struct {
	service  *Service
	requests []*request
	skipBusy bool  // requests of a user whom another transaction holds are left to others
	watch    Watch // says whether state still holds; nil: it does not
	state    *state

	tx           Tx
	newUsers     []string
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

// commit decides and writes in one transaction. A fault of the program is an error like others: it
// must not end a process that serves many.
func (b *batch) commit(ctx context.Context) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = failure.New(failure.Internal, "a fault of the program: %v", fault).
				Because(errors.New(string(debug.Stack())))
		}
	}()
	kept := b.state
	err = b.service.Store.Update(ctx, nil, b.requests[0].now, func(tx Tx) error {
		b.tx, b.state = tx, kept
		kept = nil // where all of this runs again, it was changed already
		return b.run(ctx)
	})
	if errors.Is(err, errNothingToWrite) {
		return nil
	}
	return err
}

func (b *batch) run(ctx context.Context) error {
	b.reset()
	if err := b.lockUsers(ctx); err != nil {
		return err
	}
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
	waited, err := b.tx.LockUsers(ctx, all, now, false)
	if err != nil {
		return err
	}
	free, err := b.tx.LockUsers(ctx, alone, now, true)
	if err != nil {
		return err
	}
	b.newUsers = append(waited.Added, free.Added...)
	for _, r := range b.requests {
		r.busy = r.single && slices.Contains(free.Busy, r.user)
	}
	return nil
}

// findOwners finds whose the reservations are that are settled or released, and says of each request
// whose user it concerns. A settlement takes from its reservation what its event leaves open.
func (b *batch) findOwners(ctx context.Context) error {
	var ids []string
	for _, r := range b.requests {
		if r.closes {
			ids = append(ids, r.reservation)
		}
	}
	if err := b.readReservations(ctx, ids); err != nil {
		return err
	}
	for _, r := range b.requests {
		if !r.closes {
			r.user = r.event.UserID
			continue
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
	return nil
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

// read reads what the requests are decided by, now that nobody else changes it.
func (b *batch) read(ctx context.Context) error {
	var reservations, users, events []string
	var moments []userMoment
	since := b.requests[0].now
	for _, r := range b.requests {
		if r.err != nil || r.busy {
			continue
		}
		users = append(users, r.user)
		if r.now.Before(since) {
			since = r.now
		}
		if r.reservation != "" {
			reservations = append(reservations, r.reservation)
		}
		if r.event == nil {
			continue
		}
		moments = append(moments, userMoment{r.user, r.event.timeOr(r.now)})
		if r.records {
			events = append(events, r.event.ID)
		}
	}
	if err := b.readReservations(ctx, reservations); err != nil {
		return err
	}
	if err := b.keepState(ctx, since); err != nil {
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
	if err := b.state.loadUsers(ctx, b.tx, distinct(users)); err != nil {
		return err
	}
	return b.state.loadPeriods(ctx, b.tx, moments)
}

// mostKeptUsers bounds the memory for what is known of users between two transactions.
const mostKeptUsers = 20_000

// keepState goes on with what the transaction before knew, as long as nobody else has written since,
// or begins anew.
func (b *batch) keepState(ctx context.Context, since time.Time) error {
	quiet := false
	if b.watch != nil {
		var err error
		if quiet, err = b.watch.Quiet(ctx, b.tx); err != nil {
			return err
		}
	}
	if b.state == nil || !quiet || since.Before(b.state.since) || len(b.state.users) > mostKeptUsers {
		b.state = newState(since)
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
	if len(b.entries)+len(b.changed) == 0 && len(unseen) == len(b.newUsers) {
		return errNothingToWrite
	}
	if err := b.tx.Append(ctx, b.entries); err != nil {
		return err
	}
	if _, err := b.tx.AddAlerts(ctx, b.alerts); err != nil {
		return err
	}
	if err := b.tx.AddNotifications(ctx, b.missing.take()); err != nil {
		return err
	}
	if err := b.tx.SaveReservations(ctx, b.changed); err != nil {
		return err
	}
	return b.tx.RemoveUsers(ctx, unseen)
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
