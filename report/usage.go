package report

import (
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type statementView struct {
	UserID       string              `json:"user_id"`
	Plan         string              `json:"plan"`
	Status       usage.LimitStatus   `json:"status"`
	Subscription plan.Status         `json:"subscription"`
	Period       periodView          `json:"period"`
	Totals       totalsView          `json:"totals"`
	Providers    []providerUsageView `json:"providers"`
	Limits       []limitView         `json:"limits"`
}

type totalsView struct {
	Calls         int64       `json:"calls"`
	Errors        int64       `json:"errors"`
	InputTokens   int64       `json:"input_tokens"`
	OutputTokens  int64       `json:"output_tokens"`
	Tokens        int64       `json:"tokens"`
	Cost          pricing.USD `json:"cost"`
	UnpricedCalls int64       `json:"unpriced_calls"`
}

type providerUsageView struct {
	Provider string `json:"provider"`
	totalsView
}

func viewTotals(t usage.Total) totalsView {
	return totalsView{t.Calls, t.Errors, t.InputTokens, t.OutputTokens, t.Tokens(), t.Cost, t.Unpriced}
}

// Usage shows what a user has used in a period, against every limit.
func Usage(st usage.PeriodUsage) Document {
	view := statementView{st.UserID, st.Plan.Name, st.LimitStatus, st.Status, viewPeriod(st.Period), viewTotals(st.Sum),
		listOf(st.Providers, func(t usage.Total) providerUsageView { return providerUsageView{t.Provider, viewTotals(t)} }),
		listOf(st.Limits, viewLimit)}
	return Document{JSON: view, CSV: gridOf(limitHeader(), st.Limits, limitCells), Text: func(t *Text) error {
		t.line(strong.of(st.UserID), text("  "), limitStatusSpan(st.LimitStatus))
		t.facts(
			factOf("plan", st.Plan.Name),
			fact{"subscription", statusSpan(st.Status)},
			factOf("period", periodForPeople(st.Period)),
		)
		t.Gap()
		if err := providerTable(t, st); err != nil {
			return err
		}
		t.Gap()
		if len(st.Limits) == 0 {
			t.Note("the plan has no limits")
			return nil
		}
		return t.table(limitTable(st.Limits))
	}}
}

func limitStatusSpan(s usage.LimitStatus) span {
	switch s {
	case usage.LimitsWarning:
		return caution.of("close to a limit")
	case usage.LimitsReached:
		return bad.of("limit reached")
	}
	return good.of("within the limits")
}

func providerTable(t *Text, st usage.PeriodUsage) error {
	if len(st.Providers) == 0 {
		t.Note("no usage in this period")
		return nil
	}
	columns := []column{{"PROVIDER", words}, {"CALLS", number}, {"ERRORS", number}, {"INPUT TOKENS", number}, {"OUTPUT TOKENS", number}, {"COST", money}}
	tb := tableOf(columns, st.Providers, func(u usage.Total) []span {
		return []span{text(u.Provider), text(Count(u.Calls)), countSpan(u.Errors, bad), text(Count(u.InputTokens)), text(Count(u.OutputTokens)), text(u.Cost.Display())}
	})
	sum := st.Sum
	tb.footer = []span{strong.of("TOTAL"), strong.of(Count(sum.Calls)), strong.of(Count(sum.Errors)), strong.of(Count(sum.InputTokens)),
		strong.of(Count(sum.OutputTokens)), strong.of(sum.Cost.Display())}
	if err := t.table(tb); err != nil {
		return err
	}
	noteUnpriced(t, sum.Unpriced)
	return nil
}

// noteUnpriced says that a cost is not the whole cost.
func noteUnpriced(t *Text, calls int64) {
	if calls > 0 {
		t.Warning("%s without a price, counted as $0.00: set the price, then run: alwrity-sub pricing rerate", Counted(calls, "call"))
	}
}
