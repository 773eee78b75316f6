package usage

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// TokenTerms are what an API token may use: limits and rates of its own, which are judged beside those of the plan.
type TokenTerms struct {
	ID     int64
	Public string // the part of it that may be shown
	// User is the one whose calls alone are made with it: they count in that user's periods. "" for a token that acts for
	// others, or an admin's: what is called with that counts by calendar months, in UTC, whoever it is for.
	User   string
	Limits []plan.Limit
	Rates  plan.Rates
}

// TokenPlace is where a call counts for its token.
type TokenPlace struct {
	Start  time.Time // of the period
	Shared bool      // calls of several users count there
}

// TokenPeriod names one period of one token.
type TokenPeriod struct {
	TokenID int64
	Start   int64 // microseconds since 1970
}

// isShared tells whether calls of several users may be made with it.
func (t *TokenTerms) isShared() bool { return t.User == "" }

// isBound tells whether a decision depends on the token, beside how fast calls come.
func (t *TokenTerms) isBound() bool { return len(t.Limits) > 0 || t.Rates.ParallelCalls > 0 }

// PeriodOf returns the token's period at a moment, of which the period of its user is given.
func (t *TokenTerms) PeriodOf(at time.Time, users plan.Period) plan.Period {
	if !t.isShared() {
		return users
	}
	month := plan.MonthOf(at)
	return plan.Period{Start: month.Start(), End: month.End()}
}

// asPlan is the terms in the form in which limits are counted and judged. Plans have ids above 0.
func (t *TokenTerms) asPlan() *plan.Plan {
	return &plan.Plan{ID: -t.ID, Name: t.Public, Figures: plan.Figures{Limits: t.Limits, Rates: t.Rates}}
}

// tokenState is what is known of one token.
type tokenState struct {
	terms TokenTerms
	plan  *plan.Plan
	// Of a bound token that is shared, within one transaction, which has it locked: what it has used and holds.
	months map[int64]*periodState // by the microsecond at which they start
	held   []Reservation
}

// loadTokens reads the terms of tokens that are not known yet. Those that don't exist stay unknown.
func (s *state) loadTokens(ctx context.Context, reader Reader, ids []int64) error {
	missing := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return s.tokens[id] != nil })
	if len(missing) == 0 {
		return nil
	}
	terms, err := reader.TokenTerms(ctx, missing)
	for id, t := range terms {
		s.tokens[id] = &tokenState{terms: t, plan: t.asPlan()}
	}
	return err
}

// sharedBounds returns which of some tokens several users may call with, and have bounds. What was known of their use
// is forgotten: they have to be locked and read anew.
func (s *state) sharedBounds(ids []int64) (shared []int64) {
	for _, id := range ids {
		if t := s.tokens[id]; t != nil && t.terms.isShared() && t.terms.isBound() {
			t.months, t.held = map[int64]*periodState{}, nil
			shared = append(shared, id)
		}
	}
	return shared
}

// loadHeld reads what shared tokens hold.
func (s *state) loadHeld(ctx context.Context, reader Reader, shared []int64) error {
	if len(shared) == 0 {
		return nil
	}
	held, err := reader.HeldByTokens(ctx, shared, s.since)
	for id, reservations := range held {
		s.tokens[id].held = reservations
	}
	return err
}

// tokenCall is a call of a known user with a token.
type tokenCall struct {
	token int64
	user  string
	at    time.Time
}

// loadTokenUse reads what bound tokens have used in the periods of some calls, as far as it is not known yet.
func (s *state) loadTokenUse(ctx context.Context, reader Reader, calls []tokenCall) error {
	var missing []TokenPeriod
	into := map[TokenPeriod]*periodState{}
	for _, c := range calls {
		t, user := s.tokens[c.token], s.users[c.user]
		if t == nil || user == nil || !t.terms.isBound() {
			continue
		}
		key := TokenPeriod{c.token, t.terms.PeriodOf(c.at, user.account.PeriodAt(c.at)).Start.UnixMicro()}
		if s.tokenUse(t, user, key) == nil {
			into[key] = &periodState{}
			s.keepTokenUse(t, user, key, into[key])
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	totals, err := reader.TokenTotals(ctx, missing)
	for key, to := range into {
		to.fill(totals[key])
	}
	return err
}

// tokenUse returns what a token has used in a period, nil where that is not known. A token of one user has it with
// what is known of that user, under whose lock it changes.
func (s *state) tokenUse(t *tokenState, user *userState, key TokenPeriod) *periodState {
	if t.terms.isShared() {
		return t.months[key.Start]
	}
	return user.tokens[key]
}

func (s *state) keepTokenUse(t *tokenState, user *userState, key TokenPeriod, use *periodState) {
	if t.terms.isShared() {
		t.months[key.Start] = use
		return
	}
	if user.tokens == nil {
		user.tokens = map[TokenPeriod]*periodState{}
	}
	user.tokens[key] = use
}

// tokenOf returns the token of an event, nil where it has none. One that does not exist, or is another user's, is a
// failure.
func (s *state) tokenOf(e *Event) (*tokenState, error) {
	if e.TokenID == 0 {
		return nil, nil //nolint:nilnil // it has none
	}
	t := s.tokens[e.TokenID]
	switch {
	case t == nil:
		return nil, failure.NotFoundf("there is no token %d", e.TokenID).WithReason("unknown_token")
	case !t.terms.isShared() && t.terms.User != e.UserID:
		return nil, failure.Invalidf("the token %s is of the user %s: no call of %s can be made with it", t.terms.Public,
			t.terms.User, failure.Shorten(e.UserID))
	}
	return t, nil
}

// placeOf returns where a call counts for its token: nil where it has none.
func (t *tokenState) placeOf(at time.Time, users plan.Period) *TokenPlace {
	if t == nil {
		return nil
	}
	return &TokenPlace{Start: t.terms.PeriodOf(at, users).Start, Shared: t.terms.isShared()}
}

// tokenUses returns how far the limits of a call's token that cover it are used, with its parallel calls, beside what
// the call's user holds. A failure says that the use was not read: what is not known must not count as nothing.
func (s *state) tokenUses(t *tokenState, e *Entry, at time.Time, users plan.Period, held []Reservation, now time.Time,
) ([]LimitUse, error) {
	if t == nil || !t.terms.isBound() {
		return nil, nil
	}
	period := t.terms.PeriodOf(at, users)
	used := s.tokenUse(t, s.users[e.UserID], TokenPeriod{e.TokenID, period.Start.UnixMicro()})
	if used == nil {
		return nil, failure.New(failure.Internal, "the use of the token %s from %s on was not read", t.terms.Public,
			period.Start)
	}
	mine := t.heldWith(e.UserID, held)
	uses := used.uses(t.plan, s.covering(t.plan, e.Provider, e.Vendor), mine, now)
	if most, ok := t.terms.Rates.Parallel(); ok {
		uses = append(uses, LimitUse{Limit: most, Reserved: running(mine, now), Requested: 1})
	}
	for i := range uses {
		if uses[i].Token = t.terms.Public; uses[i].Limit.Meter != plan.Parallel {
			uses[i].ResetsAt = period.End
		}
	}
	return uses, nil
}

// heldWith returns the reservations that were taken with the token: those of a user as they are given, and of others.
func (t *tokenState) heldWith(user string, held []Reservation) (mine []Reservation) {
	for _, r := range held {
		if r.TokenID == t.terms.ID {
			mine = append(mine, r)
		}
	}
	for _, r := range t.held {
		if r.UserID != user {
			mine = append(mine, r)
		}
	}
	return mine
}

// addToToken adds an entry to what its token has used, where that is known, and returns the names of the token's
// blocking limits that are exceeded now.
func (s *state) addToToken(e *Entry) (over []string) {
	if e.Token == nil {
		return nil
	}
	t := s.tokens[e.TokenID]
	used := s.tokenUse(t, s.users[e.UserID], TokenPeriod{e.TokenID, e.Token.Start.UnixMicro()})
	if used == nil {
		return nil
	}
	s.add(used, e)
	sums := used.used(t.plan)
	for _, i := range s.covering(t.plan, e.Provider, e.Vendor) {
		if l := &t.plan.Limits[i]; l.Action == plan.Block && !l.Unlimited && sums[i] > l.Max {
			over = append(over, LimitUse{Limit: *l, Token: t.terms.Public}.Name())
		}
	}
	return over
}

// holdForToken and freeOfToken keep what a shared token holds.
func (s *state) holdForToken(r Reservation) {
	if t := s.tokens[r.TokenID]; t != nil && t.terms.isShared() {
		t.held = append(t.held, r)
	}
}

func (s *state) freeOfToken(r *Reservation) {
	if t := s.tokens[r.TokenID]; t != nil {
		t.held = slices.DeleteFunc(t.held, func(other Reservation) bool { return other.ID == r.ID })
	}
}

// loadTokenCalls reads what is to be known of the tokens of calls, in one state of the database.
func (s *state) loadTokenCalls(ctx context.Context, reader Reader, calls []tokenCall) error {
	if len(calls) == 0 {
		return nil
	}
	ids := make([]int64, len(calls))
	for i, c := range calls {
		ids[i] = c.token
	}
	ids = distinct(ids)
	if err := s.loadTokens(ctx, reader, ids); err != nil {
		return err
	}
	if err := s.loadHeld(ctx, reader, s.sharedBounds(ids)); err != nil {
		return err
	}
	return s.loadTokenUse(ctx, reader, calls)
}

// knowsToken tells whether a call with a token, 0 for none, can be decided by what is known: what a token that several
// users share has used is known only while it is locked.
func (s *state) knowsToken(id int64) bool {
	if id == 0 {
		return true
	}
	t := s.tokens[id]
	return t != nil && !(t.terms.isShared() && t.terms.isBound())
}

// ratesOf returns the rates of tokens by the minute that a recorded event was taken from.
func (s *state) ratesOf(e *Event) (of []plan.RatesOf) {
	if rates := s.users[e.UserID].latest.plan.Rates; rates.TokensPerMinute > 0 {
		of = append(of, plan.RatesOf{Who: "user " + e.UserID, Rates: rates})
	}
	if t := s.tokens[e.TokenID]; t != nil && t.terms.Rates.TokensPerMinute > 0 {
		of = append(of, plan.RatesOf{Who: whoHas(t.terms.ID), Rates: t.terms.Rates})
	}
	return of
}
