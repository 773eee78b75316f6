package db

import (
	"context"
	"errors"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// AddAlerts implements usage.Tx.
func (t *tx) AddAlerts(ctx context.Context, alerts []usage.Alert) (int, error) {
	const alertInsert = "INSERT INTO usage_alerts (user_id, period_start, limit_name, meter, action, threshold, used_amount, max_amount, event_id, created_at) "
	const alertOnce = " ON CONFLICT (user_id, period_start, limit_name, threshold) DO NOTHING"
	if t.kind == SQLite {
		const columns = 10
		added, err := t.insertPacked(ctx, alertInsert+packedSource(columns)+alertOnce, columns, len(alerts), func(packed *packedRows, n int) {
			for _, value := range alertValues(alerts[n]) {
				packed.value(t.value(value))
			}
		})
		return int(added), err
	}
	if len(alerts) == 0 {
		return 0, nil
	}
	columns := make([]any, len(alertValues(alerts[0])))
	for _, a := range alerts {
		for c, value := range alertValues(a) {
			columns[c] = appended(columns[c], value)
		}
	}
	result, err := t.exec(ctx, alertInsert+"SELECT * FROM "+unnested(columns)+alertOnce, columns...)
	if err != nil {
		return 0, err
	}
	added, err := result.RowsAffected()
	return int(added), err
}

func alertValues(a usage.Alert) []any {
	return []any{a.UserID, a.PeriodStart, a.Limit.Name, string(a.Limit.Meter), string(a.Limit.Action), a.Threshold, a.Used, a.Limit.Max, a.EventID, a.CreatedAt}
}

// Alerts returns alerts, newest first: of one user or, where user is "", of all.
func (d *DB) Alerts(ctx context.Context, user string, unreadOnly bool) ([]usage.Alert, error) {
	var alerts []usage.Alert
	err := d.view(ctx, func(t *tx) error {
		return t.query(ctx, func(row scanner) error {
			var a usage.Alert
			err := row.Scan(&a.ID, &a.UserID, moment{&a.PeriodStart}, &a.Limit.Name, &a.Limit.Meter, &a.Limit.Action, &a.Threshold,
				&a.Used, &a.Limit.Max, &a.EventID, moment{&a.CreatedAt}, moment{&a.ReadAt})
			alerts = append(alerts, a)
			return err
		}, `SELECT alert_id, user_id, period_start, limit_name, meter, action, threshold, used_amount, max_amount, event_id, created_at, read_at
			FROM usage_alerts WHERE ($1 = '' OR user_id = $1) AND (read_at IS NULL OR NOT $2) ORDER BY alert_id DESC`, user, unreadOnly)
	})
	return alerts, err
}

// errNothingMarked rolls back a marking that names an alert that does not exist.
var errNothingMarked = errors.New("an alert does not exist")

// MarkRead marks alerts as read, all of them or, where one does not exist, none,
// and returns the ids that do not exist.
func (d *DB) MarkRead(ctx context.Context, ids []int64, now time.Time) ([]int64, error) {
	var missing []int64
	err := d.update(ctx, func(t *tx) error {
		missing = nil
		for _, id := range ids {
			result, err := t.exec(ctx, "UPDATE usage_alerts SET read_at = COALESCE(read_at, $1) WHERE alert_id = $2", now, id)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			if n == 0 {
				missing = append(missing, id)
			}
		}
		if len(missing) > 0 {
			return errNothingMarked
		}
		return nil
	})
	if errors.Is(err, errNothingMarked) {
		err = nil
	}
	return missing, err
}
