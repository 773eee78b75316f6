package db

import (
	"context"
	"fmt"
	"strings"
	"time"

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
func (d *DB) Users(ctx context.Context, q usage.UserQuery) ([]usage.User, error) {
	return inView(ctx, d, func(t *tx) ([]usage.User, error) {
		plans, err := t.plans(ctx)
		if err != nil {
			return nil, err
		}
		where, err := userConditions(q, plans)
		if err != nil {
			return nil, err
		}
		return selectRows(ctx, t, func(row scanner) (usage.User, error) { return scanUser(row, plans) },
			"SELECT u.user_id, "+profileColumns+`, u.created_at, s.plan_id, s.cycle, s.anchor, s.paid_until, s.auto_renew,
				s.suspended, s.ends_at, COALESCE(s.next_plan_id, 0), s.next_plan_at
			FROM users u LEFT JOIN user_subscriptions s ON s.user_id = u.user_id`+where.sql()+
				fmt.Sprintf(" ORDER BY u.user_id LIMIT %d", q.Limit), where.args...)
	})
}

func userConditions(q usage.UserQuery, plans plan.Plans) (where conditions, err error) {
	where.add("u.user_id > ?", q.After)
	if q.Search != "" {
		pattern := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(lowerASCII(q.Search)) + "%"
		where.add("(lower(u.user_id) LIKE ? ESCAPE '!' OR lower(u.email) LIKE ? ESCAPE '!' OR "+
			"lower(u.name) LIKE ? ESCAPE '!')", pattern, pattern, pattern)
	}
	if q.Status != "" {
		condition, args := statusCondition(q.Status, q.Now)
		where.add(condition, args...)
	}
	if q.Plan != "" {
		p, err := plans.Find(q.Plan)
		if err != nil {
			return where, err
		}
		onPlan := "CASE WHEN s.next_plan_id IS NOT NULL AND s.next_plan_at <= ? THEN s.next_plan_id ELSE s.plan_id END = ?"
		if p.Tier == plan.DefaultTier {
			onPlan = "(s.user_id IS NULL OR " + onPlan + ")"
		}
		where.add(onPlan, q.Now, p.ID)
	}
	return where, nil
}

// statusCondition is plan.Subscription.StatusAt in SQL; who has no subscription is active.
func statusCondition(status plan.Status, now time.Time) (condition string, args []any) {
	cases := "CASE WHEN s.user_id IS NULL THEN 'active' WHEN s.suspended THEN 'suspended' " +
		"WHEN s.ends_at <= ? THEN 'cancelled' WHEN s.anchor > ? THEN 'pending' " +
		"WHEN NOT s.auto_renew AND s.paid_until <= ? THEN 'expired' ELSE 'active' END = ?"
	return cases, []any{now, now, now, string(status)}
}

// lowerASCII is what lower() of both databases does: letters of other alphabets stay as they are.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
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
