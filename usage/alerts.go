package usage

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// checkedTogether is how many users are locked and looked at together.
const checkedTogether = 100

// CheckEveryone does what CheckAlerts does for every user, and returns how many users there are and how many alerts are
// new.
func (s *Service) CheckEveryone(ctx context.Context, now time.Time) (users, added int, err error) {
	err = s.eachUser(ctx, checkedTogether, func(ids []string) error {
		more, err := s.CheckAlerts(ctx, now, ids)
		users, added = users+len(ids), added+more
		return err
	})
	return users, added, err
}

// eachUser calls a function with the ids of all users, some at a time.
func (s *Service) eachUser(ctx context.Context, together int, fn func(ids []string) error) error {
	return EachPage(together, func(last string, limit int) (ids []string, err error) {
		err = s.Store.View(ctx, func(reader Reader) error {
			ids, err = reader.UserIDs(ctx, last, limit)
			return err
		})
		return ids, err
	}, fn)
}

// CheckAlerts looks at every given user's running period and adds the alerts that are due and were not made when the
// usage was recorded, for example since a plan or the thresholds have changed. It returns how many are new.
func (s *Service) CheckAlerts(ctx context.Context, now time.Time, users []string) (int, error) {
	added := 0
	for some := range slices.Chunk(users, checkedTogether) {
		more := 0
		err := s.Store.Update(ctx, some, now, func(tx Tx) error {
			used, err := s.periodUsages(ctx, tx, some, now, now)
			if err != nil {
				return err
			}
			var due []Alert
			for _, u := range used {
				due = append(due, s.due(u, now)...)
			}
			more, err = tx.AddAlerts(ctx, due)
			return err
		})
		if err != nil {
			return added, err
		}
		added += more // once it is committed: a transaction may run more than once
	}
	return added, nil
}

// due returns an alert for the highest threshold that each limit has reached.
func (s *Service) due(st PeriodUsage, now time.Time) []Alert {
	var alerts []Alert
	for _, v := range st.Limits {
		if percent := crossed(&v.Limit, 0, v.Used, s.Thresholds); percent > 0 {
			alerts = append(alerts, Alert{
				UserID: st.UserID, PeriodStart: st.Period.Start, PeriodEnd: st.Period.End, Limit: v.Limit,
				Threshold: percent, Used: v.Used, CreatedAt: now, Overage: billsOverage(&st.Plan, &v.Limit),
			})
		}
	}
	return alerts
}

// Refused tells whether a limit of a user refuses calls at now because it is used up, and returns an alert about it as
// of then.
func (s *Service) Refused(ctx context.Context, user, limit string, now time.Time) (Alert, bool, error) {
	st, err := s.Show(ctx, user, now, now)
	if err != nil {
		return Alert{}, false, err
	}
	for _, v := range st.Limits {
		if l := v.Limit; l.Name == limit && l.TakesOverage() && !v.OK && st.Plan.Overage == plan.OverageBlock {
			return Alert{UserID: user, PeriodStart: st.Period.Start, PeriodEnd: st.Period.End, Limit: l,
				Threshold: fullPercent, Used: v.Used, CreatedAt: now}, true, nil
		}
	}
	return Alert{}, false, nil
}

// Alert says that a user has reached a threshold of a limit in a usage period.
type Alert struct {
	ID          int64
	UserID      string
	PeriodStart time.Time
	PeriodEnd   time.Time // zero where it was made before periods' ends were kept
	Overage     bool      // the plan lets calls go on beyond the limit, and bills them
	Limit       plan.Limit
	Threshold   int   // percent
	Used        int64 // in the limit's unit, when it was reached
	EventID     string
	CreatedAt   time.Time
	ReadAt      time.Time // zero: not read yet
	WithdrawnAt time.Time // when usage was taken back, so that the threshold was no longer reached; zero: it stands
	Repeats     int       // how many alerts of the same threshold were withdrawn before it
}

// DefaultThresholds are the percentages of a limit that make an alert where the configuration names none.
func DefaultThresholds() []int { return []int{80, 90, 100} }

// crossed returns the highest threshold that lies between two amounts used of a limit, 0 where there is none.
func crossed(l *plan.Limit, before, after int64, thresholds []int) int {
	highest := 0
	for _, percent := range thresholds {
		if percent > highest && !reached(l, before, percent) && reached(l, after, percent) {
			highest = percent
		}
	}
	return highest
}
