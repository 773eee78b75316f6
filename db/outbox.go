package db

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

// Expand implements notify.Store. Two who expand at once wait for each other, and the
// second finds what the first has left.
func (d *DB) Expand(ctx context.Context, now time.Time, limit int, fn func(notify.Message) []notify.Delivery) (int, error) {
	messages := 0
	err := d.update(ctx, func(t *tx) error {
		if err := t.lock(ctx, "outbox_deliveries", "SHARE ROW EXCLUSIVE"); err != nil {
			return err
		}
		told, err := t.tellAlerts(ctx, now, limit)
		if err != nil {
			return err
		}
		found, err := t.unexpanded(ctx, now, limit)
		if err != nil {
			return err
		}
		messages = max(told, len(found))
		// Alerts have become messages only now, and go before what was written after them.
		slices.SortStableFunc(found, func(a, b notify.Message) int { return a.At.Compare(b.At) })
		var made []notify.Delivery
		for _, m := range found {
			for _, one := range fn(m) {
				one.Message = m
				made = append(made, one)
			}
			if err := t.later(ctx, "UPDATE outbox SET expanded_at = $1 WHERE message_id = $2", now, m.ID); err != nil {
				return err
			}
		}
		return t.addDeliveries(ctx, made, now)
	})
	return messages, err
}

// tellAlerts makes messages of alerts that are not told, and returns of how many.
func (t *tx) tellAlerts(ctx context.Context, now time.Time, limit int) (int, error) {
	var ids []int64
	var notices []usage.Notice
	err := t.query(ctx, func(row scanner) error {
		a, err := scanAlert(row)
		ids = append(ids, a.ID)
		notices = append(notices, a.Notice())
		return err
	}, alertSelect+" WHERE told_at IS NULL AND created_at <= $1 ORDER BY alert_id LIMIT $2", now, limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if err := t.AddNotices(ctx, notices); err != nil {
		return 0, err
	}
	in, arg := t.numbers("alert_id", "$1", ids)
	_, err = t.exec(ctx, "UPDATE usage_alerts SET told_at = $2 WHERE "+in, arg, now)
	return len(ids), err
}

func (t *tx) unexpanded(ctx context.Context, now time.Time, limit int) ([]notify.Message, error) {
	var found []notify.Message
	err := t.query(ctx, func(row scanner) error {
		m, err := scanMessage(row)
		found = append(found, m)
		return err
	}, "SELECT "+messageColumns+` FROM outbox o LEFT JOIN users u ON u.user_id = o.user_id
		WHERE o.expanded_at IS NULL AND o.created_at <= $1 ORDER BY o.message_id LIMIT $2`, now, limit)
	return found, err
}

const messageColumns = "o.message_id, o.message_key, o.kind, o.user_id, o.data, o.created_at, COALESCE(u.email, '')"

func scanMessage(row scanner, more ...any) (notify.Message, error) {
	var m notify.Message
	var data string
	err := row.Scan(append([]any{&m.ID, &m.Key, &m.Kind, &m.UserID, &data, moment{&m.At}, &m.Email}, more...)...)
	if err == nil {
		err = json.Unmarshal([]byte(data), &m.Data)
	}
	return m, err
}

func (t *tx) addDeliveries(ctx context.Context, made []notify.Delivery, now time.Time) error {
	for _, m := range made {
		err := t.later(ctx, `INSERT INTO outbox_deliveries (message_id, channel, recipient, audience, urgent, status, attempts, next_attempt_at,
				claimed_by, last_error, changed_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, '', $8, $9)
			ON CONFLICT (message_id, channel, recipient) DO NOTHING`,
			m.Message.ID, string(m.Channel), m.Recipient, string(m.Audience), m.Urgent, string(m.Status), m.NextAttempt, m.LastError, now)
		if err != nil {
			return err
		}
	}
	return nil
}

// Group implements notify.Store. Nobody may claim or group meanwhile: a mail that joined
// a digest which is on its way would never be sent.
func (d *DB) Group(ctx context.Context, now time.Time) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.lock(ctx, "outbox_deliveries", "SHARE ROW EXCLUSIVE"); err != nil {
			return err
		}
		// Operators get one digest about everybody, but "your account" is one account.
		_, err := t.exec(ctx, `UPDATE outbox_deliveries SET digest = g.head FROM (
				SELECT d.delivery_id AS id, MIN(d.delivery_id) OVER same AS head, COUNT(*) OVER same AS many
				FROM outbox_deliveries d JOIN outbox o ON o.message_id = d.message_id
				WHERE d.channel = 'email' AND d.status = 'waiting' AND NOT d.urgent AND d.next_attempt_at <= $1
					AND d.digest IS NULL AND d.attempts = 0 AND (d.claimed_until IS NULL OR d.claimed_until <= $1)
				WINDOW same AS (PARTITION BY d.recipient, d.audience, CASE WHEN d.audience = 'user' THEN o.user_id ELSE '' END)) g
			WHERE g.id = outbox_deliveries.delivery_id AND g.many > 1`, now)
		return err
	})
}

// LetMailGo implements notify.Store.
func (d *DB) LetMailGo(ctx context.Context) error {
	return d.update(ctx, func(t *tx) error {
		_, err := t.exec(ctx, "UPDATE outbox_deliveries SET last_error = '' WHERE status = 'waiting' AND channel = 'email' AND last_error = $1", notify.NoMailServer)
		return err
	})
}

// Expire implements notify.Store. Who claimed it stays written down: if that sender is
// only slow, it can still say how it ended.
func (d *DB) Expire(ctx context.Context, now time.Time) (int, error) {
	var n int64
	err := d.update(ctx, func(t *tx) (err error) {
		n, err = t.changes(t.exec(ctx, `UPDATE outbox_deliveries SET status = 'unconfirmed', changed_at = $1,
			last_error = 'the sender was stopped while it was sending: whether it arrived is not known'
			WHERE status = 'sending' AND claimed_until <= $1`, now))
		return err
	})
	return int(n), err
}

// Outbox implements notify.Store. What a digest or quiet hours hold back is not late, nor
// are mails where no server is configured.
func (d *DB) Outbox(ctx context.Context, now time.Time) (notify.State, error) {
	state := notify.State{Deliveries: map[notify.Status]int64{}}
	err := d.view(ctx, func(t *tx) error {
		var new, late time.Time
		err := t.query(ctx, func(row scanner) error { return row.Scan(&state.Unexpanded, moment{&new}) },
			`SELECT COUNT(*), MIN(created_at) FROM (SELECT created_at FROM outbox WHERE expanded_at IS NULL
				UNION ALL SELECT created_at FROM usage_alerts WHERE told_at IS NULL) n`)
		if err != nil {
			return err
		}
		// Each of these has an index, however many were sent.
		for _, of := range []string{"status = 'waiting'", "status = 'sending'", "status IN ('dead', 'unconfirmed')"} {
			err := t.query(ctx, func(row scanner) error {
				var status notify.Status
				var n int64
				err := row.Scan(&status, &n)
				state.Deliveries[status] = n
				return err
			}, "SELECT status, COUNT(*) FROM outbox_deliveries WHERE "+of+" GROUP BY status")
			if err != nil {
				return err
			}
		}
		err = t.query(ctx, func(row scanner) error { return row.Scan(moment{&late}) },
			`SELECT MIN(o.created_at) FROM outbox_deliveries d JOIN outbox o ON o.message_id = d.message_id
				WHERE d.status = 'waiting' AND (d.next_attempt_at <= $1 OR d.attempts > 0) AND d.last_error <> $2`, now, notify.NoMailServer)
		state.Oldest = earlier(new, late)
		return err
	})
	return state, err
}

// earlier returns the earlier of two moments, of which each may be none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
