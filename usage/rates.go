package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Limiter bounds how fast calls follow each other. It may forget what it knows; limits are none of its business.
type Limiter interface {
	// Take takes requests and tokens from all of some rates at a moment, or from none where one of them has not as much
	// left. Then it returns that one, and how long to wait; 0: it never has as much.
	Take(ctx context.Context, now time.Time, of []plan.RatesOf, requests, tokens int64) (plan.Rate, time.Duration)
	// Correct takes so many tokens more, whatever there is, or gives them back where it is negative.
	Correct(ctx context.Context, now time.Time, of []plan.RatesOf, tokens int64)
}

// paced decides about a call unless its user, or whoever has its token, calls too fast.
func (s *Service) paced(
	ctx context.Context, now time.Time, e *Event, reported bool, decide func() (made bool, err error),
) (refusal *Decision, err error) {
	giveBack, refusal, err := s.takeRates(ctx, now, e, reported, nil)
	if err != nil || refusal != nil {
		return refusal, err
	}
	made, err := decide()
	if !made {
		giveBack()
	}
	return nil, err
}

// knownPaces are what was looked up for calls of one moment.
type knownPaces struct {
	users  map[string]pace
	tokens map[int64]TokenTerms
}

func newKnownPaces() *knownPaces {
	return &knownPaces{users: map[string]pace{}, tokens: map[int64]TokenTerms{}}
}

// takeRates takes a call from the rates of its user and its token, from both or none, or returns the decision that
// refuses it. Of a call that is not made the tokens have to be given back. The request is not: whoever asks again and
// again asks too fast. Whoever takes many calls of one moment keeps what it looks up in known; nil for a single one.
func (s *Service) takeRates(
	ctx context.Context, now time.Time, e *Event, reported bool, known *knownPaces,
) (giveBack func(), refusal *Decision, err error) {
	nothing := func() {}
	if s.Limiter == nil || e.UserID == "" {
		return nothing, nil, nil
	}
	if known == nil {
		known = newKnownPaces()
	}
	user, of, err := s.ratesOf(ctx, now, e.UserID, e.TokenID, known)
	if err != nil || len(of) == 0 {
		return nothing, nil, err
	}
	tokens := e.Quantities.Tokens()
	rate, wait := s.Limiter.Take(ctx, now, of, max(1, e.Quantities[pricing.Requests]), tokens)
	if rate.Max == 0 {
		return func() { s.Limiter.Correct(ctx, now, of, -tokens) }, nil, nil
	}
	if user.user == "" { // no plan has rates, and nothing of the user was read
		if user, err = s.readPace(ctx, now, e.UserID); err != nil {
			return nothing, nil, err
		}
	}
	token := ""
	if rate.Who == whoHas(e.TokenID) {
		token = known.tokens[e.TokenID].Public
	}
	refusal = user.refuse(e, token, rate, wait)
	s.hear(now, &Told{Event: e, Reported: reported, Refused: RateLimited, Limit: rate.Name, Err: refusal.Denied()})
	return nothing, refusal, nil
}

// ratesOf returns the rates by the minute that a call is taken from: those of its user's plan, and of its token.
func (s *Service) ratesOf(
	ctx context.Context, now time.Time, user string, token int64, known *knownPaces,
) (p pace, of []plan.RatesOf, err error) {
	p, isKnown := known.users[user]
	if !isKnown {
		if p, err = s.pace(ctx, now, user); err != nil {
			return p, nil, err
		}
		known.users[user] = p
	}
	if p.plan.Rates.PerMinute() {
		of = append(of, plan.RatesOf{Who: "user " + user, Rates: p.plan.Rates})
	}
	if token == 0 {
		return p, of, nil
	}
	terms, isKnown := known.tokens[token]
	if !isKnown {
		if terms, err = s.termsOf(ctx, now, token); err != nil {
			return p, nil, err
		}
		known.tokens[token] = terms
	}
	if terms.Rates.PerMinute() {
		of = append(of, plan.RatesOf{Who: whoHas(token), Rates: terms.Rates})
	}
	return p, of, nil
}

// settled corrects the tokens that a reservation had taken by those that were really used.
func (s *Service) settled(ctx context.Context, now time.Time, o *Outcome) {
	if s.Limiter == nil || o.Status != Recorded || len(o.rates) == 0 {
		return
	}
	used := -o.reserved
	if o.Entry.Counts() {
		used += o.Entry.Quantities.Tokens()
	}
	s.Limiter.Correct(ctx, now, o.rates, used)
}

// released gives the tokens of a reservation back that held until now.
func (s *Service) released(ctx context.Context, now time.Time, r *Reservation) error {
	if s.Limiter == nil || !r.ClosedAt.Equal(now) || !now.Before(r.ExpiresAt) {
		return nil
	}
	_, of, err := s.ratesOf(ctx, now, r.UserID, r.TokenID, newKnownPaces())
	if err == nil && len(of) > 0 {
		s.Limiter.Correct(ctx, now, of, -r.Tokens)
	}
	return err
}

// whoHas names a token among those whose rates are kept: by its id, which stays when it is rotated.
func whoHas(token int64) string { return fmt.Sprintf("token %d", token) }

// paces keeps for a moment on which plans users are, so that not every call has to ask twice. No answer is kept.
type paces struct {
	mutex  sync.Mutex
	users  map[string]pace
	nobody time.Time // when no plan had rates by the minute
	tokens map[int64]tokenPace
}

type tokenPace struct {
	terms TokenTerms
	at    time.Time // when that was so
}

// pace is what is to be known of a user before it is asked how fast the calls are.
type pace struct {
	user   string
	plan   plan.Plan
	status plan.Status
	period plan.Period
	at     time.Time // when that was so
}

// paceKept is how long it is kept: what is changed holds within a second everywhere.
const paceKept = 500 * time.Millisecond

// isFresh tells whether what was so at a moment may be taken to be so. A clock that stands still says nothing about
// that.
func isFresh(at, now time.Time) bool { return now.After(at) && now.Sub(at) < paceKept }

// pace returns the plan of a user, or one without rates where no plan has any.
func (s *Service) pace(ctx context.Context, now time.Time, user string) (pace, error) {
	if p, known := s.paces.get(user, now); known {
		return p, nil
	}
	return s.readPace(ctx, now, user)
}

// readPace is pace, read anew.
func (s *Service) readPace(ctx context.Context, now time.Time, user string) (pace, error) {
	var p pace
	err := s.Store.View(ctx, func(reader Reader) error {
		accounts, err := reader.Accounts(ctx, []string{user})
		if err != nil {
			return err
		}
		account := accounts[user]
		current, err := account.PlanAt(now)
		if err != nil {
			return err
		}
		p = pace{user: user, plan: current, status: account.StatusAt(now), period: account.PeriodAt(now), at: now}
		s.paces.put(p, !slices.ContainsFunc(account.Plans, func(p plan.Plan) bool { return p.Rates.PerMinute() }))
		return nil
	})
	return p, err
}

// termsOf returns the terms of a token; the zero ones where it does not exist, which the decision refuses.
func (s *Service) termsOf(ctx context.Context, now time.Time, id int64) (TokenTerms, error) {
	if terms, known := s.paces.getToken(id, now); known {
		return terms, nil
	}
	var terms TokenTerms
	err := s.Store.View(ctx, func(reader Reader) error {
		found, err := reader.TokenTerms(ctx, []int64{id})
		terms = found[id]
		return err
	})
	if err == nil {
		s.paces.putToken(id, tokenPace{terms, now})
	}
	return terms, err
}

func (k *paces) getToken(id int64, now time.Time) (TokenTerms, bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	t, known := k.tokens[id]
	return t.terms, known && isFresh(t.at, now)
}

func (k *paces) putToken(id int64, t tokenPace) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.tokens == nil || len(k.tokens) >= mostKeptUsers {
		k.tokens = map[int64]tokenPace{}
	}
	k.tokens[id] = t
}

func (k *paces) get(user string, now time.Time) (pace, bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if isFresh(k.nobody, now) {
		return pace{}, true
	}
	p, known := k.users[user]
	return p, known && isFresh(p.at, now)
}

func (k *paces) put(p pace, nobody bool) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if nobody {
		k.nobody = p.at
		return
	}
	if k.users == nil || len(k.users) >= mostKeptUsers {
		k.users = map[string]pace{}
	}
	k.users[p.user] = p
}

// refuse is the decision about a call that came too fast, by a rate of the plan or of a token, whose public part is
// given.
func (p *pace) refuse(e *Event, token string, rate plan.Rate, wait time.Duration) *Decision {
	name := LimitUse{Limit: plan.Limit{Name: rate.Name}, Token: token}.Name()
	message := fmt.Sprintf("%s is reached: at most %d", name, rate.Max)
	if wait == 0 {
		message = fmt.Sprintf("%s is %d, which is less than the call asks for at once", name, rate.Max)
	}
	return &Decision{
		Verdict: Verdict{Reason: RateLimited, Message: message, Limit: rate.Name, Token: token, RetryAfter: wait},
		Call:    CallOf(*e),
		Plan:    p.plan, Status: p.status, Period: p.period,
	}
}

// retryError is the cause of a denied failure that passes by itself.
type retryError struct{ after time.Duration }

func (e retryError) Error() string { return "it helps to wait for " + e.after.String() }

// RetryAfter returns after how long a call passes that a failure is about, as far as that is known; 0: to wait does not
// help.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[retryError](err); ok {
		return e.after
	}
	return 0
}

// denied makes the failure of a refused call.
func (d Verdict) denied(user string, p plan.Plan) error {
	denied := failure.New(failure.Denied, "%s (plan %s) is refused: %s", user, p.Name, d.Message).
		WithReason(string(d.Reason), "user", user)
	if d.RetryAfter > 0 {
		_ = denied.Because(retryError{d.RetryAfter})
	}
	return denied
}
