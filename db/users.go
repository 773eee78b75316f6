package db

import (
	"context"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// UserKnown implements usage.Reader.
func (t *tx) UserKnown(ctx context.Context, user string) (bool, error) {
	known := false
	err := t.query(ctx, func(row scanner) error {
		known = true
		return row.Scan(new(string))
	}, "SELECT user_id FROM users WHERE user_id = $1", user)
	return known, err
}

// UserIDs implements usage.Reader.
func (t *tx) UserIDs(ctx context.Context, after string, limit int) ([]string, error) {
	var ids []string
	err := t.query(ctx, func(row scanner) error {
		var id string
		err := row.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT user_id FROM users WHERE user_id > $1 ORDER BY user_id LIMIT $2", after, limit)
	return ids, err
}

// Users implements usage.ListStore.
func (d *DB) Users(ctx context.Context, after string, limit int) ([]usage.User, error) {
	var users []usage.User
	err := d.view(ctx, func(t *tx) error {
		users = nil
		plans, err := t.plans(ctx)
		if err != nil {
			return err
		}
		return t.query(ctx, func(row scanner) error {
			u, err := scanUser(row, plans)
			users = append(users, u)
			return err
		}, `SELECT u.user_id, u.email, u.created_at, s.plan_id, s.cycle, s.anchor, s.paid_until, s.auto_renew, s.suspended,
				s.ends_at, COALESCE(s.next_plan_id, 0), s.next_plan_at
			FROM users u LEFT JOIN user_subscriptions s ON s.user_id = u.user_id
			WHERE u.user_id > $1 ORDER BY u.user_id LIMIT $2`, after, limit)
	})
	return users, err
}

func scanUser(row scanner, plans plan.Plans) (usage.User, error) {
	var u usage.User
	var s plan.Subscription
	var planID *int64
	var cycle *string
	var autoRenew, suspended *bool
	err := row.Scan(&u.UserID, &u.Email, moment{&u.CreatedAt}, &planID, &cycle, moment{&s.Anchor}, moment{&s.PaidUntil},
		&autoRenew, &suspended, moment{&s.EndsAt}, &s.NextPlanID, moment{&s.NextAt})
	if err != nil {
		return u, err
	}
	if planID == nil {
		p, err := plans.Default()
		u.PlanName = p.Name
		return u, err
	}
	s.PlanID, s.Cycle, s.AutoRenew, s.Suspended = *planID, plan.Cycle(*cycle), *autoRenew, *suspended
	p, _ := plans.ByID(s.PlanID)
	u.PlanName, u.Subscription = p.Name, &s
	if next, ok := plans.ByID(s.NextPlanID); ok {
		u.NextPlanName = next.Name
	}
	return u, nil
}
