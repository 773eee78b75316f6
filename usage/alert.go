package usage

import (
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// Alert says that a user has reached a threshold of a limit in a usage period.
type Alert struct {
	ID          int64
	UserID      string
	PeriodStart time.Time
	PeriodEnd   time.Time // zero where it was made before periods' ends were kept
	Overage     bool      // the plan lets calls go on beyond the limit, and bills them
	Limit       plan.Limit
	Threshold   int   // percent
	Used        int64 // in the limit's unit, when it was reached
	EventID     string
	CreatedAt   time.Time
	ReadAt      time.Time // zero: not read yet
}

// DefaultThresholds are the percentages of a limit that make an alert where the configuration names none.
func DefaultThresholds() []int { return []int{80, 90, 100} }

// crossed returns the highest threshold that lies between two amounts used of a limit, 0 where there is none.
func crossed(l *plan.Limit, before, after int64, thresholds []int) int {
	highest := 0
	for _, percent := range thresholds {
		if percent > highest && !reached(l, before, percent) && reached(l, after, percent) {
			highest = percent
		}
	}
	return highest
}
