package db

import (
	"context"
	"errors"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// AddAlerts implements usage.Tx. Nearly always all of them are new: only where fewer were
// added than there are is it looked up which these are. The users are locked, so what they
// have above the highest id of before was added here.
func (t *tx) AddAlerts(ctx context.Context, alerts []usage.Alert) ([]usage.Alert, error) {
	if len(alerts) == 0 {
		return nil, nil
	}
	var last int64
	err := t.query(ctx, func(row scanner) error { return row.Scan(&last) }, "SELECT COALESCE(MAX(alert_id), 0) FROM usage_alerts")
	if err != nil {
		return nil, err
	}
	added, err := t.insertMany(ctx, func(source string) string {
		return "INSERT INTO usage_alerts (user_id, period_start, limit_name, meter, action, threshold, used_amount, max_amount, event_id, created_at) " + source +
			" ON CONFLICT (user_id, period_start, limit_name, threshold) DO NOTHING"
	}, len(alerts), func(to sink, n int) { putAlert(to, &alerts[n]) })
	if err != nil || added == int64(len(alerts)) {
		return alerts, err
	}
	return t.alertsAfter(ctx, alerts, last)
}

// alertKey is what there is one alert of.
type alertKey struct {
	user      string
	period    int64
	limit     string
	threshold int
}

func keyOfAlert(a *usage.Alert) alertKey {
	return alertKey{a.UserID, a.PeriodStart.UnixMicro(), a.Limit.Name, a.Threshold}
}

// alertsAfter returns those alerts that were stored under an id above one: of two that are
// the same, the first.
func (t *tx) alertsAfter(ctx context.Context, alerts []usage.Alert, id int64) ([]usage.Alert, error) {
	users := make([]string, len(alerts))
	for i, a := range alerts {
		users[i] = a.UserID
	}
	fresh := map[alertKey]bool{}
	condition, arg := t.oneOf("user_id", "$1", distinct(users))
	err := t.query(ctx, func(row scanner) error {
		var a usage.Alert
		err := row.Scan(&a.UserID, moment{&a.PeriodStart}, &a.Limit.Name, &a.Threshold)
		fresh[keyOfAlert(&a)] = true
		return err
	}, "SELECT user_id, period_start, limit_name, threshold FROM usage_alerts WHERE "+condition+" AND alert_id > $2", arg, id)
	var added []usage.Alert
	for i := range alerts {
		if key := keyOfAlert(&alerts[i]); fresh[key] {
			delete(fresh, key)
			added = append(added, alerts[i])
		}
	}
	return added, err
}

func putAlert(to sink, a *usage.Alert) {
	to.text(a.UserID)
	to.moment(a.PeriodStart.UnixMicro())
	for _, text := range [...]string{a.Limit.Name, string(a.Limit.Meter), string(a.Limit.Action)} {
		to.text(text)
	}
	for _, n := range [...]int64{int64(a.Threshold), a.Used, a.Limit.Max} {
		to.integer(n)
	}
	to.text(a.EventID)
	to.moment(a.CreatedAt.UnixMicro())
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
