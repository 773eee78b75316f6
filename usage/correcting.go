package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// correcting is a transaction that takes events back.
type correcting struct {
	*batch
	Correction
	tx     VoidTx
	users  []string             // who are locked
	isNew  string               // one of them who was never seen before, if there is one
	closed map[string]time.Time // until when users' periods are
	voided []Voided
	places map[PeriodKey]*userPeriod // in which something was taken back
}

// replacing makes the event that is recorded in place of another, and returns nil where that one is as it should be.
type replacing func(now *Entry) (*Event, error)

// errOtherUser is why a transaction begins anew: an event has become another user's before its users were locked.
var errOtherUser = errors.New("an event has become another user's")

// correct takes the events back that stand for some ids and records others in their place, if there are any, of some
// more users.
func (c *Corrections) correct(
	ctx context.Context, k Correction, ids, users []string, replace replacing,
) (voided []Voided, err error) {
	for {
		voided, err = c.tryCorrect(ctx, k, ids, users, replace)
		if !errors.Is(err, errOtherUser) {
			return voided, err
		}
	}
}

func (c *Corrections) tryCorrect(
	ctx context.Context, k Correction, ids, users []string, replace replacing,
) (voided []Voided, err error) {
	isNew := ""
	err = c.Store.View(ctx, func(r Reader) error {
		for _, user := range users { // before they are made by being locked
			if known, err := r.UserKnown(ctx, user); err != nil {
				return err
			} else if !known {
				isNew = user
			}
		}
		found, err := eventsNow(ctx, r, ids)
		for _, e := range found {
			users = append(users, e.UserID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	users = distinct(users)
	closed, err := c.Store.ClosedUntil(ctx, users)
	if err != nil {
		return nil, err
	}
	decide := func(tx VoidTx) error {
		run := &correcting{Correction: k, tx: tx, users: users, isNew: isNew, closed: closed,
			places: map[PeriodKey]*userPeriod{},
			batch: &batch{service: c.Usage, tx: tx, state: newState(k.At), part: &part{
				entries: make([]Entry, 0, 2*len(ids)), added: map[string]*Entry{}, missing: missingPrices{}}}}
		err := run.all(ctx, ids, replace)
		voided = run.voided
		return err
	}
	if k.DryRun {
		err = unlessNothing(c.Store.ViewVoids(ctx, decide))
		return voided, err
	}
	err = unlessNothing(c.Store.UpdateVoids(ctx, users, k.At, decide))
	return voided, err
}

// all takes the events back that stand for some ids.
func (run *correcting) all(ctx context.Context, ids []string, replace replacing) error {
	stands, err := eventsNow(ctx, run.tx, ids)
	if err != nil {
		return err
	}
	for _, e := range stands {
		if !slices.Contains(run.users, e.UserID) {
			return errOtherUser
		}
	}
	replacements, err := run.replacements(ctx, stands, replace)
	if err != nil {
		return err
	}
	if err := run.load(ctx, stands, replacements); err != nil {
		return err
	}
	done := map[string]int{} // of two ids one may stand in the place of the other
	for _, id := range ids {
		e := stands[id]
		if n, is := done[e.ID]; is {
			again := run.voided[n]
			again.Asked, again.Status = id, Duplicate
			run.voided = append(run.voided, again)
			continue
		}
		done[e.ID] = len(run.voided)
		if err := run.one(id, &e, replace != nil, replacements[id]); err != nil {
			return err
		}
	}
	if run.DryRun || len(run.entries) == 0 {
		return errNothingToWrite
	}
	return run.write(ctx)
}

// replacements are the events that are to be recorded in place of others, by the ids that were asked for.
func (run *correcting) replacements(
	ctx context.Context, stands map[string]Entry, replace replacing,
) (map[string]*Event, error) {
	made := map[string]*Event{}
	if replace == nil {
		return made, nil
	}
	for id, e := range stands {
		if e.voided() {
			continue // and refused
		}
		event, err := replace(&e)
		if err != nil {
			return nil, err
		}
		if event == nil {
			continue
		}
		made[id] = event
		if run.known, err = run.tx.Entries(ctx, []string{event.ID}); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// load reads what is known of the users of some entries and events.
func (run *correcting) load(ctx context.Context, stands map[string]Entry, replacements map[string]*Event) error {
	events := slices.Collect(maps.Values(replacements))
	for _, e := range stands {
		events = append(events, &e.Event)
	}
	users := make([]string, len(events))
	for i, e := range events {
		users[i] = e.UserID
	}
	calls := func(yield func(string, time.Time) bool) {
		for _, e := range events {
			if !yield(e.UserID, e.Time) {
				return
			}
		}
	}
	if err := run.state.loadCatalogue(ctx, run.tx, ""); err != nil {
		return err
	}
	if err := run.state.loadUsers(ctx, run.tx, slices.Values(users)); err != nil {
		return err
	}
	if err := run.state.loadPeriods(ctx, run.tx, calls); err != nil {
		return err
	}
	var tokens []int64
	for _, e := range events {
		if e.TokenID != 0 {
			tokens = append(tokens, e.TokenID)
		}
	}
	if len(tokens) == 0 {
		return nil
	}
	return run.state.loadTokens(ctx, run.tx, distinct(tokens))
}

// one takes an entry back, unless it was before, and records an event in its place if there is one.
func (run *correcting) one(asked string, e *Entry, corrects bool, replacement *Event) error {
	v := Voided{Asked: asked, Entry: *e, Status: VoidedNow, Closed: e.PeriodStart.Before(run.closed[e.UserID])}
	switch {
	case e.voided() && corrects:
		return failure.Conflictf("the event %s can't be corrected: %s", failure.Shorten(e.ID), e.whyVoided()).
			WithHint("record it anew, under another id")
	case e.voided() || corrects && replacement == nil:
		v.Status = Duplicate
		if e.voided() {
			l := e.Links
			v.Void = Void{EventID: e.ID, CounterID: l.VoidedBy, Time: e.Time, At: l.At, Actor: l.Actor, Reason: l.Reason}
		}
		run.voided = append(run.voided, v)
		return nil
	}
	if err := run.state.checkOpen(e.Time); err != nil {
		return err
	}
	id, err := NewID()
	if err != nil {
		return err
	}
	if err := run.takeBack(e.counter(id, run.At)); err != nil {
		return err
	}
	if run.DryRun {
		id = "" // which nobody will find
	}
	v.Void = Void{EventID: e.ID, CounterID: id, Time: e.Time, At: run.At, Actor: run.Actor, Reason: run.Reason}
	for _, r := range run.state.users[e.UserID].held {
		if r.ID == e.ID && r.HoldsAt(run.At) {
			v.Note = fmt.Sprintf("the reservation %s still holds, until %s", r.ID, r.ExpiresAt.Format(time.RFC3339))
		}
	}
	if replacement != nil {
		if t := run.state.tokens[replacement.TokenID]; t != nil && !t.terms.isShared() &&
			replacement.UserID != t.terms.User {
			replacement.TokenID = 0 // it was another's call, so not made with this token
		}
		again := &order{now: run.At, records: true, single: true}
		again.opts.AllowFuture = run.AllowFuture
		again.opts.anyTime = replacement.Time.Equal(e.Time) // it was taken then
		r := &request{order: again, event: replacement, user: replacement.UserID}
		if err := run.record(r); err != nil {
			return err
		}
		if r.status != Recorded {
			return failure.Conflictf("the event %s is recorded already: it can't be recorded in place of another",
				failure.Shorten(replacement.ID)).WithHint("give the correction an id of its own with --id, or none")
		}
		v.Replacement = run.added[replacement.ID]
		if run.isNew != "" && run.isNew == replacement.UserID {
			v.Note = "new user: " + run.isNew + " was never seen before"
		}
		v.Void.ReplacedBy, v.Void.ReplacementAt = replacement.ID, v.Replacement.Time
	}
	run.voided = append(run.voided, v)
	return nil
}

// takeBack counts a counter-entry.
func (run *correcting) takeBack(counter Entry) error {
	where, err := run.state.periodOf(counter.UserID, counter.Time)
	if err != nil {
		return err
	}
	run.places[NewPeriodKey(counter.UserID, counter.PeriodStart)] = where
	counter.Token = run.state.tokens[counter.TokenID].placeOf(counter.Time, where.period)
	run.entries = append(run.entries, counter)
	run.state.add(where.usage, &counter)
	return nil
}

// write writes all that was decided, in the order in which a database can check it.
func (run *correcting) write(ctx context.Context) error {
	if err := run.withdraw(ctx); err != nil {
		return err
	}
	if err := run.tx.Write(ctx, run.changes()); err != nil {
		return err
	}
	var now []Voided
	for _, v := range run.voided {
		if v.Status == VoidedNow {
			now = append(now, v)
		}
	}
	return run.tx.AddVoids(ctx, run.Action, now)
}

// counter returns the entry that takes another one back.
func (e *Entry) counter(id string, now time.Time) Entry {
	c := *e
	c.ID, c.RecordedAt, c.Links = id, now, nil
	for i := range entryFields {
		if f := &entryFields[i]; f.negates() {
			f.negate(&c)
		}
	}
	return c
}
