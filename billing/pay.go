package billing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// requireUser fails with not_found unless the user was ever seen.
func (s *Service) requireUser(ctx context.Context, user string) error {
	return s.Store.ViewBilling(ctx, func(r Reader) error { return usage.RequireKnown(ctx, r, user, "unknown_user") })
}

// Show returns a bill with its lines, or a not_found failure.
func (s *Service) Show(ctx context.Context, number int64) (Bill, error) {
	bills, err := s.Store.Bills(ctx, Query{Number: number, Lines: true})
	if err != nil {
		return Bill{}, err
	}
	if number <= 0 || len(bills) == 0 {
		return Bill{}, unknownBill(number)
	}
	return bills[0], nil
}

func unknownBill(number int64) error {
	return failure.NotFoundf("there is no bill %d", number).WithReason("unknown_bill", "bill", number)
}

// Payment is what a bill is paid with.
type Payment struct {
	ID        string // that the caller gives it, so that it is noted once; "" for none
	Reference string // what it is known by
	// FromCredit takes the money from the user's credit, and the reference says so.
	FromCredit bool
}

// creditReference is what a payment from the user's credit is known by.
const creditReference = "credit"

// PaidBill is a bill and what became of its payment.
type PaidBill struct {
	Bill
	Duplicate bool          // the payment was noted already, and nothing has changed
	Balance   pricing.USD   // the user's credit now
	Unpaid    pricing.Total // what the user still owes
}

// MarkPaid notes that a bill has been paid, or pays it from the user's credit. It lets a user who was suspended for
// unpaid bills through again once none is left that would suspend. Paid again with the same id or, without one, the
// same reference, it is a duplicate; a void bill, a credit note, a credit that is less than the bill, and an id of
// another payment are conflict failures.
func (s *Service) MarkPaid(ctx context.Context, audit usage.Audit, number int64, p Payment) (PaidBill, error) {
	if p.FromCredit {
		p.Reference = creditReference
	}
	if p.ID != "" {
		if err := usage.ValidateID(p.ID); err != nil {
			return PaidBill{}, err
		}
	}
	if err := usage.ValidateReason("reference", p.Reference); err != nil {
		return PaidBill{}, err
	}
	var paid PaidBill
	b, err := s.settle(ctx, audit, number, func(tx Tx, b *Bill) (err error) {
		paid = PaidBill{}
		if paid.Duplicate, err = isNoted(ctx, tx, b, p); err != nil {
			return err
		}
		if !paid.Duplicate {
			if err := s.pay(ctx, tx, audit, b, p); err != nil {
				return err
			}
		}
		return paid.addState(ctx, tx, b.UserID)
	})
	paid.Bill = b
	return paid, err
}

// isNoted tells whether a payment of a bill was noted before. It is a conflict failure where it can't be noted.
func isNoted(ctx context.Context, tx Tx, b *Bill, p Payment) (bool, error) {
	if p.ID != "" {
		of, err := tx.BillOfPayment(ctx, p.ID)
		if err != nil {
			return false, err
		}
		switch {
		case of == b.Number && p.Reference == b.Reference:
			return true, nil
		case of == b.Number:
			return false, failure.Conflictf("the payment %q of the bill %d has the reference %q: an id stands for one payment",
				failure.Shorten(p.ID), of, failure.Shorten(b.Reference))
		case of != 0:
			return false, failure.Conflictf("the id %q is that of the payment of the bill %d: an id stands for one payment",
				failure.Shorten(p.ID), of).WithHint("give this payment an id of its own")
		}
	}
	switch {
	case b.Kind == CreditNote:
		return false, failure.Conflictf("%d is a credit note: nothing is to be paid", b.Number)
	case b.Status == Void:
		return false, failure.Conflictf("the bill %d is void", b.Number)
	case b.Status == Paid && p.ID == "" && (p.Reference == "" || p.Reference == b.Reference):
		return true, nil
	case b.Status == Paid:
		return false, alreadyPaid(*b)
	}
	return false, nil
}

// pay notes a payment of a bill that is not paid.
func (s *Service) pay(ctx context.Context, tx Tx, audit usage.Audit, b *Bill, p Payment) error {
	if p.FromCredit {
		if err := payFromCredit(ctx, tx, audit, b); err != nil {
			return err
		}
	}
	before := b.Status
	b.Status, b.SettledAt, b.Reference, b.PaymentID = Paid, audit.At, p.Reference, p.ID
	if err := tx.Settle(ctx, b.Number, Paid, audit.At, p.Reference); err != nil {
		return err
	}
	if p.ID != "" {
		if err := tx.SetPayment(ctx, b.Number, p.ID); err != nil {
			return err
		}
	}
	if err := s.resumeIfPaid(ctx, tx, b.UserID, audit.At); err != nil {
		return err
	}
	return tx.AddAudit(ctx, audit, fmt.Sprintf("bill %d", b.Number), map[string]any{"status": before},
		map[string]any{"status": Paid, "reference": p.Reference, "id": p.ID})
}

// addState adds what the user has and owes now.
func (p *PaidBill) addState(ctx context.Context, tx Tx, user string) error {
	accounts, err := tx.BillingAccounts(ctx, []string{user})
	if err != nil {
		return err
	}
	p.Balance = accounts[user].Balance
	unpaid, err := tx.UnpaidBills(ctx, user)
	for _, b := range unpaid {
		p.Unpaid = p.Unpaid.Add(pricing.TotalOf(b.Total))
	}
	return err
}

func alreadyPaid(b Bill) error {
	since := b.SettledAt.Format(time.RFC3339)
	switch {
	case b.Total == 0:
		return failure.Conflictf("the bill %d was paid when it was written, %s: nothing is to be paid", b.Number, since)
	case b.Reference == "":
		return failure.Conflictf("the bill %d is paid already, since %s, without a reference", b.Number, since)
	}
	return failure.Conflictf("the bill %d is paid already, since %s, with the reference %q", b.Number, since, b.Reference)
}

// payFromCredit takes what a bill is over from the credit of its user.
func payFromCredit(ctx context.Context, tx Tx, audit usage.Audit, b *Bill) error {
	accounts, err := tx.BillingAccounts(ctx, []string{b.UserID})
	if err != nil {
		return err
	}
	if left := accounts[b.UserID].Balance; left < b.Total {
		return failure.Conflictf("the bill %d is over %s, and %s has %s of credit", b.Number, b.Total.Display(),
			failure.Shorten(b.UserID), left.Display()).
			WithHint("a bill is paid wholly; what is left of the credit is used up by the next one")
	}
	return tx.AddCredits(ctx, []CreditEntry{{UserID: b.UserID, At: audit.At, Amount: -b.Total, Number: b.Number,
		Reason: fmt.Sprintf("bill %d is paid from credit", b.Number), Actor: audit.Actor}})
}

// settle runs fn on a bill under the lock of its user.
func (s *Service) settle(ctx context.Context, audit usage.Audit, number int64, fn func(Tx, *Bill) error) (Bill, error) {
	b, err := s.Show(ctx, number)
	if err != nil {
		return b, err
	}
	user := b.UserID
	err = s.Store.UpdateBilling(ctx, []string{user}, audit.At, func(tx Tx) error {
		var ok bool
		if b, ok, err = tx.BillByNumber(ctx, number); err != nil || !ok {
			return err
		}
		return fn(tx, &b)
	})
	return b, err
}

// resumeIfPaid resumes a user who was suspended for unpaid bills, once no bill is left whose grace days are over.
func (s *Service) resumeIfPaid(ctx context.Context, tx Tx, user string, now time.Time) error {
	accounts, err := tx.BillingAccounts(ctx, []string{user})
	if err != nil || !accounts[user].SuspendedUnpaid {
		return err
	}
	unpaid, err := tx.UnpaidBills(ctx, user)
	if err != nil {
		return err
	}
	for _, b := range unpaid {
		if at := s.Rules.suspendsAt(b); !at.IsZero() && !at.After(now) {
			return nil
		}
	}
	f := accounts[user]
	if f.Account.Subscription == nil || !f.Account.Subscription.Suspended {
		f.SuspendedUnpaid = false // someone has resumed it by hand
		return tx.SaveBillingAccounts(ctx, []BillingAccount{f})
	}
	return s.setSuspended(ctx, tx, f, plan.Resume, now)
}

// Void takes a bill back by a credit note over all of it, which it returns. What the bill had used up of the user's
// credit goes back there, and so does what was paid of it: the note then carries it over, and has a total of 0. The
// usage on it stays billed: the period is not closed again.
func (s *Service) Void(ctx context.Context, audit usage.Audit, number int64, reason string) (Bill, error) {
	if err := usage.ValidateReason("reason", reason); err != nil {
		return Bill{}, err
	}
	if strings.TrimSpace(reason) == "" {
		return Bill{}, failure.Invalidf("a bill is made void for a reason, which the credit note says").
			WithHint("--reason …")
	}
	var note Bill
	_, err := s.settle(ctx, audit, number, func(tx Tx, b *Bill) error {
		switch {
		case b.Kind == CreditNote:
			return failure.Conflictf("%d is a credit note, which can't be made void", b.Number)
		case b.Status == Void:
			return failure.Conflictf("the bill %d is void already", b.Number)
		}
		if err := requireNoLaterProration(ctx, tx, b); err != nil {
			return err
		}
		if err := requireNothingGivenBack(ctx, tx, b); err != nil {
			return err
		}
		note = b.creditNote(audit.At, reason)
		list := []Bill{note}
		if err := tx.AddBills(ctx, list); err != nil {
			return err
		}
		note = list[0]
		settled := audit.At
		if b.Status == Paid {
			settled = b.SettledAt // when it was paid: then it ceased to be owed
		}
		if err := tx.Settle(ctx, b.Number, Void, settled, b.Reference); err != nil {
			return err
		}
		back := note.credited()
		if err := requireCredit(ctx, tx, b, back); err != nil {
			return err
		}
		if back != 0 {
			credit := CreditEntry{UserID: b.UserID, At: audit.At, Amount: back, Number: note.Number,
				Reason: fmt.Sprintf("bill %d is void: %s", b.Number, reason), Actor: audit.Actor}
			if err := tx.AddCredits(ctx, []CreditEntry{credit}); err != nil {
				return err
			}
		}
		if err := s.resumeIfPaid(ctx, tx, b.UserID, audit.At); err != nil {
			return err
		}
		if note.Total != 0 || back != 0 {
			if err := tx.AddNotifications(ctx,
				[]usage.Notification{billReadyNotification(note, audit.At)}); err != nil {
				return err
			}
		}
		return tx.AddAudit(ctx, audit, fmt.Sprintf("bill %d", b.Number), map[string]any{"status": b.Status},
			map[string]any{"status": Void, "credit_note": note.Number, "reason": reason})
	})
	return note, err
}

// requireNoLaterProration refuses to take back a fee, or what a change of plan has billed within its cycle, where a
// later bill has another change in that cycle: it goes on from this one.
func requireNoLaterProration(ctx context.Context, tx Tx, b *Bill) error {
	for _, l := range b.Lines {
		if l.Kind != Fee && l.Kind != Proration || l.Amount == 0 {
			continue
		}
		number, err := tx.ProratedOn(ctx, b.UserID, b.Number, l.Period.End)
		if err != nil {
			return err
		}
		if number != 0 {
			return failure.Conflictf("the bill %d goes on from the bill %d, for a change of plan within what that "+
				"has billed", number, b.Number).
				WithReason("bill_continued", "bill", number, "user", b.UserID)
		}
	}
	return nil
}

// requireNothingGivenBack refuses to take back overage of which a later bill has given some back already.
func requireNothingGivenBack(ctx context.Context, tx Tx, b *Bill) error {
	for _, l := range b.Lines {
		if l.Kind != Overage && l.Kind != Adjustment || l.Amount <= 0 {
			continue
		}
		number, err := tx.GivenBackOn(ctx, b.UserID, b.Number, l.Period.Start)
		if err != nil {
			return err
		}
		if number != 0 {
			return failure.Conflictf("the bill %d has given back overage that the bill %d has billed", number, b.Number).
				WithReason("bill_continued", "bill", number, "user", b.UserID)
		}
	}
	return nil
}

// requireCredit refuses to take more credit from a user than is left, where a bill had carried over what other bills
// have used up.
func requireCredit(ctx context.Context, tx Tx, b *Bill, back pricing.USD) error {
	if back >= 0 {
		return nil
	}
	accounts, err := tx.BillingAccounts(ctx, []string{b.UserID})
	if err != nil {
		return err
	}
	if left := accounts[b.UserID].Balance; left+back < 0 {
		return failure.Conflictf("the bill %d has carried over %s to the credit of %s, of which only %s is left",
			b.Number, (-back).Display(), failure.Shorten(b.UserID), left.Display()).
			WithReason("credit_used_up", "user", b.UserID)
	}
	return nil
}

// creditNote returns the credit note that takes a bill back.
func (b Bill) creditNote(now time.Time, reason string) Bill {
	note := b
	note.Kind, note.RefersTo, note.Number, note.Terms = CreditNote, b.Number, 0, nil
	note.IssuedAt, note.DueAt, note.Status, note.SettledAt, note.Reference = now, now, Paid, now, reason
	note.Subtotal, note.Rounding, note.Total, note.Cost = -b.Subtotal, -b.Rounding, -b.Total, 0
	note.Lines = nil
	for _, l := range b.Lines {
		if l.Amount == 0 {
			continue
		}
		l.Amount, l.Usage, l.Prices, l.Charges = -l.Amount, usage.Amounts{}, nil, nil
		note.Lines = append(note.Lines, l)
	}
	if b.Status == Paid && b.Total != 0 {
		note.Lines = append(note.Lines, Line{Kind: Carried, Description: "paid: carried over to your credit",
			Period: b.Period, Amount: b.Total})
		note.Subtotal, note.Total = note.Subtotal+b.Total, 0
	}
	return note
}
