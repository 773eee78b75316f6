package db

import (
	"context"
	"encoding/json"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
)

// mostMismatched is how many bills that do not add up are named.
const mostMismatched = 10

// BillingHealth implements billing.HealthStore.
func (d *DB) BillingHealth(ctx context.Context, overdue time.Time) (billing.Health, error) {
	return inView(ctx, d, func(t *tx) (h billing.Health, err error) {
		for _, look := range []func(context.Context, *billing.Health) error{
			t.countBills, t.mismatchedBills, t.mischargedBills, t.unbilledUsage,
			func(ctx context.Context, h *billing.Health) error { return t.overdueUsers(ctx, overdue, h) },
		} {
			if err := look(ctx, &h); err != nil {
				return h, err
			}
		}
		return h, nil
	})
}

func (t *tx) countBills(ctx context.Context, h *billing.Health) error {
	return t.query(ctx, into(&h.Bills, &h.HighestNumber, &h.LastGivenNumber, &h.PrematureLines, &h.OverdrawnUsers),
		`SELECT (SELECT COUNT(*) FROM billing_history), (SELECT COALESCE(MAX(number), 0) FROM billing_history),
			(SELECT last_number FROM billing_numbers WHERE series = 'bills'),
			(SELECT COUNT(*) FROM billing_lines l JOIN billing_accounts b ON b.user_id = l.user_id
				WHERE l.kind IN ('usage', 'adjustment') AND l.period_start >= b.closed_until),
			(SELECT COUNT(*) FROM (SELECT user_id FROM billing_credits GROUP BY user_id
				HAVING SUM(amount_pico) < 0) AS n)`)
}

// mismatchedBills finds bills whose totals are not the sums of their lines.
func (t *tx) mismatchedBills(ctx context.Context, h *billing.Health) (err error) {
	h.MismatchedBills, err = selectColumn[int64](ctx, t, `SELECT h.number FROM billing_history h LEFT JOIN
			(SELECT number, SUM(amount_pico) AS total,
				SUM(CASE kind WHEN 'rounding' THEN amount_pico ELSE 0 END) AS rounding,
				SUM(CASE WHEN kind IN ('usage', 'adjustment') THEN cost_pico ELSE 0 END) AS cost
				FROM billing_lines GROUP BY number) AS l ON l.number = h.number
		WHERE COALESCE(l.total, 0) <> h.total_pico OR COALESCE(l.rounding, 0) <> h.rounding_pico
			OR COALESCE(l.cost, 0) <> h.cost_pico
		ORDER BY h.number LIMIT $1`, mostMismatched)
	return err
}

// mischargedBills finds bills with a line whose charges do not sum to its cost. Lines of before charges have none.
func (t *tx) mischargedBills(ctx context.Context, h *billing.Health) error {
	return t.query(ctx, func(row scanner) error {
		var number int64
		var cost pricing.USD
		var text string
		if err := row.Scan(&number, &cost, &text); err != nil {
			return err
		}
		var charges []billing.Charge
		err := json.Unmarshal([]byte(text), &charges)
		for _, c := range charges {
			cost -= c.Cost
		}
		if (err != nil || cost != 0) && len(h.MischargedBills) < mostMismatched {
			h.MischargedBills = distinct(append(h.MischargedBills, number))
		}
		return nil
	}, "SELECT number, cost_pico, charges FROM billing_lines WHERE charges <> '' ORDER BY number")
}

// unbilledUsage adds up what was used of closed periods and no bill has.
func (t *tx) unbilledUsage(ctx context.Context, h *billing.Health) error {
	return t.query(ctx, func(row scanner) error {
		_, _, s, err := scanSeries(row)
		h.UnbilledTotals++
		h.UnbilledCost = h.UnbilledCost.Add(pricing.TotalOf(s.Usage.Cost))
		return err
	}, unbilled("TRUE"))
}

// Future implements billing.HealthStore.
func (d *DB) Future(ctx context.Context, happened, recorded time.Time) (f billing.Future, err error) {
	const most = billing.MostFuture + 1
	err = d.view(ctx, func(t *tx) (err error) {
		if f.Bills, err = selectColumn[int64](ctx, t,
			"SELECT number FROM billing_history WHERE issued_at > $1 ORDER BY number LIMIT $2", recorded, most); err != nil {
			return err
		}
		if f.Renewals, err = selectColumn[string](ctx, t, `SELECT DISTINCT user_id FROM subscription_history
			WHERE recorded_at > $1 ORDER BY user_id LIMIT $2`, recorded, most); err != nil {
			return err
		}
		f.Events, err = selectColumn[string](ctx, t, `SELECT event_id FROM api_usage_logs WHERE occurred_at > $1
			ORDER BY occurred_at, log_id LIMIT $2`, happened, most)
		return err
	})
	return f, err
}

// longestPeriod is how many days a usage period has at most.
const longestPeriod = 31

// overdueUsers counts users who have used anything or subscribed, and whose period ended before a moment without
// being closed. Where its end is not noted, since the subscription was changed or nothing of the user could be closed
// yet, that is certain once the longest period is over.
func (t *tx) overdueUsers(ctx context.Context, overdue time.Time, h *billing.Health) error {
	return t.query(ctx, into(&h.OverdueUsers), `SELECT
		(SELECT COUNT(*) FROM billing_accounts WHERE closes_at < $1 OR closes_at IS NULL AND closed_until < $2) +
		(SELECT COUNT(*) FROM users u WHERE u.created_at < $2 AND EXISTS (SELECT 1 FROM billing_history)
			AND NOT EXISTS (SELECT 1 FROM billing_accounts b WHERE b.user_id = u.user_id))`,
		overdue, overdue.AddDate(0, 0, -longestPeriod))
}
