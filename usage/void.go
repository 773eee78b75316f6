package usage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// Void says that an event was taken back: the log has the event as it was and a counter-entry, which is the same with
// all amounts negative, so that every sum of the log is right without knowing of it. A correction has another event in
// its place.
type Void struct {
	EventID       string
	CounterID     string
	ReplacedBy    string    // "" where nothing was recorded in its place
	Time          time.Time // of the event, and of its counter-entry
	ReplacementAt time.Time // of the event in its place
	At            time.Time // when it was taken back
	Actor         string
	Reason        string
}

// Links are the other log rows that one belongs to, by their ids: "" for none.
type Links struct {
	VoidedBy   string // the counter-entry that takes it back
	ReplacedBy string // what was recorded in its place
	Voids      string // the event that it takes back: it is a counter-entry
	Replaces   string // the event that it was recorded in place of

	// When, by whom and why it was taken back; of a counter-entry, and of what stands and was recorded in place of
	// another, when, by whom and why that was.
	At     time.Time
	Actor  string
	Reason string
}

// LinkField is a field of a log row's links.
type LinkField struct {
	Name string // in documents and archives
	// Text is what the links of a row say; "" for nothing, and for rows without any.
	Text func(l *Links) string
}

// linkFields are the fields of links, in their order.
var linkFields = makeLinkFields() // read-only

// LinkFields returns the fields of links, in their order. Nobody may change them.
func LinkFields() []LinkField { return linkFields }

func makeLinkFields() []LinkField {
	return []LinkField{
		{"voids", func(l *Links) string { return l.Voids }},
		{"voided_by", func(l *Links) string { return l.VoidedBy }},
		{"replaces", func(l *Links) string { return l.Replaces }},
		{"replaced_by", func(l *Links) string { return l.ReplacedBy }},
		{"corrected_at", func(l *Links) string {
			if l.At.IsZero() {
				return ""
			}
			return l.At.UTC().Format(time.RFC3339Nano)
		}},
		{"corrected_by", func(l *Links) string { return l.Actor }},
		{"correction_reason", func(l *Links) string { return l.Reason }},
	}
}

// voided tells whether an entry was taken back.
func (e *Entry) voided() bool { return e.Links != nil && e.Links.VoidedBy != "" }

// isCounter tells whether an entry takes another one back.
func (e *Entry) isCounter() bool { return e.Links != nil && e.Links.Voids != "" }

// Stands tells whether a log row is an event that was not taken back.
func (e *Entry) Stands() bool { return !e.voided() && !e.isCounter() }

// LinksOf returns the links of the log rows that voids are about, by the rows' ids.
func LinksOf(voids []Void) map[string]*Links {
	links := make(map[string]*Links, 2*len(voids))
	of := func(id string) *Links {
		if links[id] == nil {
			links[id] = &Links{}
		}
		return links[id]
	}
	for _, v := range voids {
		if v.ReplacedBy != "" {
			l := of(v.ReplacedBy)
			if l.Replaces = v.EventID; l.VoidedBy == "" {
				l.At, l.Actor, l.Reason = v.At, v.Actor, v.Reason
			}
		}
		for _, id := range []string{v.EventID, v.CounterID} {
			l := of(id)
			l.At, l.Actor, l.Reason = v.At, v.Actor, v.Reason
		}
		links[v.EventID].VoidedBy, links[v.EventID].ReplacedBy = v.CounterID, v.ReplacedBy
		links[v.CounterID].Voids = v.EventID
	}
	return links
}

// counter returns the entry that takes another one back.
func (e *Entry) counter(id string, now time.Time) Entry {
	c := *e
	c.ID, c.RecordedAt, c.Cost, c.Links = id, now, -e.Cost, nil
	c.Reported.USD = -e.Reported.USD
	for q := range c.Quantities {
		c.Quantities[q] = -e.Quantities[q]
	}
	return c
}

// whyVoided says when, by whom and why an entry was taken back, and what its id is good for.
func (e *Entry) whyVoided() string {
	l := e.Links
	text := fmt.Sprintf("it was voided at %s by %s (%s)", l.At.Format(time.RFC3339), l.Actor, l.Reason)
	if l.ReplacedBy != "" {
		text += ", and " + failure.Shorten(l.ReplacedBy) + " stands in its place"
	}
	return text + "; its id is used up"
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
		some, err := c.voidTogether(ctx, k, chunk)
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

// voidTogether takes some events back in one transaction.
func (c *Corrections) voidTogether(ctx context.Context, k Correction, ids []string) ([]Voided, error) {
	return c.correct(ctx, k, ids, nil, nil)
}

// correcting is a transaction that takes events back.
type correcting struct {
	*batch
	Correction
	tx     VoidTx
	closed map[string]time.Time // until when users' periods are
	voided []Voided
	places map[PeriodKey]*userPeriod // in which something was taken back
}

// replacing makes the event that is recorded in place of another, and returns nil where that one is as it should be.
type replacing func(now *Entry) (*Event, error)

// correct takes the events back that stand for some ids and records others in their place, if there are any, of some
// more users.
func (c *Corrections) correct(
	ctx context.Context, k Correction, ids, users []string, replace replacing,
) (voided []Voided, err error) {
	err = c.Store.View(ctx, func(r Reader) error {
		found, err := eventsNow(ctx, r, ids)
		for _, e := range found {
			users = append(users, e.UserID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	users = slices.DeleteFunc(distinct(users), func(user string) bool { return user == "" })
	closed, err := c.Store.ClosedUntil(ctx, users)
	if err != nil {
		return nil, err
	}
	decide := func(tx VoidTx) error {
		run := &correcting{Correction: k, tx: tx, closed: closed, places: map[PeriodKey]*userPeriod{},
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
	users := func(yield func(string) bool) {
		for _, e := range stands {
			if !yield(e.UserID) {
				return
			}
		}
		for _, e := range replacements {
			if !yield(e.UserID) {
				return
			}
		}
	}
	calls := func(yield func(string, time.Time) bool) {
		for _, e := range stands {
			if !yield(e.UserID, e.Time) {
				return
			}
		}
		for _, e := range replacements {
			if !yield(e.UserID, e.Time) {
				return
			}
		}
	}
	if err := run.state.loadCatalogue(ctx, run.tx, ""); err != nil {
		return err
	}
	if err := run.state.loadUsers(ctx, run.tx, users); err != nil {
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

// withdraw takes back the alerts whose thresholds are no longer reached.
func (run *correcting) withdraw(ctx context.Context) error {
	alerts, err := run.tx.PeriodAlerts(ctx, sortedPeriods(run.places))
	if err != nil {
		return err
	}
	var over []Alert
	for _, a := range alerts {
		where := run.places[NewPeriodKey(a.UserID, a.PeriodStart)]
		if used, known := run.usedOf(&a, where); known && !reached(&a.Limit, used, a.Threshold) {
			over = append(over, a)
		}
	}
	if len(over) == 0 {
		return nil
	}
	return run.tx.WithdrawAlerts(ctx, over, run.At)
}

// usedOf returns how much is used of the limit that an alert is about, by the plan that had it when the alert was made,
// or has it at the end of the period.
func (run *correcting) usedOf(a *Alert, where *userPeriod) (used int64, known bool) {
	account := run.state.users[a.UserID].account
	moments := []time.Time{a.CreatedAt, where.period.End.Add(-time.Microsecond), where.period.Start}
	plans := []*plan.Plan{where.plan}
	for _, at := range moments {
		if p, err := account.PlanAt(at); err == nil && where.period.Contains(at) {
			plans = append(plans, run.state.planOf(p))
		}
	}
	for _, p := range plans {
		for i, l := range p.Limits {
			if l.Name == a.Limit.Name && l.Meter == a.Limit.Meter {
				return where.usage.used(p)[i], true
			}
		}
	}
	return 0, false
}

// WithdrawAlerts takes back the alerts of users' running periods whose thresholds are no longer reached, as when a
// price that was too high has been put right.
func (c *Corrections) WithdrawAlerts(ctx context.Context, now time.Time, users []string) error {
	for some := range slices.Chunk(users, checkedTogether) {
		err := c.Store.UpdateVoids(ctx, some, now, func(tx VoidTx) error {
			run := &correcting{Correction: Correction{Audit: Audit{At: now}}, tx: tx, places: map[PeriodKey]*userPeriod{},
				batch: &batch{service: c.Usage, tx: tx, state: newState(now)}}
			if err := run.state.loadUsers(ctx, tx, slices.Values(some)); err != nil {
				return err
			}
			err := run.state.loadPeriods(ctx, tx, func(yield func(string, time.Time) bool) {
				for _, user := range some {
					if !yield(user, now) {
						return
					}
				}
			})
			for _, user := range some {
				if err != nil {
					return err
				}
				var where *userPeriod
				if where, err = run.state.periodOf(user, now); err == nil {
					run.places[NewPeriodKey(user, where.period.Start)] = where
				}
			}
			if err != nil {
				return err
			}
			return run.withdraw(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sortedPeriods(of map[PeriodKey]*userPeriod) []PeriodKey {
	keys := slices.Collect(maps.Keys(of))
	slices.SortFunc(keys, func(a, b PeriodKey) int {
		return cmp.Or(strings.Compare(a.UserID, b.UserID), cmp.Compare(a.Start, b.Start))
	})
	return keys
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
	users := []string{change(Event{}).UserID} // whose it becomes, if it is to be another user's
	replace := func(now *Entry) (*Event, error) {
		event := change(now.Event)
		if event.ID == now.ID {
			event.ID = ""
		}
		if event.Vendor == now.Vendor && (event.Provider != now.Provider || event.Model != now.Model) {
			event.Vendor = "" // it follows from them
		}
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
	return voided[0], nil
}
