// Package dashboard shows reports as HTML pages with charts, to be sent to someone.
package dashboard

import (
	_ "embed" // the template and its style
	"fmt"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/usage"
)

//go:embed dashboard.html
var template string

//go:embed dashboard.css
var css string

// Revenue shows what was billed, what it cost and what is left, with so many users at
// most. The company is who it is about; it may be "".
func Revenue(r billing.Revenue, company string, top int) page.Page {
	month := r.Month.Format("January 2006")
	p := revenuePage{Title: "Revenue in " + month, Company: report.Visible(company), Month: month,
		MonthText: report.Month(r.Month), AsOf: report.Time(r.AsOf),
		History: historyOf(r.Months), Unpaid: unpaidOf(r.Unpaid), Near: nearOf(r.Near, top), Idle: idleOf(r.Idle, top)}
	if r.Sum.Bills > 0 {
		p.Figures, p.Parts = figuresOf(r), partsOf(r.Sum)
		p.Breakdowns = []breakdown{
			breakdownOf("plans", "By plan", "Plan", "", r.Plans, r.Sum, len(r.Plans), "plan"),
			breakdownOf("users", "By user", "User", usersLead(r, top), r.Users, r.Sum, top, "user"),
		}
		p.Providers = providersOf(r)
		if n := r.Sum.Unpriced; n > 0 {
			p.Unpriced = failure.Counted(n, "call") + " had no price when the bills were written: the cost is without them."
		}
		if n := r.Sum.Estimated; n != 0 {
			p.Estimated = "Of the usage on these bills, " + report.EstimatedShare(n, r.Sum.Calls) + ", " +
				r.Sum.EstimatedCost.Display() + " of the cost."
		}
	}
	return page.New(template, css, p)
}

func usersLead(r billing.Revenue, top int) string {
	if len(r.Users) > top {
		return fmt.Sprintf("The %d with the highest revenue of %s.", top, failure.Counted(len(r.Users), "user"))
	}
	return ""
}

// figuresOf are the four figures that come first.
func figuresOf(r billing.Revenue) []namedFigure {
	var before billing.MonthSums
	if n := len(r.Months); n > 1 {
		before = r.Months[n-2]
	}
	margin := "of nothing"
	if p, ok := report.PercentOf(r.Sum.Margin(), r.Sum.Revenue()); ok {
		margin = minusSign(p) + "% of the revenue"
	}
	unpaid := failure.Counted(r.Unpaid.Sum.Bills, "bill") + ", "
	if late := r.Unpaid.Sum.Bills - r.Unpaid.Ages[billing.NotDue].Bills; late > 0 {
		unpaid += report.Count(int64(late)) + " overdue"
	} else {
		unpaid += "none overdue"
	}
	return []namedFigure{
		{"Revenue", cents(r.Sum.Revenue()), compared(r.Sum.Revenue(), before.Revenue, before)},
		{"Cost", cents(r.Sum.Cost), compared(r.Sum.Cost, before.Cost, before)},
		{"Margin", cents(r.Sum.Margin()), margin},
		{"Unpaid now", cents(r.Unpaid.Sum.Amount), unpaid},
	}
}

// compared says how an amount differs from that of the month before.
func compared(now, then pricing.Total, before billing.MonthSums) string {
	if before.Bills == 0 {
		return "the first month"
	}
	name := before.Month.Format("January")
	p, ok := report.PercentOf(now.Sub(then), then)
	switch {
	case now.Cmp(then) == 0:
		return "as in " + name
	case !ok || len(p) > len("999.9"): // no percentage that says anything
		return minusSign(then.NearestCent().Display()) + " in " + name
	case now.Cmp(then) > 0:
		p = "+" + p
	}
	return minusSign(p) + "% on " + name
}

func rowOf(name string, bills int, revenue, cost pricing.Total) moneyRow {
	margin := revenue.Sub(cost)
	row := moneyRow{Name: name, Bills: report.Count(int64(bills)), Revenue: cents(revenue), Cost: cents(cost),
		Margin: cents(margin), Percent: report.Dash}
	if p, ok := report.PercentOf(margin, revenue); ok {
		row.Percent = minusSign(p) + "%"
	}
	return row
}

// historyOf shows the months from the first with a bill on; one alone is no history.
func historyOf(months []billing.MonthSums) *historyPage {
	for len(months) > 0 && months[0].Bills == 0 {
		months = months[1:]
	}
	if len(months) < 2 {
		return nil
	}
	h := &historyPage{Charts: []monthChart{chartOfMonths(months, false), chartOfMonths(months, true)}}
	for i := range months {
		m := months[len(months)-1-i]
		h.Rows = append(h.Rows, rowOf(m.Month.Format("Jan 2006"), m.Bills, m.Revenue, m.Cost))
	}
	return h
}

func partsOf(s billing.Sums) *partsPage {
	return &partsPage{Sum: cents(s.Revenue()), Rows: []namedFigure{
		{Name: "Fees and changes of plan", Value: cents(s.Fees)},
		{Name: "Overage", Value: cents(s.Overage)},
		{Name: "Corrections of earlier periods", Value: cents(s.Adjustments)},
		{Name: "Credits used up, or carried over", Value: neutral(s.Credits)},
		{Name: "Rounding", Value: neutral(s.Rounding)},
	}}
}

func unpaidOf(a billing.Ageing) *unpaidPage {
	if a.Sum.Bills == 0 {
		return nil
	}
	u := &unpaidPage{Bills: report.Count(int64(a.Sum.Bills)), Amount: cents(a.Sum.Amount)}
	var most pricing.Total
	for _, sum := range a.Ages {
		most = larger(most, sum.Amount)
	}
	classes := [billing.AgeCount]string{"revenue", "late", "late", "old", "old"}
	names := [billing.AgeCount]string{"Not due yet", "1–30 days", "31–60 days", "61–90 days", "Over 90 days"}
	for i, sum := range a.Ages {
		u.Rows = append(u.Rows, unpaidRow{names[i], barOf(classes[i], sum.Amount, most),
			report.Count(int64(sum.Bills)), cents(sum.Amount)})
	}
	return u
}

// breakdownOf shows the first of some shares, and what the others add up to.
func breakdownOf(id, title, column, lead string, shares []billing.Share, sum billing.Sums, top int,
	thing string) breakdown {
	b := breakdown{ID: id, Title: title, Column: column, Lead: lead, Legend: id == "plans",
		Sum: rowOf("", sum.Bills, sum.Revenue(), sum.Cost)}
	most := mostOf(shares)
	var rest billing.Share
	for i, s := range shares {
		if i >= top {
			rest.Bills += s.Bills
			rest.Fees, rest.Cost = rest.Fees.Add(s.Revenue()), rest.Cost.Add(s.Cost)
			continue
		}
		row := rowOf(report.Visible(s.Key), s.Bills, s.Revenue(), s.Cost)
		row.Bars = []page.Bar{barOf("revenue", s.Revenue(), most), barOf("cost", s.Cost, most)}
		b.Rows = append(b.Rows, row)
	}
	if others := len(shares) - top; others > 0 {
		b.Rows = append(b.Rows, rowOf("and "+failure.Counted(others, thing)+" more", rest.Bills, rest.Revenue(), rest.Cost))
	}
	return b
}

// mostOf returns the largest amount that a bar has to show.
func mostOf(shares []billing.Share) pricing.Total {
	var most pricing.Total
	for _, s := range shares {
		most = larger(most, larger(s.Revenue(), s.Cost))
	}
	return most
}

func larger(a, b pricing.Total) pricing.Total {
	if b.Cmp(a) > 0 {
		return b
	}
	return a
}

func providersOf(r billing.Revenue) *breakdown {
	b := &breakdown{Sum: rowOf("", r.Sum.Bills, r.Sum.Revenue(), r.Sum.Cost)}
	var most pricing.Total
	for _, s := range r.Providers {
		most = larger(most, s.Cost)
	}
	for _, s := range r.Providers {
		row := rowOf(report.Visible(s.Key), s.Bills, s.Revenue(), s.Cost)
		row.Percent = report.Dash
		if p, ok := report.PercentOf(s.Cost, r.Sum.Cost); ok {
			row.Percent = minusSign(p) + "%"
		}
		row.Bars = []page.Bar{barOf("cost", s.Cost, most)}
		if s.Key == "" {
			row.Name, row.Bars, row.Percent = "Fees, credits, rounding", nil, ""
		}
		b.Rows = append(b.Rows, row)
	}
	return b
}

func nearOf(near []usage.Near, top int) *listed[nearRow] {
	return listOf(near, top, "limit", func(n usage.Near) nearRow {
		perMille, _ := n.PerMille()
		bar := page.Bar{Class: "meter", Width: int(min(perMille, 1000) / 10), Track: true}
		if perMille >= 1000 {
			bar.Class = "meter full"
		}
		return nearRow{User: report.Visible(n.UserID), Plan: report.Visible(n.PlanName), Limit: report.Visible(n.Limit.Name),
			Used: report.Amount(n.Limit.Meter, n.Used), Max: report.Maximum(n.Limit), Percent: fmt.Sprintf("%d%%", perMille/10),
			Until: page.Day(n.Period.End), Bar: bar}
	})
}

func idleOf(idle []billing.Idle, top int) *listed[idleRow] {
	return listOf(idle, top, "user", func(i billing.Idle) idleRow {
		return idleRow{User: report.Visible(i.UserID), Plan: report.Visible(i.PlanName), Period: page.Days(i.Period),
			Fee: cents(i.Fee), Each: report.PerYear(i.Cycle)}
	})
}

// listOf lists the first of some items; nil where there are none.
func listOf[T, R any](items []T, top int, thing string, row func(T) R) *listed[R] {
	if len(items) == 0 {
		return nil
	}
	list := &listed[R]{}
	for _, item := range items[:min(top, len(items))] {
		list.Rows = append(list.Rows, row(item))
	}
	if others := len(items) - top; others > 0 {
		list.More = "and " + failure.Counted(others, thing) + " more"
	}
	return list
}
