package plan

import (
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// HistoryEntry is one step in a subscription's life, as it is kept.
type HistoryEntry struct {
	UserID       string
	Action       ChangeAction
	RecordedAt   time.Time
	EffectiveAt  time.Time
	PlanBefore   string // name; empty where there was no subscription
	PlanAfter    string
	Cycle        Cycle
	PeriodBefore Period // the usage period before and after the change
	PeriodAfter  Period
	CallsBefore  int64 // used in PeriodBefore until then
	TokensBefore int64
	CostBefore   pricing.USD
	Actor        string
}
