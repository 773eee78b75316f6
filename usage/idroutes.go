package usage

import "hash/maphash"

// idRoutes sends all rows of a file that have one id to the same recorder while one of them is under way, also where
// they are of different users: the first in the file counts then. Rows that come later find it recorded. It remembers
// the ids of the batches under way, and of about as many before them.
type idRoutes struct {
	seed          maphash.Seed
	recent, older map[uint64]int // recorders by the hash of an id; two ids of one hash only share a recorder
	olderUpTo     int            // the last batch whose ids are in older
	begun         int            // batches that were handed in
	finished      int            // and those of them of which all is recorded, always the first ones
}

func newIDRoutes() *idRoutes {
	return &idRoutes{seed: maphash.MakeSeed(), recent: map[uint64]int{}, older: map[uint64]int{}}
}

// begin forgets ids of finished batches, before the next one is handed in.
func (r *idRoutes) begin() {
	if r.finished >= r.olderUpTo {
		clear(r.older)
		r.recent, r.older, r.olderUpTo = r.older, r.recent, r.begun
	}
	r.begun++
}

// of returns the recorder of an id: where a row with it went that may be under way, else the one given.
func (r *idRoutes) of(id string, recorder int) int {
	hash := maphash.String(r.seed, id)
	if taken, known := r.recent[hash]; known {
		return taken
	}
	if taken, known := r.older[hash]; known {
		recorder = taken
	}
	r.recent[hash] = recorder
	return recorder
}
