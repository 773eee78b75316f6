package db

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// History returns a user's subscription history, oldest first.
func (d *DB) History(ctx context.Context, user string) ([]plan.HistoryEntry, error) {
	var entries []plan.HistoryEntry
	err := d.view(ctx, func(t *tx) error {
		return t.query(ctx, func(row scanner) error {
			e := plan.HistoryEntry{UserID: user}
			var before *string
			err := row.Scan(&e.Action, moment{&e.RecordedAt}, moment{&e.EffectiveAt}, &before, &e.PlanAfter, &e.Cycle,
				moment{&e.PeriodBefore.Start}, moment{&e.PeriodBefore.End}, moment{&e.PeriodAfter.Start}, moment{&e.PeriodAfter.End},
				&e.CallsBefore, &e.TokensBefore, &e.CostBefore, &e.Actor)
			if before != nil {
				e.PlanBefore = *before
			}
			entries = append(entries, e)
			return err
		}, `SELECT h.action, h.recorded_at, h.effective_at, b.name, a.name, h.cycle, h.period_before_start, h.period_before_end,
				h.period_after_start, h.period_after_end, h.calls_before, h.tokens_before, h.cost_before_pico, h.actor
			FROM subscription_history h JOIN subscription_plans a ON a.plan_id = h.plan_id
			LEFT JOIN subscription_plans b ON b.plan_id = h.plan_id_before
			WHERE h.user_id = $1 ORDER BY h.history_id`, user)
	})
	return entries, err
}

// ChangeSubscription runs fn on the locked account of a user and stores the
// change that it returns, with its history and an audit row; log rows move to the
// periods that now hold them. It returns the account as it is then. fn may run
// more than once.
func (d *DB) ChangeSubscription(ctx context.Context, audit usage.Audit, user string, fn func(plan.Account) (plan.Change, error)) (plan.Account, error) {
	var after plan.Account
	err := d.update(ctx, func(t *tx) error {
		if err := t.lock(ctx, "subscription_plans", "ROW EXCLUSIVE"); err != nil { // keeps the plan from being withdrawn
			return err
		}
		if err := t.Lock(ctx, []string{user}, audit.At); err != nil {
			return err
		}
		accounts, err := t.Accounts(ctx, []string{user})
		if err != nil {
			return err
		}
		before := accounts[user]
		if due, ok := before.Due(audit.At); ok { // it has come, and nothing has noted it yet
			if before, err = t.changeSubscription(ctx, audit, before, due); err != nil {
				return err
			}
		}
		change, err := fn(before)
		if err != nil {
			return err
		}
		after, err = t.changeSubscription(ctx, audit, before, change)
		return err
	})
	return after, err
}

// changeSubscription stores a change of a locked account and returns the account as it
// is then.
func (t *tx) changeSubscription(ctx context.Context, audit usage.Audit, before plan.Account, change plan.Change) (plan.Account, error) {
	after := before.After(change)
	if !change.Planned && !change.Continues {
		if err := t.mustNotBeClosed(ctx, before.UserID, change.EffectiveAt); err != nil {
			return after, err
		}
	}
	if err := t.saveSubscription(ctx, audit, before, after, change); err != nil {
		return after, err
	}
	if err := t.mustNotMoveArchived(ctx, subscriptionChange{before, after, change.EffectiveAt, audit.At}); err != nil {
		return after, err
	}
	if err := t.movePeriods(ctx, after, change.EffectiveAt); err != nil {
		return after, err
	}
	if end := change.Subscription.EndsAt; change.Action == plan.Cancel && !end.After(audit.At) {
		return after, t.AddNotices(ctx, []usage.Notice{billing.ExpiredNotice(after, end, audit.At)})
	}
	return after, nil
}

func (t *tx) saveSubscription(ctx context.Context, audit usage.Audit, before, after plan.Account, change plan.Change) error {
	s := change.Subscription
	row := valuesOf(func(to sink) { putSubscription(to, after.UserID, &s, audit.At) })
	_, err := t.exec(ctx, subscriptionUpsert("VALUES "+valueList(1, len(row))), row...)
	if err != nil {
		return err
	}
	if change.Email != "" {
		if _, err := t.exec(ctx, "UPDATE users SET email = $1 WHERE user_id = $2", change.Email, after.UserID); err != nil {
			return err
		}
	}
	if !change.Planned {
		if err := t.addHistory(ctx, audit, before, after, change); err != nil {
			return err
		}
	}
	if err := t.noteChange(ctx, before, after); err != nil {
		return err
	}
	var old state
	if before.Subscription != nil {
		old = subscriptionState(*before.Subscription, before.Plans)
	}
	return t.audit(ctx, audit, "user "+after.UserID, old, subscriptionState(s, after.Plans))
}

func (t *tx) addHistory(ctx context.Context, audit usage.Audit, before, after plan.Account, change plan.Change) error {
	from, to := before.PeriodAt(audit.At), after.PeriodAt(audit.At)
	key := usage.NewPeriodKey(before.UserID, from.Start)
	totals, err := t.Totals(ctx, []usage.PeriodKey{key})
	if err != nil {
		return err
	}
	var calls, tokens, cost int64
	for _, total := range totals[key] {
		calls += total.Calls
		tokens += total.Tokens()
		cost += int64(total.Cost)
	}
	var planBefore any
	if before.Subscription != nil {
		planBefore = before.Subscription.PlanID
	}
	_, err = t.exec(ctx, historyInsert("VALUES "+valueList(1, 21)), before.UserID, string(change.Action), audit.At, change.EffectiveAt, planBefore, change.Subscription.PlanID,
		string(change.Subscription.Cycle), change.Subscription.Anchor, from.Start, from.End, to.Start, to.End, calls, tokens, cost, audit.Actor,
		change.Subscription.EndsAt, cyclePrice(after, change), change.Subscription.PaidUntil, change.Subscription.AutoRenew, change.Continues)
	return err
}

// subscriptionUpsert stores subscriptions, in the order in which putSubscription puts them.
func subscriptionUpsert(source string) string {
	return `INSERT INTO user_subscriptions (user_id, plan_id, cycle, anchor, paid_until, auto_renew, suspended, ends_at, next_plan_id, next_plan_at, updated_at) ` + source + `
		ON CONFLICT (user_id) DO UPDATE SET plan_id = excluded.plan_id, cycle = excluded.cycle, anchor = excluded.anchor,
			paid_until = excluded.paid_until, auto_renew = excluded.auto_renew, suspended = excluded.suspended,
			ends_at = excluded.ends_at, next_plan_id = excluded.next_plan_id, next_plan_at = excluded.next_plan_at,
			updated_at = excluded.updated_at`
}

// historyInsert adds steps of subscriptions' lives, in the order in which putChange puts them.
func historyInsert(source string) string {
	return `INSERT INTO subscription_history (user_id, action, recorded_at, effective_at, plan_id_before, plan_id, cycle, anchor,
		period_before_start, period_before_end, period_after_start, period_after_end, calls_before, tokens_before, cost_before_pico, actor, ends_at,
		price_pico, paid_until, auto_renew, continues) ` + source
}

// cyclePrice is what one paid cycle costs that is begun with a change, NULL for a plan that
// is gone.
func cyclePrice(a plan.Account, c plan.Change) any {
	if p, ok := a.Plans.ByID(c.Subscription.PlanID); ok {
		return int64(p.At(c.EffectiveAt).Price(c.Subscription.Cycle))
	}
	return nil
}

// movePeriods gives the log rows from a moment on the period and plan that the
// account now has for their time, and sums the user's totals anew if any moved.
func (t *tx) movePeriods(ctx context.Context, account plan.Account, from time.Time) error {
	moves, err := t.moves(ctx, account, from)
	if err != nil || len(moves) == 0 {
		return err
	}
	if err := t.changeCatalogue(ctx); err != nil { // who archives the months has to notice
		return err
	}
	keys := map[usage.PeriodKey]bool{}
	for _, m := range moves {
		_, err := t.exec(ctx, `UPDATE api_usage_logs SET period_start = $1, plan_id = $2 WHERE user_id = $3 AND occurred_at >= $4 AND occurred_at <= $5`,
			m.period, m.planID, account.UserID, m.first, m.last)
		if err != nil {
			return err
		}
		keys[usage.NewPeriodKey(account.UserID, m.period)] = true
	}
	if err := t.rebuildTotalsOf(ctx, account.UserID); err != nil {
		return err
	}
	// Periods that fitted on their own may not fit together: better refused now
	// than found by every later decision.
	_, err = t.Totals(ctx, slices.Collect(maps.Keys(keys)))
	return err
}

// move gives all log rows of a stretch of time one period and plan.
type move struct {
	first, last, period time.Time
	planID              int64
}

// moves returns the stretches of a user's log from a moment on in which rows have
// another period or plan than the account has for them.
func (t *tx) moves(ctx context.Context, account plan.Account, from time.Time) ([]move, error) {
	var moves []move
	err := t.query(ctx, func(row scanner) error {
		var at, period time.Time
		var planID int64
		if err := row.Scan(moment{&at}, moment{&period}, &planID); err != nil {
			return err
		}
		current, err := account.PlanAt(at)
		if err != nil {
			return err
		}
		m := move{at, at, account.PeriodAt(at).Start, current.ID}
		if m.period.Equal(period) && m.planID == planID {
			return nil
		}
		// Rows of one period and plan follow each other in time.
		if n := len(moves) - 1; n >= 0 && moves[n].period.Equal(m.period) && moves[n].planID == m.planID {
			moves[n].last = at
			return nil
		}
		moves = append(moves, m)
		return nil
	}, "SELECT occurred_at, period_start, plan_id FROM api_usage_logs WHERE user_id = $1 AND occurred_at >= $2 ORDER BY occurred_at", account.UserID, from)
	return moves, err
}
