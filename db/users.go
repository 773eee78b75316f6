package db

import (
	"context"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// UserKnown implements usage.Reader.
func (t *tx) UserKnown(ctx context.Context, user string) (bool, error) {
	known := false
	err := t.query(ctx, into(&known), "SELECT EXISTS (SELECT 1 FROM users WHERE user_id = $1)", user)
	return known, err
}

// UserIDs implements usage.Reader.
func (t *tx) UserIDs(ctx context.Context, after string, limit int) ([]string, error) {
	return selectColumn[string](ctx, t,
		"SELECT user_id FROM users WHERE user_id > $1 ORDER BY user_id LIMIT $2", after, limit)
}

// Users implements usage.ListStore.
func (d *DB) Users(ctx context.Context, after string, limit int) ([]usage.User, error) {
	return inView(ctx, d, func(t *tx) ([]usage.User, error) {
		plans, err := t.plans(ctx)
		if err != nil {
			return nil, err
		}
		return selectRows(ctx, t, func(row scanner) (usage.User, error) { return scanUser(row, plans) },
			"SELECT u.user_id, "+profileColumns+`, u.created_at, s.plan_id, s.cycle, s.anchor, s.paid_until, s.auto_renew,
				s.suspended, s.ends_at, COALESCE(s.next_plan_id, 0), s.next_plan_at
			FROM users u LEFT JOIN user_subscriptions s ON s.user_id = u.user_id
			WHERE u.user_id > $1 ORDER BY u.user_id LIMIT $2`, after, limit)
	})
}

func scanUser(row scanner, plans plan.Plans) (usage.User, error) {
	var u usage.User
	var s plan.Subscription
	var planID *int64
	var cycle *string
	var autoRenew, suspended *bool
	err := row.Scan(&u.UserID, &u.Email, &u.Contact.Name, &u.Contact.Address, &u.Contact.Country, &u.Contact.TaxID,
		moment{&u.CreatedAt}, &planID, &cycle, moment{&s.Anchor}, moment{&s.PaidUntil},
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
