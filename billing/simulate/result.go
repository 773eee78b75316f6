package simulate

import (
	"cmp"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Result is what a month would have been with other plans or prices, beside what it was.
type Result struct {
	Month   plan.Month
	Events  int64        // that were replayed
	Plans   []PlanResult // those that somebody was on, in the order of the plans
	Total   PlanResult   // of all plans; who was on two of them is one user
	Refused []UserResult // who would have been refused something, the most first
	Gone    []string     // tiers that the file does not have: the default plan took their place
}

// PlanResult is what a month was for those on a plan, and what it would have been.
type PlanResult struct {
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

// UserResult is what one user would have been refused.
type UserResult struct {
	UserID  string
	Plan    string // what the user was on at the first refusal
	PlanNow string
	Calls   int64
	Cost    pricing.Total
	Limit   string // which limit refused first
	Reason  usage.Reason
	At      time.Time // when
}

// planRow is a row under way.
type planRow struct {
	PlanResult
	position int
}

// finish sums the rows up and brings them into their order.
func (run *simulation) finish() Result {
	result := run.result
	rows := make([]*planRow, 0, len(run.rows))
	for _, row := range run.rows {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *planRow) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.Tier, b.Tier))
	})
	for _, row := range rows {
		result.Plans = append(result.Plans, row.PlanResult)
		t := &result.Total
		t.Then, t.Now = t.Then.add(row.Then), t.Now.add(row.Now)
		t.RefusedCalls += row.RefusedCalls
		t.RefusedCost = t.RefusedCost.Add(row.RefusedCost)
	}
	result.Total.RefusedUsers = int64(len(result.Refused))
	slices.SortFunc(result.Refused, func(a, b UserResult) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.UserID, b.UserID))
	})
	slices.Sort(result.Gone)
	return result
}
