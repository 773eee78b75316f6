package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Service meters usage on a store. Its operations take the moment that counts
// as now; they read no clock.
type Service struct {
	Store      Store
	Thresholds []int // percentages of a limit that make an alert
}

// RecordOptions say how an event is recorded.
type RecordOptions struct {
	Enforce     bool   // refuse it where the limits do
	Strict      bool   // refuse it where it has no price
	Reservation string // the reservation that it settles
}

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
	OverLimit []string   // blocking limits that are exceeded now
	Refusal   *Judgement // what refused it, with Err
	Note      string     // what the caller should know
	Err       error
}

// Record records one event, once: reporting it again with the same content does
// nothing and succeeds, with other content it is a conflict failure. With
// Enforce it is judged and recorded in one step, or denied. A settlement is
// never denied. An event without an id gets the reservation's, or a new one.
func (s *Service) Record(ctx context.Context, now time.Time, event Event, opts RecordOptions) (Outcome, error) {
	if opts.Reservation != "" {
		return s.settle(ctx, now, event, opts)
	}
	event, err := withID(event)
	if err != nil {
		return Outcome{}, err
	}
	var outcome Outcome
	err = s.Store.Update(ctx, []string{event.UserID}, now, func(tx Tx) error {
		p := s.newPosting(tx, now, opts)
		outcomes, err := p.post(ctx, []Event{event})
		if err != nil {
			return err
		}
		outcome = outcomes[0]
		return outcome.Err
	})
	if err != nil && outcome.Err == nil {
		return Outcome{}, err
	}
	return outcome, err
}

func withID(event Event) (Event, error) {
	if event.ID == "" {
		id, err := NewID()
		if err != nil {
			return event, err
		}
		event.ID = id
	}
	event = event.Normalise()
	return event, event.Validate()
}

// settle records what a reserved call has really used, and closes the
// reservation. What the event leaves open it takes from the reservation.
func (s *Service) settle(ctx context.Context, now time.Time, event Event, opts RecordOptions) (Outcome, error) {
	held, err := s.reservation(ctx, opts.Reservation)
	if err != nil {
		return Outcome{}, err
	}
	if event, err = event.settling(held); err != nil {
		return Outcome{}, err
	}
	var outcome Outcome
	err = s.Store.Update(ctx, []string{event.UserID}, now, func(tx Tx) error {
		r, _, err := tx.Reservation(ctx, held.ID) // again, now that the user is locked
		if err != nil {
			return err
		}
		if r.Status == Settled && r.EventID != event.ID {
			return failure.Conflictf("the reservation %s is settled already, by the event %s", r.ID, r.EventID)
		}
		p := s.newPosting(tx, now, RecordOptions{Strict: opts.Strict})
		p.settled = r.ID
		outcomes, err := p.post(ctx, []Event{event})
		if err != nil {
			return err
		}
		outcome = outcomes[0]
		if outcome.Err != nil || r.Status == Settled {
			return outcome.Err
		}
		if outcome.Status == Duplicate {
			return failure.Conflictf("the event %s was recorded before and can't settle the reservation %s", pricing.Shorten(event.ID), r.ID).
				WithHint("settle it under an id of its own, or give it back: alwrity-sub limits release %s", r.ID)
		}
		outcome.Note = r.lateness(now)
		r.Status, r.EventID, r.ClosedAt = Settled, event.ID, now
		return tx.SaveReservation(ctx, r)
	})
	if err != nil && outcome.Err == nil {
		return Outcome{}, err
	}
	return outcome, err
}

func (s *Service) reservation(ctx context.Context, id string) (Reservation, error) {
	var r Reservation
	err := s.Store.View(ctx, func(reader Reader) error {
		found, ok, err := reader.Reservation(ctx, id)
		if err == nil && !ok {
			err = failure.NotFoundf("there is no reservation %q", pricing.Shorten(id)).
				WithHint("list them: alwrity-sub limits reservations")
		}
		r = found
		return err
	})
	return r, err
}

// settling fills in from the reservation what the event leaves open.
func (e Event) settling(r Reservation) (Event, error) {
	if e.UserID == "" {
		e.UserID = r.UserID
	}
	if e.UserID != r.UserID {
		return e, failure.Conflictf("the reservation %s belongs to the user %s, not to %s", r.ID, r.UserID, pricing.Shorten(e.UserID))
	}
	if e.ID == "" {
		e.ID = r.ID
	}
	if e.Provider == "" {
		e.Provider = r.Provider
	}
	if !strings.EqualFold(e.Provider, r.Provider) {
		return withID(e) // another API was called in the end
	}
	if e.Model == "" {
		e.Model = r.Model
	}
	if e.Vendor == "" && e.Model == r.Model {
		e.Vendor = r.Vendor
	}
	return withID(e)
}

// lateness says what has happened to a reservation before it was settled.
func (r Reservation) lateness(now time.Time) string {
	switch {
	case r.Status == Released:
		return fmt.Sprintf("the reservation %s had been released; its usage is recorded all the same", r.ID)
	case !r.HoldsAt(now):
		return fmt.Sprintf("the reservation %s had expired at %s; its usage is recorded all the same", r.ID, r.ExpiresAt.Format(time.RFC3339))
	}
	return ""
}

// posting records events within one transaction.
type posting struct {
	service *Service
	tx      Tx
	now     time.Time
	opts    RecordOptions
	settled string // the reservation that the events settle

	ledger   *ledger
	book     *pricing.Book
	accounts map[string]plan.Account
	recorded map[string]Entry // by event id: before, and by this posting
	entries  []Entry
	alerts   []Alert
}

func (s *Service) newPosting(tx Tx, now time.Time, opts RecordOptions) *posting {
	return &posting{service: s, tx: tx, now: now, opts: opts, ledger: newLedger(tx, now)}
}

// post records events in their order and returns an outcome for each. An event
// that is refused has its failure in its outcome and stops no other. An error of
// post itself is one of the storage: nothing may be committed then.
func (p *posting) post(ctx context.Context, events []Event) ([]Outcome, error) {
	if err := p.load(ctx, events); err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(events))
	for i, event := range events {
		outcome, err := p.one(ctx, event)
		if err != nil && !refused(err) {
			return nil, err
		}
		outcome.Err = err
		outcomes[i] = outcome
	}
	if err := p.tx.Append(ctx, p.entries); err != nil {
		return nil, err
	}
	_, err := p.tx.AddAlerts(ctx, p.alerts)
	return outcomes, err
}

// refused tells whether an error concerns the event and not the storage.
func refused(err error) bool {
	var f *failure.Error
	return errors.As(err, &f) && f.Code != failure.Unavailable && f.Code != failure.Internal
}

func (p *posting) load(ctx context.Context, events []Event) error {
	ids := make([]string, len(events))
	users := map[string]bool{}
	provider := events[0].Provider
	for i, e := range events {
		ids[i] = e.ID
		users[e.UserID] = true
		if e.Provider != provider {
			provider = ""
		}
	}
	var err error
	if p.recorded, err = p.tx.Entries(ctx, ids); err != nil {
		return err
	}
	if p.book, err = p.tx.Book(ctx, provider); err != nil {
		return err
	}
	names := make([]string, 0, len(users))
	for user := range users {
		names = append(names, user)
	}
	slices.Sort(names)
	if p.accounts, err = p.tx.Accounts(ctx, names); err != nil {
		return err
	}
	return p.ledger.load(ctx, p.periods(events))
}

// periods returns the periods of the events that are new.
func (p *posting) periods(events []Event) []PeriodKey {
	var keys []PeriodKey
	for _, e := range events {
		if _, known := p.recorded[e.ID]; !known {
			keys = append(keys, NewPeriodKey(e.UserID, p.accounts[e.UserID].PeriodAt(p.timeOf(e)).Start))
		}
	}
	return keys
}

// timeOf returns when the event happened: now, where its caller did not say.
func (p *posting) timeOf(e Event) time.Time {
	if e.Time.IsZero() {
		return p.now
	}
	return e.Time
}

func (p *posting) one(ctx context.Context, event Event) (Outcome, error) {
	known, err := p.book.Providers.Find(event.Provider)
	if err != nil {
		return Outcome{}, err
	}
	if before, ok := p.recorded[event.ID]; ok {
		return p.again(before, event)
	}
	account := p.accounts[event.UserID]
	event.Time = p.timeOf(event)
	if event.Vendor == "" {
		event.Vendor = known.VendorOf(event.Model)
	}
	entry, current, err := p.rate(event, account)
	if err != nil {
		return Outcome{}, err
	}
	period := account.PeriodAt(event.Time)
	entry.PeriodStart = period.Start
	state, err := p.ledger.period(ctx, event.UserID, period.Start)
	if err != nil {
		return Outcome{}, err
	}
	if err := state.mustHold(entry); err != nil {
		return Outcome{}, err
	}
	if p.opts.Enforce && event.Counts() {
		status := account.StatusAt(event.Time)
		d := Decide(status, requesting(state.uses(covering(current, entry.Provider, entry.Vendor)), entry.metered()))
		if !d.Allowed {
			refusal := Judgement{Decision: d, Call: Call{event.UserID, event.Provider, event.Model, event.Vendor, event.Quantities},
				Plan: current, Status: status, Period: period, EstimatedCost: entry.Cost, Basis: entry.Basis}
			return Outcome{Entry: entry, Period: period, Refusal: &refusal}, refusal.Denied()
		}
	}
	outcome := Outcome{Status: Recorded, Entry: entry, Period: period}
	outcome.OverLimit = p.take(state, entry, current)
	p.recorded[entry.ID] = entry
	return outcome, nil
}

// again answers a report of an event that is recorded already.
func (p *posting) again(before Entry, event Event) (Outcome, error) {
	if differences := before.differences(event); len(differences) > 0 {
		return Outcome{}, failure.Conflictf("the event %s is recorded already with other content: %s differ", pricing.Shorten(event.ID), strings.Join(differences, ", ")).
			WithHint("an id stands for one event for ever: report another event under another id")
	}
	period := p.accounts[before.UserID].PeriodAt(before.Time)
	return Outcome{Status: Duplicate, Entry: before, Period: period}, nil
}

func (p *posting) rate(event Event, account plan.Account) (Entry, plan.Plan, error) {
	current, err := account.PlanAt(event.Time)
	if err != nil {
		return Entry{}, plan.Plan{}, err
	}
	rating, err := p.book.Rate(event.Provider, event.Model, event.Time, event.Quantities)
	if err != nil {
		return Entry{}, plan.Plan{}, err
	}
	if rating.Basis == pricing.Unpriced && p.opts.Strict {
		return Entry{}, plan.Plan{}, failure.NotFoundf("there is no price for %s %s at %s, and --strict refuses what has none",
			event.Provider, quoted(event.Model), event.Time.Format(time.RFC3339)).WithHint("%s", p.book.Advice(event.Provider, event.Model))
	}
	entry := Entry{Event: event, PlanID: current.ID, Cost: rating.Cost, Basis: rating.Basis, PriceID: rating.Price.ID, RecordedAt: p.now}
	if !event.Counts() {
		entry.Cost = 0
	}
	return entry, current, nil
}

func quoted(model string) string {
	if model == "" {
		return "without a model"
	}
	return fmt.Sprintf("%q", pricing.Shorten(model))
}

// take counts the entry, notes the alerts that it makes, and returns the
// blocking limits that are exceeded with it.
func (p *posting) take(state *periodState, entry Entry, current plan.Plan) []string {
	limits := covering(current, entry.Provider, entry.Vendor)
	before := state.uses(limits)
	state.free(p.settled)
	state.add(entry)
	var over []string
	for i, after := range state.uses(limits) {
		if percent := crossed(before[i], after, p.service.Thresholds); percent > 0 {
			p.alerts = append(p.alerts, Alert{UserID: entry.UserID, PeriodStart: entry.PeriodStart, Limit: after.Limit,
				Threshold: percent, Used: after.Used, EventID: entry.ID, CreatedAt: p.now})
		}
		if l := after.Limit; l.Action == plan.Block && !l.Unlimited && after.Used > l.Max {
			over = append(over, l.Name)
		}
	}
	p.entries = append(p.entries, entry)
	return over
}
