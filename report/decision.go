package report

import (
	"strings"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type decisionView struct {
	Allowed       bool          `json:"allowed"`
	Reason        *string       `json:"reason"` // null where it is allowed
	Message       string        `json:"message"`
	UserID        string        `json:"user_id"`
	Provider      string        `json:"provider"`
	Model         string        `json:"model"`
	Vendor        string        `json:"vendor"`
	Plan          string        `json:"plan"`
	Status        plan.Status   `json:"status"` // of the subscription
	Period        periodView    `json:"period"`
	EstimatedCost pricing.USD   `json:"estimated_cost"`
	Pricing       pricing.Basis `json:"pricing"`
	Limits        []limitView   `json:"limits"`
	Reservation   *heldView     `json:"reservation,omitempty"`
}

type heldView struct {
	ID        string `json:"id"`
	ExpiresAt moment `json:"expires_at"`
}

func viewDecision(j usage.Decision) decisionView {
	v := decisionView{j.Allowed, orNull(j.Reason), j.Message, j.Call.UserID, j.Call.Provider, j.Call.Model, j.Call.Vendor, j.Plan.Name, j.Status,
		viewPeriod(j.Period), j.EstimatedCost, j.Basis, listOf(j.Limits, viewLimit), nil}
	if r := j.Reservation; r != nil {
		v.Reservation = &heldView{r.ID, moment(r.ExpiresAt)}
	}
	return v
}

// Decision shows whether a call passes, and what was reserved for it.
func Decision(j usage.Decision) Document {
	return Document{JSON: viewDecision(j), CSV: decisionGrid(j), Text: func(t *Text) error {
		t.line(answerSpan(j.Allowed), text(": "+saidOnce(j)))
		t.facts(decisionFacts(j)...)
		if len(j.Limits) == 0 {
			t.Note("no limit of the plan counts this call")
			return nil
		}
		t.Gap()
		return t.table(limitTable(j.Limits))
	}}
}

func answerSpan(allowed bool) span {
	if allowed {
		return good.of("allowed")
	}
	return bad.of("refused")
}

// saidOnce is the message without the word that stands before it already.
func saidOnce(j usage.Decision) string {
	if j.Allowed && j.Message == "allowed" {
		return "every limit has room"
	}
	if j.Allowed {
		return strings.TrimPrefix(j.Message, "allowed, ")
	}
	return j.Message
}

func decisionFacts(j usage.Decision) []fact {
	facts := []fact{
		factOf("user", j.Call.UserID),
		factOf("plan", j.Plan.Name+" ("+string(j.Status)+")"),
		factOf("period", periodForPeople(j.Period)),
		factOf("estimate", j.EstimatedCost.Display()+" ("+basisForPeople(j.Basis)+")"),
	}
	if r := j.Reservation; r != nil {
		facts = append(facts, factOf("reservation", r.ID+", until "+Time(r.ExpiresAt)))
	}
	return facts
}

// decisionGrid is one row: a script asks for the answer; the limits are in JSON.
func decisionGrid(j usage.Decision) Grid {
	var id Cell
	var expires Cell
	if r := j.Reservation; r != nil {
		id, expires = TextCell(r.ID), TimeCell(r.ExpiresAt)
	}
	return Grid{
		Header: []string{"allowed", "reason", "message", "user_id", "provider", "model", "vendor", "plan", "status", "period_start", "period_end",
			"estimated_cost", "pricing", "reservation_id", "reservation_expires_at"},
		Rows: [][]Cell{{BoolCell(j.Allowed), TextCell(string(j.Reason)), TextCell(j.Message), TextCell(j.Call.UserID), TextCell(j.Call.Provider),
			TextCell(j.Call.Model), TextCell(j.Call.Vendor), TextCell(j.Plan.Name), TextCell(string(j.Status)), TimeCell(j.Period.Start),
			TimeCell(j.Period.End), MoneyCell(j.EstimatedCost), TextCell(string(j.Basis)), id, expires}},
	}
}

type explanationView struct {
	decisionView
	Steps []stepView `json:"steps"`
}

type stepView struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Explanation shows a decision step by step.
func Explanation(j usage.Decision) Document {
	steps := j.Explain()
	view := explanationView{viewDecision(j), listOf(steps, func(s usage.Step) stepView { return stepView(s) })}
	grid := gridOf([]string{"name", "text"}, steps, func(s usage.Step) []Cell { return []Cell{TextCell(s.Name), TextCell(s.Text)} })
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		t.line(answerSpan(j.Allowed), text(": "+j.Call.UserID+", "+j.Call.Provider+" "+j.Call.Model))
		columns := []column{{"", number}, {"STEP", words}, {"WHAT IT SAYS", words}}
		tb := table{columns: columns}
		for i, s := range steps {
			tb.rows = append(tb.rows, []span{dim.of(Count(int64(i + 1))), text(s.Name), text(s.Text)})
		}
		return t.table(tb)
	}}
}
