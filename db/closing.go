package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// mustNotBeClosed refuses a change from a moment on of which there are bills. Periods that
// were closed without a bill, since there was nothing to be billed, are opened again.
func (t *tx) mustNotBeClosed(ctx context.Context, user string, from time.Time) error {
	var closed time.Time
	err := t.query(ctx, func(row scanner) error { return row.Scan(moment{&closed}) },
		"SELECT MAX(period_end) FROM billing_history WHERE user_id = $1 AND kind = 'bill'", user)
	if err != nil {
		return err
	}
	if !from.Before(closed) {
		_, err := t.exec(ctx, `UPDATE billing_accounts SET closed_until = $1, billed_from = CASE WHEN billed_from > $1 THEN $1 ELSE billed_from END
			WHERE user_id = $2 AND closed_until > $1`, from, user)
		return err
	}
	return failure.Conflictf("the periods of %s are closed until %s, and this would change them from %s on", pricing.Shorten(user),
		closed.Format(time.RFC3339), from.Format(time.RFC3339)).
		WithHint("let it hold from %s on, or correct what was billed: alwrity-sub billing credit %s AMOUNT --reason …", closed.Format(time.RFC3339), user)
}

// noteChange has the next end of a user's period looked up again, since a change of the
// subscription may have moved it. A suspension for an unpaid bill that someone takes back
// is over: another one by hand is not for a bill.
func (t *tx) noteChange(ctx context.Context, before, after plan.Account) error {
	goesOn := before.Subscription != nil && before.Subscription.Suspended && after.Subscription.Suspended
	_, err := t.exec(ctx, "UPDATE billing_accounts SET closes_at = NULL, suspended_unpaid = (suspended_unpaid AND $1) WHERE user_id = $2", goesOn, after.UserID)
	return err
}

// ClosedUntil implements usage.RerateStore.
func (d *DB) ClosedUntil(ctx context.Context, users []string) (map[string]time.Time, error) {
	closed := map[string]time.Time{}
	err := d.view(ctx, func(t *tx) error {
		condition, arg := t.oneOf("user_id", "$1", users)
		return t.query(ctx, func(row scanner) error {
			var user string
			var until time.Time
			err := row.Scan(&user, moment{&until})
			closed[user] = until
			return err
		}, "SELECT user_id, closed_until FROM billing_accounts WHERE "+condition, arg)
	})
	return closed, err
}
