package usage

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// UserHistory is what one user has used in every period.
type UserHistory struct {
	Account plan.Account
	Running PeriodUsage   // the period that contains now, used or not
	Periods []PeriodUsage // every period with usage, newest first
}

// History returns what a user has used in every period, from totals that are kept. A user who was never seen has used
// nothing, on the default plan.
func (s *Service) History(ctx context.Context, user string, now time.Time) (UserHistory, error) {
	var h UserHistory
	err := s.viewUser(ctx, user, now, func(reader Reader, st *state) error {
		starts, err := reader.UsedPeriods(ctx, user)
		if err != nil {
			return err
		}
		h = UserHistory{Account: st.users[user].account}
		if h.Running, err = s.readPeriod(ctx, reader, st, user, now, now); err != nil {
			return err
		}
		if err := st.loadPeriods(ctx, reader, momentsOf(user, starts)); err != nil {
			return err
		}
		for _, start := range slices.Backward(starts) {
			used, err := s.periodUsage(st, user, start, now)
			if err != nil {
				return err
			}
			h.Periods = append(h.Periods, used)
		}
		return nil
	})
	return h, err
}

// ShowMonth is Show for the last period that begins in a month. Where that has not begun, it is the running period. A
// user who was never seen has used nothing, on the default plan.
func (s *Service) ShowMonth(ctx context.Context, user string, month plan.Month, now time.Time) (PeriodUsage, error) {
	var used PeriodUsage
	err := s.viewUser(ctx, user, now, func(reader Reader, st *state) (err error) {
		at := month.End().Add(-time.Microsecond)
		if start := st.users[user].account.PeriodAt(at).Start; month == plan.MonthOf(now) && start.After(now) {
			at = now
		}
		used, err = s.readPeriod(ctx, reader, st, user, at, now)
		return err
	})
	return used, err
}

// viewUser runs fn on one state of the database, with what is known of a user.
func (s *Service) viewUser(
	ctx context.Context, user string, now time.Time, fn func(reader Reader, st *state) error,
) error {
	if err := ValidateUser(user); err != nil {
		return err
	}
	return s.Store.View(ctx, func(reader Reader) error {
		st := newState(now)
		if err := st.loadUsers(ctx, reader, slices.Values([]string{user})); err != nil {
			return err
		}
		return fn(reader, st)
	})
}

func (s *Service) readPeriod(
	ctx context.Context, reader Reader, st *state, user string, at, now time.Time,
) (PeriodUsage, error) {
	if err := st.loadPeriods(ctx, reader, momentsOf(user, []time.Time{at})); err != nil {
		return PeriodUsage{}, err
	}
	return s.periodUsage(st, user, at, now)
}

func momentsOf(user string, moments []time.Time) iter.Seq2[string, time.Time] {
	return func(yield func(string, time.Time) bool) {
		for _, at := range moments {
			if !yield(user, at) {
				return
			}
		}
	}
}

// Total returns what was used in all periods, over everything and by provider, the most expensive first.
func (h UserHistory) Total() (ProviderUsage, []ProviderUsage) {
	var all []ProviderUsage
	for _, p := range h.Periods {
		all = append(all, p.Providers...)
	}
	return byProvider(all)
}

// Projected is what a period will have cost if it goes on as it began: its cost so far, by the share of it that has
// passed at now.
func (u PeriodUsage) Projected(now time.Time) pricing.Total {
	return projected(pricing.TotalOf(u.Sum.Cost), u.Period, now)
}

func projected(cost pricing.Total, p plan.Period, now time.Time) pricing.Total {
	if passed := int64(now.Sub(p.Start).Seconds()); passed > 0 && now.Before(p.End) {
		return cost.Scale(int64(p.End.Sub(p.Start).Seconds()), passed)
	}
	return cost
}

// mostLatest is how many calls the mean of response times is taken of: it must not cost more with a longer log.
const mostLatest = 100

// Latest is how the latest calls of a user went.
type Latest struct {
	At             time.Time // of the last one; zero where there is none
	ResponseTimeMS int64     // the mean of the last hundred
}

// Latest returns how a user's latest calls went, from one moment until before another; a zero moment leaves it open.
func (r *Reporter) Latest(ctx context.Context, user string, from, to time.Time) (Latest, error) {
	entries, err := r.Store.Logs(ctx, LogQuery{User: user, From: from, To: to, Standing: true, Limit: mostLatest})
	if err != nil || len(entries) == 0 {
		return Latest{}, err
	}
	var sum int64
	for _, e := range entries {
		sum += e.ResponseTimeMS
	}
	return Latest{At: entries[0].Time, ResponseTimeMS: sum / int64(len(entries))}, nil
}
