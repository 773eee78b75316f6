package billing

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// BookedIn returns the month of the books in which a bill counts: that in which its period ends, where an end at
// midnight of the 1st belongs to the month before. A credit note counts in the month in which it was issued, so that a
// month whose books are closed stays as it is.
func (b Bill) BookedIn() plan.Month {
	if b.Kind == CreditNote {
		return plan.MonthOf(b.IssuedAt)
	}
	return plan.MonthOf(b.Period.End.Add(-time.Microsecond))
}

// How many rows a page has at most: of bills with their lines, and of others.
const (
	pageWithLines    = 200
	pageWithoutLines = 5_000
)

// Bills returns the first bills that a query asks for, by number: a page of them, or fewer where the query has a limit.
// The next page is that after the last number.
func (s *Service) Bills(ctx context.Context, q Query) ([]Bill, error) {
	q.Limit = pageSize(q.Limit, q.Lines)
	return s.Store.Bills(ctx, q)
}

// EachBill calls fn with every bill that a query asks for, by number, and reads a page at a time. An error of fn ends
// it.
func (s *Service) EachBill(ctx context.Context, q Query, fn func(Bill) error) error {
	return usage.EachRow(pageSize(0, q.Lines), func(last Bill, limit int) ([]Bill, error) {
		q.After, q.Limit = max(q.After, last.Number), limit
		return s.Store.Bills(ctx, q)
	}, func(b *Bill) error { return fn(*b) })
}

// AllBills returns every bill that a query asks for.
func (s *Service) AllBills(ctx context.Context, q Query) (bills []Bill, err error) {
	err = s.EachBill(ctx, q, func(b Bill) error {
		bills = append(bills, b)
		return nil
	})
	return bills, err
}

// Credits returns the first credit that a query asks for, oldest first: a page of it, or less where the query has a
// limit. The next page is that after the last id.
func (s *Service) Credits(ctx context.Context, q CreditQuery) ([]CreditEntry, error) {
	q.Limit = pageSize(q.Limit, false)
	return s.Store.Credits(ctx, q)
}

// AllCredits returns all credit of a user or, where user is "", of everyone, oldest first.
func (s *Service) AllCredits(ctx context.Context, user string) (entries []CreditEntry, err error) {
	err = usage.EachPage(pageWithoutLines, func(last CreditEntry, limit int) ([]CreditEntry, error) {
		return s.Store.Credits(ctx, CreditQuery{UserID: user, After: last.ID, Limit: limit})
	}, func(page []CreditEntry) error {
		entries = append(entries, page...)
		return nil
	})
	return entries, err
}

// pageSize returns how many rows a page has where so many are wanted; 0 is any number.
func pageSize(wanted int, lines bool) int {
	most := pageWithoutLines
	if lines {
		most = pageWithLines
	}
	if wanted <= 0 {
		return most
	}
	return min(wanted, most)
}
