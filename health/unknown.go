package health

import (
	"context"
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// unknown warns of calls of the gateway whose process was killed: nobody knows what became of them.
func (s *Service) unknown(ctx context.Context, now time.Time, _ *Configuration) ([]Check, error) {
	f, err := s.Store.Figures(ctx, now)
	if err != nil || f.Unknown.Calls == 0 {
		return nil, err
	}
	return []Check{{Name: "unknown outcomes", OK: true, Warning: true, Detail: fmt.Sprintf(
		"the process of %s of the last %d days was ended: they are charged nothing, and have cost at most %s dollars",
		failure.Counted(f.Unknown.Calls, "call"), usage.UnknownDays, f.Unknown.Cost),
		Hint: "compare with the vendors' own accounts; the calls have the status 500 and begin with: outcome unknown"}}, nil
}
