package report

import (
	"github.com/alwrity/alwrity-sub/plan"
)

// History shows the steps in a subscription's life.
func History(entries []plan.HistoryEntry) Document {
	return rowsOf(entries, func(h plan.HistoryEntry) fields {
		return fields{
			{"user_id", "", h.UserID},
			{"action", "ACTION", h.Action},
			{"recorded_at", "", h.RecordedAt},
			{"effective_at", "EFFECTIVE", h.EffectiveAt},
			{"plan_before", "FROM", orNull(h.PlanBefore)},
			{"plan_after", "TO", orNull(h.PlanAfter)},
			{"cycle", "CYCLE", h.Cycle},
			{"period_before", "", orNull(h.PeriodBefore)},
			{"period_after", "", orNull(h.PeriodAfter)},
			{"calls_before", "CALLS BEFORE", h.CallsBefore},
			{"tokens_before", "TOKENS BEFORE", h.TokensBefore},
			{"cost_before", "COST BEFORE", h.CostBefore},
			{"actor", "BY", name(h.Actor)},
		}
	}).document("effective_at action plan_before plan_after cycle calls_before tokens_before cost_before actor", "no history")
}
