package db

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// AwaitWriters implements usage.RerateStore. Who records locks users before looking at prices.
func (d *DB) AwaitWriters(ctx context.Context) error {
	return d.update(ctx, func(t *tx) error { return t.lock(ctx, "users", "EXCLUSIVE") })
}

// Rerate implements usage.RerateStore.
func (d *DB) Rerate(ctx context.Context, now time.Time, changes []usage.Rerating) (int, error) {
	users := make([]string, len(changes))
	for i, c := range changes {
		users[i] = c.Entry.UserID
	}
	return inUpdate(ctx, d, func(t *tx) (changed int, err error) {
		if err := t.Lock(ctx, users, now); err != nil {
			return 0, err
		}
		for _, c := range changes {
			did, err := t.rerate(ctx, now, c)
			if err != nil {
				return 0, err
			}
			if did {
				changed++
			}
		}
		if changed == 0 {
			return 0, nil
		}
		return changed, t.changeCatalogue(ctx) // who archives the month has to notice
	})
}

// rerate changes one log row and its totals, unless by now it is rated otherwise, or archived.
// Its totals are those of the period and plan that it counts in now: both may have
// changed since it was read. Of two changes at one moment, as --now allows, the
// history keeps what was before the first and after the last.
func (t *tx) rerate(ctx context.Context, now time.Time, c usage.Rerating) (bool, error) {
	e := c.Entry
	was := []any{int64(e.Cost), string(e.Basis), nullID(e.PriceID)}
	is := []any{int64(c.Cost), string(c.Basis), nullID(c.PriceID)}
	found := false
	err := t.query(ctx, func(row scanner) error {
		found = true
		return row.Scan(moment{&e.PeriodStart}, &e.PlanID)
	}, `UPDATE api_usage_logs SET cost_pico = $1, pricing = $2, price_id = $3 WHERE user_id = $4 AND occurred_at = $5
			AND event_id = $6 AND cost_pico = $7 AND pricing = $8 AND COALESCE(price_id, 0) = $9
			AND `+stands+`
		RETURNING period_start, plan_id`,
		slices.Concat(is, []any{e.UserID, e.Time, e.ID, int64(e.Cost), string(e.Basis), e.PriceID})...)
	if err != nil || !found {
		return false, err
	}
	err = t.do(ctx, `INSERT INTO usage_reratings (event_id, rerated_at, cost_before_pico, pricing_before,
			price_id_before, cost_after_pico, pricing_after, price_id_after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (event_id, rerated_at) DO UPDATE SET cost_after_pico = excluded.cost_after_pico,
			pricing_after = excluded.pricing_after, price_id_after = excluded.price_id_after`,
		slices.Concat([]any{e.ID, now}, was, is)...)
	if err != nil {
		return false, err
	}
	after := e
	after.Cost, after.Basis = c.Cost, c.Basis
	before, rerated := e.Amounts(), after.Amounts()
	by := usage.Amounts{Cost: rerated.Cost - before.Cost, Unpriced: rerated.Unpriced - before.Unpriced,
		EstimatedCost: rerated.EstimatedCost - before.EstimatedCost}
	for _, table := range t.totalsTables() {
		if err := t.adjustTotal(ctx, table, e, by); err != nil {
			return false, err
		}
	}
	if err := t.adjustToken(ctx, e, int64(by.Cost), by.Unpriced); err != nil {
		return false, err
	}
	return true, t.adjustRollups(ctx, e, by)
}

func (t *tx) adjustTotal(ctx context.Context, table totalsTable, e usage.Entry, by usage.Amounts) error {
	its := newPendingTotals() // which know the key of a total that an entry adds to
	its.add([]usage.Entry{e})
	var where conditions
	for _, n := range []int64{int64(by.Cost), by.Unpriced, int64(by.EstimatedCost)} {
		where.bind(n)
	}
	key := encode.ValuesOf(func(to encode.Sink) { table.putKey(to, its, &its.entries[0]) })
	for i, column := range strings.Split(table.keys, ", ") {
		where.add(column+" = ?", key[i])
	}
	n, err := t.exec(ctx, "UPDATE "+table.name+" SET "+rated+table.counted+where.sql(), where.args...)
	if err == nil && n != 1 {
		err = failure.New(failure.FailedCheck, "the event %s has no row in %s", e.ID, table.name).
			WithReason("totals_differ")
	}
	return err
}
