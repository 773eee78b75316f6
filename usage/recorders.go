package usage

import (
	"hash/maphash"
	"sync"
)

// recorders share the users among them, so that as many transactions go on at the same time as the storage takes.
type recorders struct {
	all  []*recorder
	seed maphash.Seed

	apart chan struct{} // has room for as many as may wait for their users apart, each on a connection

	mu     sync.Mutex
	takers map[string]*recorder // by the id of a reservation, who took it
}

// mostApart is how many operations wait for their users at the same time.
const mostApart = 8

// recorders returns the service's recorders.
func (s *Service) recorders() *recorders {
	s.once.Do(func() {
		s.made = &recorders{all: []*recorder{{}}, seed: maphash.MakeSeed(), apart: make(chan struct{}, mostApart),
			takers: map[string]*recorder{}}
		for len(s.made.all) < s.Store.Load().Writers {
			s.made.all = append(s.made.all, &recorder{})
		}
	})
	return s.made
}

// share returns the place of a user's recorder.
func (r *recorders) share(user string) int {
	if len(r.all) == 1 {
		return 0
	}
	return int(maphash.String(r.seed, user) % uint64(len(r.all)))
}

// of returns the recorder of a request's user or, where it only names a reservation, who took that. Another one would
// do as well, but it would have to read anew, and the user's own after it.
func (r *recorders) of(one *request) *recorder {
	if one.event != nil && one.event.UserID != "" {
		return r.all[r.share(one.event.UserID)]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if taker := r.takers[one.reservation]; taker != nil {
		return taker
	}
	return r.all[0]
}

// note notes who took or closed a reservation.
func (r *recorders) note(by *recorder, one *request) {
	if len(r.all) == 1 || one.reservation == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if one.closes {
		delete(r.takers, one.reservation)
		return
	}
	if one.decision == nil || one.decision.Reservation == nil {
		return // it was refused
	}
	if len(r.takers) >= mostKeptUsers { // of reservations that nobody closes
		clear(r.takers)
	}
	r.takers[one.reservation] = by
}
