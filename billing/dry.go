package billing

import (
	"context"
	"errors"
	"time"
)

// Dry returns the service of whose operations nothing stays: each is done whole, with all that may refuse it, and taken
// back. It is for saying what an operation would do. Closing has a dry run of its own.
func (s *Service) Dry() *Service {
	dry := *s
	dry.Store = dryStore{s.Store}
	return &dry
}

// dryStore is a store of which nothing is changed.
type dryStore struct{ Store }

var errTakenBack = errors.New("only tried")

// UpdateBilling runs fn, and rolls back.
func (d dryStore) UpdateBilling(ctx context.Context, users []string, now time.Time, fn func(Tx) error) error {
	err := d.Store.UpdateBilling(ctx, users, now, func(tx Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errTakenBack
	})
	if errors.Is(err, errTakenBack) {
		return nil
	}
	return err
}
