package billing

import (
	"cmp"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Simulation is what a month would have been with other plans or prices, beside
// what it was.
type Simulation struct {
	Month   usage.Month
	Events  int64           // that were replayed
	Plans   []SimulatedPlan // those that somebody was on, in the order of the plans
	Total   SimulatedPlan   // of all plans; who was on two of them is one user
	Refused []SimulatedUser // who would have been refused something, the most first
	Gone    []string        // tiers that the file does not have: the default plan took their place
}

// SimulatedPlan is what a month was for those on a plan, and what it would have been.
type SimulatedPlan struct {
	Plan         string // the name of the plan that they were on
	Tier         string
	PlanNow      string // the name of the plan that took its place
	Users        int64
	Then, Now    Figures
	RefusedUsers int64
	RefusedCalls int64         // that were made, and now would be refused
	RefusedCost  pricing.Total // what they would cost at the prices of now
}

// Figures are what is earned and spent.
type Figures struct {
	Fees    pricing.Total
	Overage pricing.Total
	Cost    pricing.Total
}

// Revenue returns the fees and the overage together.
func (f Figures) Revenue() pricing.Total { return f.Fees.Add(f.Overage) }

// Margin returns what is left of the revenue after the cost; it may be negative.
func (f Figures) Margin() pricing.Total { return f.Revenue().Sub(f.Cost) }

func (f Figures) add(g Figures) Figures {
	return Figures{f.Fees.Add(g.Fees), f.Overage.Add(g.Overage), f.Cost.Add(g.Cost)}
}

// SimulatedUser is what one user would have been refused.
type SimulatedUser struct {
	UserID  string
	Plan    string // what the user was on at the first refusal
	PlanNow string
	Calls   int64
	Cost    pricing.Total
	Limit   string // which limit refused first
	Reason  usage.Reason
	At      time.Time // when
}

// simulatedRow is a row under way.
type simulatedRow struct {
	SimulatedPlan
	position int
}

// finish sums the rows up and brings them into their order.
func (run *simulating) finish() Simulation {
	result := run.result
	rows := make([]*simulatedRow, 0, len(run.rows))
	for _, row := range run.rows {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *simulatedRow) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.Tier, b.Tier))
	})
	for _, row := range rows {
		result.Plans = append(result.Plans, row.SimulatedPlan)
		t := &result.Total
		t.Then, t.Now = t.Then.add(row.Then), t.Now.add(row.Now)
		t.RefusedCalls += row.RefusedCalls
		t.RefusedCost = t.RefusedCost.Add(row.RefusedCost)
	}
	result.Total.RefusedUsers = int64(len(result.Refused))
	slices.SortFunc(result.Refused, func(a, b SimulatedUser) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.UserID, b.UserID))
	})
	slices.Sort(result.Gone)
	return result
}
