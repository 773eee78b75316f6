package usage

import (
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

func TestRunsOut(t *testing.T) {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	november := plan.Period{Start: start, End: start.AddDate(0, 1, 0)}
	for name, tt := range map[string]struct {
		used, most int64
		unlimited  bool
		days       int
		want       int // the day of November; 0: never
	}{
		"half of it in a third":    {50, 100, false, 10, 21},
		"all of it at the end":     {10, 30, false, 10, 0},
		"just before the end":      {1001, 3000, false, 10, 30},
		"nothing yet":              {0, 100, false, 10, 0},
		"used up":                  {100, 100, false, 10, 0},
		"more than all of it":      {170, 100, false, 10, 0},
		"no maximum":               {100, 0, true, 10, 0},
		"not in the plan":          {0, 0, false, 10, 0},
		"too early to tell":        {90, 100, false, 0, 0},
		"more than a number holds": {1, 1 << 62, false, 10, 0},
	} {
		u := LimitUse{Limit: plan.Limit{Max: tt.most, Unlimited: tt.unlimited}, Used: tt.used}
		at, ok := u.RunsOut(november, start.AddDate(0, 0, tt.days))
		if ok != (tt.want > 0) || ok && at.Day() != tt.want {
			t.Errorf("%s: %s, %v", name, at, ok)
		}
	}
}
