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

// VoidTx is a transaction that takes events back.
type VoidTx interface {
	Tx
	// AddVoids notes which events were taken back, by which counter-entries, also in the audit log. Each is told as it
	// was recorded and, where there is one, as it is recorded in its place.
	AddVoids(ctx context.Context, action string, voids []Voided) error
	// PeriodAlerts returns the alerts of some periods that were not withdrawn.
	PeriodAlerts(ctx context.Context, periods []PeriodKey) ([]Alert, error)
	// WithdrawAlerts notes that alerts no longer hold. What was not sent of them is not sent any more.
	WithdrawAlerts(ctx context.Context, alerts []Alert, now time.Time) error
}

// CorrectionStore is the storage that taking back needs.
type CorrectionStore interface {
	RerateStore
	// UpdateVoids is Store.Update for taking events back.
	UpdateVoids(ctx context.Context, users []string, now time.Time, fn func(VoidTx) error) error
	// ViewVoids is Store.View for saying what taking events back would do: fn must write nothing.
	ViewVoids(ctx context.Context, fn func(VoidTx) error) error
}

// Corrections take back what was recorded wrongly.
type Corrections struct {
	Store CorrectionStore
	Usage *Service
}

// Correction says who takes something back, when and why.
type Correction struct {
	Audit
	Reason string
	DryRun bool // nothing is changed
	// AllowFuture lets the time that is given to an event be still to come.
	AllowFuture bool
}

// Voided is an event that was taken back, now or before.
type Voided struct {
	Asked       string // the id that was asked for: another one where that event had been corrected
	Entry       Entry  // as it was recorded
	Void        Void
	Replacement *Entry // what was recorded in its place
	Status      Status
	Closed      bool   // it is in a closed period: the next bill gives its cost back, or charges it
	Note        string // what else there is to know
}

// VoidedNow is the status of an event that is taken back. One that was before is a Duplicate.
const VoidedNow Status = "voided"

// voidBatch is how many events one transaction takes back: all of them or none.
const voidBatch = 1_000

// Void takes events back: those with the ids, or what was recorded in their place. An event that was taken back before
// is a duplicate. Where an id is not known, or is that of a counter-entry, nothing is changed.
func (c *Corrections) Void(ctx context.Context, k Correction, ids []string) ([]Voided, error) {
	if err := k.validate(); err != nil {
		return nil, err
	}
	ids, err := distinctIDs(ids)
	if err != nil {
		return nil, err
	}
	if err := c.mustBeKnown(ctx, ids); err != nil {
		return nil, err
	}
	all := make([]Voided, 0, len(ids))
	for chunk := range slices.Chunk(ids, voidBatch) {
		some, err := c.correct(ctx, k, chunk, nil, nil)
		if err != nil {
			return all, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// VoidWhere takes back all events of a query that were not taken back before.
func (c *Corrections) VoidWhere(ctx context.Context, k Correction, q LogQuery) ([]Voided, error) {
	if err := k.validate(); err != nil {
		return nil, err
	}
	q.Limit, q.Standing = voidBatch, true
	if err := q.Validate(); err != nil {
		return nil, err
	}
	err := c.Store.View(ctx, func(r Reader) error { return RequireKnown(ctx, r, q.User, "unknown_user") })
	if err != nil {
		return nil, err
	}
	var ids []string
	err = EachRow(q.Limit, func(last Entry, _ int) ([]Entry, error) {
		q.BeforeTime, q.BeforeID = last.Time, last.ID
		return c.Store.Logs(ctx, q)
	}, func(e *Entry) error {
		ids = append(ids, e.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.Void(ctx, k, ids)
}

func (k *Correction) validate() error {
	return RequireReason(k.Reason, "ten times the tokens")
}

func distinctIDs(ids []string) ([]string, error) {
	seen := make(map[string]bool, len(ids))
	var once []string
	for _, id := range ids {
		if err := ValidateID(id); err != nil {
			return nil, err
		}
		if !seen[id] {
			seen[id] = true
			once = append(once, id)
		}
	}
	return once, nil
}

// mustBeKnown returns a failure unless all ids are those of events.
func (c *Corrections) mustBeKnown(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, voidBatch) {
		err := c.Store.View(ctx, func(r Reader) error {
			_, err := eventsNow(ctx, r, chunk)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eventsNow returns what stands for each id: the event itself, or what was last recorded in its place.
func eventsNow(ctx context.Context, r Reader, ids []string) (map[string]Entry, error) {
	stands, err := r.Entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if e, known := stands[id]; !known {
			return nil, unknownEvent(ctx, r, id)
		} else if e.isCounter() {
			return nil, failure.Conflictf("%s is the counter-entry that takes the event %s back: it can't be taken back itself",
				failure.Shorten(id), failure.Shorten(e.Links.Voids)).
				WithHint("what was voided by mistake is recorded anew, under another id")
		}
	}
	for {
		var next []string
		for _, e := range stands {
			if e.voided() && e.Links.ReplacedBy != "" {
				next = append(next, e.Links.ReplacedBy)
			}
		}
		if len(next) == 0 {
			return stands, nil
		}
		found, err := r.Entries(ctx, next)
		if err != nil {
			return nil, err
		}
		for id, e := range stands {
			if !e.voided() || e.Links.ReplacedBy == "" {
				continue
			}
			replacement, ok := found[e.Links.ReplacedBy]
			if !ok {
				return nil, failure.NotFoundf("the event %s was corrected, and %s, which stands in its place, "+
					"is not in the log: its month is archived", failure.Shorten(id), failure.Shorten(e.Links.ReplacedBy)).
					WithReason("event_archived")
			}
			stands[id] = replacement
		}
	}
}

func unknownEvent(ctx context.Context, r Reader, id string) error {
	archived, err := r.ArchivedMonths(ctx)
	if err != nil {
		return err
	}
	unknown := failure.NotFoundf("there is no event %q in the log", failure.Shorten(id))
	if len(archived) > 0 {
		unknown.Message += fmt.Sprintf(" (%s archived)", failure.Counted(len(archived), "month"))
		return unknown.WithReason("event_archived")
	}
	return unknown.WithReason("unknown_event")
}

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
	return run.state.loadPeriods(ctx, run.tx, calls)
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

// Correct takes the event back that stands for an id, and records another one in its place. change makes that of what
// is recorded; it may leave the id open. Where the event is so already, that is a duplicate: who asks again changes
// nothing. Of an event that was voided it is a conflict.
func (c *Corrections) Correct(
	ctx context.Context, k Correction, id string, change func(Event) Event,
) (Voided, error) {
	if err := k.validate(); err != nil {
		return Voided{}, err
	}
	var users []string
	if other := change(Event{}).UserID; other != "" {
		users = []string{other} // whose it becomes
	}
	idIsMade := false
	replace := func(now *Entry) (*Event, error) {
		event := change(now.Event)
		if event.ID == now.ID {
			event.ID = ""
		}
		if event.Vendor == now.Vendor && (event.Provider != now.Provider || event.Model != now.Model) {
			event.Vendor = "" // it follows from them
		}
		idIsMade = event.ID == ""
		event, err := event.complete()
		if err != nil {
			return nil, err
		}
		report := event
		report.ID = now.ID
		if len(now.differences(report)) == 0 {
			if now.ID == id {
				return nil, failure.Invalidf("the event %s is so already: nothing of it is to be changed", failure.Shorten(id))
			}
			return nil, nil
		}
		return &event, nil
	}
	voided, err := c.correct(ctx, k, []string{id}, users, replace)
	if err != nil {
		return Voided{}, err
	}
	if k.DryRun && idIsMade {
		voided[0].Void.ReplacedBy = "" // the next run makes another
	}
	return voided[0], nil
}
