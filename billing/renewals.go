package billing

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Renewal is a step of a subscription with which a paid cycle or another plan begins.
type Renewal struct {
	plan.HistoryEntry
	Before *plan.HistoryEntry // the step before it; nil for the first
	Count  int                // how many renewals there were, up to this one
	Amount pricing.USD        // what is to be paid for it
	Status Status             // of its payment: Open as long as no bill has it
	PaidAt time.Time          // zero: not yet
}

// Renewals returns these steps of a user, newest first.
func (s *Service) Renewals(ctx context.Context, user string) ([]Renewal, error) {
	history, err := s.Store.History(ctx, user)
	if err != nil || len(history) == 0 {
		return nil, err
	}
	bills, err := s.Store.Bills(ctx, Query{UserID: user, Kind: Invoice, Lines: true})
	if err != nil {
		return nil, err
	}
	var renewals []Renewal
	count := 0
	for i := range history {
		r := Renewal{HistoryEntry: history[i], Amount: history[i].Price, Status: Open}
		if i > 0 {
			r.Before = &history[i-1]
		}
		switch r.Action {
		case plan.Renewal:
			count++
		case plan.New, plan.Upgrade, plan.Downgrade:
		default:
			continue
		}
		r.Count = count
		r.findPayment(bills)
		renewals = append(renewals, r)
	}
	slices.Reverse(renewals)
	return renewals, nil
}

// findPayment looks for the bill that has the fee.
func (r *Renewal) findPayment(bills []Bill) {
	if r.Amount == 0 {
		r.Status, r.PaidAt = Paid, r.RecordedAt
	}
	for _, b := range bills {
		var amount pricing.USD
		found := false
		for _, l := range b.Lines {
			if (l.Kind == Fee || l.Kind == Proration) && l.Period.Start.Equal(r.EffectiveAt) {
				found, amount = true, amount+l.Amount
			}
		}
		if found && b.Status != Void {
			r.Amount, r.Status, r.PaidAt = amount, b.Status, b.SettledAt
		}
	}
}
