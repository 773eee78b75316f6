package usage

import (
	"context"
	"fmt"
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
	OverLimit []string  // blocking limits that are exceeded now
	Overage   bool      // what is beyond one of them is billed: the plan allows it
	Refusal   *Decision // what refused it, with Err
	Note      string    // what the caller should know
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
	hopeful := event.ID == "" && s.Store.Bulk().Unique // nobody has an id that is made here
	event, err := withID(event)
	if err != nil {
		return Outcome{}, err
	}
	var outcome Outcome
	err = s.Store.Update(ctx, []string{event.UserID}, now, func(tx Tx) error {
		p := s.newPosting(tx, now, opts)
		p.allNew = hopeful
		hopeful = false // if it is sent back, perhaps somebody has
		results, err := p.post(ctx, []*Event{&event})
		if err != nil {
			return err
		}
		outcome = results[0].outcome()
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
		results, err := p.post(ctx, []*Event{&event})
		if err != nil {
			return err
		}
		outcome = results[0].outcome()
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
