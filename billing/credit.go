package billing

import (
	"context"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Credited is what became of a credit.
type Credited struct {
	CreditEntry             // as it is stored
	Balance     pricing.USD // the user's credit now
	Duplicate   bool        // it was there already, and nothing has changed
}

// Credit gives a user money with us, which the next bills use up: of the entry, Key, UserID, Amount, Reason and
// Reference are taken. Less than 0 takes back what is left of it, and no more. With a key that is known the same credit
// is a duplicate and another one a conflict failure; an amount that is not in whole cents is an invalid one, unless it
// takes back all that is left.
func (s *Service) Credit(ctx context.Context, audit usage.Audit, c CreditEntry) (Credited, error) {
	if err := c.validate(); err != nil {
		return Credited{}, err
	}
	if err := s.requireUser(ctx, c.UserID); err != nil {
		return Credited{}, err
	}
	c.At, c.Actor = audit.At, audit.Actor
	var result Credited
	err := s.Store.UpdateBilling(ctx, []string{c.UserID}, audit.At, func(tx Tx) error {
		accounts, err := tx.BillingAccounts(ctx, []string{c.UserID})
		if err != nil {
			return err
		}
		result = Credited{CreditEntry: c, Balance: accounts[c.UserID].Balance}
		if c.Key != "" {
			known, is, err := tx.CreditByKey(ctx, c.Key)
			if err != nil {
				return err
			}
			if is {
				result.CreditEntry, result.Duplicate = known, true
				return known.mustBe(c)
			}
		}
		return addCredit(ctx, tx, audit, &result)
	})
	return result, err
}

// validate refuses what can't be a credit, whatever the user has.
func (c CreditEntry) validate() error {
	if c.Key != "" {
		if err := usage.ValidateID(c.Key); err != nil {
			return err
		}
	}
	if err := usage.ValidateReason("reason", c.Reason); err != nil {
		return err
	}
	if err := usage.ValidateReason("reference", c.Reference); err != nil {
		return err
	}
	if c.Amount == 0 || strings.TrimSpace(c.Reason) == "" {
		return failure.Invalidf("a credit has an amount other than 0 and a reason").
			WithReason("credit_incomplete", "user", c.UserID)
	}
	return nil
}

// mustBe returns a conflict failure unless a credit is the one that was given another time under the same key.
func (c CreditEntry) mustBe(again CreditEntry) error {
	if c.UserID == again.UserID && c.Amount == again.Amount && c.Reason == again.Reason && c.Reference == again.Reference {
		return nil
	}
	what := "a credit of " + c.Amount.Display() + " for " + failure.Shorten(c.UserID) + ", " + failure.Shorten(c.Reason)
	if c.Reference != "" {
		what += " (" + failure.Shorten(c.Reference) + ")"
	}
	return failure.Conflictf("the id %q was used on %s for %s: an id stands for one credit", failure.Shorten(c.Key),
		c.At.UTC().Format(time.DateOnly), what).WithHint("give this one an id of its own")
}

// addCredit adds a credit to the balance that the result has, and keeps the new one there.
func addCredit(ctx context.Context, tx Tx, audit usage.Audit, r *Credited) error {
	before := r.Balance
	after, err := before.Add(r.Amount)
	switch {
	case err != nil:
		return err
	case after < 0:
		return failure.Conflictf("%s has %s of credit: %s can't be taken back", failure.Shorten(r.UserID),
			before.Display(), (-r.Amount).Display())
	case r.Amount%pricing.Cent != 0 && after != 0:
		return failure.Invalidf("amount is %s: it must be in whole cents", r.Amount.Display())
	}
	if err := tx.AddCredits(ctx, []CreditEntry{r.CreditEntry}); err != nil {
		return err
	}
	r.Balance = after
	return tx.AddAudit(ctx, audit, "user "+r.UserID, map[string]any{"credit": before},
		map[string]any{"credit": after, "id": r.Key, "reason": r.Reason, "reference": r.Reference})
}
