package usage

import (
	"iter"
	"slices"
	"time"
)

// part is some of a batch's requests: what is decided together, and then written.
type part struct {
	requests []*request        // that can be decided
	known    map[string]Entry  // by event id, what was recorded before
	added    map[string]*Entry // by event id, what is recorded now

	// What is written in the end.
	entries []Entry // it never grows beyond its capacity: pointers to its elements stay
	changed []*Reservation
	alerts  []Alert
	missing missingPrices
}

// newPart returns a part of some requests, in the memory of one that nobody needs any more; nil for none.
func newPart(requests []*request, old *part) *part {
	p := &part{missing: missingPrices{}}
	p.requests = slices.DeleteFunc(slices.Clone(requests), func(r *request) bool { return r.err != nil || r.busy })
	if old != nil && cap(old.entries) >= len(p.requests) {
		p.entries, p.added = old.entries[:0], old.added
		clear(p.added)
		return p
	}
	records := 0
	for _, r := range p.requests {
		if r.records {
			records++
		}
	}
	p.entries, p.added = make([]Entry, 0, records), make(map[string]*Entry, records)
	return p
}

// calls are the users and moments of the calls.
func (p *part) calls() iter.Seq2[string, time.Time] {
	return func(yield func(string, time.Time) bool) {
		for _, r := range p.requests {
			if r.event != nil && !yield(r.user, r.event.timeOr(r.now)) {
				return
			}
		}
	}
}

// tokenCalls are the calls that come with tokens.
func (p *part) tokenCalls() (calls []tokenCall) {
	for _, r := range p.requests {
		if r.event != nil && r.event.TokenID != 0 {
			calls = append(calls, tokenCall{r.event.TokenID, r.user, r.event.timeOr(r.now)})
		}
	}
	return calls
}

// users are whose usage may change, as often as there are requests.
func (p *part) users() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, r := range p.requests {
			if !yield(r.user) {
				return
			}
		}
	}
}

// isEmpty tells whether a part has come to nothing.
func (p *part) isEmpty() bool { return len(p.entries)+len(p.changed) == 0 }

// changes are what a part has come to.
func (p *part) changes() Changes {
	return Changes{Entries: p.entries, Reservations: p.changed, Alerts: p.alerts, Notifications: p.missing.take()}
}
