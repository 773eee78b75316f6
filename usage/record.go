package usage

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Service meters usage on a store. Its operations take the moment that counts as now; they read no
// clock. One Service serves any number of callers at the same time: what they change at the same
// moment shares a transaction.
type Service struct {
	Store      Store
	Thresholds []int   // percentages of a limit that make an alert
	Limiter    Limiter // nil: nobody asks how fast calls follow each other

	// Tell is told what becomes of each call that is reported or asked about, by many at the same time; nil for nobody.
	Tell func(*Told)

	once     sync.Once
	made     *recorders
	checker  checker
	paces    paces
	refusals refusalCounter
}

// RecordOptions say how an event is recorded.
type RecordOptions struct {
	Enforce     bool   // refuse it where the limits do
	AllowFuture bool   // take a time that is still to come
	Strict      bool   // refuse it where it has no price
	Reservation string // the reservation that it settles
	KnownUser   bool   // refuse it where its user was never seen
	Owner       string // whose the reservation has to be; "" for anyone
	Unknown     bool   // nobody knows what became of the call that it was taken for

	anyTime bool // it is not asked whether the time can be
}

// asksLimits tells whether the limits may refuse the event. A settlement always posts.
func (o *RecordOptions) asksLimits() bool { return o.Enforce && o.Reservation == "" }

// Status says what recording did.
type Status string

// The statuses of a recorded event.
const (
	Recorded  Status = "recorded"
	Duplicate Status = "duplicate" // it was recorded before, with the same content
)

// Outcome is what became of one event.
type Outcome struct {
	Status    Status
	Entry     Entry
	Period    plan.Period
	OverLimit []string  // blocking limits that are exceeded now
	Overage   bool      // what is beyond one of them is billed: the plan allows it
	Refusal   *Decision // what refused it, with Err
	Note      string    // what the caller should know
	NewUser   bool      // its user was never seen before
	Err       error

	rates    []plan.RatesOf // of a settlement: those of the plan and the token, by the minute
	reserved int64          // of a settlement: the tokens that its reservation held
}

// Record records one event, once: reporting it again with the same content does nothing and
// succeeds, with other content it is a conflict failure. With Enforce it is judged and recorded in
// one step, or denied. A settlement is never denied. An event without an id gets the reservation's,
// or a new one.
func (s *Service) Record(ctx context.Context, now time.Time, event Event, opts RecordOptions) (Outcome, error) {
	o := order{now: now, opts: opts, records: true, decide: (*batch).record}
	if opts.Reservation != "" {
		o.reservation, o.owner, o.closes, o.decide = opts.Reservation, opts.Owner, true, (*batch).settle
	} else {
		o.newID = event.ID == ""
		var err error
		if event, err = event.complete(); err != nil {
			return Outcome{}, err
		}
	}
	if !opts.asksLimits() {
		return s.recordOne(ctx, o, &event)
	}
	var outcome Outcome
	refusal, err := s.paced(ctx, now, &event, true, func() (made bool, err error) {
		outcome, err = s.recordOne(ctx, o, &event)
		return outcome.Status == Recorded, err
	})
	if refusal != nil {
		return Outcome{Refusal: refusal, Err: refusal.Denied()}, refusal.Denied()
	}
	return outcome, err
}

func (s *Service) recordOne(ctx context.Context, o order, event *Event) (Outcome, error) {
	opts := o.opts
	r, err := s.one(ctx, o, event)
	if err != nil {
		return Outcome{}, err
	}
	if opts.KnownUser && failure.Is(r.err, failure.NotFound) {
		r.err = s.withNearestUser(ctx, r.err, event.UserID)
	}
	outcome := r.outcome()
	s.settled(ctx, o.now, &outcome)
	return outcome, r.err
}

// one carries a single request out.
func (s *Service) one(ctx context.Context, o order, event *Event) (request, error) {
	o.single = true
	return s.do(ctx, request{order: &o, event: event})
}

// outcome returns the answer for those who report a single event.
func (r *request) outcome() Outcome {
	var o Outcome
	if r.answer != nil {
		o = *r.answer
	}
	o.Status, o.Refusal, o.Err = r.status, r.decision, r.err
	return o
}

// answerWith keeps all there is to say of an event, for who reports a single one.
func (r *request) answerWith(e *Entry, period plan.Period) {
	if r.single {
		r.answer = &Outcome{Entry: *e, Period: period}
	}
}

// complete returns the event with an id, normalised and checked.
func (e Event) complete() (Event, error) {
	if e.ID == "" {
		id, err := NewID()
		if err != nil {
			return e, err
		}
		e.ID = id
	}
	e = e.Normalise()
	return e, e.Validate()
}

// timeOr returns when the event happened: now, where its caller did not say.
func (e *Event) timeOr(now time.Time) time.Time {
	if e.Time.IsZero() {
		return now
	}
	return e.Time
}

// record decides about an event, and counts it unless that refuses it.
func (b *batch) record(r *request) error {
	event := r.event
	provider, err := b.state.book.Providers.Find(event.Provider)
	if err != nil {
		return err
	}
	if before := b.recorded(event.ID); before != nil {
		return b.answerAgain(r, before)
	}
	isNew := (r.single || r.opts.KnownUser) && b.isNew(event.UserID)
	if isNew && r.opts.KnownUser {
		return unknownUser(event.UserID, "unknown_user")
	}
	at := event.timeOr(r.now)
	vendor := event.Vendor
	if vendor == "" {
		vendor = provider.VendorOf(event.Model)
	}
	if again, err := b.seenInDryRun(r, at, vendor); again || err != nil {
		return err
	}
	if err := b.state.checkOpen(at); err != nil {
		return err
	}
	if err := event.checkTime(r.now, &r.opts); err != nil {
		return err
	}
	where, err := b.state.periodOf(event.UserID, at)
	if err != nil {
		return err
	}
	if r.opts.asksLimits() && (r.now.Before(where.period.Start) || !r.now.Before(where.period.End)) {
		return event.notNow(r.now)
	}
	n := len(b.entries)
	b.entries = append(b.entries,
		Entry{Event: *event, PeriodStart: where.period.Start, PlanID: where.plan.ID, RecordedAt: r.now})
	entry := &b.entries[n]
	entry.Time, entry.Vendor = at, vendor
	token, err := b.state.tokenOf(event)
	if err != nil {
		b.entries = b.entries[:n]
		return err
	}
	entry.Token = token.placeOf(at, where.period)
	if err := b.admit(r, entry, where); err != nil {
		b.entries = b.entries[:n]
		return err
	}
	if r.answer != nil {
		r.answer.NewUser = isNew
	}
	b.added[entry.ID] = entry
	r.status, r.cost, r.unpriced = Recorded, entry.Cost, entry.Basis == pricing.Unpriced && entry.Counts()
	return nil
}

// seenInDryRun tells whether a dry run has had the event before, which then is answered as a report of a recorded one.
func (b *batch) seenInDryRun(r *request, at time.Time, vendor string) (again bool, err error) {
	tx, ok := b.tx.(*dryTx)
	if !ok {
		return false, nil
	}
	event := *r.event
	event.Time, event.Vendor = at, vendor
	known, same := tx.store.recall(&event)
	switch {
	case !known:
		return false, nil
	case !same:
		return true, failure.Conflictf("the event %s is in the file before, with other content", failure.Shorten(event.ID))
	}
	r.status = Duplicate
	return true, nil
}

// answerAgain answers a report of an event that is recorded already.
func (b *batch) answerAgain(r *request, before *Entry) error {
	if differences := before.differences(*r.event); len(differences) > 0 {
		text := fmt.Sprintf("the event %s is recorded already with other content: %s differ",
			failure.Shorten(r.event.ID), strings.Join(differences, ", "))
		if before.voided() {
			text += "; " + before.whyVoided()
		}
		return failure.Conflictf("%s", text).
			WithHint("an id stands for one event for ever: report another event under another id")
	}
	r.status = Duplicate
	r.answerWith(before, b.state.users[before.UserID].account.PeriodAt(before.Time))
	if r.answer != nil && before.voided() {
		r.answer.Note = before.whyVoided()
	}
	return nil
}

// admit rates an entry and counts it, or returns the failure that refuses it.
func (b *batch) admit(r *request, entry *Entry, where *userPeriod) error {
	charge, err := b.rate(entry, r.opts.Strict)
	if err != nil {
		return err
	}
	r.caveats = charge.Caveats
	if err := where.usage.checkFits(entry); err != nil {
		return err
	}
	limits := b.state.covering(where.plan, entry.Provider, entry.Vendor)
	user := b.state.users[entry.UserID]
	if r.opts.Enforce && !r.closes && entry.Counts() {
		d, err := b.state.decideEntry(entry, where, limits, user.held, r.now, charge.Free)
		if err != nil {
			return err
		}
		if !d.Allowed {
			r.decision = &d
			r.answerWith(entry, where.period)
			return d.Denied()
		}
	}
	if r.closes {
		b.state.free(b.reservations[r.reservation])
	}
	r.answerWith(entry, where.period)
	b.noteCaveats(r, entry)
	b.count(r, entry, where, limits)
	if entry.Basis == pricing.Unpriced && entry.Counts() {
		b.missing.note(entry)
	}
	return nil
}

// noteCaveats says to who reports a single event what its cost leaves open.
func (b *batch) noteCaveats(r *request, entry *Entry) {
	if r.answer == nil {
		return
	}
	call := entry.Call()
	if !r.caveats.Averaged && !r.caveats.NoTier {
		if counted := b.state.book.Counted(&call); entry.Counts() && entry.Cost == 0 && len(counted) > 0 {
			r.answer.Note = notCounted(&entry.Event, counted).Error()
		}
		return
	}
	if price, _ := b.state.book.Find(call.Provider, call.Model, call.At); price != nil {
		r.answer.Note = strings.Join(r.caveats.Notes(&call, price), "; ")
	}
}

func (b *batch) rate(entry *Entry, strict bool) (pricing.Charge, error) {
	call := entry.Call()
	charge, err := b.state.book.Charge(&call)
	if err != nil {
		return charge, err
	}
	if charge.Basis == pricing.Unpriced && strict {
		unpriced := failure.NotFoundf("there is no price for %s %s at %s, and --strict refuses what has none",
			entry.Provider, quoted(entry.Model), entry.Time.Format(time.RFC3339))
		unpriced.Reason, unpriced.Args = b.state.book.Advice(entry.Provider, entry.Model)
		return charge, unpriced
	}
	entry.Cost, entry.Basis, entry.PriceID = charge.Cost, charge.Basis, charge.PriceID
	if !entry.Counts() {
		entry.Cost = 0
	}
	return charge, nil
}

func quoted(model string) string {
	if model == "" {
		return "without a model"
	}
	return fmt.Sprintf("%q", failure.Shorten(model))
}

// count counts an entry, and notes the alerts that it makes and the blocking limits that are
// exceeded with it.
func (b *batch) count(r *request, entry *Entry, where *userPeriod, limits []int) {
	used := where.usage.used(where.plan)
	var room [16]int64
	before := room[:0]
	for _, i := range limits {
		before = append(before, used[i])
	}
	b.state.add(where.usage, entry)
	for n, i := range limits {
		l := &where.plan.Limits[i]
		if percent := crossed(l, before[n], used[i], b.service.Thresholds); percent > 0 {
			b.alerts = append(b.alerts, Alert{
				UserID: entry.UserID, PeriodStart: entry.PeriodStart, PeriodEnd: where.period.End, Limit: *l,
				Threshold: percent, Used: used[i], EventID: entry.ID, CreatedAt: r.now, Overage: billsOverage(where.plan, l),
			})
		}
		if l.Action == plan.Block && !l.Unlimited && used[i] > l.Max {
			r.exceeds(l.Name)
			if r.answer != nil {
				r.answer.Overage = r.answer.Overage || billsOverage(where.plan, l)
			}
		}
	}
	for _, name := range b.state.addToToken(entry) {
		r.exceeds(name)
	}
}

// exceeds notes that a blocking limit is exceeded with the request.
func (r *request) exceeds(limit string) {
	r.overLimit = true
	if r.answer != nil {
		r.answer.OverLimit = append(r.answer.OverLimit, limit)
	}
}

// billsOverage tells whether a plan lets calls pass beyond one of its limits, and bills them.
func billsOverage(p *plan.Plan, l *plan.Limit) bool {
	return p.Overage == plan.OverageAllow && l.TakesOverage()
}

// settle records what a reserved call has really used, and closes its reservation.
func (b *batch) settle(r *request) error {
	held := b.reservations[r.reservation]
	if held.Status == Settled && held.EventID != r.event.ID {
		return held.settledAlready()
	}
	if err := b.record(r); err != nil || held.Status == Settled {
		return err
	}
	if r.status == Duplicate {
		return failure.Conflictf("the event %s was recorded before and can't settle the reservation %s",
			failure.Shorten(r.event.ID), held.ID).
			WithReason("reservation_open", "reservation", held.ID)
	}
	if late := held.lateness(r.now); late != "" {
		r.answer.Note = strings.TrimPrefix(r.answer.Note+"; "+late, "; ")
	}
	r.answer.rates = b.state.ratesOf(r.event)
	if held.Status == Held {
		r.answer.reserved = held.Tokens
	}
	held.Status, held.EventID, held.ClosedAt = Settled, r.event.ID, r.now
	if r.opts.Unknown {
		held.Outcome = OutcomeUnknown
	}
	b.save(held)
	return nil
}

// settling fills in from the reservation what the event leaves open.
func (e Event) settling(r Reservation) (Event, error) {
	if e.UserID == "" {
		e.UserID = r.UserID
	}
	if e.UserID != r.UserID {
		return e, failure.Conflictf("the reservation %s belongs to the user %s, not to %s",
			r.ID, r.UserID, failure.Shorten(e.UserID))
	}
	if e.ID == "" {
		e.ID = r.ID
	}
	if r.TokenID != 0 {
		e.TokenID = r.TokenID // with which the call was made
	}
	if e.Provider == "" {
		e.Provider = r.Provider
	}
	if !strings.EqualFold(e.Provider, r.Provider) {
		return e.complete() // another API was called in the end
	}
	if e.Model == "" {
		e.Model = r.Model
	}
	if e.Vendor == "" && e.Model == r.Model {
		e.Vendor = r.Vendor
	}
	return e.complete()
}

// lateness says what has happened to a reservation before it was settled.
func (r Reservation) lateness(now time.Time) string {
	switch {
	case r.Status == Released:
		return fmt.Sprintf("the reservation %s had been released; its usage is recorded all the same", r.ID)
	case !r.HoldsAt(now):
		return fmt.Sprintf("the reservation %s had expired at %s; its usage is recorded all the same",
			r.ID, r.ExpiresAt.Format(time.RFC3339))
	}
	return ""
}
