package billing

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// Health is what a check of everything that was billed found.
type Health struct {
	Bills       int64   // and credit notes
	LastNumber  int64   // the highest one
	GivenNumber int64   // the last that was given
	Unequal     []int64 // bills whose figures are not the sums of their lines, the first few
	// Overdue is how many users have a period that ended before a moment and is not closed.
	Overdue int64
	// Waiting is how many totals of closed periods differ from what bills have of them, and WaitingCost by how much: it
	// goes on the next bills.
	Waiting     int64
	WaitingCost pricing.Total
	// Early is how many lines are of usage in periods that are not closed.
	Early int64
	// Negative is how many users have used up more credit than they had.
	Negative int64
}

// HealthStore is the storage that the check needs.
type HealthStore interface {
	// BillingHealth checks what was billed. Users count as overdue whose period ended before the given moment.
	BillingHealth(ctx context.Context, overdue time.Time) (Health, error)
}
