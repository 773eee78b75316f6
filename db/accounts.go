package db

import (
	"context"

	"github.com/alwrity/alwrity-sub/plan"
)

// Accounts implements usage.Reader.
func (t *tx) Accounts(ctx context.Context, users []string) (map[string]plan.Account, error) {
	plans, err := t.keptPlans(ctx)
	if err != nil {
		return nil, err
	}
	accounts := make(map[string]plan.Account, len(users))
	for _, user := range users {
		accounts[user] = plan.Account{UserID: user, Plans: plans}
	}
	if err := t.readSubscriptions(ctx, users, accounts); err != nil {
		return nil, err
	}
	return accounts, t.readSegments(ctx, users, accounts)
}

const subscriptionColumns = "s.plan_id, s.cycle, s.anchor, s.paid_until, s.auto_renew, s.suspended, s.ends_at, " +
	"COALESCE(s.next_plan_id, 0), s.next_plan_at"

// scanSubscription returns where to scan subscriptionColumns to.
func scanSubscription(s *plan.Subscription) []any {
	return []any{&s.PlanID, &s.Cycle, moment{&s.Anchor}, moment{&s.PaidUntil}, &s.AutoRenew, &s.Suspended,
		moment{&s.EndsAt}, &s.NextPlanID, moment{&s.NextAt}}
}

// readSubscriptions reads the users' subscriptions into their accounts.
func (t *tx) readSubscriptions(ctx context.Context, users []string, accounts map[string]plan.Account) error {
	condition, arg := t.oneOf("s.user_id", "$1", users)
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
	}, "SELECT s.user_id, u.email, "+subscriptionColumns+` FROM user_subscriptions s
		JOIN users u ON u.user_id = s.user_id WHERE `+condition, arg)
}

// readSegments reads the users' pasts into their accounts.
func (t *tx) readSegments(ctx context.Context, users []string, accounts map[string]plan.Account) error {
	condition, arg := t.oneOf("user_id", "$1", users)
	return t.query(ctx, func(row scanner) error {
		var s plan.Segment
		var user string
		if err := row.Scan(&user, moment{&s.From}, moment{&s.Anchor}, &s.PlanID, moment{&s.EndsAt}); err != nil {
			return err
		}
		a := accounts[user]
		a.Segments = append(a.Segments, s)
		accounts[user] = a
		return nil
	}, "SELECT user_id, effective_at, anchor, plan_id, ends_at FROM subscription_history WHERE "+condition+
		" AND NOT continues ORDER BY user_id, history_id", arg)
}
