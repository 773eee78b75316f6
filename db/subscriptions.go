package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// History returns a user's subscription history, oldest first.
func (d *DB) History(ctx context.Context, user string) ([]plan.HistoryEntry, error) {
	return inView(ctx, d, func(t *tx) ([]plan.HistoryEntry, error) {
		return selectRows(ctx, t, func(row scanner) (plan.HistoryEntry, error) {
			e := plan.HistoryEntry{UserID: user}
			err := row.Scan(&e.ID, &e.Action, moment{&e.RecordedAt}, moment{&e.EffectiveAt}, &e.PlanBefore, &e.PlanAfter,
				&e.Cycle, moment{&e.Anchor}, &e.Price,
				moment{&e.PeriodBefore.Start}, moment{&e.PeriodBefore.End}, moment{&e.PeriodAfter.Start},
				moment{&e.PeriodAfter.End}, &e.CallsBefore, &e.TokensBefore, &e.CostBefore, &e.Actor)
			return e, err
		}, `SELECT h.history_id, h.action, h.recorded_at, h.effective_at, COALESCE(b.name, ''), a.name,
				h.cycle, h.anchor, COALESCE(h.price_pico, 0),
				h.period_before_start, h.period_before_end, h.period_after_start, h.period_after_end,
				h.calls_before, h.tokens_before, h.cost_before_pico, h.actor
			FROM subscription_history h JOIN subscription_plans a ON a.plan_id = h.plan_id
			LEFT JOIN subscription_plans b ON b.plan_id = h.plan_id_before
			WHERE h.user_id = $1 ORDER BY h.history_id`, user)
	})
}

// HoldPlans implements billing.Tx.
func (t *tx) HoldPlans(ctx context.Context) error {
	return t.lock(ctx, "subscription_plans", "ROW EXCLUSIVE")
}

// Profile implements billing.Reader.
func (t *tx) Profile(ctx context.Context, user string) (p usage.Profile, err error) {
	err = t.query(ctx, into(&p.Email, &p.Name, &p.Address, &p.Country, &p.TaxID),
		"SELECT "+profileColumns+" FROM users u WHERE u.user_id = $1", user)
	return p, err
}

const profileColumns = "u.email, u.name, u.address, u.country, u.tax_id"

// SetProfile implements billing.Tx.
func (t *tx) SetProfile(ctx context.Context, user string, p usage.Profile) error {
	return t.do(ctx, `UPDATE users SET email = $1, name = $2, address = $3, country = $4, tax_id = $5 WHERE user_id = $6`,
		p.Email, p.Name, p.Address, p.Country, p.TaxID, user)
}

// SetEmail implements billing.Tx.
func (t *tx) SetEmail(ctx context.Context, user, email string) error {
	return t.do(ctx, "UPDATE users SET email = $1 WHERE user_id = $2", email, user)
}

// SaveSubscriptions implements billing.Tx.
func (t *tx) SaveSubscriptions(ctx context.Context, accounts []plan.Account, now time.Time) error {
	const columns = "user_id, plan_id, cycle, anchor, paid_until, auto_renew, suspended, ends_at, next_plan_id, " +
		"next_plan_at, updated_at"
	return t.writeRows(ctx, newRows("user_subscriptions", columns, overwrite("user_id", columns),
		len(accounts), func(to encode.Sink, i int) {
			s := accounts[i].Subscription
			putAll(to, accounts[i].UserID, s.PlanID, s.Cycle, s.Anchor, s.PaidUntil, s.AutoRenew, s.Suspended,
				nullTime(s.EndsAt), nullID(s.NextPlanID), nullTime(s.NextAt), now)
		}))
}

// AppendHistory implements billing.Tx. It is the only writer of the history.
func (t *tx) AppendHistory(ctx context.Context, changes []billing.SubscriptionChange) error {
	return t.writeRows(ctx, newRows("subscription_history", `user_id, action, recorded_at, effective_at, plan_id_before,
		plan_id, cycle, anchor, period_before_start, period_before_end, period_after_start, period_after_end,
		calls_before, tokens_before, cost_before_pico, actor, ends_at, price_pico, paid_until, auto_renew, continues`, "",
		len(changes), func(to encode.Sink, i int) {
			h := &changes[i]
			before, after := int64(0), &h.Change.Subscription
			if h.Account.Subscription != nil {
				before = h.Account.Subscription.PlanID
			}
			putAll(to, h.Account.UserID, h.Change.Action, h.At, h.Change.EffectiveAt, nullID(before), h.PlanID,
				after.Cycle, after.Anchor, h.PeriodBefore.Start, h.PeriodBefore.End, h.PeriodAfter.Start,
				h.PeriodAfter.End, h.Used.Calls, h.Used.Quantities.Tokens(), h.Used.Cost, h.Actor,
				nullTime(after.EndsAt), h.Price, after.PaidUntil, after.AutoRenew, h.Change.Continues)
		}))
}

// BilledUntil implements billing.Reader.
func (t *tx) BilledUntil(ctx context.Context, user string) (until time.Time, err error) {
	err = t.query(ctx, into(moment{&until}),
		"SELECT MAX(period_end) FROM billing_history WHERE user_id = $1 AND kind = 'bill'", user)
	return until, err
}

// ClosedUntil implements usage.RerateStore.
func (d *DB) ClosedUntil(ctx context.Context, users []string) (map[string]time.Time, error) {
	closed := map[string]time.Time{}
	return closed, d.view(ctx, func(t *tx) error {
		condition, arg := t.oneOf("user_id", "$1", users)
		return t.query(ctx, func(row scanner) error {
			var user string
			var until time.Time
			err := row.Scan(&user, moment{&until})
			closed[user] = until
			return err
		}, "SELECT user_id, closed_until FROM billing_accounts WHERE "+condition, arg)
	})
}

// ArchivedDays implements billing.Tx.
func (t *tx) ArchivedDays(ctx context.Context, user string, from plan.Month) ([]time.Time, error) {
	// An archive needs a lock on the log that nobody shares.
	if err := t.lock(ctx, "ONLY api_usage_logs", "ACCESS SHARE"); err != nil {
		return nil, err
	}
	return selectRows(ctx, t, func(row scanner) (time.Time, error) {
		var day int32
		err := row.Scan(&day)
		return dayTime(day), err
	}, "SELECT DISTINCT day FROM usage_archived_totals WHERE month >= $1 AND user_id = $2 ORDER BY day", int64(from), user)
}

// LoggedUsage implements billing.Reader.
func (t *tx) LoggedUsage(
	ctx context.Context, user string, from time.Time, fn func(at, periodStart time.Time, planID int64) error,
) error {
	return t.query(ctx, func(row scanner) error {
		var at, periodStart time.Time
		var planID int64
		if err := row.Scan(moment{&at}, moment{&periodStart}, &planID); err != nil {
			return err
		}
		return fn(at, periodStart, planID)
	}, `SELECT occurred_at, period_start, plan_id FROM api_usage_logs
		WHERE user_id = $1 AND occurred_at >= $2 ORDER BY occurred_at`, user, from)
}

// MoveUsage implements billing.Tx.
func (t *tx) MoveUsage(ctx context.Context, user string, moves []billing.UsageMove) error {
	if err := t.changeCatalogue(ctx); err != nil { // who archives the months has to notice
		return err
	}
	var keys []usage.PeriodKey
	for _, m := range moves {
		err := t.do(ctx, `UPDATE api_usage_logs SET period_start = $1, plan_id = $2
			WHERE user_id = $3 AND occurred_at >= $4 AND occurred_at <= $5`,
			m.PeriodStart, m.PlanID, user, m.First, m.Last)
		if err != nil {
			return err
		}
		keys = append(keys, usage.NewPeriodKey(user, m.PeriodStart))
	}
	if err := t.rebuildTotalsOf(ctx, user); err != nil {
		return err
	}
	// Periods that fitted on their own may not fit together: better refused now than found by every later decision.
	_, err := t.Totals(ctx, keys)
	return err
}
