package usage

import (
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// Told is what became of a call that was reported or asked about, for who counts them. Nobody must keep or change its
// event.
type Told struct {
	Event    *Event // as it is known by now; nil of a reservation that was given back
	Reported bool   // it was to be recorded; else its caller asked whether it may be made
	Status   Status // of one that is recorded
	Cost     pricing.USD
	Refused  Reason // what of the limits or the subscription refuses it, "" for nothing
	Limit    string // that refuses it, "" for none
	Err      error
}

// tell tells who counts calls what became of a request. It is called before its caller hears.
func (s *Service) tell(r *request) {
	if s.Tell == nil && r.decision == nil {
		return
	}
	told := Told{Event: r.event, Reported: r.records, Status: r.status, Cost: r.cost, Err: r.err}
	if r.decision != nil {
		told.Refused, told.Limit = r.decision.Reason, r.decision.Limit
	}
	s.hear(r.now, &told)
}

// hear counts a call if it was refused, and tells who counts calls.
func (s *Service) hear(now time.Time, t *Told) {
	if t.Refused != "" && t.Event != nil {
		s.refusals.add(Refusals{Day: now.UTC().Truncate(24 * time.Hour), User: t.Event.UserID, Reason: t.Refused,
			Limit: t.Limit, Calls: 1})
	}
	if s.Tell != nil {
		s.Tell(t)
	}
}
