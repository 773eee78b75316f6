package pages

import (
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// verdict is what a customer wants to know first, in a sentence.
type verdict struct {
	State string // its class: ok, near, full
	Text  string
	Note  string
}

// verdictOf says how things stand: what refuses calls comes before what will, and that before what is nearly used up.
func (p *pages) verdictOf(u usage.PeriodUsage, m meters, now time.Time) verdict {
	switch u.Status {
	case plan.Suspended:
		return verdict{"full", "Your subscription is suspended", "Calls are refused until it is resumed. Pay what is " +
			"overdue, or ask us why."}
	case plan.Cancelled, plan.Expired:
		return verdict{"full", "Your subscription has ended", "Calls are refused until you have a plan again."}
	}
	var full, over, soon []string
	var first time.Time
	for _, v := range u.Limits {
		if v.Limit.Unlimited || v.Limit.Max == 0 || v.Limit.Action == plan.Warn {
			continue
		}
		at, runsOut := v.RunsOut(u.Period, now)
		name := title(v.Limit.Name)
		switch {
		case v.Used >= v.Limit.Max && u.Plan.Overage == plan.OverageAllow:
			over = append(over, name)
		case v.Used >= v.Limit.Max:
			full = append(full, name)
		case runsOut:
			soon = append(soon, name)
			if first.IsZero() || at.Before(first) {
				first = at
				soon[0], soon[len(soon)-1] = soon[len(soon)-1], soon[0]
			}
		}
	}
	reset := moment(u.Period.End)
	switch {
	case len(full) > 0:
		return verdict{"full", "Used up: " + few(full), "Calls that count there are refused until " + reset + "."}
	case len(over) > 0:
		return verdict{"near", "Beyond your plan: " + few(over), "Calls go on. What is beyond is billed as overage."}
	case len(soon) > 0:
		return verdict{"near", few(soon[:1]) + " will be used up about " + basis.Day(first),
			"That is the pace since the period began. It starts anew on " + reset + "."}
	case len(m.Used) > 0 && m.Used[0].perMille >= 800:
		return verdict{"near", m.Used[0].Name + ": " + m.Used[0].Percent + " used", "It starts anew on " + reset + "."}
	case u.Sum.Calls == 0 && u.Sum.Errors == 0:
		return verdict{"ok", "Nothing used yet in this period", "It ends on " + reset + "."}
	}
	return verdict{"ok", "You are within your plan", "At this pace nothing is used up before " + reset + "."}
}

// few names the first of some things, and how many others there are.
func few(names []string) string {
	if len(names) > 2 {
		return fmt.Sprintf("%s, %s and %d more", names[0], names[1], len(names)-2)
	}
	return words(names)
}

// figuresOf are the figures that come first.
func (p *pages) figuresOf(c *web.Call, u usage.PeriodUsage, m meters, bills []billing.Bill) ([]fact, error) {
	left := u.Period.End.Sub(c.Now)
	resets := fact{"Resets in", failure.Counted(int64((left+day-1)/day), "day"), "on " + moment(u.Period.End)}
	if left < day {
		resets.Value = failure.Counted(int64((left+time.Hour-1)/time.Hour), "hour")
	}
	fullest := fact{"Most used limit", report.Dash, "none is used yet"}
	if len(m.Used) > 0 && m.Used[0].Percent != "" {
		fullest.Value, fullest.Note = m.Used[0].Percent, m.Used[0].Name
	}
	calls := fact{"Calls", report.Count(u.Sum.Calls), "in this period"}
	if u.Sum.Errors > 0 {
		calls.Note += ", and " + report.Count(u.Sum.Errors) + " failed"
	}
	figures := []fact{fullest, resets, calls}
	if p.ShowCost {
		figures = append(figures, fact{"Cost of usage", cents(u.Sum.Cost), "in this period"})
	}
	_, running, err := c.Billing.Expected(c.Context(), u.UserID, c.Now)
	next := fact{"Next bill, so far", cents(running.Total), "on " + moment(u.Period.End)}
	if running.Total == 0 {
		next.Note = "nothing is charged"
	}
	figures = append(figures, next)
	if owed, ok := owed(bills, c.Now); ok {
		figures = append(figures, owed)
	}
	return figures, err
}

// owed is what is to be paid, and whether that is anything.
func owed(bills []billing.Bill, now time.Time) (fact, bool) {
	var sum pricing.Total
	var due time.Time
	count := 0
	for _, b := range bills {
		if b.Status.Unpaid() && b.Total > 0 {
			sum = sum.Add(pricing.TotalOf(b.Total))
			if count++; due.IsZero() || b.DueAt.Before(due) {
				due = b.DueAt
			}
		}
	}
	note := "due " + basis.Day(due)
	if due.Before(now) {
		note = "overdue since " + basis.Day(due)
	}
	if count > 1 {
		note = failure.Counted(count, "bill") + ", the first " + note
	}
	return fact{"To pay", sum.NearestCent().Display(), note}, count > 0
}

// cents writes what is charged.
func cents(u pricing.USD) string { return pricing.TotalOf(u).NearestCent().Display() }
