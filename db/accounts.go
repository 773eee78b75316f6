package db

import (
	"context"
	"slices"

	"github.com/alwrity/alwrity-sub/plan"
)

// Accounts implements usage.Reader.
func (t *tx) Accounts(ctx context.Context, users []string) (map[string]plan.Account, error) {
	plans, err := t.plans(ctx)
	if err != nil {
		return nil, err
	}
	accounts := make(map[string]plan.Account, len(users))
	for _, user := range users {
		accounts[user] = plan.Account{UserID: user, Plans: plans}
	}
	for chunk := range slices.Chunk(users, chunkSize) {
		if err := t.loadSubscriptions(ctx, chunk, accounts); err != nil {
			return nil, err
		}
		if err := t.loadSegments(ctx, chunk, accounts); err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

const subscriptionColumns = "s.plan_id, s.cycle, s.anchor, s.paid_until, s.auto_renew, s.suspended, s.ends_at"

// scanSubscription returns where to scan subscriptionColumns to.
func scanSubscription(s *plan.Subscription) []any {
	return []any{&s.PlanID, &s.Cycle, moment{&s.Anchor}, moment{&s.PaidUntil}, &s.AutoRenew, &s.Suspended, moment{&s.EndsAt}}
}

func (t *tx) loadSubscriptions(ctx context.Context, users []string, accounts map[string]plan.Account) error {
	return t.query(ctx, func(row scanner) error {
		var s plan.Subscription
		var user, email string
		if err := row.Scan(append([]any{&user, &email}, scanSubscription(&s)...)...); err != nil {
			return err
		}
		a := accounts[user]
		a.Email, a.Subscription = email, &s
		accounts[user] = a
		return nil
	}, "SELECT s.user_id, u.email, "+subscriptionColumns+` FROM user_subscriptions s JOIN users u ON u.user_id = s.user_id
		WHERE s.user_id IN (`+placeholders(1, len(users))+")", anys(users)...)
}

func (t *tx) loadSegments(ctx context.Context, users []string, accounts map[string]plan.Account) error {
	return t.query(ctx, func(row scanner) error {
		var s plan.Segment
		var user string
		if err := row.Scan(&user, moment{&s.From}, moment{&s.Anchor}, &s.PlanID); err != nil {
			return err
		}
		a := accounts[user]
		a.Segments = append(a.Segments, s)
		accounts[user] = a
		return nil
	}, `SELECT user_id, effective_at, anchor, plan_id FROM subscription_history
		WHERE user_id IN (`+placeholders(1, len(users))+") ORDER BY user_id, history_id", anys(users)...)
}
