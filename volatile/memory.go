package volatile

import (
	"context"
	"sync"
	"time"
)

// The bounds of what one process keeps.
const (
	mostMarks = 200_000  // of rates: about 30 MB
	mostBytes = 64 << 20 // of answers
)

// Memory is a Backend in the memory of one process.
type Memory struct {
	clock func() time.Time

	mutex   sync.Mutex
	outages int // of the shared backend
	marks   recent[ownMark]
	answers recent[keptAnswer]
}

// ownMark is what is known of a rate.
type ownMark struct {
	Mark
	alone  bool // it was moved while the shared backend was away
	outage int  // how often that had been away when it was noted
}

type keptAnswer struct {
	value []byte
	until time.Time
}

// NewMemory makes a memory. The clock says until when answers are kept.
func NewMemory(clock func() time.Time) *Memory {
	return &Memory{clock: clock, marks: recent[ownMark]{most: mostMarks}, answers: recent[keptAnswer]{most: mostBytes}}
}

// Take implements Backend.
func (m *Memory) Take(_ context.Context, now time.Time, strict bool, all []Meter) ([]Taken, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	at, fits := now.UnixMicro(), true
	before, taken := make([]Mark, len(all)), make([]Taken, len(all))
	for i, each := range all {
		mark, _ := m.marks.get(each.Key)
		before[i] = mark.Mark.later(each.Known, at, each.Max)
		taken[i] = each.take(before[i], at, strict)
		fits = fits && taken[i].Wait == 0
	}
	for i, each := range all {
		if !fits {
			taken[i].Mark = before[i]
		}
		if fits || each.Known.At > 0 {
			m.marks.put(each.Key, ownMark{Mark: taken[i].Mark, alone: true}, 1)
		}
	}
	return taken, nil
}

// alone returns of a rate what the shared backend may not know, else the zero Mark.
func (m *Memory) alone(key string) Mark {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if mark, ok := m.marks.get(key); ok && (mark.alone || mark.outage != m.outages) {
		return mark.Mark
	}
	return Mark{}
}

// note notes what the shared backend knows of a rate.
func (m *Memory) note(key string, mark Mark) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.marks.put(key, ownMark{Mark: mark, outage: m.outages}, 1)
}

// lost notes that the shared backend is away, and may have forgotten everything when it is back.
func (m *Memory) lost() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.outages++
}

// Get implements Backend.
func (m *Memory) Get(_ context.Context, key string) ([]byte, bool, error) {
	now := m.clock()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	a, ok := m.answers.get(key)
	if !ok || !now.Before(a.until) {
		return nil, false, nil
	}
	return a.value, true, nil
}

// Set implements Backend.
func (m *Memory) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	until := m.clock().Add(ttl)
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.answers.put(key, keptAnswer{value, until}, len(key)+len(value)+100)
	return nil
}

// Close implements Backend.
func (m *Memory) Close() error { return nil }
