package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/notify"
)

// Claim implements notify.Store. It skips rows that another sender is claiming.
func (d *DB) Claim(ctx context.Context, c notify.Claim) ([]notify.Batch, error) {
	return inUpdate(ctx, d, func(t *tx) ([]notify.Batch, error) {
		ids, err := t.claimable(ctx, c)
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		condition, arg := t.numbers("delivery_id", "$3", ids)
		err = t.do(ctx, "UPDATE outbox_deliveries SET claimed_by = $1, claimed_until = $2 WHERE "+condition,
			c.By, c.Until, arg)
		if err != nil {
			return nil, err
		}
		return t.batches(ctx, ids)
	})
}

// claimable returns the first deliveries of batches that may be claimed.
func (t *tx) claimable(ctx context.Context, c notify.Claim) ([]int64, error) {
	var ids []int64
	for _, urgent := range []bool{true, false} {
		if len(ids) == c.Limit || (!urgent && c.UrgentOnly) {
			break
		}
		found, err := selectColumn[int64](ctx, t, `SELECT delivery_id FROM outbox_deliveries
			WHERE status = 'waiting' AND channel = $1 AND urgent = $2 AND next_attempt_at <= $3
				AND ($4 = '' OR recipient = $4) AND (digest IS NULL OR digest = delivery_id)
				AND (claimed_until IS NULL OR claimed_until <= $3)
			ORDER BY next_attempt_at, delivery_id LIMIT $5`+t.lockRows(true),
			string(c.Channel), urgent, c.Now, c.Recipient, c.Limit-len(ids))
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	return ids, nil
}

// batches reads the batches with these ids, in the same order.
func (t *tx) batches(ctx context.Context, ids []int64) ([]notify.Batch, error) {
	members := map[int64][]notify.Delivery{}
	in, arg := t.numbers("d.delivery_id", "$1", ids)
	digest, _ := t.numbers("d.digest", "$1", ids)
	err := t.query(ctx, func(row scanner) error {
		one, err := scanDelivery(row)
		head := one.ID
		if one.Digest != 0 {
			head = one.Digest
		}
		members[head] = append(members[head], one)
		return err
	}, deliverySelect+" WHERE ("+in+" OR "+digest+") AND d.status = 'waiting' ORDER BY d.delivery_id", arg)
	if err != nil {
		return nil, err
	}
	var batches []notify.Batch
	for _, id := range ids {
		if own := members[id]; len(own) > 0 {
			batches = append(batches, notify.Batch{Deliveries: own})
		}
	}
	return batches, nil
}

const deliverySelect = "SELECT " + messageColumns + `, d.delivery_id, d.channel, d.recipient, d.audience, d.urgent,
		d.status, d.attempts, d.next_attempt_at, d.held, COALESCE(d.digest, 0), d.last_error, d.changed_at, d.sent_at
	FROM outbox_deliveries d JOIN outbox o ON o.message_id = d.message_id LEFT JOIN users u ON u.user_id = o.user_id`

func scanDelivery(row scanner) (notify.Delivery, error) {
	var d notify.Delivery
	m, err := scanMessage(row, &d.ID, &d.Channel, &d.Recipient, &d.Audience, &d.Urgent, &d.Status, &d.Attempts,
		moment{&d.NextAttempt}, &d.Held, &d.Digest, &d.LastError, moment{&d.ChangedAt}, moment{&d.SentAt})
	d.Message = m
	return d, err
}

// Begin implements notify.Store: the guard against sending twice. A batch goes from waiting to sending once, by
// whoever has the claim.
func (d *DB) Begin(ctx context.Context, by string, batch int64, now, until time.Time) (bool, error) {
	return inUpdate(ctx, d, func(t *tx) (bool, error) {
		n, err := t.exec(ctx, `UPDATE outbox_deliveries SET status = 'sending', claimed_until = $1, changed_at = $2
			WHERE delivery_id = $3 AND claimed_by = $4 AND status = 'waiting'`, until, now, batch, by)
		if err != nil || n != 1 {
			return false, err
		}
		return true, t.do(ctx, `UPDATE outbox_deliveries
			SET status = 'sending', claimed_by = $4, claimed_until = $1, changed_at = $2
			WHERE digest = $3 AND status = 'waiting'`, until, now, batch, by)
	})
}

// Settle implements notify.Store.
func (d *DB) Settle(ctx context.Context, by string, batch int64, r notify.Result) error {
	next, sentAt := r.NextAttempt, time.Time{} // zero: NULL
	if r.Status == notify.Sent {
		sentAt = r.At
	}
	if next.IsZero() {
		next = r.At
	}
	_, err := d.updateDeliveries(ctx, `status = $1, attempts = attempts + 1, next_attempt_at = $2,
			claimed_by = '', claimed_until = NULL, held = FALSE, last_error = $3, changed_at = $4, sent_at = $5
		WHERE (delivery_id = $6 OR digest = $6) AND status IN ('waiting', 'sending', 'unconfirmed')
			AND EXISTS (SELECT 1 FROM outbox_deliveries h WHERE h.delivery_id = $6 AND h.claimed_by = $7)`,
		string(r.Status), next, r.Error, r.At, sentAt, batch, by)
	return err
}

// ReleaseClaims implements notify.Store.
func (d *DB) ReleaseClaims(ctx context.Context, by string) error {
	_, err := d.updateDeliveries(ctx, `claimed_by = '', claimed_until = NULL
		WHERE status = 'waiting' AND claimed_by = $1`, by)
	return err
}
