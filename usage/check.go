package usage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Call describes a call that is about to be made.
type Call struct {
	UserID     string
	Provider   string
	Model      string
	Vendor     string             // empty: derived
	Quantities pricing.Quantities // estimated
}

// Decision is the answer to a Call: the verdict of the limits and what it was made of.
type Decision struct {
	Verdict
	Call          Call // with its vendor
	Plan          plan.Plan
	Status        plan.Status
	Period        plan.Period
	EstimatedCost pricing.USD
	Basis         pricing.Basis
	Reservation   *Reservation // what was taken, where it was
}

// requesting adds to each limit what a call asks of it.
func requesting(uses []LimitUse, m metered) []LimitUse {
	for i := range uses {
		uses[i].Requested = m.of(uses[i].Limit.Meter)
	}
	return uses
}

// denied makes the failure of a refused call.
func (d Verdict) denied(user string, p plan.Plan) error {
	err := failure.New(failure.Denied, "%s (plan %s) is refused: %s", user, p.Name, d.Message).WithReason(string(d.Reason))
	switch d.Reason {
	case IsSuspended:
		return err.WithHint("where a bill is unpaid (alwrity-sub billing list --user %s --status past_due): alwrity-sub billing mark-paid NUMBER; else: alwrity-sub users resume %s", user, user)
	case IsCancelled, IsExpired:
		return err.WithHint("to begin again: alwrity-sub users renew %s", user)
	}
	return err.WithHint("every limit: alwrity-sub usage show %s; a larger plan: alwrity-sub users change-plan %s --plan …", user, user)
}

// Denied returns the denied failure of a refused call, nil for an allowed one.
func (j Decision) Denied() error {
	if j.Allowed {
		return nil
	}
	return j.denied(j.Call.UserID, j.Plan)
}

func (c Call) event() (Event, error) {
	e := Event{ID: "-", UserID: c.UserID, Provider: c.Provider, Model: c.Model, Vendor: c.Vendor,
		Quantities: c.Quantities, StatusCode: 200}.Normalise()
	return e, e.Validate()
}

// Check says whether a call would pass now. It takes nothing and changes nothing.
func (s *Service) Check(ctx context.Context, now time.Time, call Call) (Decision, error) {
	event, err := call.event()
	if err != nil {
		return Decision{}, err
	}
	var j Decision
	err = s.Store.View(ctx, func(reader Reader) error {
		j, err = judge(ctx, reader, now, event, "")
		return err
	})
	return j, err
}

// judge decides about an event at now. A reservation to be left out of what is
// held may be named.
func judge(ctx context.Context, reader Reader, now time.Time, event Event, without string) (Decision, error) {
	s, err := reader.Standing(ctx, StandingQuery{UserID: event.UserID, Provider: event.Provider, At: now, Now: now})
	if err != nil {
		return Decision{}, err
	}
	provider, err := s.Book.Providers.Find(event.Provider)
	if err != nil {
		return Decision{}, err
	}
	if event.Vendor == "" {
		event.Vendor = provider.VendorOf(event.Model)
	}
	rating, err := s.Book.Rate(event.Provider, event.Model, now, event.Quantities)
	if err != nil {
		return Decision{}, err
	}
	account := s.Account
	current, err := account.PlanAt(now)
	if err != nil {
		return Decision{}, err
	}
	period := account.PeriodAt(now)
	l := newLedger(reader, now)
	state := l.put(NewPeriodKey(event.UserID, period.Start), s)
	state.free(without)
	uses := requesting(state.uses(&current, l.covering(&current, event.Provider, event.Vendor)),
		metered{event.Quantities[pricing.Requests], event.Quantities.Tokens(), rating.Cost})
	return Decision{
		Verdict:       Decide(account.StatusAt(now), current.Overage, uses),
		Call:          Call{event.UserID, event.Provider, event.Model, event.Vendor, event.Quantities},
		Plan:          current,
		Status:        account.StatusAt(now),
		Period:        period,
		EstimatedCost: rating.Cost,
		Basis:         rating.Basis,
	}, nil
}

// The bounds of how long a reservation holds.
const (
	ShortestHold = time.Second
	LongestHold  = 24 * time.Hour
)

// Reserve takes a hold for a call if it passes. Where it does not, the decision
// says why and nothing is taken. The same id with the same call returns the
// reservation that is there, while it holds; anything else under that id is a
// conflict failure.
func (s *Service) Reserve(ctx context.Context, now time.Time, call Call, id string, ttl time.Duration) (Decision, error) {
	event, err := call.event()
	if err != nil {
		return Decision{}, err
	}
	if ttl < ShortestHold || ttl > LongestHold {
		return Decision{}, failure.Invalidf("ttl is %s: a reservation holds for %s to %s", ttl, ShortestHold, LongestHold)
	}
	if id == "" {
		if id, err = NewID(); err != nil {
			return Decision{}, err
		}
	}
	if err := ValidateID(id); err != nil {
		return Decision{}, err
	}
	var j Decision
	err = s.Store.Update(ctx, []string{event.UserID}, now, func(tx Tx) error {
		before, exists, err := tx.Reservation(ctx, id)
		if err != nil {
			return err
		}
		if j, err = judge(ctx, tx, now, event, id); err != nil {
			return err
		}
		r := j.hold(id, now, ttl)
		if exists {
			j.Allowed, j.Reason, j.Message = true, "", "allowed: this reservation is held already"
			j.Reservation = &before
			return before.mustBe(r, now)
		}
		if !j.Allowed {
			return errNothingTaken
		}
		j.Reservation = &r
		return tx.SaveReservation(ctx, r)
	})
	if errors.Is(err, errNothingTaken) {
		err = nil
	}
	return j, err
}

// errNothingTaken rolls back the transaction of a reservation that was refused.
var errNothingTaken = errors.New("nothing taken")

func (j Decision) hold(id string, now time.Time, ttl time.Duration) Reservation {
	return Reservation{
		ID: id, UserID: j.Call.UserID, Provider: j.Call.Provider, Vendor: j.Call.Vendor, Model: j.Call.Model,
		PeriodStart: j.Period.Start, Calls: j.Call.Quantities[pricing.Requests], Tokens: j.Call.Quantities.Tokens(),
		Cost: j.EstimatedCost, Status: Held, CreatedAt: now, ExpiresAt: now.Add(ttl).Truncate(time.Microsecond),
	}
}

// mustBe returns a conflict failure unless r holds and was taken for the same call.
func (r Reservation) mustBe(wanted Reservation, now time.Time) error {
	switch {
	case r.UserID != wanted.UserID || r.Provider != wanted.Provider || r.Vendor != wanted.Vendor || r.Model != wanted.Model ||
		r.Calls != wanted.Calls || r.Tokens != wanted.Tokens:
		return failure.Conflictf("the reservation %s was taken for another call", r.ID).
			WithHint("an id stands for one reservation for ever: take another under another id")
	case r.Status != Held:
		return failure.Conflictf("the reservation %s is %s already", r.ID, r.Status)
	case !r.HoldsAt(now):
		return failure.Conflictf("the reservation %s expired at %s", r.ID, r.ExpiresAt.Format(time.RFC3339))
	}
	return nil
}

// Release gives back what a reservation holds, if it still does. Releasing it again
// does nothing and succeeds; a settled one is a conflict failure.
func (s *Service) Release(ctx context.Context, now time.Time, id string) (Reservation, error) {
	r, err := s.reservation(ctx, id)
	if err != nil {
		return Reservation{}, err
	}
	err = s.Store.Update(ctx, []string{r.UserID}, now, func(tx Tx) error {
		r, _, err = tx.Reservation(ctx, id)
		switch {
		case err != nil:
			return err
		case r.Status == Settled:
			return failure.Conflictf("the reservation %s is settled already, by the event %s", r.ID, r.EventID)
		case r.Status == Released:
			return nil
		}
		r.Status, r.ClosedAt = Released, now
		return tx.SaveReservation(ctx, r)
	})
	return r, err
}

// Step is one line of an explanation.
type Step struct {
	Name string
	Text string
}

// Explain tells how the decision came about, in the order in which it is made.
func (j Decision) Explain() []Step {
	steps := []Step{
		{"call", fmt.Sprintf("%s %s, served by %s: requests %d, tokens %d", j.Call.Provider, quoted(j.Call.Model), j.Call.Vendor,
			j.Call.Quantities[pricing.Requests], j.Call.Quantities.Tokens())},
		{"plan", fmt.Sprintf("%s; the subscription is %s", j.Plan.Name, j.Status)},
		{"period", fmt.Sprintf("%s to %s", j.Period.Start.Format(time.RFC3339), j.Period.End.Format(time.RFC3339))},
		{"price", fmt.Sprintf("%s: the call is estimated at %s", j.Basis, j.EstimatedCost.Display())},
	}
	for _, v := range j.Limits {
		steps = append(steps, Step{"limit " + v.Limit.Name, v.explain()})
	}
	return append(steps, Step{"decision", j.Message})
}

func (v LimitVerdict) explain() string {
	l := v.Limit
	if l.Unlimited {
		return "passes: unlimited"
	}
	sum := fmt.Sprintf("%s used + %s reserved + %s requested, of %s %s", l.Amount(v.Used), l.Amount(v.Reserved), l.Amount(v.Requested), l.MaxText(), l.Unit())
	switch {
	case v.Overage:
		return "passes as overage, beyond what the plan includes: " + sum
	case v.OK:
		return "passes: " + sum
	case l.Action == plan.Warn:
		return "exceeded, but only warns: " + sum
	}
	return "refuses: " + v.message()
}
