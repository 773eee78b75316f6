package usage

import (
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// ReservationStatus says what became of a reservation. One that is held ends by itself when it expires.
type ReservationStatus string

// The statuses.
const (
	Held     ReservationStatus = "held"
	Settled  ReservationStatus = "settled"
	Released ReservationStatus = "released"
)

// Reservation is a hold on a user's limits, taken before a call.
type Reservation struct {
	ID          string
	UserID      string
	Provider    string
	Vendor      string
	Model       string
	PeriodStart time.Time
	Calls       int64
	Tokens      int64
	Cost        pricing.USD // estimated
	Status      ReservationStatus
	CreatedAt   time.Time
	ExpiresAt   time.Time
	ClosedAt    time.Time // when it was settled or released; zero before
	EventID     string    // the event that settled it
	TokenID     int64     // the API token that it was taken with; 0 for none
	Origin      string    // OriginGateway, or "" for whoever settles it themselves
	Outcome     string    // OutcomeUnknown where nobody has settled it in time; ""
}

// HoldsAt tells whether the reservation still holds at a moment.
func (r Reservation) HoldsAt(now time.Time) bool { return r.Status == Held && now.Before(r.ExpiresAt) }
