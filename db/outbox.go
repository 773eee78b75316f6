package db

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

// Expand implements notify.Store. Of two calls at the same time, the second waits and finds what the first left.
func (d *DB) Expand(
	ctx context.Context, now time.Time, limit int, fn func(notify.Message) []notify.Delivery,
) (int, error) {
	return inUpdate(ctx, d, func(t *tx) (int, error) {
		if err := t.lockOutbox(ctx); err != nil {
			return 0, err
		}
		alerts, err := t.notifyAlerts(ctx, now, now, limit)
		if err != nil {
			return 0, err
		}
		found, err := selectRows(ctx, t, func(row scanner) (notify.Message, error) { return scanMessage(row) },
			"SELECT "+messageColumns+` FROM outbox o LEFT JOIN users u ON u.user_id = o.user_id
			WHERE o.expanded_at IS NULL AND o.created_at <= $1 ORDER BY o.message_id LIMIT $2`, now, limit)
		if err != nil {
			return 0, err
		}
		// Alerts have become messages only now, and go before what was written after them.
		slices.SortStableFunc(found, func(a, b notify.Message) int { return a.At.Compare(b.At) })
		var deliveries []notify.Delivery
		for _, m := range found {
			for _, one := range fn(m) {
				one.Message = m
				deliveries = append(deliveries, one)
			}
			if err := t.do(ctx, "UPDATE outbox SET expanded_at = $1 WHERE message_id = $2", now, m.ID); err != nil {
				return 0, err
			}
		}
		return max(alerts, len(found)), t.addDeliveries(ctx, deliveries, now)
	})
}

// lockOutbox keeps everyone else from changing deliveries.
func (t *tx) lockOutbox(ctx context.Context) error {
	return t.lock(ctx, "outbox_deliveries", "SHARE ROW EXCLUSIVE")
}

// notifyAlerts makes messages of at most limit alerts until a time that have none yet, and returns of how many.
func (t *tx) notifyAlerts(ctx context.Context, until, now time.Time, limit int) (int, error) {
	alerts, err := selectRows(ctx, t, scanAlert,
		alertSelect+" WHERE told_at IS NULL AND created_at <= $1 ORDER BY alert_id LIMIT $2", until, limit)
	if err != nil || len(alerts) == 0 {
		return 0, err
	}
	ids, notifications := make([]int64, len(alerts)), make([]usage.Notification, len(alerts))
	for i, a := range alerts {
		ids[i], notifications[i] = a.ID, a.Notification()
	}
	if err := t.AddNotifications(ctx, notifications); err != nil {
		return 0, err
	}
	in, arg := t.numbers("alert_id", "$1", ids)
	return len(ids), t.do(ctx, "UPDATE usage_alerts SET told_at = $2 WHERE "+in, arg, now)
}

const messageColumns = "o.message_id, o.message_key, o.kind, o.user_id, o.data, o.created_at, COALESCE(u.email, '')"

func scanMessage(row scanner, more ...any) (notify.Message, error) {
	var m notify.Message
	dest := []any{&m.ID, &m.Key, &m.Kind, &m.UserID, fromJSON{&m.Data}, moment{&m.At}, &m.Email}
	err := row.Scan(append(dest, more...)...)
	return m, err
}

func (t *tx) addDeliveries(ctx context.Context, deliveries []notify.Delivery, now time.Time) error {
	for _, m := range deliveries {
		err := t.do(ctx, `INSERT INTO outbox_deliveries (message_id, channel, recipient, audience, urgent, status,
				attempts, next_attempt_at, claimed_by, held, last_error, changed_at)
			VALUES ($1, $2, $3, $4, $5, $6, 0, $7, '', $8, $9, $10)
			ON CONFLICT (message_id, channel, recipient) DO NOTHING`,
			m.Message.ID, string(m.Channel), m.Recipient, string(m.Audience), m.Urgent, string(m.Status), m.NextAttempt,
			m.Held, m.LastError, now)
		if err != nil {
			return err
		}
	}
	return nil
}

// WaitingMessages implements notify.Store.
func (d *DB) WaitingMessages(
	ctx context.Context, kinds []usage.NotificationKind, after int64, limit int,
) ([]notify.Message, error) {
	return inView(ctx, d, func(t *tx) ([]notify.Message, error) {
		names := make([]string, len(kinds))
		for i, kind := range kinds {
			names[i] = string(kind)
		}
		among, arg := t.oneOf("o.kind", "$1", names)
		return selectRows(ctx, t, func(row scanner) (notify.Message, error) { return scanMessage(row) },
			"SELECT "+messageColumns+` FROM outbox o LEFT JOIN users u ON u.user_id = o.user_id
			WHERE `+among+` AND o.message_id > $2
				AND o.message_id IN (SELECT d.message_id FROM outbox_deliveries d WHERE d.status = 'waiting')
			ORDER BY o.message_id LIMIT $3`, arg, after, limit)
	})
}

// SkipMessages implements notify.Store.
func (d *DB) SkipMessages(ctx context.Context, messages []int64, now time.Time, reason string) (int, error) {
	return inUpdate(ctx, d, func(t *tx) (int, error) {
		if err := t.lockOutbox(ctx); err != nil {
			return 0, err
		}
		among, arg := t.numbers("o.message_id", "$1", messages)
		if err := t.breakDigests(ctx, now, among, arg); err != nil {
			return 0, err
		}
		return t.skipMessages(ctx, reason, now, "status = 'waiting'", among, arg)
	})
}

// RewriteMessage implements notify.Store.
func (d *DB) RewriteMessage(ctx context.Context, message int64, data map[string]string) error {
	return d.update(ctx, func(t *tx) error {
		return t.do(ctx, "UPDATE outbox SET data = $2 WHERE message_id = $1", message, jsonText(data, false))
	})
}

// GroupDigests implements notify.Store. Nobody may claim or group meanwhile: a mail that joined a digest which is on
// its way would never be sent.
func (d *DB) GroupDigests(ctx context.Context, now time.Time) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.lockOutbox(ctx); err != nil {
			return err
		}
		// Operators get one digest about everybody, but a user's digest says "your account": that is one account.
		return t.do(ctx, `UPDATE outbox_deliveries SET digest = g.head FROM (
				SELECT d.delivery_id AS id, MIN(d.delivery_id) OVER same AS head, COUNT(*) OVER same AS many
				FROM outbox_deliveries d JOIN outbox o ON o.message_id = d.message_id
				WHERE d.channel = 'email' AND d.status = 'waiting' AND NOT d.urgent AND d.next_attempt_at <= $1
					AND d.digest IS NULL AND d.attempts = 0 AND (d.claimed_until IS NULL OR d.claimed_until <= $1)
				WINDOW same AS (PARTITION BY d.recipient, d.audience, CASE WHEN d.audience = 'user' THEN o.user_id ELSE '' END)) g
			WHERE g.id = outbox_deliveries.delivery_id AND g.many > 1`, now)
	})
}

// ReleaseHeldMail implements notify.Store.
func (d *DB) ReleaseHeldMail(ctx context.Context) error {
	_, err := d.updateDeliveries(ctx, `held = FALSE, last_error = ''
		WHERE status = 'waiting' AND channel = 'email' AND held`)
	return err
}

// ExpireClaims implements notify.Store. The claimant stays stored: if it is only slow, it can still say how it ended.
func (d *DB) ExpireClaims(ctx context.Context, now time.Time) (int, error) {
	return d.updateDeliveries(ctx, `status = 'unconfirmed', held = FALSE, changed_at = $1,
			last_error = 'the sender was stopped while it was sending: whether it arrived is not known'
		WHERE status = 'sending' AND claimed_until <= $1`, now)
}

// updateDeliveries runs one UPDATE, of which it is given what follows SET, and returns how many rows it changed.
func (d *DB) updateDeliveries(ctx context.Context, change string, args ...any) (int, error) {
	return inUpdate(ctx, d, func(t *tx) (int, error) {
		n, err := t.exec(ctx, "UPDATE outbox_deliveries SET "+change, args...)
		return int(n), err
	})
}

// OutboxState implements notify.Store. What a digest or quiet hours hold back is not late, nor are mails that wait
// for a mail server to be configured.
func (d *DB) OutboxState(ctx context.Context, now time.Time) (notify.OutboxState, error) {
	return inView(ctx, d, func(t *tx) (notify.OutboxState, error) {
		state := notify.OutboxState{Deliveries: map[notify.Status]int64{}}
		var unexpanded, late time.Time
		err := t.query(ctx, into(&state.Unexpanded, moment{&unexpanded}),
			`SELECT COUNT(*), MIN(created_at) FROM (SELECT created_at FROM outbox WHERE expanded_at IS NULL
				UNION ALL SELECT created_at FROM usage_alerts WHERE told_at IS NULL) n`)
		if err != nil {
			return state, err
		}
		// Each of these conditions has an index, however many were sent.
		for _, condition := range []string{"status = 'waiting'", "status = 'sending'", "status IN ('dead', 'unconfirmed')"} {
			err := t.query(ctx, func(row scanner) error {
				var status notify.Status
				var n int64
				err := row.Scan(&status, &n)
				state.Deliveries[status] = n
				return err
			}, "SELECT status, COUNT(*) FROM outbox_deliveries WHERE "+condition+" GROUP BY status")
			if err != nil {
				return state, err
			}
		}
		err = t.query(ctx, into(moment{&late}),
			`SELECT MIN(o.created_at) FROM outbox_deliveries d JOIN outbox o ON o.message_id = d.message_id
				WHERE d.status = 'waiting' AND (d.next_attempt_at <= $1 OR d.attempts > 0) AND NOT d.held`, now)
		state.Oldest = earlier(unexpanded, late)
		return state, err
	})
}

// earlier returns the earlier of two times, of which each may be zero for none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
