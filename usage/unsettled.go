package usage

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// OriginGateway is the origin of reservations for calls that the gateway carries. Once one of them has expired its
// process was killed, for else it would have been settled.
const OriginGateway = "gateway"

// OutcomeUnknown is the outcome of a reservation that nobody has settled.
const OutcomeUnknown = "unknown"

// Job is what a vendor works on after it has answered a call of the gateway. It keeps the call's reservation until
// somebody asks what became of it.
type Job struct {
	ID          string // the upstream's name and the vendor's id
	Reservation string
	UserID      string
	Event       Event  // what is recorded if nobody asks: all that was reserved
	Ask         string // what the request asked for, in the gateway's own form
	CreatedAt   time.Time
	EndedAt     time.Time // zero: it is worked on, as far as is known
}

// GatewayStore is the storage of what the gateway must find again when its process has ended.
type GatewayStore interface {
	// Unsettled returns reservations of the gateway that expired before a moment and were neither settled nor released,
	// the oldest first.
	Unsettled(ctx context.Context, before time.Time, limit int) ([]Reservation, error)
	AddJob(ctx context.Context, j Job) error
	// Job returns a job by its id, or that of a reservation; false: there is none.
	Job(ctx context.Context, id, reservation string) (Job, bool, error)
	// EndJob notes that a job has ended.
	EndJob(ctx context.Context, id string, at time.Time) error
}

// UnknownDays is of how many days calls with an unknown outcome are counted for Figures.
const UnknownDays = 35

// Unknown says how many calls have an outcome that nobody knows, and what they have cost at most.
type Unknown struct {
	Calls int64
	Cost  pricing.Total
}
