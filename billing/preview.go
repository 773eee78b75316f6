package billing

import (
	"context"
	"errors"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Preview returns the bill of a user's running period as it would be if it ended now,
// after those of the periods that have ended and are not closed yet. It keeps nothing.
// The bill has no number. Where it would have no line, it is empty.
func (s *Service) Preview(ctx context.Context, user string, now time.Time) (due []Bill, running Bill, err error) {
	if err := s.requireUser(ctx, user); err != nil {
		return nil, Bill{}, err
	}
	run := &closing{Service: s, now: now, dry: true}
	err = s.Store.UpdateBilling(ctx, []string{user}, now, func(tx Tx) error {
		due, running = nil, Bill{}
		for left := []string{user}; len(left) > 0; {
			r, err := run.round(ctx, tx, left)
			if err != nil {
				return err
			}
			if len(r.failures) > 0 {
				return r.failures[0].Err
			}
			for _, b := range r.bills {
				b.Number = 0 // it is not issued
				due = append(due, b)
			}
			left = r.more
		}
		if running, err = preview(ctx, tx, user, now, s.Rules); err != nil {
			return err
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return due, running, err
}

// preview drafts the bill of the running period.
func preview(ctx context.Context, tx Tx, user string, now time.Time, rules Rules) (Bill, error) {
	accounts, err := tx.BillingAccounts(ctx, []string{user})
	if err != nil {
		return Bill{}, err
	}
	accounts[user] = accounts[user].withStart(time.Time{}, now)
	p := accounts[user].nextPeriod()
	keys := map[string]usage.PeriodKey{user: usage.NewPeriodKey(user, p.Start)}
	inputs, err := readInputs(ctx, tx, []string{user}, accounts, keys)
	if err != nil {
		return Bill{}, err
	}
	in := inputs[user]
	in.period = plan.Period{Start: p.Start, End: p.End}
	b, _, err := in.draft()
	b.issue(now, rules)
	return b, err
}
