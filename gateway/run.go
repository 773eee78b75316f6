package gateway

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// contextFor returns a context for what must be done though its caller may have gone.
func contextFor(most time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), most)
}

// runEvery is how often what waits in the spool is recorded.
const runEvery = time.Minute

// Run records what waits in the spool, and settles calls that nobody else does, now and every minute, until ctx is
// done, and then once more.
func (g *Gateway) Run(ctx context.Context) {
	tick := time.NewTicker(runEvery)
	defer tick.Stop()
	for {
		g.Replay()
		if swept, err := g.Sweep(); err != nil {
			g.Log.Warn("calls of processes that were killed can't be settled now", "error", err)
		} else if swept > 0 {
			g.Log.Warn("calls of processes that were killed are settled", "calls", swept)
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// Replay records what waits in the spool, as far as the database takes it.
func (g *Gateway) Replay() {
	done, refused, err := g.Spool.Replay(func(event usage.Event) error {
		_, err := g.record(event, event.ID, 1)
		return err
	})
	switch {
	case refused > 0:
		g.Log.Error("calls of the spool can't be recorded: they are kept in "+rejected, "calls", refused)
	case err != nil:
		g.Log.Warn("the spool can't be recorded now", "recorded", done, "error", err)
	case done > 0:
		g.Log.Info("the spool is recorded", "calls", done)
	}
}
