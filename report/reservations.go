package report

import (
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

func reservationFields(r usage.Reservation, status string) fields {
	return fields{
		{"id", "ID", r.ID},
		{"user_id", "USER", name(r.UserID)},
		{"provider", "PROVIDER", r.Provider},
		{"model", "MODEL", orDash(name(r.Model))},
		{"vendor", "", r.Vendor},
		{"period_start", "", r.PeriodStart},
		{"calls", "CALLS", r.Calls},
		{"tokens", "TOKENS", r.Tokens},
		{"cost", "COST", r.Cost},
		{"status", "STATUS", status}, // held, expired, settled, released
		{"created_at", "", r.CreatedAt},
		{"expires_at", "UNTIL", r.ExpiresAt},
		{"closed_at", "", r.ClosedAt},
		{"event_id", "", orNull(r.EventID)},
	}
}

// Reservations shows reservations as they stand at a moment.
func Reservations(list []usage.Reservation, now time.Time) Document {
	return rowsOf(list, func(r usage.Reservation) fields {
		if r.Status == usage.Held && !r.HoldsAt(now) {
			return reservationFields(r, "expired")
		}
		return reservationFields(r, string(r.Status))
	}).document("", "no reservations")
}

// Released shows a reservation that was given back.
func Released(r usage.Reservation) Document {
	return reservationFields(r, string(r.Status)).says("%s %s: %s, %s and %s of %s can be used again", r.Status, r.ID,
		Counted(r.Calls, "call"), Counted(r.Tokens, "token"), r.Cost.Display(), r.UserID)
}
