package db

import (
	"context"

	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Customers implements simulate.Store.
func (d *DB) Customers(ctx context.Context, month plan.Month, after string, limit int) ([]simulate.Customer, error) {
	var customers []simulate.Customer
	err := d.view(ctx, func(t *tx) error {
		used := map[string]bool{}
		users, err := t.UserIDs(ctx, after, limit)
		if err != nil || len(users) == 0 {
			return err
		}
		err = t.query(ctx, func(row scanner) error {
			var user string
			err := row.Scan(&user)
			used[user] = true
			return err
		}, "SELECT DISTINCT user_id FROM usage_user_monthly WHERE month = $1 AND user_id > $2 AND user_id <= $3",
			int64(month), after, users[len(users)-1])
		if err != nil {
			return err
		}
		accounts, err := t.BillingAccounts(ctx, users)
		customers = make([]simulate.Customer, len(users))
		for i, user := range users {
			customers[i] = simulate.Customer{Account: accounts[user], Used: used[user]}
		}
		return err
	})
	return customers, err
}

// UserLog implements simulate.Store. It continues after a key, as Logs does.
func (d *DB) UserLog(ctx context.Context, q usage.UserLogQuery) ([]usage.Entry, error) {
	var entries []usage.Entry
	err := d.view(ctx, func(t *tx) error {
		entries = nil
		if err := t.inOrder(ctx); err != nil {
			return err
		}
		var where conditions
		where.equal("user_id", q.User)
		where.compare("occurred_at <", q.To)
		if q.AfterTime.IsZero() {
			where.compare("occurred_at >=", q.From)
		} else {
			last, err := t.logID(ctx, q.AfterTime, q.AfterID)
			if err != nil {
				return err
			}
			where.compare("occurred_at >=", q.AfterTime) // leaves out the partitions of earlier months
			where.texts = append(where.texts,
				"(occurred_at, log_id) > ("+where.bind(q.AfterTime)+", "+where.bind(last)+")")
		}
		return t.query(ctx, func(row scanner) error {
			e, err := scanEntry(row)
			entries = append(entries, e)
			return err
		}, "SELECT "+entryColumns+" FROM api_usage_logs"+where.sql()+
			" ORDER BY occurred_at, log_id LIMIT "+where.bind(q.Limit), where.args...)
	})
	return entries, err
}
