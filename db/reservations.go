package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/usage"
)

const reservationColumns = `reservation_id, user_id, provider, vendor, model, period_start, calls, tokens, cost_pico,
	status, created_at, expires_at, closed_at, event_id, token_id, origin, outcome`

func scanReservation(row scanner) (usage.Reservation, error) {
	var r usage.Reservation
	err := row.Scan(&r.ID, &r.UserID, &r.Provider, &r.Vendor, &r.Model, moment{&r.PeriodStart}, &r.Calls, &r.Tokens,
		&r.Cost, &r.Status, moment{&r.CreatedAt}, moment{&r.ExpiresAt}, moment{&r.ClosedAt}, &r.EventID,
		reference{&r.TokenID}, &r.Origin, &r.Outcome)
	return r, err
}

// Held implements usage.Reader.
func (t *tx) Held(ctx context.Context, users []string, now time.Time) (map[string][]usage.Reservation, error) {
	condition, arg := t.oneOf("user_id", "$2", users)
	found, err := t.reservations(ctx, " WHERE status = 'held' AND expires_at > $1 AND "+condition+
		" ORDER BY created_at, reservation_id", now, arg)
	held := map[string][]usage.Reservation{}
	for _, r := range found {
		held[r.UserID] = append(held[r.UserID], r)
	}
	return held, err
}

// Reservations implements usage.Reader.
func (t *tx) Reservations(ctx context.Context, ids []string) ([]usage.Reservation, error) {
	condition, arg := t.oneOf("reservation_id", "$1", ids)
	return t.reservations(ctx, " WHERE "+condition, arg)
}

// Reservations implements usage.ListStore.
func (d *DB) Reservations(ctx context.Context, q usage.ReservationQuery) ([]usage.Reservation, error) {
	where := conditions{texts: []string{"status = 'held'"}} // in words, for the index of what is held
	where.equal("user_id", q.User)
	where.compare("expires_at >", q.Now)
	if q.AfterID != "" {
		where.add("(created_at, reservation_id) > (?, ?)", q.AfterTime, q.AfterID)
	}
	order := " ORDER BY created_at, reservation_id LIMIT " + where.bind(q.Limit)
	return inView(ctx, d, func(t *tx) ([]usage.Reservation, error) {
		return t.reservations(ctx, where.sql()+order, where.args...)
	})
}

func (t *tx) reservations(ctx context.Context, where string, args ...any) ([]usage.Reservation, error) {
	return selectRows(ctx, t, scanReservation, "SELECT "+reservationColumns+" FROM usage_reservations"+where, args...)
}

// reservationRows adds reservations or updates their status. Of those that another transaction took meanwhile under the
// same id, for another user, none is changed.
func reservationRows(reservations []*usage.Reservation) rowsInto {
	rows := newRows("usage_reservations", reservationColumns, ` ON CONFLICT (reservation_id) DO UPDATE
		SET status = excluded.status, closed_at = excluded.closed_at, event_id = excluded.event_id, outcome = excluded.outcome
		WHERE usage_reservations.user_id = excluded.user_id`,
		len(reservations), func(to encode.Sink, n int) { putReservation(to, reservations[n]) })
	rows.each = true
	return rows
}

// putReservation puts the values of reservationColumns.
func putReservation(to encode.Sink, r *usage.Reservation) {
	for _, text := range [...]string{r.ID, r.UserID, r.Provider, r.Vendor, r.Model} {
		to.Text(text)
	}
	to.Moment(r.PeriodStart.UnixMicro())
	for _, n := range [...]int64{r.Calls, r.Tokens, int64(r.Cost)} {
		to.Integer(n)
	}
	to.Text(string(r.Status))
	to.Moment(r.CreatedAt.UnixMicro())
	to.Moment(r.ExpiresAt.UnixMicro())
	putMomentOrNull(to, r.ClosedAt)
	to.Text(r.EventID)
	putIDOrNull(to, r.TokenID)
	to.Text(r.Origin)
	to.Text(r.Outcome)
}
