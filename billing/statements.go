package billing

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Statement is one bill or credit note as its user gets it.
type Statement struct {
	Bill        Bill             // with its lines
	Uses        []usage.LimitUse // how far the limits of its plan were used
	CorrectedBy int64            // the credit note that takes it back; 0 for none
	WithCost    bool             // it shows what usage cost us, and at which prices
}

// StatementQuery says which bills and credit notes of a user are wanted: those of a month, the one with a number or,
// where neither is given, the last bill.
type StatementQuery struct {
	Month  plan.Month // 0 for any
	Number int64      // 0 for any
	// WithCost has them show what usage cost us, and at which prices: else they are fit for customers who are not told.
	WithCost bool
}

// Statements returns the bills and credit notes of a user that are wanted, by number: one at least, else it is a
// not_found failure.
func (s *Service) Statements(ctx context.Context, user string, q StatementQuery) ([]Statement, error) {
	a, err := s.Account(ctx, user)
	if err != nil {
		return nil, err
	}
	all, err := s.AllBills(ctx, Query{UserID: user})
	if err != nil {
		return nil, err
	}
	wanted := Query{UserID: user, Number: q.Number, Month: q.Month, Lines: true}
	if q.Month == 0 && q.Number == 0 {
		for _, b := range all { // by number: the last one stays
			if b.Kind == Invoice {
				wanted.Number = b.Number
			}
		}
		if wanted.Number == 0 {
			return nil, noStatement(user, q)
		}
	}
	bills, err := s.AllBills(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if len(bills) == 0 {
		return nil, noStatement(user, q)
	}
	statements := make([]Statement, len(bills))
	for i, b := range bills {
		statements[i] = Statement{Bill: b, Uses: LimitUsage(b, limitsOn(b, a.Plans)), CorrectedBy: correctedBy(all, b),
			WithCost: q.WithCost}
	}
	return statements, nil
}

// noStatement is the failure where there is no bill such as is wanted.
func noStatement(user string, q StatementQuery) error {
	of := failure.Shorten(user)
	switch {
	case q.Number != 0:
		return failure.NotFoundf("there is no bill %d of %s", q.Number, of).WithReason("bills_of_user", "user", of)
	case q.Month != 0:
		return failure.NotFoundf("there is no bill of %s in %s", of, q.Month).WithReason("bills_of_user", "user", of)
	}
	return failure.NotFoundf("there is no bill of %s yet", of).WithReason("never_billed", "user", of)
}

// correctedBy returns the number of the credit note that takes a bill back, 0 for none.
func correctedBy(all []Bill, b Bill) int64 {
	i := slices.IndexFunc(all, func(note Bill) bool { return note.Kind == CreditNote && note.RefersTo == b.Number })
	if i < 0 {
		return 0
	}
	return all[i].Number
}

// limitsOn returns the limits that a bill's usage counted against: as they stood where the bill keeps them, else as the
// plan had them at the period's end.
func limitsOn(b Bill, plans plan.Plans) []plan.Limit {
	if b.Terms != nil {
		return b.Terms.Limits
	}
	p, _ := plans.ByID(b.PlanID)
	return p.At(b.Period.End.Add(-time.Microsecond)).Limits
}

// LimitUsage returns how far the usage on a bill, which comes with its lines, used up limits. What was billed late, of
// other periods, does not count.
func LimitUsage(b Bill, limits []plan.Limit) []usage.LimitUse {
	uses := make([]usage.LimitUse, len(limits))
	for i, limit := range limits {
		uses[i].Limit = limit
		for _, l := range b.Lines {
			if l.Kind == Usage && limit.Scope.Covers(l.Provider, l.Vendor) {
				uses[i].Used = usage.AtMost(uses[i].Used, l.Usage.Of(limit.Meter))
			}
		}
	}
	return uses
}
