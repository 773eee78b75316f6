package report

import (
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

type historyView struct {
	UserID       string            `json:"user_id"`
	Action       plan.ChangeAction `json:"action"`
	RecordedAt   moment            `json:"recorded_at"`
	EffectiveAt  moment            `json:"effective_at"`
	PlanBefore   *string           `json:"plan_before"`
	PlanAfter    *string           `json:"plan_after"`
	Cycle        plan.Cycle        `json:"cycle"`
	PeriodBefore *periodView       `json:"period_before"`
	PeriodAfter  *periodView       `json:"period_after"`
	CallsBefore  int64             `json:"calls_before"`
	TokensBefore int64             `json:"tokens_before"`
	CostBefore   pricing.USD       `json:"cost_before"`
	Actor        string            `json:"actor"`
}

func viewHistory(h plan.HistoryEntry) historyView {
	return historyView{h.UserID, h.Action, moment(h.RecordedAt), moment(h.EffectiveAt), orNull(h.PlanBefore), orNull(h.PlanAfter), h.Cycle,
		periodOrNull(h.PeriodBefore), periodOrNull(h.PeriodAfter), h.CallsBefore, h.TokensBefore, h.CostBefore, h.Actor}
}

func periodOrNull(p plan.Period) *periodView {
	if p.Start.IsZero() {
		return nil
	}
	v := viewPeriod(p)
	return &v
}

// History shows the steps in a subscription's life.
func History(entries []plan.HistoryEntry) Document {
	header := []string{"user_id", "action", "recorded_at", "effective_at", "plan_before", "plan_after", "cycle", "period_before_start", "period_before_end",
		"period_after_start", "period_after_end", "calls_before", "tokens_before", "cost_before", "actor"}
	grid := gridOf(header, entries, func(h plan.HistoryEntry) []Cell {
		return []Cell{TextCell(h.UserID), TextCell(string(h.Action)), TimeCell(h.RecordedAt), TimeCell(h.EffectiveAt), TextCell(h.PlanBefore), TextCell(h.PlanAfter),
			TextCell(string(h.Cycle)), TimeCell(h.PeriodBefore.Start), TimeCell(h.PeriodBefore.End), TimeCell(h.PeriodAfter.Start), TimeCell(h.PeriodAfter.End),
			NumberCell(h.CallsBefore), NumberCell(h.TokensBefore), MoneyCell(h.CostBefore), TextCell(h.Actor)}
	})
	return listDocument(listOf(entries, viewHistory), grid, func(t *Text) error {
		if len(entries) == 0 {
			t.Note("no history")
			return nil
		}
		columns := []column{{"EFFECTIVE", words}, {"ACTION", words}, {"FROM", words}, {"TO", words}, {"CYCLE", words},
			{"CALLS BEFORE", number}, {"TOKENS BEFORE", number}, {"COST BEFORE", money}, {"BY", names}}
		return t.table(tableOf(columns, entries, func(h plan.HistoryEntry) []span {
			return []span{text(Time(h.EffectiveAt)), text(string(h.Action)), orNone(h.PlanBefore), orNone(h.PlanAfter), text(string(h.Cycle)),
				text(Count(h.CallsBefore)), text(Count(h.TokensBefore)), text(h.CostBefore.Display()), text(h.Actor)}
		}))
	})
}
