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

// paced decides about a call unless its user calls too fast.
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

// takeRates takes a call from the rates of its user, or returns the decision that refuses it. Of a call that is not
// made the tokens have to be given back. The request is not: whoever asks again and again asks too fast. Whoever takes
// many calls of one moment keeps the users' paces in known; nil for a single one.
func (s *Service) takeRates(
	ctx context.Context, now time.Time, e *Event, reported bool, known map[string]pace,
) (giveBack func(), refusal *Decision, err error) {
	nothing := func() {}
	if s.Limiter == nil || e.UserID == "" {
		return nothing, nil, nil
	}
	user, isKnown := known[e.UserID]
	if !isKnown {
		if user, err = s.pace(ctx, now, e.UserID); err == nil && known != nil {
			known[e.UserID] = user
		}
	}
	if err != nil || !user.plan.Rates.PerMinute() {
		return nothing, nil, err
	}
	of, tokens := user.rates(), e.Quantities.Tokens()
	rate, wait := s.Limiter.Take(ctx, now, of, max(1, e.Quantities[pricing.Requests]), tokens)
	if rate.Max == 0 {
		return func() { s.Limiter.Correct(ctx, now, of, -tokens) }, nil, nil
	}
	refusal = user.refuse(e, rate, wait)
	if s.Tell != nil {
		s.Tell(&Told{Event: e, Reported: reported, Refused: RateLimited, Err: refusal.Denied()})
	}
	return nothing, refusal, nil
}

// settled corrects the tokens that a reservation had taken by those that were really used.
func (s *Service) settled(ctx context.Context, now time.Time, o *Outcome) {
	if s.Limiter == nil || o.Status != Recorded || o.rates.TokensPerMinute == 0 {
		return
	}
	used := -o.reserved
	if o.Entry.Counts() {
		used += o.Entry.Quantities.Tokens()
	}
	s.Limiter.Correct(ctx, now, ratesOf(o.Entry.UserID, o.rates), used)
}

// released gives the tokens of a reservation back that held until now.
func (s *Service) released(ctx context.Context, now time.Time, r *Reservation) error {
	if s.Limiter == nil || !r.ClosedAt.Equal(now) || !now.Before(r.ExpiresAt) {
		return nil
	}
	user, err := s.pace(ctx, now, r.UserID)
	if err == nil && user.plan.Rates.TokensPerMinute > 0 {
		s.Limiter.Correct(ctx, now, user.rates(), -r.Tokens)
	}
	return err
}

func ratesOf(user string, r plan.Rates) []plan.RatesOf {
	return []plan.RatesOf{{Who: "user " + user, Rates: r}}
}

// paces keeps for a moment on which plans users are, so that not every call has to ask twice. No answer is kept.
type paces struct {
	mutex  sync.Mutex
	users  map[string]pace
	nobody time.Time // when no plan had rates by the minute
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

func (p *pace) rates() []plan.RatesOf { return ratesOf(p.user, p.plan.Rates) }

// refuse is the decision about a call that came too fast.
func (p *pace) refuse(e *Event, rate plan.Rate, wait time.Duration) *Decision {
	message := fmt.Sprintf("%s is reached: at most %d", rate.Name, rate.Max)
	if wait == 0 {
		message = fmt.Sprintf("%s is %d, which is less than the call asks for at once", rate.Name, rate.Max)
	}
	return &Decision{
		Verdict: Verdict{Reason: RateLimited, Message: message, Limit: rate.Name, RetryAfter: wait},
		Call:    Call{e.UserID, e.Provider, e.Model, e.Vendor, e.Quantities, e.ServiceTier},
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
