package db

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Rerate implements usage.RerateStore.
func (d *DB) Rerate(ctx context.Context, now time.Time, changes []usage.Rerating) (int, error) {
	changed := 0
	users := make([]string, len(changes))
	for i, c := range changes {
		users[i] = c.Entry.UserID
	}
	err := d.update(ctx, func(t *tx) error {
		changed = 0
		if err := t.Lock(ctx, users, now); err != nil {
			return err
		}
		for _, c := range changes {
			did, err := t.rerate(ctx, now, c)
			if err != nil {
				return err
			}
			if did {
				changed++
			}
		}
		if changed > 0 { // who archives the month has to notice
			return t.changeCatalogue(ctx)
		}
		return nil
	})
	return changed, err
}

// rerate changes one log row and its totals, unless by now it is rated otherwise, or archived.
// Its totals are those of the period and plan that it counts in now: both may have
// changed since it was read. Of two changes at one moment, as --now allows, the
// history keeps what was before the first and after the last.
func (t *tx) rerate(ctx context.Context, now time.Time, c usage.Rerating) (bool, error) {
	found := false
	err := t.query(ctx, func(row scanner) error {
		found = true
		return row.Scan(moment{&c.Entry.PeriodStart}, &c.Entry.PlanID)
	}, `UPDATE api_usage_logs SET cost_pico = $1, pricing = $2, price_id = $3
		WHERE user_id = $4 AND occurred_at = $5 AND event_id = $6 AND cost_pico = $7 AND pricing = $8 AND COALESCE(price_id, 0) = $9
		RETURNING period_start, plan_id`, int64(c.Cost), string(c.Basis), nullID(c.PriceID), c.Entry.UserID, c.Entry.Time, c.Entry.ID,
		int64(c.Entry.Cost), string(c.Entry.Basis), c.Entry.PriceID)
	if err != nil || !found {
		return false, err
	}
	_, err = t.exec(ctx, `INSERT INTO usage_reratings (event_id, rerated_at, cost_before_pico, pricing_before, price_id_before,
		cost_after_pico, pricing_after, price_id_after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (event_id, rerated_at) DO UPDATE SET cost_after_pico = excluded.cost_after_pico,
			pricing_after = excluded.pricing_after, price_id_after = excluded.price_id_after`,
		c.Entry.ID, now, int64(c.Entry.Cost), string(c.Entry.Basis), nullID(c.Entry.PriceID), int64(c.Cost), string(c.Basis), nullID(c.PriceID))
	if err != nil {
		return false, err
	}
	after := c.Entry
	after.Cost, after.Basis = c.Cost, c.Basis
	was, is := c.Entry.Amounts(), after.Amounts()
	for _, table := range t.totalsTables() {
		if err := t.adjustTotal(ctx, table, c.Entry, int64(is.Cost-was.Cost), is.Unpriced-was.Unpriced); err != nil {
			return false, err
		}
	}
	return true, t.adjustRollups(ctx, c.Entry, int64(is.Cost-was.Cost), is.Unpriced-was.Unpriced)
}

func (t *tx) adjustTotal(ctx context.Context, table totalsTable, e usage.Entry, cost, unpriced int64) error {
	var conditions []string
	args := []any{cost, unpriced}
	for i, column := range strings.Split(table.keys, ", ") {
		conditions = append(conditions, fmt.Sprintf("%s = $%d", column, i+3))
	}
	its := newPendingTotals() // which know the key of a total that an entry adds to
	its.add([]usage.Entry{e})
	args = append(args, valuesOf(func(to sink) { table.putKey(to, its, &its.entries[0]) })...)
	result, err := t.exec(ctx, "UPDATE "+table.name+" SET cost_pico = cost_pico + $1, unpriced_calls = unpriced_calls + $2 WHERE "+
		strings.Join(conditions, " AND "), args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return failure.New(failure.FailedCheck, "the event %s has no row in %s", e.ID, table.name).WithReason("totals_differ").Because(err)
	}
	return nil
}
