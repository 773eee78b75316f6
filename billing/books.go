package billing

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// BookedIn returns the month of the books in which a bill counts: that in which its
// period ends, where an end at midnight of the 1st belongs to the month before. A
// credit note counts in the month in which it was issued, so that a month whose books
// are closed stays as it is.
func (b Bill) BookedIn() usage.Month {
	if b.Kind == CreditNote {
		return usage.MonthOf(b.IssuedAt)
	}
	return usage.MonthOf(b.Period.End.Add(-time.Microsecond))
}

// BillReader is the storage that bills are read from.
type BillReader interface {
	// Bills returns the bills that a query asks for, by their numbers.
	Bills(ctx context.Context, q Query) ([]Bill, error)
}

// How many bills are held in memory at once: with their lines, and without.
const (
	pageWithLines    = 200
	pageWithoutLines = 5_000
)

// EachBill calls fn with every bill that a query asks for, by their numbers and a page
// at a time. An error of fn ends it.
func EachBill(ctx context.Context, bills BillReader, q Query, fn func(Bill) error) error {
	q.Limit = pageWithoutLines
	if q.Lines {
		q.Limit = pageWithLines
	}
	for {
		page, err := bills.Bills(ctx, q)
		if err != nil {
			return err
		}
		for _, b := range page {
			if err := fn(b); err != nil {
				return err
			}
			q.After = b.Number
		}
		if len(page) < q.Limit {
			return nil
		}
	}
}
