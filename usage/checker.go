package usage

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// checker answers questions about calls. Those that come while it reads wait, and are answered by what it reads next,
// for all of their users at once: each is answered by a state of the database that is not older than the question.
type checker struct {
	mu      sync.Mutex
	waiting []*question
	running bool

	// What was read last of the catalogue: the same for everyone, and no part of what anybody has used.
	version  int64
	book     *pricing.Book
	of       string
	archived map[plan.Month]string
}

// question is whether a call would pass.
type question struct {
	ctx      context.Context
	now      time.Time
	event    Event
	decision Decision
	err      error
	answered chan struct{}
}

// mostQuestions is how many are answered together at most.
const mostQuestions = 256

// Check says whether a call would pass now. It takes nothing from the limits and changes nothing.
func (s *Service) Check(ctx context.Context, now time.Time, call Call) (Decision, error) {
	event, err := call.event()
	if err != nil {
		return Decision{}, err
	}
	var d Decision
	refusal, err := s.paced(ctx, now, &event, false, func() (passes bool, err error) {
		d, err = s.check(ctx, now, event)
		s.hear(now, &Told{Event: &event, Refused: d.Reason, Limit: d.Limit, Err: err})
		return d.Allowed, err
	})
	if refusal != nil {
		d = *refusal
	}
	return d, err
}

// Explain returns the decision about a call as if nobody called too fast. It takes nothing and changes nothing.
func (s *Service) Explain(ctx context.Context, now time.Time, call Call) (Decision, error) {
	event, err := call.event()
	if err != nil {
		return Decision{}, err
	}
	return s.check(ctx, now, event)
}

func (s *Service) check(ctx context.Context, now time.Time, event Event) (Decision, error) {
	q := &question{ctx: ctx, now: now, event: event, answered: make(chan struct{})}
	c := &s.checker
	c.mu.Lock()
	c.waiting = append(c.waiting, q)
	begins := !c.running
	c.running = true
	c.mu.Unlock()
	if begins {
		go s.answerWaiting()
	}
	select {
	case <-q.answered:
		return q.decision, q.err
	case <-ctx.Done():
		return Decision{}, ctx.Err()
	}
}

// answerWaiting answers questions until none waits.
func (s *Service) answerWaiting() {
	c := &s.checker
	for {
		c.mu.Lock()
		n := min(len(c.waiting), mostQuestions)
		questions := slices.Clone(c.waiting[:n])
		c.waiting = slices.Delete(c.waiting, 0, n)
		c.running = n > 0
		c.mu.Unlock()
		if n == 0 {
			return
		}
		s.answer(questions)
		runtime.Gosched() // who has just heard may ask again
	}
}

// answer answers questions by one state of the database.
func (s *Service) answer(questions []*question) {
	ctx := questions[0].ctx
	if len(questions) > 1 {
		ctx = context.WithoutCancel(ctx) // one who gives up does not stop the others
	}
	err := s.Store.View(ctx, func(reader Reader) (err error) {
		defer catchFault(&err)
		return s.checker.decide(ctx, reader, questions)
	})
	for _, q := range questions {
		if err != nil {
			q.decision, q.err = Decision{}, err
		}
		close(q.answered)
	}
}

// decide reads what the questions are about, and decides about each.
func (c *checker) decide(ctx context.Context, reader Reader, questions []*question) error {
	st := newState(questions[0].now)
	provider := questions[0].event.Provider
	for _, q := range questions {
		if q.now.Before(st.since) {
			st.since = q.now
		}
		if q.event.Provider != provider {
			provider = ""
		}
	}
	if err := c.loadCatalogue(ctx, reader, st, provider); err != nil {
		return err
	}
	if err := st.loadUsers(ctx, reader, usersOf(questions)); err != nil {
		return err
	}
	err := st.loadPeriods(ctx, reader, func(yield func(string, time.Time) bool) {
		for _, q := range questions {
			if !yield(q.event.UserID, q.now) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if err := st.loadTokensOf(ctx, reader, questions); err != nil {
		return err
	}
	for _, q := range questions {
		q.decision, q.err = st.decide(q.event, q.now, st.users[q.event.UserID].held)
	}
	return nil
}

// loadTokensOf reads what is to be known of the questions' tokens.
func (s *state) loadTokensOf(ctx context.Context, reader Reader, questions []*question) error {
	var calls []tokenCall
	for _, q := range questions {
		if q.event.TokenID != 0 {
			calls = append(calls, tokenCall{q.event.TokenID, q.event.UserID, q.now})
		}
	}
	return s.loadTokenCalls(ctx, reader, calls)
}

func usersOf(questions []*question) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, q := range questions {
			if !yield(q.event.UserID) {
				return
			}
		}
	}
}

// loadCatalogue gives a state the prices, which are read anew where they have changed since.
func (c *checker) loadCatalogue(ctx context.Context, reader Reader, st *state, provider string) error {
	version, err := reader.CatalogueVersion(ctx)
	if err != nil {
		return err
	}
	if version == c.version {
		st.book, st.of, st.archived = c.book, c.of, c.archived
	}
	if err := st.loadCatalogue(ctx, reader, provider); err != nil {
		return err
	}
	c.version, c.book, c.of, c.archived = version, st.book, st.of, st.archived
	return nil
}
