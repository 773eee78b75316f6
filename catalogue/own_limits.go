package catalogue

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// OwnLimits makes limits that stand beside those of plans, such as a token's: see plan.Plans.OwnLimit.
func (s *Service) OwnLimits(ctx context.Context, now time.Time, wanted []plan.WantedLimit) ([]plan.Limit, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	plans, _, err := s.Store.Plans(ctx, now)
	if err != nil {
		return nil, err
	}
	book, err := s.Store.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	limits := make([]plan.Limit, len(wanted))
	for i, w := range wanted {
		if limits[i], err = plans.OwnLimit(w, book.Providers); err != nil {
			return nil, err
		}
	}
	return limits, nil
}
