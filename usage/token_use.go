package usage

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// TokenUsage is what has been used with a token in its running period, against each of its limits.
type TokenUsage struct {
	Period plan.Period
	Sum    ProviderUsage // over everything; Provider and Vendor are empty
	Limits []LimitVerdict
}

// TokenUsages returns what has been used with tokens in their running periods, by their ids. Those that don't exist are
// left out.
func (s *Service) TokenUsages(ctx context.Context, now time.Time, ids []int64) (map[int64]TokenUsage, error) {
	usages := map[int64]TokenUsage{}
	if len(ids) == 0 {
		return usages, nil
	}
	err := s.Store.View(ctx, func(reader Reader) error {
		st := newState(now)
		if err := st.loadTokens(ctx, reader, distinct(slices.Clone(ids))); err != nil {
			return err
		}
		periods, err := st.tokenPeriods(ctx, reader, now)
		if err != nil {
			return err
		}
		var keys []TokenPeriod
		var shared []int64
		for id, period := range periods {
			keys = append(keys, TokenPeriod{id, period.Start.UnixMicro()})
			if t := &st.tokens[id].terms; t.isShared() && t.isBound() {
				shared = append(shared, id)
			}
		}
		if err := st.loadHeld(ctx, reader, shared); err != nil {
			return err
		}
		totals, err := reader.TokenTotals(ctx, keys)
		for _, key := range keys {
			usages[key.TokenID] = st.tokenUsage(key.TokenID, periods[key.TokenID], totals[key], now)
		}
		return err
	})
	return usages, err
}

// tokenPeriods returns the running periods of the known tokens, and reads their users for that.
func (s *state) tokenPeriods(ctx context.Context, reader Reader, now time.Time) (map[int64]plan.Period, error) {
	var users []string
	for _, t := range s.tokens {
		if !t.terms.isShared() {
			users = append(users, t.terms.User)
		}
	}
	if err := s.loadUsers(ctx, reader, slices.Values(users)); err != nil {
		return nil, err
	}
	periods := make(map[int64]plan.Period, len(s.tokens))
	for id, t := range s.tokens {
		var users plan.Period
		if !t.terms.isShared() {
			users = s.users[t.terms.User].account.PeriodAt(now)
		}
		periods[id] = t.terms.PeriodOf(now, users)
	}
	return periods, nil
}

func (s *state) tokenUsage(id int64, period plan.Period, totals []ProviderUsage, now time.Time) TokenUsage {
	t, used := s.tokens[id], periodState{}
	used.fill(totals)
	var own []Reservation
	if !t.terms.isShared() {
		own = s.users[t.terms.User].held
	}
	held := t.heldWith(t.terms.User, own)
	everyLimit := make([]int, len(t.terms.Limits))
	for i := range everyLimit {
		everyLimit[i] = i
	}
	u := TokenUsage{Period: period, Sum: used.sum}
	for _, use := range used.uses(t.plan, everyLimit, held, now) {
		use.Token, use.ResetsAt = t.terms.Public, period.End
		u.Limits = append(u.Limits, LimitVerdict{LimitUse: use, OK: use.fits()})
	}
	return u
}

// ShowWith is Show for whom a token calls: the token's limits stand behind those of the plan, where the period is the
// running one. 0 is no token.
func (s *Service) ShowWith(ctx context.Context, user string, token int64, at, now time.Time) (PeriodUsage, error) {
	shown, err := s.Show(ctx, user, at, now)
	if err != nil || token == 0 || !shown.Period.Contains(now) {
		return shown, err
	}
	usages, err := s.TokenUsages(ctx, now, []int64{token})
	shown.Limits = append(shown.Limits, usages[token].Limits...)
	return shown, err
}
