// Package volatile keeps what several processes share and may lose: how fast callers call, tries to sign in, and
// answers that are made once. It is in a backend that they share, if there is one that answers, and else in the memory
// of one process. A limit or money is never in it.
package volatile

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Meter is a rate, and what is to be taken from it.
type Meter struct {
	Key    string
	Max    int64 // a minute, and at once; at least 1
	Amount int64 // negative: it is given back
	Known  Mark  // what the caller knows of it: the backend may know less
}

// Taken is what became of a Meter.
type Taken struct {
	Mark Mark          // as it is now
	Wait time.Duration // until the amount fits; 0: it does, though it is not taken where another one of them does not fit
}

func (m Meter) take(mark Mark, now int64, strict bool) (t Taken) {
	step := StepOf(m.Amount, m.Max)
	if !strict {
		return Taken{Mark: mark.Correct(now, m.Max, step)}
	}
	t.Mark, t.Wait = mark.Take(now, m.Max, step)
	return t
}

// Backend is where things are kept.
type Backend interface {
	// Take takes from rates at a moment; with strict from all of them or, where one has not as much left, from none.
	Take(ctx context.Context, now time.Time, strict bool, all []Meter) ([]Taken, error)
	Get(ctx context.Context, key string) (value []byte, found bool, err error)
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	Close() error
}

// Store keeps what may be lost. Its methods never fail, and a backend that is away or slow does not slow them for
// longer than the backend's own time-out, once.
type Store struct {
	memory  *Memory
	shared  Backend // nil: there is none
	log     *slog.Logger
	between time.Duration // between two looks at a backend that is away

	down    atomic.Bool
	stop    context.CancelFunc
	ended   context.Context //nolint:containedctx // of the goroutine that looks whether the backend is back
	looking sync.WaitGroup
}

// Options say how a Store keeps things.
type Options struct {
	Clock  func() time.Time // until when answers are kept in memory
	Log    *slog.Logger
	Shared Backend // nil: memory alone
	// Between is how long it is between two looks at a shared backend that is away; 0: a second.
	Between time.Duration
}

// New makes a store. It looks whether the shared backend answers, and goes on without it if it does not.
func New(o Options) *Store {
	s := &Store{memory: NewMemory(o.Clock), shared: o.Shared, log: o.Log, between: o.Between}
	if s.between == 0 {
		s.between = time.Second
	}
	s.ended, s.stop = context.WithCancel(context.Background())
	if s.shared != nil {
		if err := s.look(); err != nil {
			s.lost(err)
		}
	}
	return s
}

// Close ends the store and its backend.
func (s *Store) Close() error {
	s.stop()
	s.looking.Wait()
	if s.shared == nil {
		return nil
	}
	return s.shared.Close()
}

// IsShared tells whether there is a shared backend, and whether it answers: for a gauge.
func (s *Store) IsShared() (configured, up bool) {
	return s.shared != nil, s.shared != nil && !s.down.Load()
}

// use returns the shared backend as long as it answers.
func (s *Store) use() Backend {
	if s.shared == nil || s.down.Load() {
		return nil
	}
	return s.shared
}

// lost notes that the backend is away, says so once, and looks for it until it is back.
func (s *Store) lost(err error) {
	if s.ended.Err() != nil || s.down.Swap(true) {
		return
	}
	s.memory.lost()
	s.log.Warn("Redis can't be used: this process goes on by its own memory, and tries again", "error", err.Error())
	s.looking.Go(func() {
		for {
			select {
			case <-s.ended.Done():
				return
			case <-time.After(s.between):
			}
			if s.look() == nil {
				s.down.Store(false)
				s.log.Info("Redis is back")
				return
			}
		}
	})
}

// look looks whether the backend answers, and takes what is written: one that is full does not.
func (s *Store) look() error {
	return s.shared.Set(s.ended, "alwrity:look", []byte("1"), time.Second)
}

// take takes from rates: see Backend. Memory has what the backend had, so that it goes on from there.
func (s *Store) take(ctx context.Context, now time.Time, strict bool, all []Meter) []Taken {
	if shared := s.use(); shared != nil {
		for i := range all {
			all[i].Known = s.memory.alone(all[i].Key)
		}
		// Who has gone must not look like a backend that has.
		taken, err := shared.Take(context.WithoutCancel(ctx), now, strict, all)
		if err == nil {
			for i := range all {
				s.memory.note(all[i].Key, taken[i].Mark)
			}
			return taken
		}
		s.lost(err)
	}
	taken, _ := s.memory.Take(ctx, now, strict, all) // it never fails
	return taken
}

// Get returns an answer that was kept.
func (s *Store) Get(ctx context.Context, key string) ([]byte, bool) {
	if shared := s.use(); shared != nil {
		value, found, err := shared.Get(context.WithoutCancel(ctx), key)
		if err == nil {
			return value, found
		}
		s.lost(err)
	}
	value, found, _ := s.memory.Get(ctx, key) // it never fails
	return value, found
}

// Set keeps an answer for a while, or less long. The key has to say of what it is the answer, with the number of the
// last change of that: nothing stale is found then.
func (s *Store) Set(ctx context.Context, key string, value []byte, ttl time.Duration) {
	if shared := s.use(); shared != nil {
		err := shared.Set(context.WithoutCancel(ctx), key, value, ttl)
		if err == nil {
			return
		}
		s.lost(err)
	}
	_ = s.memory.Set(ctx, key, value, ttl) // it never fails
}
