package gateway

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// runEvery is how often what waits in the spool is recorded.
const runEvery = time.Minute

// Run records what waits in the spool, now and every minute, until ctx is done, and then once more.
func (g *Gateway) Run(ctx context.Context) {
	tick := time.NewTicker(runEvery)
	defer tick.Stop()
	for {
		g.Replay()
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
