package usage

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// LimitStatus says how far a user's limits are used up in a period.
type LimitStatus string

// The statuses.
const (
	LimitsActive  LimitStatus = "active"
	LimitsWarning LimitStatus = "warning"       // a limit has reached the lowest threshold
	LimitsReached LimitStatus = "limit_reached" // a blocking limit is used up
)

// PeriodUsage is one user's usage in one period against every limit of the plan.
type PeriodUsage struct {
	UserID      string
	Plan        plan.Plan
	Status      plan.Status
	LimitStatus LimitStatus
	Period      plan.Period
	Sum         ProviderUsage   // over everything; Provider and Vendor are empty
	Providers   []ProviderUsage // by provider; Vendor is empty
	Limits      []LimitVerdict
}

// Show returns what a user has used in the period that contains a moment, against the limits that the plan had at its
// end, as bills count. A user who was never seen is a not_found failure.
func (s *Service) Show(ctx context.Context, user string, at, now time.Time) (PeriodUsage, error) {
	var st PeriodUsage
	err := s.Store.View(ctx, func(reader Reader) error {
		if err := RequireKnown(ctx, reader, user, "unknown_user"); err != nil {
			return err
		}
		all, err := s.periodUsages(ctx, reader, []string{user}, at, now)
		if err == nil {
			st = all[0]
		}
		return err
	})
	return st, err
}

// RequireKnown returns a not_found failure with a reason unless a user was ever seen, and an invalid one for an id that
// can't be a user's.
func RequireKnown(ctx context.Context, reader interface {
	UserKnown(ctx context.Context, user string) (bool, error)
}, user, reason string) error {
	if err := ValidateUser(user); err != nil {
		return err
	}
	known, err := reader.UserKnown(ctx, user)
	if err == nil && !known {
		err = unknownUser(user, reason)
	}
	return err
}

func unknownUser(user, reason string) error {
	return failure.NotFoundf("there is no user %q: no subscription and no usage", failure.Shorten(user)).
		WithReason(reason, "user", user)
}

// RequireUser returns a not_found failure unless a user was ever seen. It names the user whose id is nearest.
func (s *Service) RequireUser(ctx context.Context, user string) error {
	err := s.Store.View(ctx, func(reader Reader) error { return RequireKnown(ctx, reader, user, "unknown_user") })
	if failure.Is(err, failure.NotFound) {
		return s.withNearestUser(ctx, err, user)
	}
	return err
}

// mostNearUsers is among how many users the nearest is looked for: it is only a hint.
const mostNearUsers = 20_000

// withNearestUser adds to the failure of an unknown user which one may have been meant.
func (s *Service) withNearestUser(ctx context.Context, err error, user string) error {
	f, ok := errors.AsType[*failure.Error](err)
	if !ok {
		return err
	}
	_ = s.Store.View(ctx, func(reader Reader) error { // without a hint the failure is as true
		ids, err := reader.UserIDs(ctx, "", mostNearUsers)
		if near := failure.Nearest(user, ids); near != "" {
			_ = f.WithHint("did you mean %s? Without --known-user a user is made by the first mention", near)
		}
		return err
	})
	return f
}

// periodUsages returns what users have used in the periods that contain a moment, in their order.
func (s *Service) periodUsages(
	ctx context.Context, reader Reader, users []string, at, now time.Time,
) ([]PeriodUsage, error) {
	st := newState(now)
	if err := st.loadUsers(ctx, reader, slices.Values(users)); err != nil {
		return nil, err
	}
	moments := make(map[string]time.Time, len(users))
	for _, user := range users {
		moments[user] = at
	}
	if err := st.loadPeriods(ctx, reader, maps.All(moments)); err != nil {
		return nil, err
	}
	usages := make([]PeriodUsage, len(users))
	for i, user := range users {
		var err error
		if usages[i], err = s.periodUsage(st, user, at, now); err != nil {
			return nil, err
		}
	}
	return usages, nil
}

func (s *Service) periodUsage(st *state, id string, at, now time.Time) (PeriodUsage, error) {
	planAt := at
	if period := st.users[id].account.PeriodAt(at); !period.End.After(now) {
		planAt = period.End.Add(-time.Microsecond) // whichever moment of an ended period is named, its end counts
	}
	where, err := st.periodOf(id, planAt)
	if err != nil {
		return PeriodUsage{}, err
	}
	user, current := st.users[id], where.plan.At(where.period.End.Add(-time.Microsecond))
	if where.changes && current.Overage == plan.OverageAllow {
		current = where.usage.share(current)
	}
	u := PeriodUsage{UserID: id, Plan: current, Status: user.account.StatusAt(at), Period: where.period}
	held := user.held
	if !u.Period.Contains(now) {
		held = nil // what is held now has nothing to do with another period
	}
	everyLimit := make([]int, len(current.Limits))
	for i := range everyLimit {
		everyLimit[i] = i
	}
	for _, use := range where.usage.uses(&current, everyLimit, held, now) {
		u.Limits = append(u.Limits, LimitVerdict{LimitUse: use, OK: use.fits()})
	}
	u.LimitStatus = s.limitStatus(u.Limits)
	u.Sum, u.Providers = byProvider(where.usage.totals)
	return u, nil
}

func (s *Service) limitStatus(limits []LimitVerdict) LimitStatus {
	status := LimitsActive
	for _, v := range limits {
		if v.Limit.Action == plan.Block && v.Reached(100) {
			return LimitsReached
		}
		for _, percent := range s.Thresholds {
			if v.Reached(percent) {
				status = LimitsWarning
			}
		}
	}
	return status
}

// byProvider sums totals over everything and by provider, the most expensive first.
func byProvider(totals []ProviderUsage) (ProviderUsage, []ProviderUsage) {
	var sum ProviderUsage
	var rows []ProviderUsage
	index := map[string]int{}
	for _, t := range totals {
		i, ok := index[t.Provider]
		if !ok {
			i = len(rows)
			index[t.Provider] = i
			rows = append(rows, ProviderUsage{Provider: t.Provider})
		}
		rows[i].plus(t)
		sum.plus(t)
	}
	sort.Slice(rows, func(i, j int) bool {
		if rows[i].Cost != rows[j].Cost {
			return rows[i].Cost > rows[j].Cost
		}
		return rows[i].Provider < rows[j].Provider
	})
	return sum, rows
}

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
