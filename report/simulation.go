package report

import (
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type simulationView struct {
	Month     string                 `json:"month"`
	Events    int64                  `json:"events"`
	Plans     []simulatedPlanView    `json:"plans"`
	Total     simulatedFiguresView   `json:"total"`
	Refused   []simulatedRefusalView `json:"refused"`
	GoneTiers []string               `json:"gone_tiers"`
}

type simulatedPlanView struct {
	Plan    string `json:"plan"`
	Tier    string `json:"tier"`
	PlanNow string `json:"plan_now"`
	simulatedFiguresView
}

type simulatedFiguresView struct {
	Users        int64         `json:"users"`
	RefusedUsers int64         `json:"refused_users"`
	RefusedCalls int64         `json:"refused_calls"`
	RefusedCost  pricing.Total `json:"refused_cost"`
	Then         figuresView   `json:"then"`
	Now          figuresView   `json:"now"`
}

type figuresView struct {
	Fees    pricing.Total `json:"fees"`
	Overage pricing.Total `json:"overage"`
	Revenue pricing.Total `json:"revenue"`
	Cost    pricing.Total `json:"cost"`
	Margin  pricing.Total `json:"margin"`
}

type simulatedRefusalView struct {
	UserID  string        `json:"user_id"`
	Plan    string        `json:"plan"`
	PlanNow string        `json:"plan_now"`
	Calls   int64         `json:"calls"`
	Cost    pricing.Total `json:"cost"`
	Limit   string        `json:"first_limit"`
	Reason  usage.Reason  `json:"first_reason"`
	At      moment        `json:"first_at"`
}

func viewFigures(f billing.Figures) figuresView {
	return figuresView{f.Fees, f.Overage, f.Revenue(), f.Cost, f.Margin()}
}

func viewSimulated(p billing.SimulatedPlan) simulatedFiguresView {
	return simulatedFiguresView{p.Users, p.RefusedUsers, p.RefusedCalls, p.RefusedCost, viewFigures(p.Then), viewFigures(p.Now)}
}

func viewSimulatedPlan(p billing.SimulatedPlan) simulatedPlanView {
	return simulatedPlanView{p.Plan, p.Tier, p.PlanNow, viewSimulated(p)}
}

func viewSimulatedRefusal(u billing.SimulatedUser) simulatedRefusalView {
	return simulatedRefusalView{u.UserID, u.Plan, u.PlanNow, u.Calls, u.Cost, u.Limit, u.Reason, moment(u.At)}
}

// Simulation shows what a month was and would have been, by plan.
func Simulation(s billing.Simulation) Document {
	view := simulationView{s.Month.String(), s.Events, listOf(s.Plans, viewSimulatedPlan), viewSimulated(s.Total),
		listOf(s.Refused, viewSimulatedRefusal), append([]string{}, s.Gone...)}
	return Document{JSON: view, CSV: simulationGrid(view.Plans), Text: func(t *Text) error {
		for _, tier := range s.Gone {
			t.Warning("the file has no plan of the tier %s: who was on it is on %s", tier, nowOf(s.Plans, tier))
		}
		if len(s.Plans) == 0 {
			t.Note("nobody used anything in %s, and nobody had a subscription", s.Month)
			return nil
		}
		if err := t.table(simulationTable(view)); err != nil {
			return err
		}
		t.Note("%s of %s replayed; then as it was, now as the files say", Counted(s.Events, "event"), s.Month)
		if len(s.Refused) == 0 {
			t.Note("nobody would have been refused")
			return nil
		}
		t.Gap()
		t.Title("Who would have been refused")
		return refusalsTable(t, s.Refused, 10)
	}}
}

func nowOf(plans []billing.SimulatedPlan, tier string) string {
	for _, p := range plans {
		if p.Tier == tier {
			return p.PlanNow
		}
	}
	return ""
}

func simulationGrid(plans []simulatedPlanView) Grid {
	header := []string{"plan", "tier", "plan_now", "users", "refused_users", "refused_calls", "refused_cost"}
	for _, when := range []string{"then", "now"} {
		for _, figure := range []string{"fees", "overage", "revenue", "cost", "margin"} {
			header = append(header, when+"_"+figure)
		}
	}
	return gridOf(header, plans, func(p simulatedPlanView) []Cell {
		cells := []Cell{TextCell(p.Plan), TextCell(p.Tier), TextCell(p.PlanNow), NumberCell(p.Users), NumberCell(p.RefusedUsers), NumberCell(p.RefusedCalls), MoneyCell(p.RefusedCost)}
		for _, f := range []figuresView{p.Then, p.Now} {
			cells = append(cells, MoneyCell(f.Fees), MoneyCell(f.Overage), MoneyCell(f.Revenue), MoneyCell(f.Cost), MoneyCell(f.Margin))
		}
		return cells
	})
}

// simulationTable has two lines for each plan: what was, and what would have been.
func simulationTable(view simulationView) table {
	tb := table{columns: []column{{"PLAN", names}, {"", words}, {"USERS", number}, {"REFUSED", number}, {"FEES", money}, {"OVERAGE", money}, {"REVENUE", money}, {"COST", money}, {"MARGIN", money}}}
	for _, p := range view.Plans {
		tb.rows = append(tb.rows, figuresRow(p.Plan, "then", Count(p.Users), "", p.Then))
		name := ""
		if p.PlanNow != p.Plan {
			name = "  " + p.PlanNow
		}
		tb.rows = append(tb.rows, figuresRow(name, "now", "", Count(p.RefusedCalls), p.Now))
	}
	t := view.Total
	total := figuresRow("TOTAL", "then", Count(t.Users), "", t.Then)
	total[0] = strong.of("TOTAL")
	tb.rows = append(tb.rows, total, figuresRow("", "now", "", Count(t.RefusedCalls), t.Now))
	return tb
}

func figuresRow(name, when, users, refused string, f figuresView) []span {
	return []span{text(name), dim.of(when), text(users), text(refused), text(f.Fees.Display()), text(f.Overage.Display()), text(f.Revenue.Display()),
		text(f.Cost.Display()), text(f.Margin.Display())}
}

// SimulatedRefusals shows who would have been refused, the most first.
func SimulatedRefusals(s billing.Simulation) Document {
	views := listOf(s.Refused, viewSimulatedRefusal)
	grid := gridOf([]string{"user_id", "plan", "plan_now", "calls", "cost", "first_limit", "first_reason", "first_at"}, s.Refused, func(u billing.SimulatedUser) []Cell {
		return []Cell{TextCell(u.UserID), TextCell(u.Plan), TextCell(u.PlanNow), NumberCell(u.Calls), MoneyCell(u.Cost), TextCell(u.Limit), TextCell(string(u.Reason)), TimeCell(u.At)}
	})
	return listDocument(views, grid, func(t *Text) error {
		if len(s.Refused) == 0 {
			t.Note("nobody would have been refused")
			return nil
		}
		return refusalsTable(t, s.Refused, len(s.Refused))
	})
}

func refusalsTable(t *Text, refused []billing.SimulatedUser, most int) error {
	columns := []column{{"USER", names}, {"PLAN", words}, {"CALLS", number}, {"COST", money}, {"FIRST BY", words}, {"FIRST AT", words}}
	shown := refused[:min(most, len(refused))]
	err := t.table(tableOf(columns, shown, func(u billing.SimulatedUser) []span {
		return []span{text(u.UserID), text(u.PlanNow), text(Count(u.Calls)), text(u.Cost.Display()), text(u.Limit + " (" + strings.ReplaceAll(string(u.Reason), "_", " ") + ")"), text(Time(u.At))}
	}))
	if more := len(refused) - len(shown); more > 0 {
		t.Note("%s more: --refused lists them all", Counted(more, "user"))
	}
	return err
}
