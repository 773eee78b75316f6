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

// ledger keeps, for the time of one transaction, what users have used and
// reserved in their periods, so that many events in a row are judged and added
// up without asking the database again.
type ledger struct {
	reader  Reader
	now     time.Time
	periods map[PeriodKey]*periodState
}

type periodState struct {
	totals []Total
	held   []Reservation
}

func newLedger(reader Reader, now time.Time) *ledger {
	return &ledger{reader: reader, now: now, periods: map[PeriodKey]*periodState{}}
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
		l.periods[key].totals = totals[key]
		l.periods[key].held = slices.Clone(held[key.UserID])
	}
	return nil
}

func (l *ledger) period(ctx context.Context, user string, start time.Time) (*periodState, error) {
	key := NewPeriodKey(user, start)
	err := l.load(ctx, []PeriodKey{key})
	return l.periods[key], err
}

// uses returns how far each of the limits is used.
func (s *periodState) uses(limits []plan.Limit) []Use {
	uses := make([]Use, len(limits))
	for i, l := range limits {
		uses[i] = s.use(l)
	}
	return uses
}

func (s *periodState) use(l plan.Limit) Use {
	u := Use{Limit: l}
	for _, t := range s.totals {
		if l.Scope.Covers(t.Provider, t.Vendor) {
			u.Used = atMost(u.Used, t.metered().of(l.Meter))
		}
	}
	for _, r := range s.held {
		if l.Scope.Covers(r.Provider, r.Vendor) {
			u.Reserved = atMost(u.Reserved, r.metered().of(l.Meter))
		}
	}
	return u
}

// mustHold returns an invalid failure for an entry with which the user's sums over
// the whole period would no longer fit: limits could not be judged by them.
func (s *periodState) mustHold(e Entry) error {
	var sum Total
	for _, t := range s.totals {
		sum.plus(t)
	}
	sum.count(e)
	if max(sum.Calls, sum.Errors, sum.Tokens(), int64(sum.Cost)) < math.MaxInt64 {
		return nil
	}
	return failure.Invalidf("the usage of %s in the period from %s would be too large to be kept: at most %s dollars, or %d calls or tokens",
		e.UserID, e.PeriodStart.Format(time.RFC3339), pricing.USD(math.MaxInt64-1), int64(math.MaxInt64-1))
}

// add counts an entry into the period's totals, as the database will.
func (s *periodState) add(e Entry) {
	for i := range s.totals {
		if s.totals[i].Provider == e.Provider && s.totals[i].Vendor == e.Vendor {
			s.totals[i].count(e)
			return
		}
	}
	t := Total{Provider: e.Provider, Vendor: e.Vendor}
	t.count(e)
	s.totals = append(s.totals, t)
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

// covering returns the limits of a plan that count usage of a provider and vendor.
func covering(p plan.Plan, provider, vendor string) []plan.Limit {
	var limits []plan.Limit
	for _, l := range p.Limits {
		if l.Scope.Covers(provider, vendor) {
			limits = append(limits, l)
		}
	}
	return limits
}
