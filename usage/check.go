package usage

import (
	"context"
	"fmt"
	"slices"
	"time"

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
	// ServiceTier is what the vendor is to charge by: see Event.
	ServiceTier string
	// TokenID is the API token that the call is made with: see Event. 0 for none.
	TokenID int64
	// Origin says who settles its reservation: see Reservation.
	Origin string
}

// Decision is the answer to a Call: the verdict of the limits and what it was made of.
type Decision struct {
	Verdict
	Call          Call // with its vendor
	Plan          plan.Plan
	Status        plan.Status
	Period        plan.Period
	Changes       bool // the plan changes within the period
	EstimatedCost pricing.USD
	Basis         pricing.Basis
	Notes         []string     // what is to be known about the price
	Way           pricing.Way  // by which names the price was found
	Reservation   *Reservation // what was taken, where it was
	Again         bool         // it was taken before, for the same call

	hidesCost bool
}

// requesting adds to each limit what a call asks of it, which may be one that is free.
func requesting(uses []LimitUse, m metered, free bool) []LimitUse {
	for i := range uses {
		if uses[i].Limit.Meter != plan.Parallel { // of which each call is one
			uses[i].Requested = m.of(uses[i].Limit.Meter)
		}
		uses[i].Free = free && uses[i].Limit.Meter == plan.Cost
	}
	return uses
}

// WithoutCost returns the decision as those hear of it who are not told what usage costs: its message and steps say
// nothing of prices, and of limits that count cost only how much is used, in percent.
func (d Decision) WithoutCost() Decision {
	d.hidesCost = true
	for _, v := range d.Limits {
		if v.Limit.Name == d.Limit && v.Token == d.Token && v.Limit.Meter == plan.Cost && v.Limit.Max > 0 {
			d.Message = v.messageWithoutAmounts()
		}
	}
	return d
}

// Denied returns the denied failure of a refused call, nil for an allowed one.
func (d Decision) Denied() error {
	if d.Allowed {
		return nil
	}
	return d.denied(d.Call.UserID, d.Plan)
}

func (c Call) event() (Event, error) {
	e := Event{ID: "-", UserID: c.UserID, Provider: c.Provider, Model: c.Model, Vendor: c.Vendor,
		Quantities: c.Quantities, ServiceTier: c.ServiceTier, TokenID: c.TokenID, StatusCode: 200}.Normalise()
	return e, e.Validate()
}

// CheckTogether says whether calls of one user would pass now if they were made one after the other: each sees what
// those before it would take that pass. It takes nothing and changes nothing. A call of a provider that is not known
// has no decision.
func (s *Service) CheckTogether(ctx context.Context, now time.Time, user string, calls []Call) ([]*Decision, error) {
	events := make([]Event, len(calls))
	for i, call := range calls {
		call.UserID = user
		var err error
		if events[i], err = call.event(); err != nil {
			return nil, err
		}
	}
	var decisions []*Decision
	err := s.viewUser(ctx, user, now, func(reader Reader, st *state) (err error) {
		decisions, err = st.decideTogether(ctx, reader, user, events, now)
		return err
	})
	return decisions, err
}

func (s *state) decideTogether(
	ctx context.Context, reader Reader, user string, events []Event, now time.Time,
) ([]*Decision, error) {
	if err := s.loadPeriods(ctx, reader, momentsOf(user, []time.Time{now})); err != nil {
		return nil, err
	}
	tokens := make([]tokenCall, 0, len(events))
	for _, event := range events {
		if event.TokenID != 0 {
			tokens = append(tokens, tokenCall{event.TokenID, user, now})
		}
	}
	if err := s.loadTokenCalls(ctx, reader, tokens); err != nil {
		return nil, err
	}
	held, decisions := slices.Clone(s.users[user].held), make([]*Decision, len(events))
	for i, event := range events {
		if err := s.loadCatalogue(ctx, reader, event.Provider); err != nil {
			return nil, err
		}
		if _, known := s.book.Providers[event.Provider]; !known {
			continue
		}
		d, err := s.decide(event, now, held)
		if err != nil {
			return nil, err
		}
		if decisions[i] = &d; d.Allowed {
			held = append(held, d.hold("", now, LongestHold))
		}
	}
	return decisions, nil
}

// decide decides about a call of a known user at now, beside what reservations hold.
func (s *state) decide(event Event, now time.Time, held []Reservation) (Decision, error) {
	provider, err := s.book.Providers.Find(event.Provider)
	if err != nil {
		return Decision{}, err
	}
	if event.Vendor == "" {
		event.Vendor = provider.VendorOf(event.Model)
	}
	call := event.Call()
	call.At = now
	rating, err := s.book.Rate(call)
	if err != nil {
		return Decision{}, err
	}
	where, err := s.periodOf(event.UserID, now)
	if err != nil {
		return Decision{}, err
	}
	entry := &Entry{Event: event, Cost: rating.Cost, Basis: rating.Basis}
	d, err := s.decideEntry(entry, where, s.covering(where.plan, event.Provider, event.Vendor), held, now,
		rating.Free)
	d.Way, d.Notes = rating.Way, rating.Notes
	return d, err
}

// decideEntry decides about a call that is rated, and may be free, by the limits of its plan and its token that cover
// it.
func (s *state) decideEntry(
	e *Entry, where *userPeriod, limits []int, held []Reservation, now time.Time, free bool,
) (Decision, error) {
	at := e.timeOr(now)
	status := s.users[e.UserID].account.StatusAt(at)
	uses := where.usage.uses(where.plan, limits, held, now)
	if most, ok := where.plan.Rates.Parallel(); ok {
		uses = append(uses, LimitUse{Limit: most, Reserved: running(held, now), Requested: 1})
	}
	token, err := s.tokenOf(&e.Event)
	if err != nil {
		return Decision{}, err
	}
	tokens, err := s.tokenUses(token, e, at, where.period, held, now)
	if err != nil {
		return Decision{}, err
	}
	uses = requesting(append(uses, tokens...), e.metered(), free)
	return Decision{
		Verdict:       Decide(status, where.plan.Overage, uses),
		Call:          CallOf(e.Event),
		Plan:          *where.plan,
		Status:        status,
		Period:        where.period,
		Changes:       where.changes,
		EstimatedCost: e.Cost,
		Basis:         e.Basis,
	}, nil
}

// running counts the reservations that hold at now: each is of a call that has not ended.
func running(held []Reservation, now time.Time) (n int64) {
	for _, r := range held {
		if r.HoldsAt(now) {
			n++
		}
	}
	return n
}

// Step is one line of an explanation.
type Step struct {
	Name string
	Text string
}

// Explain tells how the decision came about, in the order in which it is made.
func (d Decision) Explain() []Step {
	shared := ""
	if d.Changes && d.Plan.Overage == plan.OverageAllow {
		shared = ": the plan changed in it, and each includes its share of the time"
	}
	steps := []Step{
		{"call", fmt.Sprintf("%s %s, served by %s: requests %d, tokens %d",
			d.Call.Provider, quoted(d.Call.Model), d.Call.Vendor,
			d.Call.Quantities[pricing.Requests], d.Call.Quantities.Tokens())},
		{"plan", fmt.Sprintf("%s; the subscription is %s", d.Plan.Name, d.Status)},
		{"period", fmt.Sprintf("%s to %s%s", d.Period.Start.Format(time.RFC3339), d.Period.End.Format(time.RFC3339),
			shared)},
	}
	if !d.hidesCost {
		steps = append(steps, d.explainPrice()...)
	}
	if d.Plan.Rates.PerMinute() {
		steps = append(steps, Step{"rates", d.Plan.Rates.String() + ": asked by the server alone"})
	}
	for _, v := range d.Limits {
		steps = append(steps, Step{"limit " + v.Name(), v.explain(d.hidesCost)})
	}
	return append(steps, Step{"decision", d.Message})
}

func (d Decision) explainPrice() []Step {
	steps := []Step{{"price",
		fmt.Sprintf("%s: %sthe call is estimated at %s", d.Basis, d.foundBy(), d.EstimatedCost.Display())}}
	for _, note := range d.Notes {
		steps = append(steps, Step{"price", note})
	}
	return steps
}

// foundBy says by which names the price was found, where the model has none of its own.
func (d Decision) foundBy() string {
	if len(d.Way) == 0 {
		return ""
	}
	return d.Way.String() + "; "
}

func (v LimitVerdict) explain(hidesCost bool) string {
	l := v.Limit
	if l.Unlimited {
		return "passes: unlimited"
	}
	sum := fmt.Sprintf("%s used + %s reserved + %s requested, of %s %s",
		l.Amount(v.Used), l.Amount(v.Reserved), l.Amount(v.Requested), l.MaxText(), l.Unit())
	message := v.message()
	if hidesCost && l.Meter == plan.Cost && l.Max > 0 {
		perMille, _ := v.PerMille()
		sum, message = fmt.Sprintf("%d%% used", perMille/10), v.messageWithoutAmounts()
	}
	switch {
	case v.Overage:
		return "passes as overage, beyond what the plan includes: " + sum
	case v.OK && v.Free && v.Used >= l.Max:
		return "passes, since the call is free: " + sum
	case v.OK:
		return "passes: " + sum
	case l.Action == plan.Warn:
		return "exceeded, but only warns: " + sum
	}
	return "refuses: " + message
}
