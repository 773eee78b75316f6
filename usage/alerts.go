package usage

import (
	"context"
	"time"
)

// CheckAlerts looks at every given user's running period and adds the alerts
// that are due and were not made when the usage was recorded, for example since
// a plan or the thresholds have changed. It returns how many are new.
func (s *Service) CheckAlerts(ctx context.Context, now time.Time, users []string) (int, error) {
	added := 0
	for _, user := range users {
		more := 0
		err := s.Store.Update(ctx, []string{user}, now, func(tx Tx) error {
			accounts, err := tx.Accounts(ctx, []string{user})
			if err != nil {
				return err
			}
			st, err := s.statement(ctx, newLedger(tx, now), accounts[user], now)
			if err != nil {
				return err
			}
			more, err = tx.AddAlerts(ctx, s.due(st, now))
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
			alerts = append(alerts, Alert{UserID: st.UserID, PeriodStart: st.Period.Start, PeriodEnd: st.Period.End, Limit: v.Limit,
				Threshold: percent, Used: v.Used, CreatedAt: now, Overage: goesOn(&st.Plan, &v.Limit)})
		}
	}
	return alerts
}
