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

// NearLimits returns every limit of which a user has used so many percent or more in the running period, the fullest
// first.
func (s *Service) NearLimits(ctx context.Context, now time.Time, percent int) ([]Near, error) {
	const together = 500
	var near []Near
	err := s.eachUser(ctx, together, func(users []string) error {
		var found []Near
		err := s.Store.View(ctx, func(reader Reader) (err error) {
			found, err = s.nearAmong(ctx, reader, now, percent, users)
			return err
		})
		near = append(near, found...)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(near, func(a, b Near) int {
		x, _ := a.PerMille()
		y, _ := b.PerMille()
		return cmp.Or(cmp.Compare(y, x), cmp.Compare(a.UserID, b.UserID))
	})
	return near, nil
}

func (s *Service) nearAmong(
	ctx context.Context, reader Reader, now time.Time, percent int, users []string,
) ([]Near, error) {
	used, err := s.periodUsages(ctx, reader, users, now, now)
	var near []Near
	for _, u := range used {
		for _, v := range u.Limits {
			if v.Reached(percent) {
				near = append(near, Near{UserID: u.UserID, PlanName: u.Plan.Name, Period: u.Period, LimitUse: v.LimitUse})
			}
		}
	}
	return near, err
}
