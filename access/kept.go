package access

import (
	"sync"
	"time"
)

const (
	keptFor  = 30 * time.Second // how long an answer is kept at most
	mostKept = 10_000           // how many answers of each kind are kept
)

// kept remembers who belongs to a secret, by its hash, so that not every request asks the database: those that are
// known, and those that are not, so that both cost the same. It is dropped at every change, and remembers nothing while
// changes can't be heard of.
type kept[T any] struct {
	mutex   sync.Mutex
	live    bool   // changes are heard of
	version uint64 // counts what was dropped
	known   map[string]answer[T]
	unknown map[string]answer[T] // apart: a flood of these drives out none of those
}

type answer[T any] struct {
	value      T
	validUntil time.Time // zero: no end
	found      bool
	at         time.Time // when it was read
}

// get returns what is remembered for a hash, or else what read finds: a value, until when it is valid, and whether
// there is one.
func (k *kept[T]) get(
	hash string, now time.Time, read func() (T, time.Time, bool, error),
) (value T, found bool, err error) {
	a, ok, version := k.look(hash, now)
	if !ok {
		if a.value, a.validUntil, a.found, err = read(); err != nil {
			return value, false, err
		}
		a.at = now
		k.put(hash, a, version)
	}
	return a.value, a.found && (a.validUntil.IsZero() || now.Before(a.validUntil)), nil
}

func (k *kept[T]) look(hash string, now time.Time) (a answer[T], ok bool, version uint64) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if a, ok = k.known[hash]; !ok {
		a, ok = k.unknown[hash]
	}
	return a, ok && !now.Before(a.at) && now.Sub(a.at) < keptFor, k.version
}

// put remembers an answer, unless something has changed since it was asked for.
func (k *kept[T]) put(hash string, a answer[T], version uint64) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if !k.live || version != k.version {
		return
	}
	to := &k.unknown
	if a.found {
		to = &k.known
	}
	if *to == nil || len(*to) >= mostKept {
		*to = map[string]answer[T]{}
	}
	(*to)[hash] = a
}

// forget drops everything.
func (k *kept[T]) forget() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.version++
	k.known, k.unknown = nil, nil
}

// hear says whether changes are heard of from now on, and drops everything.
func (k *kept[T]) hear(live bool) {
	k.forget()
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.live = live
}
