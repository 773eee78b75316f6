package access

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// lastUsed collects when tokens were used, to the minute.
type lastUsed struct {
	mutex sync.Mutex
	at    map[int64]time.Time
}

// note notes that a token is used; stored is what the database has.
func (l *lastUsed) note(id int64, now, stored time.Time) {
	minute := now.Truncate(time.Minute)
	if !minute.After(stored) {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.at == nil {
		l.at = map[int64]time.Time{}
	}
	if minute.After(l.at[id]) {
		l.at[id] = minute
	}
}

func (l *lastUsed) take() map[int64]time.Time {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	taken := l.at
	l.at = nil
	return taken
}

// Changed drops what is kept of tokens and sessions; live says whether changes are heard of from now on. As long as
// nobody says so, each request asks the database.
func (s *Service) Changed(live bool) {
	s.tokens.hear(live)
	s.sessions.hear(live)
}

// Flush writes when tokens were used last.
func (s *Service) Flush(ctx context.Context) error {
	if used := s.used.take(); len(used) > 0 {
		return s.Store.TouchTokens(ctx, used)
	}
	return nil
}

// flushEvery is how often it is written when tokens were used.
const flushEvery = time.Minute

// Run listens for changes that others make, and writes now and then when tokens were used, until ctx is done; also is
// told of each change after the service itself, where it is not nil.
func (s *Service) Run(ctx context.Context, log *slog.Logger, also func(live bool)) error {
	var flushing sync.WaitGroup
	flushing.Go(func() { s.flushNowAndThen(ctx, log) })
	err := s.Store.Watch(ctx, func(live bool) {
		s.Changed(live)
		if also != nil {
			also(live)
		}
	})
	s.Changed(false)
	flushing.Wait()
	return err
}

func (s *Service) flushNowAndThen(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		// The last time is after the end, and must not take long then.
		flushing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		if err := s.Flush(flushing); err != nil {
			log.Warn("when tokens were used last was not written", "error", err)
		}
		cancel()
	}
}
