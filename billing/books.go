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

// EachBill calls fn with every bill that a query asks for, by number, and reads a page at a time. An error of fn ends
// it.
func (s *Service) EachBill(ctx context.Context, q Query, fn func(Bill) error) error {
	page := pageWithoutLines
	if q.Lines {
		page = pageWithLines
	}
	return usage.EachRow(page, func(last Bill, limit int) ([]Bill, error) {
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

// Bills returns a page of what a query asks for, by number.
func (s *Service) Bills(ctx context.Context, q Query) (usage.Page[Bill], error) {
	return usage.NewPage(q.Limit, func(limit int) ([]Bill, error) {
		q.Limit = limit
		return s.Store.Bills(ctx, q)
	})
}

// Credits returns a page of what a query asks for of the credit of users, oldest first.
func (s *Service) Credits(ctx context.Context, q CreditQuery) (usage.Page[CreditEntry], error) {
	return usage.NewPage(q.Limit, func(limit int) ([]CreditEntry, error) {
		q.Limit = limit
		return s.Store.Credits(ctx, q)
	})
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
