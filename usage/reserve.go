package usage

import (
	"cmp"
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// The bounds of how long a reservation holds.
const (
	ShortestHold = time.Second
	LongestHold  = 24 * time.Hour
)

// Reserve takes a hold for a call if it passes. Where it does not, the decision says why and nothing
// is taken. The same id with the same call returns the reservation that is there, while it holds;
// anything else under that id is a conflict failure.
func (s *Service) Reserve(
	ctx context.Context, now time.Time, call Call, id string, ttl time.Duration,
) (Decision, error) {
	event, err := call.event()
	if err != nil {
		return Decision{}, err
	}
	if ttl < ShortestHold || ttl > LongestHold {
		return Decision{}, failure.Invalidf("ttl is %s: a reservation holds for %s to %s", ttl, ShortestHold, LongestHold)
	}
	newID := id == ""
	if newID {
		if id, err = NewID(); err != nil {
			return Decision{}, err
		}
	}
	if err := ValidateID(id); err != nil {
		return Decision{}, err
	}
	var d Decision
	refusal, err := s.paced(ctx, now, &event, false, func() (made bool, err error) {
		r, err := s.one(ctx, order{now: now, reservation: id, newID: newID, ttl: ttl, origin: call.Origin,
			decide: (*batch).reserve}, &event)
		if err != nil || r.decision == nil {
			return false, cmp.Or(err, r.err)
		}
		d = *r.decision
		return d.Allowed && !d.Again && r.err == nil, r.err
	})
	if refusal != nil {
		d = *refusal
	}
	return d, err
}

// reserve takes a reservation, or returns the one of that id which is there.
func (b *batch) reserve(r *request) error {
	user := b.state.users[r.user]
	d, err := b.state.decide(*r.event, r.now, user.without(r.reservation))
	if err != nil {
		return err
	}
	r.decision = &d
	wanted := d.hold(r.reservation, r.now, r.ttl)
	wanted.Origin = r.origin
	if before := b.reservations[r.reservation]; before != nil {
		d.Allowed, d.Reason, d.RetryAfter, d.Message = true, "", 0, "allowed: this reservation is held already"
		d.Again = true
		held := *before // as it is now, whatever others in the same batch do to it
		d.Reservation = &held
		return held.checkSame(wanted, r.now)
	}
	if d.Allowed {
		d.Reservation = &wanted
		b.state.hold(wanted)
		saved := wanted
		b.save(&saved)
	}
	return nil
}

func (d Decision) hold(id string, now time.Time, ttl time.Duration) Reservation {
	return Reservation{
		ID: id, UserID: d.Call.UserID, Provider: d.Call.Provider, Vendor: d.Call.Vendor, Model: d.Call.Model,
		PeriodStart: d.Period.Start, Calls: d.Call.Quantities[pricing.Requests], Tokens: d.Call.Quantities.Tokens(),
		Cost: d.EstimatedCost, TokenID: d.Call.TokenID, Status: Held, CreatedAt: now,
		ExpiresAt: now.Add(ttl).Truncate(time.Microsecond),
	}
}

// checkSame returns a conflict failure unless r holds and was taken for the same call.
func (r Reservation) checkSame(wanted Reservation, now time.Time) error {
	switch {
	case r.UserID != wanted.UserID || r.Provider != wanted.Provider || r.Vendor != wanted.Vendor ||
		r.Model != wanted.Model || r.Calls != wanted.Calls || r.Tokens != wanted.Tokens:
		return failure.Conflictf("the reservation %s was taken for another call", r.ID).
			WithHint("an id stands for one reservation for ever: take another under another id")
	case r.Status != Held:
		return failure.Conflictf("the reservation %s is %s already", r.ID, r.Status)
	case !r.HoldsAt(now):
		return failure.Conflictf("the reservation %s expired at %s", r.ID, r.ExpiresAt.Format(time.RFC3339))
	}
	return nil
}

// Release gives back what a reservation holds, if it still does. Releasing it again does nothing and
// succeeds; a settled one is a conflict failure.
func (s *Service) Release(ctx context.Context, now time.Time, id string) (Reservation, error) {
	return s.ReleaseOf(ctx, now, "", id)
}

// ReleaseOf is Release for a reservation that has to be a user's, or with "" anyone's.
func (s *Service) ReleaseOf(ctx context.Context, now time.Time, owner, id string) (Reservation, error) {
	r, err := s.one(ctx, order{now: now, reservation: id, owner: owner, closes: true, decide: (*batch).release}, nil)
	if err = cmp.Or(err, r.err); err != nil {
		return Reservation{}, err
	}
	return *r.released, s.released(ctx, now, r.released)
}

func (b *batch) release(r *request) error {
	held := b.reservations[r.reservation]
	switch held.Status {
	case Settled:
		return held.settledAlready()
	case Held:
		held.Status, held.ClosedAt = Released, r.now
		b.state.free(held)
		b.save(held)
	}
	released := *held
	r.released = &released
	return nil
}

func (r Reservation) settledAlready() error {
	return failure.Conflictf("the reservation %s is settled already, by the event %s", r.ID, r.EventID).
		WithReason("reservation_settled", "event", r.EventID, "user", r.UserID)
}
