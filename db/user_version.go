package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// UserVersion implements usage.ListStore. It is made of what is written anyway: who records pays nothing for it but a
// counter in the row of a summary. Whoever adds to what pages and dashboards say of a user has to add it here.
func (d *DB) UserVersion(ctx context.Context, user string, now time.Time) (string, error) {
	values := make([]any, 20)
	dest := make([]any, len(values))
	for i := range values {
		dest[i] = &values[i]
	}
	t := &tx{dialect: &d.dialect, run: d.reader} // one statement sees one state
	err := t.query(ctx, into(dest...), `SELECT c.version, u.changes, h.held, a.standing, a.seen, a.newest,
			s.plan_id, s.cycle, s.anchor, s.paid_until, s.auto_renew, s.suspended, s.ends_at, s.next_plan_id, s.next_plan_at,
			p.newest, b.closed_until, b.closes_at, i.bills, m.credits
		FROM catalogue_version c
		LEFT JOIN user_subscriptions s ON s.user_id = $1
		LEFT JOIN billing_accounts b ON b.user_id = $1
		CROSS JOIN (SELECT CAST(SUM(changes) AS BIGINT) AS changes FROM usage_summaries WHERE user_id = $1) u
		CROSS JOIN (SELECT STRING_AGG(CAST(LENGTH(reservation_id) AS TEXT) || reservation_id, ' '
			ORDER BY reservation_id) AS held
			FROM usage_reservations WHERE status = 'held' AND user_id = $1 AND expires_at > $2) h
		CROSS JOIN (SELECT COUNT(*) AS standing, COUNT(read_at) AS seen, MAX(alert_id) AS newest FROM usage_alerts
			WHERE user_id = $1 AND withdrawn_at IS NULL) a
		CROSS JOIN (SELECT MAX(history_id) AS newest FROM subscription_history WHERE user_id = $1) p
		CROSS JOIN (SELECT STRING_AGG(CAST(number AS TEXT) || status, ' ' ORDER BY number) AS bills FROM billing_history
			WHERE user_id = $1) i
		CROSS JOIN (SELECT COUNT(*) AS credits FROM billing_credits WHERE user_id = $1) m`, user, now)
	if err != nil {
		return "", d.failure(ctx, err)
	}
	text, err := json.Marshal(values)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), err
}
