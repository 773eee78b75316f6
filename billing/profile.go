package billing

import (
	"context"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Subscriber is a user with subscription and profile.
type Subscriber struct {
	plan.Account
	Profile usage.Profile
}

// Subscriber returns a user; one who was never seen is a not_found failure.
func (s *Service) Subscriber(ctx context.Context, user string) (Subscriber, error) {
	var found Subscriber
	err := s.Store.ViewBilling(ctx, func(r Reader) error {
		if err := usage.RequireKnown(ctx, r, user, "unknown_subscriber"); err != nil {
			return err
		}
		accounts, err := r.Accounts(ctx, []string{user})
		if err != nil {
			return err
		}
		found.Account = accounts[user]
		found.Profile, err = r.Profile(ctx, user)
		return err
	})
	return found, err
}

// SetProfile changes who a user is, as bills say it from then on, whenever they were written. The change is noted in
// the audit log; one of nothing is not. A user who was never seen is a not_found failure.
func (s *Service) SetProfile(ctx context.Context, audit usage.Audit, user string, change usage.ProfileChange) error {
	if err := s.requireUser(ctx, user); err != nil {
		return err
	}
	return s.Store.UpdateBilling(ctx, []string{user}, audit.At, func(tx Tx) error {
		before, err := tx.Profile(ctx, user)
		if err != nil {
			return err
		}
		after, err := change.Of(before)
		if err != nil || after == before {
			return err
		}
		if err := tx.SetProfile(ctx, user, after); err != nil {
			return err
		}
		return tx.AddAudit(ctx, audit, "user "+user, profileState(before), profileState(after))
	})
}

func profileState(p usage.Profile) map[string]any {
	return map[string]any{"email": p.Email, "name": p.Name, "address": p.Address, "country": p.Country, "tax_id": p.TaxID}
}
