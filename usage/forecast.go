package usage

import (
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// leastSeen is how long a period must have run before anything is said of how it goes on.
const leastSeen = 24 * time.Hour

// RunsOut returns when the limit will be used up if its use goes on as it has since the period began. It is false where
// that would not be within the period, where it is used up already, and where too little of the period has passed to
// tell. It is an estimate, so floating point is good enough.
func (u LimitUse) RunsOut(p plan.Period, now time.Time) (time.Time, bool) {
	passed := now.Sub(p.Start)
	if u.Limit.Unlimited || u.Used <= 0 || u.Used >= u.Limit.Max || passed < leastSeen {
		return time.Time{}, false
	}
	share := float64(u.Limit.Max) / float64(u.Used)
	if float64(p.End.Sub(p.Start)) <= float64(passed)*share {
		return time.Time{}, false
	}
	return p.Start.Add(time.Duration(float64(passed) * share)), true
}
