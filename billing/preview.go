package billing

import (
	"context"
	"time"
)

// Preview returns the bill of a user's running period as it would be if it ended now, after those of the periods that
// have ended and are not closed yet. It keeps nothing and waits for nobody who writes. The bill has no number. Where it
// would have no line, it is empty.
func (s *Service) Preview(ctx context.Context, user string, now time.Time) (due []Bill, running Bill, err error) {
	run := &closing{Service: s, now: now}
	err = s.Store.ViewBilling(ctx, func(reader Reader) error {
		if err := requireUser(ctx, reader, user, "unknown_user"); err != nil {
			return err
		}
		rounds, accounts, err := run.draftRounds(ctx, reader, []string{user})
		if err != nil {
			return err
		}
		due = nil
		for _, r := range rounds {
			if len(r.failures) > 0 {
				return r.failures[0].Err
			}
			due = append(due, r.bills...)
		}
		inputs, err := readInputs(ctx, reader, []string{user}, accounts)
		if err != nil {
			return err
		}
		if running, _, err = inputs[0].draft(); err == nil {
			running.issue(now, s.Rules)
		}
		return err
	})
	return due, running, err
}
