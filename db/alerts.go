package db

import (
	"context"
	"errors"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// AddAlerts implements usage.Tx. The users are locked, so what is not there when it is
// looked for stays away.
func (t *tx) AddAlerts(ctx context.Context, alerts []usage.Alert) ([]usage.Alert, error) {
	if len(alerts) == 0 {
		return nil, nil
	}
	there, err := t.alertsThere(ctx, alerts)
	if err != nil {
		return nil, err
	}
	var added []usage.Alert
	for _, a := range alerts {
		if key := keyOfAlert(&a); !there[key] {
			there[key] = true
			added = append(added, a)
		}
	}
	_, err = t.insertMany(ctx, func(source string) string {
		return "INSERT INTO usage_alerts (user_id, period_start, limit_name, meter, action, threshold, used_amount, max_amount, event_id, created_at) " + source +
			" ON CONFLICT (user_id, period_start, limit_name, threshold) DO NOTHING"
	}, len(added), func(to sink, n int) { putAlert(to, &added[n]) })
	return added, err
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

// alertsThere returns the keys of the alerts that the users of these have in their
// periods, and in later ones.
func (t *tx) alertsThere(ctx context.Context, alerts []usage.Alert) (map[alertKey]bool, error) {
	users, from := make([]string, len(alerts)), alerts[0].PeriodStart
	for i, a := range alerts {
		users[i] = a.UserID
		if a.PeriodStart.Before(from) {
			from = a.PeriodStart
		}
	}
	there := map[alertKey]bool{}
	condition, arg := t.oneOf("user_id", "$1", distinct(users))
	err := t.query(ctx, func(row scanner) error {
		var a usage.Alert
		err := row.Scan(&a.UserID, moment{&a.PeriodStart}, &a.Limit.Name, &a.Threshold)
		there[keyOfAlert(&a)] = true
		return err
	}, "SELECT user_id, period_start, limit_name, threshold FROM usage_alerts WHERE "+condition+" AND period_start >= $2", arg, from)
	return there, err
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
