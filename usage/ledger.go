package usage

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// ledger keeps what users have used and reserved in their periods, so that many
// events in a row are judged and added up without asking the database again.
type ledger struct {
	reader  Reader
	now     time.Time
	periods map[PeriodKey]*periodState
	covers  map[coverKey][]int
}

// coverKey names what limits of a plan cover.
type coverKey struct {
	planID           int64
	provider, vendor string
}

// periodState is what one user has used and reserved in one period.
type periodState struct {
	totals []Total
	sum    Total // of totals
	held   []Reservation
	// limits is what is used of each limit of a plan, in the plan's order; a period
	// in which the plan changed has two of them.
	limits []limitUse
}

// limitUse is what is used of each limit of a plan.
type limitUse struct {
	plan *plan.Plan
	used []int64
}

func newLedger(reader Reader, now time.Time) *ledger {
	return &ledger{reader: reader, now: now, periods: map[PeriodKey]*periodState{}, covers: map[coverKey][]int{}}
}

// load reads the given periods that are not there yet, all at once.
func (l *ledger) load(ctx context.Context, keys []PeriodKey) error {
	var missing []PeriodKey
	var users []string
	for _, key := range keys {
		if _, ok := l.periods[key]; ok {
			continue
		}
		l.periods[key] = &periodState{}
		missing = append(missing, key)
		users = append(users, key.UserID)
	}
	if len(missing) == 0 {
		return nil
	}
	totals, err := l.reader.Totals(ctx, missing)
	if err != nil {
		return err
	}
	held, err := l.reader.Held(ctx, users, l.now)
	if err != nil {
		return err
	}
	for _, key := range missing {
		l.periods[key].fill(totals[key], held[key.UserID])
	}
	return nil
}

// put takes over what was read of a period.
func (l *ledger) put(key PeriodKey, s UserStanding) *periodState {
	state := &periodState{}
	state.fill(s.Totals[key], s.Held)
	l.periods[key] = state
	return state
}

func (s *periodState) fill(totals []Total, held []Reservation) {
	s.totals, s.held = totals, slices.Clone(held)
	for _, t := range totals {
		s.sum.plus(t)
	}
}

func (l *ledger) period(ctx context.Context, user string, start time.Time) (*periodState, error) {
	key := NewPeriodKey(user, start)
	err := l.load(ctx, []PeriodKey{key})
	return l.periods[key], err
}

// used returns what is used of each limit of a plan, in the plan's order.
func (s *periodState) used(p *plan.Plan) []int64 {
	for _, u := range s.limits {
		if u.plan.ID == p.ID {
			return u.used
		}
	}
	u := limitUse{p, make([]int64, len(p.Limits))}
	for i, l := range p.Limits {
		for _, t := range s.totals {
			if l.Scope.Covers(t.Provider, t.Vendor) {
				u.used[i] = AtMost(u.used[i], t.metered().of(l.Meter))
			}
		}
	}
	s.limits = append(s.limits, u)
	return u.used
}

// uses returns how far some limits of a plan, named by their places in it, are used.
func (s *periodState) uses(p *plan.Plan, limits []int) []LimitUse {
	uses := make([]LimitUse, len(limits))
	used := s.used(p)
	for n, i := range limits {
		uses[n] = LimitUse{Limit: p.Limits[i], Used: used[i], Reserved: s.reserved(p.Limits[i])}
	}
	return uses
}

func (s *periodState) reserved(l plan.Limit) int64 {
	reserved := int64(0)
	for _, r := range s.held {
		if l.Scope.Covers(r.Provider, r.Vendor) {
			reserved = AtMost(reserved, r.metered().of(l.Meter))
		}
	}
	return reserved
}

// mustHold returns an invalid failure for an entry with which the user's sums over
// the whole period would no longer fit: limits could not be judged by them.
func (s *periodState) mustHold(e *Entry) error {
	sum := s.sum
	sum.count(e)
	if max(sum.Calls, sum.Errors, sum.Tokens(), int64(sum.Cost)) < math.MaxInt64 {
		return nil
	}
	return failure.Invalidf("the usage of %s in the period from %s would be too large to be kept: at most %s dollars, or %d calls or tokens",
		e.UserID, e.PeriodStart.Format(time.RFC3339), pricing.USD(math.MaxInt64-1), int64(math.MaxInt64-1))
}

// add counts an entry into the period's totals, as the database will.
func (s *periodState) add(l *ledger, e *Entry) {
	var one Total
	one.count(e)
	s.sum.plus(one)
	s.total(e.Provider, e.Vendor).plus(one)
	m := one.metered()
	for _, u := range s.limits {
		for _, i := range l.covering(u.plan, e.Provider, e.Vendor) {
			u.used[i] = AtMost(u.used[i], m.of(u.plan.Limits[i].Meter))
		}
	}
}

// total returns the total of a provider and vendor, which may be a new one.
func (s *periodState) total(provider, vendor string) *Total {
	for i := range s.totals {
		if s.totals[i].Provider == provider && s.totals[i].Vendor == vendor {
			return &s.totals[i]
		}
	}
	s.totals = append(s.totals, Total{Provider: provider, Vendor: vendor})
	return &s.totals[len(s.totals)-1]
}

// free takes a reservation that is being settled out of what is held.
func (s *periodState) free(id string) {
	for i, r := range s.held {
		if r.ID == id {
			s.held = append(s.held[:i:i], s.held[i+1:]...)
			return
		}
	}
}

// covering returns the places in a plan of its limits that count usage of a provider
// and vendor.
func (l *ledger) covering(p *plan.Plan, provider, vendor string) []int {
	key := coverKey{p.ID, provider, vendor}
	limits, ok := l.covers[key]
	if !ok {
		for i, limit := range p.Limits {
			if limit.Scope.Covers(provider, vendor) {
				limits = append(limits, i)
			}
		}
		l.covers[key] = limits
	}
	return limits
}
