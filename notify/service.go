package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Service holds the operations on an outbox.
type Service struct {
	Store    Store
	Settings *Settings
	Log      *slog.Logger
	// Refused tells whether a limit of a user refuses calls at a moment, and returns an alert about it as of then; nil
	// where nobody knows.
	Refused func(ctx context.Context, user, limit string, now time.Time) (usage.Alert, bool, error)
}

// Deliveries lists deliveries, newest first.
func (s *Service) Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error) {
	return s.Store.Deliveries(ctx, q)
}

// Retry has deliveries sent again by the next run, each with its whole digest. If one does not exist (not_found) or
// is sent or being sent (conflict), none is.
func (s *Service) Retry(ctx context.Context, audit usage.Audit, ids []int64) error {
	blocked, err := s.Store.Requeue(ctx, audit, ids)
	return blocked.failure(err, "sent again")
}

// Drop marks deliveries as skipped, each with its whole digest. It fails as Retry does.
func (s *Service) Drop(ctx context.Context, audit usage.Audit, ids []int64) error {
	blocked, err := s.Store.Drop(ctx, audit, ids, droppedBy(audit.Actor))
	return blocked.failure(err, "dropped")
}

// DropBefore marks everything as skipped that was written before a moment and is not sent, and returns how many
// messages and deliveries that were.
func (s *Service) DropBefore(ctx context.Context, audit usage.Audit, before time.Time) (int, error) {
	return s.Store.DropBefore(ctx, audit, before, droppedBy(audit.Actor))
}

func droppedBy(actor string) string { return "dropped by " + actor }

// failure returns err or, where deliveries kept a change from being made, which.
func (b Blocked) failure(err error, done string) error {
	var which []string
	switch {
	case err != nil:
		return err
	case len(b.Missing) > 0:
		for _, id := range b.Missing {
			which = append(which, strconv.FormatInt(id, 10))
		}
		return failure.NotFoundf("there is no delivery %s; none was %s", strings.Join(which, ", "), done).
			WithReason("unknown_delivery")
	case len(b.WrongStatus) > 0:
		for i := range b.WrongStatus {
			which = append(which, fmt.Sprintf("%d is %s", b.WrongStatus[i].ID, b.WrongStatus[i].Status))
		}
		return failure.Conflictf("delivery %s; none was %s", strings.Join(which, ", "), done).
			WithHint("what is sent can't be taken back; what is sending is decided soon")
	}
	return nil
}
