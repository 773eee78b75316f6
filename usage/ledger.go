package usage

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// periodKey names one usage period of one user.
type periodKey struct {
	user  string
	start int64 // microseconds since 1970
}

// ledger keeps, for the time of one transaction, what users have used and
// reserved in their periods, so that many events in a row are judged and added
// up without asking the database again.
type ledger struct {
	reader  Reader
	now     time.Time
	periods map[periodKey]*periodState
}

type periodState struct {
	totals []Total
	held   []Reservation
}

func newLedger(reader Reader, now time.Time) *ledger {
	return &ledger{reader: reader, now: now, periods: map[periodKey]*periodState{}}
}

func (l *ledger) period(ctx context.Context, user string, start time.Time) (*periodState, error) {
	key := periodKey{user, start.UnixMicro()}
	if state, ok := l.periods[key]; ok {
		return state, nil
	}
	totals, err := l.reader.Totals(ctx, user, start)
	if err != nil {
		return nil, err
	}
	held, err := l.reader.Held(ctx, user, l.now)
	if err != nil {
		return nil, err
	}
	state := &periodState{totals: totals, held: held}
	l.periods[key] = state
	return state, nil
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
			u.Used += t.of(l.Meter)
		}
	}
	for _, r := range s.held {
		if l.Scope.Covers(r.Provider, r.Vendor) {
			u.Reserved += r.of(l.Meter)
		}
	}
	return u
}

func (r Reservation) of(m plan.Meter) int64 {
	switch m {
	case plan.Calls:
		return r.Calls
	case plan.Tokens:
		return r.Tokens
	}
	return int64(r.Cost)
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
