package usage

import "github.com/alwrity/alwrity-sub/pricing"

// Told is what became of a call that was reported or asked about, for who counts them. Nobody must keep or change its
// event.
type Told struct {
	Event    *Event // as it is known by now; nil of a reservation that was given back
	Reported bool   // it was to be recorded; else its caller asked whether it may be made
	Status   Status // of one that is recorded
	Cost     pricing.USD
	Refused  Reason // what of the limits or the subscription refuses it, "" for nothing
	Err      error
}

// tell tells who counts calls what became of a request. It is called before its caller hears.
func (s *Service) tell(r *request) {
	if s.Tell == nil {
		return
	}
	told := Told{Event: r.event, Reported: r.records, Status: r.status, Cost: r.cost, Err: r.err}
	if r.decision != nil {
		told.Refused = r.decision.Reason
	}
	s.Tell(&told)
}
