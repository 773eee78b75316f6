package usage

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// Near is a limit that a user has nearly or fully used in the running period.
type Near struct {
	UserID   string
	PlanName string
	Period   plan.Period
	LimitUse
}

// NearLimits returns every limit of which the given users have used so many percent or
// more in their running periods, the fullest first.
func (s *Service) NearLimits(ctx context.Context, now time.Time, percent int, users []string) ([]Near, error) {
	const together = 500
	var near []Near
	for chunk := range slices.Chunk(users, together) {
		err := s.Store.View(ctx, func(reader Reader) error {
			found, err := s.nearAmong(ctx, reader, now, percent, chunk)
			near = append(near, found...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(near, func(a, b Near) int {
		x, _ := a.PerMille()
		y, _ := b.PerMille()
		return cmp.Or(cmp.Compare(y, x), cmp.Compare(a.UserID, b.UserID))
	})
	return near, nil
}

func (s *Service) nearAmong(ctx context.Context, reader Reader, now time.Time, percent int, users []string) ([]Near, error) {
	accounts, err := reader.Accounts(ctx, users)
	if err != nil {
		return nil, err
	}
	l := newLedger(reader, now)
	keys := make([]PeriodKey, len(users))
	for i, user := range users {
		keys[i] = NewPeriodKey(user, accounts[user].PeriodAt(now).Start)
	}
	if err := l.load(ctx, keys); err != nil {
		return nil, err
	}
	var near []Near
	for _, user := range users {
		st, err := s.statement(ctx, l, accounts[user], now)
		if err != nil {
			return nil, err
		}
		for _, v := range st.Limits {
			if v.Reached(percent) {
				near = append(near, Near{user, st.Plan.Name, st.Period, v.LimitUse})
			}
		}
	}
	return near, nil
}
