package report

import (
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/failure"
)

func figureFields(f simulate.Figures) fields {
	return fields{
		{"fees", "FEES", f.Fees},
		{"overage", "OVERAGE", f.Overage},
		{"revenue", "REVENUE", f.Revenue()},
		{"cost", "COST", f.Cost},
		{"margin", "MARGIN", f.Margin()},
	}
}

func simulatedFields(p simulate.PlanResult) fields {
	return fields{
		{"users", "", p.Users}, {"refused_users", "", p.RefusedUsers}, {"refused_calls", "", p.RefusedCalls},
		{"refused_cost", "", p.RefusedCost}, {"then", "", figureFields(p.Then)}, {"now", "", figureFields(p.Now)},
	}
}

// Simulation shows what a month was and would have been, by plan.
func Simulation(s simulate.Result) Document {
	plans := rowsOf(s.Plans, func(p simulate.PlanResult) fields {
		return append(fields{{"plan", "", p.Plan}, {"tier", "", p.Tier}, {"plan_now", "", p.PlanNow}}, simulatedFields(p)...)
	})
	all := fields{
		{"month", "", s.Month.String()}, {"events", "", s.Events}, {"plans", "", plans},
		{"total", "", simulatedFields(s.Total)}, {"refused", "", refusedRows(s.Refused)}, {"gone_tiers", "", s.Gone},
	}
	return Document{JSON: all, CSV: plans, Text: func(t *Text) {
		for _, tier := range s.Gone {
			var now string
			if i := slices.IndexFunc(s.Plans, func(p simulate.PlanResult) bool { return p.Tier == tier }); i >= 0 {
				now = s.Plans[i].PlanNow
			}
			t.Warning("the file has no plan of the tier %s: who was on it is on %s", tier, now)
		}
		if len(s.Plans) == 0 {
			t.Note("nobody used anything in %s, and nobody had a subscription", s.Month)
			return
		}
		t.table(simulationTable(s))
		t.Note("%s of %s replayed; then as it was, now as the files say", failure.Counted(s.Events, "event"), s.Month)
		if len(s.Refused) > 0 {
			t.Gap()
			t.Title("Who would have been refused")
		}
		t.refused(s.Refused, 10)
	}}
}

// simulationTable has two lines for each plan: what was, and what would have been.
func simulationTable(s simulate.Result) table {
	type line struct {
		plan           span
		when           string
		users, refused string
		figures        simulate.Figures
	}
	var lines []line
	for _, p := range s.Plans {
		now := ""
		if p.PlanNow != p.Plan {
			now = "  " + p.PlanNow
		}
		lines = append(lines, line{text(p.Plan), "then", Count(p.Users), "", p.Then},
			line{text(now), "now", "", Count(p.RefusedCalls), p.Now})
	}
	lines = append(lines, line{strong.of("TOTAL"), "then", Count(s.Total.Users), "", s.Total.Then},
		line{text(""), "now", "", Count(s.Total.RefusedCalls), s.Total.Now})
	return rowsOf(lines, func(l line) fields {
		return append(fields{
			{"plan", "PLAN", shown(name(""), l.plan)},
			{"when", "", shown("", dim.of(l.when))},
			{"users", "USERS", shownAs(number, "", text(l.users))},
			{"refused", "REFUSED", shownAs(number, "", text(l.refused))},
		}, figureFields(l.figures)...)
	}).table("plan when users refused fees overage revenue cost margin")
}

func refusedRows(refused []simulate.UserResult) rows {
	return rowsOf(refused, func(u simulate.UserResult) fields {
		return fields{
			{"user_id", "USER", name(u.UserID)},
			{"plan", "", u.Plan},
			{"plan_now", "PLAN", u.PlanNow},
			{"calls", "CALLS", u.Calls},
			{"cost", "COST", u.Cost},
			{"first_limit", "FIRST BY", shown(u.Limit, text(u.Limit+" ("+strings.ReplaceAll(string(u.Reason), "_", " ")+")"))},
			{"first_reason", "", u.Reason},
			{"first_at", "FIRST AT", u.At},
		}
	})
}

// SimulatedRefusals shows who would have been refused, the most first.
func SimulatedRefusals(s simulate.Result) Document {
	list := refusedRows(s.Refused)
	return Document{JSON: list, CSV: list, Text: func(t *Text) { t.refused(s.Refused, len(s.Refused)) }}
}

func (t *Text) refused(refused []simulate.UserResult, most int) {
	t.list(refusedRows(refused[:min(most, len(refused))]), "", "nobody would have been refused")
	if more := len(refused) - most; more > 0 {
		t.Note("%s more: --refused lists them all", failure.Counted(more, "user"))
	}
}
