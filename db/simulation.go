package db

import (
	"context"
	"slices"

	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Customers implements simulate.Store.
func (d *DB) Customers(ctx context.Context, month plan.Month, after string, limit int) ([]simulate.Customer, error) {
	return inView(ctx, d, func(t *tx) ([]simulate.Customer, error) {
		users, err := t.UserIDs(ctx, after, limit)
		if err != nil || len(users) == 0 {
			return nil, err
		}
		used, err := selectColumn[string](ctx, t, `SELECT DISTINCT user_id FROM usage_user_monthly
			WHERE month = $1 AND user_id > $2 AND user_id <= $3 ORDER BY user_id`, int64(month), after, users[len(users)-1])
		if err != nil {
			return nil, err
		}
		accounts, err := t.BillingAccounts(ctx, users)
		customers := make([]simulate.Customer, len(users))
		for i, user := range users {
			_, isUsed := slices.BinarySearch(used, user)
			customers[i] = simulate.Customer{Account: accounts[user], Used: isUsed}
		}
		return customers, err
	})
}

// UserLog implements simulate.Store. It continues after a key, as Logs does.
func (d *DB) UserLog(ctx context.Context, q usage.UserLogQuery) ([]usage.Entry, error) {
	return inView(ctx, d, func(t *tx) ([]usage.Entry, error) {
		if err := t.inOrder(ctx); err != nil {
			return nil, err
		}
		var where conditions
		where.equal("user_id", q.User)
		where.compare("occurred_at <", q.To)
		if q.AfterTime.IsZero() {
			where.compare("occurred_at >=", q.From)
		} else {
			last, err := t.logID(ctx, q.AfterTime, q.AfterID)
			if err != nil {
				return nil, err
			}
			where.compare("occurred_at >=", q.AfterTime) // leaves out the partitions of earlier months
			where.add("(occurred_at, log_id) > (?, ?)", q.AfterTime, last)
		}
		return selectRows(ctx, t, scanEntry, "SELECT "+entryColumns+" FROM api_usage_logs"+where.sql()+
			" ORDER BY occurred_at, log_id LIMIT "+where.bind(q.Limit), where.args...)
	})
}
