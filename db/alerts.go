package db

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/usage"
)

// alertColumns are the columns of an alert in the order in which they are put and scanned.
const alertColumns = `user_id, period_start, period_end, limit_name, meter, action, threshold, used_amount, max_amount,
	overage, event_id, created_at`

// AddAlerts implements usage.Tx.
func (t *tx) AddAlerts(ctx context.Context, alerts []usage.Alert) (int, error) {
	const once = " ON CONFLICT (user_id, period_start, limit_name, threshold) WHERE withdrawn_at IS NULL DO NOTHING"
	added, err := t.insertMany(ctx, t, newRows("usage_alerts", alertColumns, once, len(alerts),
		func(to encode.Sink, n int) {
			a := &alerts[n]
			putAll(to, a.UserID, a.PeriodStart, nullTime(a.PeriodEnd), a.Limit.Name, a.Limit.Meter, a.Limit.Action,
				a.Threshold, a.Used, a.Limit.Max, a.Overage, a.EventID, a.CreatedAt)
		}))
	return int(added), err
}

// scanAlert scans what alertSelect selects.
func scanAlert(row scanner) (usage.Alert, error) {
	var a usage.Alert
	err := row.Scan(&a.ID, &a.UserID, moment{&a.PeriodStart}, moment{&a.PeriodEnd}, &a.Limit.Name, &a.Limit.Meter,
		&a.Limit.Action, &a.Threshold, &a.Used, &a.Limit.Max, &a.Overage, &a.EventID, moment{&a.CreatedAt},
		moment{&a.ReadAt}, moment{&a.WithdrawnAt}, &a.Repeats)
	return a, err
}

// alertSelect selects alerts, each with how many of the same threshold were withdrawn before it.
const alertSelect = "SELECT alert_id, " + alertColumns + `, read_at, withdrawn_at, (SELECT COUNT(*) FROM usage_alerts w
		WHERE w.user_id = a.user_id AND w.period_start = a.period_start AND w.limit_name = a.limit_name
			AND w.threshold = a.threshold AND w.withdrawn_at IS NOT NULL AND w.alert_id < a.alert_id)
	FROM usage_alerts a`

// Alerts implements usage.ListStore.
func (d *DB) Alerts(ctx context.Context, q usage.AlertQuery) ([]usage.Alert, error) {
	var where conditions
	where.equal("user_id", q.User)
	if q.Unread {
		where.add("read_at IS NULL AND withdrawn_at IS NULL")
	}
	if q.Standing {
		where.add("withdrawn_at IS NULL")
	}
	if q.ID != 0 {
		where.add("alert_id = ?", q.ID)
	}
	if q.Before != 0 {
		where.add("alert_id < ?", q.Before)
	}
	limit := where.bind(q.Limit)
	return inView(ctx, d, func(t *tx) ([]usage.Alert, error) {
		return selectRows(ctx, t, scanAlert, alertSelect+where.sql()+" ORDER BY alert_id DESC LIMIT "+limit, where.args...)
	})
}

// CountAlerts implements usage.ListStore.
func (d *DB) CountAlerts(ctx context.Context, user string) (n usage.AlertCounts, err error) {
	err = d.view(ctx, func(t *tx) error {
		return t.query(ctx, into(&n.All, &n.Unread), "SELECT COUNT(*), COUNT(*) - COUNT(read_at) FROM usage_alerts "+
			"WHERE user_id = $1 AND withdrawn_at IS NULL", user)
	})
	return n, err
}

// errNothingMarked rolls back a marking that names an alert that does not exist.
var errNothingMarked = errors.New("an alert does not exist")

// MarkRead implements usage.ListStore.
func (d *DB) MarkRead(ctx context.Context, audit usage.Audit, ids []int64) ([]int64, error) {
	var missing []int64
	err := d.update(ctx, func(t *tx) error {
		missing = nil
		marked := map[string][]int64{} // by user
		for _, id := range ids {
			known := false
			err := t.query(ctx, func(row scanner) error {
				var user string
				var before time.Time
				known = true
				err := row.Scan(&user, moment{&before})
				if before.IsZero() {
					marked[user] = append(marked[user], id)
				}
				return err
			}, "SELECT user_id, read_at FROM usage_alerts WHERE alert_id = $1", id)
			if err != nil {
				return err
			}
			if !known {
				missing = append(missing, id)
			}
		}
		if len(missing) > 0 {
			return errNothingMarked
		}
		return t.markRead(ctx, audit, marked)
	})
	if errors.Is(err, errNothingMarked) {
		err = nil
	}
	return missing, err
}

// markRead marks alerts of some users as read, which were not read before.
func (t *tx) markRead(ctx context.Context, audit usage.Audit, marked map[string][]int64) error {
	for _, user := range slices.Sorted(maps.Keys(marked)) {
		for _, id := range marked[user] {
			err := t.do(ctx, "UPDATE usage_alerts SET read_at = COALESCE(read_at, $1) WHERE alert_id = $2", audit.At, id)
			if err != nil {
				return err
			}
		}
		if audit.Action == "" {
			continue
		}
		if err := t.audit(ctx, audit, "user "+user, nil, state{"alerts": marked[user]}); err != nil {
			return err
		}
	}
	return nil
}
