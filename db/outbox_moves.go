package db

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

// Deliveries implements notify.Store.
func (d *DB) Deliveries(ctx context.Context, q notify.DeliveryQuery) ([]notify.Delivery, error) {
	condition := "($1 = '' OR d.status = $1)"
	if q.Status == notify.Dead || q.Status == notify.Unconfirmed { // there is an index of these few
		condition = "d.status IN ('dead', 'unconfirmed') AND d.status = $1"
	}
	return inView(ctx, d, func(t *tx) ([]notify.Delivery, error) {
		return selectRows(ctx, t, scanDelivery,
			deliverySelect+" WHERE "+condition+" ORDER BY d.delivery_id DESC LIMIT $2", string(q.Status), q.Limit)
	})
}

// errBlocked rolls back a change that some deliveries do not allow.
var errBlocked = errors.New("a delivery can't be changed")

// Requeue implements notify.Store. A message that had no recipient is expanded again: by now there may be an address.
func (d *DB) Requeue(ctx context.Context, audit usage.Audit, ids []int64) (notify.Blocked, error) {
	return d.move(ctx, audit, ids, notify.Waiting, func(t *tx, one *notify.Delivery) error {
		if one.Status == notify.Skipped && one.Recipient == "" {
			if err := t.do(ctx, "DELETE FROM outbox_deliveries WHERE delivery_id = $1", one.ID); err != nil {
				return err
			}
			return t.do(ctx, "UPDATE outbox SET expanded_at = NULL WHERE message_id = $1", one.Message.ID)
		}
		return t.do(ctx, `UPDATE outbox_deliveries SET status = 'waiting', attempts = 0, next_attempt_at = $1,
			claimed_by = '', claimed_until = NULL, changed_at = $1 WHERE delivery_id = $2`, audit.At, one.ID)
	})
}

// Drop implements notify.Store.
func (d *DB) Drop(ctx context.Context, audit usage.Audit, ids []int64, reason string) (notify.Blocked, error) {
	return d.move(ctx, audit, ids, notify.Skipped, func(t *tx, one *notify.Delivery) error {
		return t.do(ctx, `UPDATE outbox_deliveries SET status = 'skipped', claimed_by = '', claimed_until = NULL,
			held = FALSE, last_error = $1, changed_at = $2 WHERE delivery_id = $3`, reason, audit.At, one.ID)
	})
}

// move changes deliveries that are neither sent nor being sent, each with its whole digest, under a lock. They get a
// status.
func (d *DB) move(
	ctx context.Context, audit usage.Audit, ids []int64, to notify.Status, change func(*tx, *notify.Delivery) error,
) (notify.Blocked, error) {
	var blocked notify.Blocked
	err := d.update(ctx, func(t *tx) error {
		blocked = notify.Blocked{}
		if err := t.lockOutbox(ctx); err != nil {
			return err
		}
		found, err := t.withDigests(ctx, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if !slices.ContainsFunc(found, func(one notify.Delivery) bool { return one.ID == id }) {
				blocked.Missing = append(blocked.Missing, id)
			}
		}
		for i := range found {
			if found[i].Status == notify.Sending || found[i].Status == notify.Sent {
				blocked.WrongStatus = append(blocked.WrongStatus, found[i])
				continue
			}
			if err := change(t, &found[i]); err != nil {
				return err
			}
			if err := t.auditMove(ctx, audit, &found[i], to); err != nil {
				return err
			}
		}
		if blocked.Any() {
			return errBlocked
		}
		return nil
	})
	if errors.Is(err, errBlocked) {
		err = nil
	}
	return blocked, err
}

// auditMove notes that a delivery gets another status.
func (t *tx) auditMove(ctx context.Context, audit usage.Audit, one *notify.Delivery, to notify.Status) error {
	return t.audit(ctx, audit, "delivery "+strconv.FormatInt(one.ID, 10),
		state{"status": one.Status, "kind": one.Message.Kind, "user_id": one.Message.UserID, "channel": one.Channel},
		state{"status": to})
}

// withDigests returns deliveries and those that are in one digest with them.
func (t *tx) withDigests(ctx context.Context, ids []int64) ([]notify.Delivery, error) {
	in, arg := t.numbers("d.delivery_id", "$1", ids)
	same, _ := t.numbers("m.delivery_id", "$1", ids)
	return selectRows(ctx, t, scanDelivery, deliverySelect+" WHERE "+in+
		" OR d.digest IN (SELECT m.digest FROM outbox_deliveries m WHERE "+same+") ORDER BY d.delivery_id", arg)
}

// DropBefore implements notify.Store.
func (d *DB) DropBefore(ctx context.Context, audit usage.Audit, before time.Time, reason string) (int, error) {
	now := audit.At
	return inUpdate(ctx, d, func(t *tx) (int, error) {
		if err := t.lockOutbox(ctx); err != nil {
			return 0, err
		}
		const chunk = 1000
		for n := chunk; n == chunk; {
			var err error
			if n, err = t.notifyAlerts(ctx, before.Add(-time.Microsecond), now, chunk); err != nil {
				return 0, err
			}
		}
		const written = "o.created_at < $1"
		if err := t.breakDigests(ctx, now, written, before); err != nil {
			return 0, err
		}
		dropped, err := t.skipMessages(ctx, reason, now, "status IN ('waiting', 'dead', 'unconfirmed')", written, before)
		if err == nil && dropped > 0 {
			err = t.audit(ctx, audit, "outbox", nil, state{"written_before": before, "messages": dropped})
		}
		return dropped, err
	})
}

// skipMessages marks the deliveries of some messages o as skipped that are in a state, and returns how many there are.
// A message that has no deliveries yet gets a skipped one without a recipient, by which it is listed and can be
// retried.
func (t *tx) skipMessages(
	ctx context.Context, reason string, now time.Time, state, condition string, arg any,
) (int, error) {
	expanded, err := t.exec(ctx, `UPDATE outbox_deliveries SET status = 'skipped', claimed_by = '',
			claimed_until = NULL, held = FALSE, last_error = $2, changed_at = $3
		WHERE `+state+` AND message_id IN (SELECT o.message_id FROM outbox o WHERE `+condition+")", arg, reason, now)
	if err != nil {
		return 0, err
	}
	unexpanded, err := t.exec(ctx, `INSERT INTO outbox_deliveries (message_id, channel, recipient, audience,
			urgent, status, attempts, next_attempt_at, claimed_by, last_error, changed_at)
		SELECT o.message_id, 'email', '', CASE WHEN o.user_id = '' THEN 'operators' ELSE 'user' END, FALSE, 'skipped', 0,
			o.created_at, '', $2, $3 FROM outbox o WHERE o.expanded_at IS NULL AND `+condition+`
		ORDER BY o.message_id`, arg, reason, now)
	if err != nil {
		return 0, err
	}
	return int(unexpanded + expanded), t.do(ctx, `UPDATE outbox SET expanded_at = $2
		WHERE message_id IN (SELECT o.message_id FROM outbox o WHERE o.expanded_at IS NULL AND `+condition+")", arg, now)
}

// breakDigests dissolves digests of which a part, of some messages o, is to be dropped: the rest goes out by itself, or
// in another digest. The claims end, since their sender has read the digest as it was.
func (t *tx) breakDigests(ctx context.Context, now time.Time, condition string, arg any) error {
	return t.do(ctx, `UPDATE outbox_deliveries
		SET digest = NULL, claimed_by = '', claimed_until = NULL, changed_at = $2
		WHERE status IN ('waiting', 'dead', 'unconfirmed') AND digest IN (
			SELECT d.digest FROM outbox_deliveries d JOIN outbox o ON o.message_id = d.message_id
			WHERE d.digest IS NOT NULL AND d.status IN ('waiting', 'dead', 'unconfirmed') AND `+condition+")", arg, now)
}
