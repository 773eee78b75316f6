package notify

import (
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

func TestOverSince(t *testing.T) {
	now := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	const before, ahead = "2026-11-19T08:30:00Z", "2026-12-19T08:30:00Z"
	const period = "the period that it is about ended at "
	for name, c := range map[string]struct {
		kind usage.NotificationKind
		data map[string]string
		want string
	}{
		"a period that is over": {usage.LimitReached, map[string]string{"period_end": before},
			period + "2026-11-19 08:30 UTC"},
		"one that ends now": {usage.ThresholdReached, map[string]string{"period_end": now.Format(time.RFC3339)},
			period + "2026-11-29 10:00 UTC"},
		"one that runs": {usage.ThresholdReached, map[string]string{"period_end": ahead}, ""},
		"one whose end nobody noted": {usage.LimitReached, map[string]string{"period_start": "2026-10-19T08:30:00Z"},
			period + "2026-11-19 08:30 UTC"},
		"one without an end, that runs": {usage.LimitReached, map[string]string{"period_start": before}, ""},
		"a renewal that has come": {usage.RenewalSoon, map[string]string{"renews_at": before},
			"the renewal that it announces was due at 2026-11-19 08:30 UTC"},
		"a renewal ahead":   {usage.RenewalSoon, map[string]string{"renews_at": ahead}, ""},
		"no time at all":    {usage.LimitReached, nil, ""},
		"nothing to read":   {usage.RenewalSoon, map[string]string{"renews_at": "soon"}, ""},
		"an unknown period": {usage.LimitReached, map[string]string{"period_end": "", "period_start": "?"}, ""},
	} {
		if got := overSince(usage.Notification{Kind: c.kind, Data: c.data}, now); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
