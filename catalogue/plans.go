package catalogue

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// DiffPlans returns what a plan file would change. A plan that is not in the file would be withdrawn: where users are
// subscribed to it, there is an invalid failure beside the differences.
func (s *Service) DiffPlans(ctx context.Context, now time.Time, file File) ([]plan.Difference, error) {
	wanted, err := s.parsePlans(ctx, file)
	if err != nil {
		return nil, err
	}
	have, subscribers, err := s.Store.Plans(ctx, now)
	if err != nil {
		return nil, err
	}
	diffs := plan.Diff(have, wanted)
	_, err = withdrawn(diffs, have, subscribers)
	return diffs, err
}

// ApplyPlans makes the changes of a plan file that DiffPlans has shown, and a conflict failure where they would be
// others by now.
func (s *Service) ApplyPlans(ctx context.Context, audit usage.Audit, file File, shown []plan.Difference) error {
	wanted, err := s.parsePlans(ctx, file)
	if err != nil {
		return err
	}
	change := func(have plan.Plans, subscribers map[int64]int) (save plan.Plans, withdraw []int64, err error) {
		diffs := plan.Diff(have, wanted)
		if !slices.Equal(diffs, shown) {
			return nil, nil, failure.Conflictf("the plans were changed meanwhile by somebody else").
				WithHint("run it again, and read what it changes now")
		}
		withdraw, err = withdrawn(diffs, have, subscribers)
		return asAdmin(wanted, have), withdraw, err
	}
	return s.Store.ChangePlans(ctx, audit, change)
}

func (s *Service) parsePlans(ctx context.Context, file File) (plan.Plans, error) {
	book, err := s.Book(ctx)
	if err != nil {
		return nil, err
	}
	return plan.ParseCatalogue(file.Name, file.Text, book.Providers)
}

// asAdmin returns the plans of a file with an admin as the source of those that it changes.
func asAdmin(wanted, have plan.Plans) plan.Plans {
	save := slices.Clone(wanted)
	for i := range save {
		save[i].Source = pricing.FromAdmin
		for _, h := range have {
			if h.Tier == save[i].Tier && h.Equal(save[i]) {
				save[i].Source = h.Source
			}
		}
	}
	return save
}

// withdrawn returns the ids of the plans that a file no longer has, or an invalid failure where users are subscribed to
// one of them.
func withdrawn(diffs []plan.Difference, have plan.Plans, subscribers map[int64]int) ([]int64, error) {
	var ids []int64
	for _, d := range diffs {
		if !d.Withdraws() {
			continue
		}
		p, err := have.Find(d.Plan)
		if err != nil {
			return nil, err
		}
		if n := subscribers[p.ID]; n > 0 {
			return nil, failure.Invalidf("the file has no plan of the tier %s (%s), which has %s", p.Tier, p.Name,
				failure.Counted(n, "subscriber")).
				WithReason("plan_has_subscribers", "plan", p.Name)
		}
		ids = append(ids, p.ID)
	}
	return ids, nil
}
