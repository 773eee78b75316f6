package health

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

// Figures are what is watched of a database while it is used, with the state of the outbox.
type Figures struct {
	usage.Figures
	Outbox notify.OutboxState
}

// Figures reads what is to be watched. It costs the same however much is in the log.
func (s *Service) Figures(ctx context.Context, now time.Time) (f Figures, err error) {
	if f.Figures, err = s.Store.Figures(ctx, now); err != nil {
		return f, err
	}
	f.Outbox, err = s.Store.OutboxState(ctx, now)
	return f, err
}
