package statement

import (
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/usage"
)

// groupsOf sorts the lines of a bill by what they are for; the rounding stands with the sums.
func groupsOf(b billing.Bill, withCost bool) []group {
	groups := []group{
		{Title: "Fees and changes of plan"},
		{Title: "Usage", Note: "Included in the " + report.Visible(b.PlanName) + " plan, and not billed."},
		{Title: "Beyond the plan", Note: "The part of the usage above that went beyond the limits of the plan."},
		{Title: "Corrections of earlier periods",
			Note: "Usage that became known, or was priced anew, after its period was billed."},
		{Title: "Credit"},
	}
	if withCost {
		groups[1].Note = "Included in the " + report.Visible(b.PlanName) + " plan: shown at cost, not billed."
		groups[2].Note += markupNote(b.Terms)
	}
	place := map[billing.LineKind]int{billing.Fee: 0, billing.Proration: 0, billing.Usage: 1, billing.Overage: 2,
		billing.Adjustment: 3,
		billing.Credit:     4, billing.Carried: 4}
	if !withCost { // what has only another cost now is no news for a customer
		b.Lines = slices.DeleteFunc(slices.Clone(b.Lines), func(l billing.Line) bool {
			l.Usage.Cost, l.Usage.Unpriced, l.Usage.EstimatedCost = 0, 0, 0
			return l.Kind == billing.Adjustment && l.Amount == 0 && l.Usage == (usage.Amounts{})
		})
	}
	single, folds := mergedCorrections(b.Lines)
	for _, l := range single {
		if i, ok := place[l.Kind]; ok {
			row := rowOfLine(l, withCost)
			groups[i].Rows = append(groups[i].Rows, row)
			groups[i].Usage = groups[i].Usage || row.Cost != ""
		}
	}
	if len(folds) > 0 {
		late := &groups[3]
		for i := range folds {
			if !withCost {
				folds[i].Cost = ""
			}
			late.Usage = late.Usage || withCost
		}
		late.Rows = append(late.Rows, folds...)
		late.Note += " What is included is added up: details on request."
	}
	var filled []group
	for _, g := range groups {
		if len(g.Rows) > 0 {
			filled = append(filled, g)
		}
	}
	return filled
}

// mergedCorrections puts the corrections of a period that change nothing of what is to be paid into one row, where
// there are several: nobody reads eight lines of nothing. All other lines stay.
func mergedCorrections(lines []billing.Line) (single []billing.Line, folds []row) {
	included := map[plan.Period][]billing.Line{}
	var order []plan.Period
	for _, l := range lines {
		if l.Kind == billing.Adjustment && l.Amount == 0 {
			if included[l.Period] == nil {
				order = append(order, l.Period)
			}
			included[l.Period] = append(included[l.Period], l)
		}
	}
	for _, l := range lines {
		if l.Kind != billing.Adjustment || l.Amount != 0 || len(included[l.Period]) == 1 {
			single = append(single, l)
		}
	}
	for _, p := range order {
		if len(included[p]) > 1 {
			folds = append(folds, mergeCorrections(included[p]))
		}
	}
	return single, folds
}

func mergeCorrections(lines []billing.Line) row {
	cost := pricing.Total{}
	for _, l := range lines {
		cost = cost.Add(pricing.TotalOf(l.Usage.Cost))
	}
	return row{Name: failure.Counted(len(lines), "correction") + " of usage within the plan",
		Note: page.Days(lines[0].Period), Cost: cost.Display(), Amount: "included"}
}

// markupNote says by which mark-up what is beyond a plan is billed: of a plan alone that held for all of the period.
func markupNote(t *billing.Terms) string {
	if t == nil || t.MarkupMillionths == 0 || len(t.Parts) > 0 {
		return ""
	}
	markup := plan.Plan{Figures: plan.Figures{MarkupMillionths: t.MarkupMillionths}}
	return " Billed at cost plus " + markup.MarkupText() + "."
}

func rowOfLine(l billing.Line, withCost bool) row {
	if !withCost {
		l.Usage.Cost, l.Usage.Unpriced, l.Usage.EstimatedCost, l.Prices, l.Charges = 0, 0, 0, nil, nil
	}
	row := row{Name: report.Visible(l.Description), Amount: l.Amount.Display()}
	switch l.Kind {
	case billing.Fee, billing.Proration:
		row.Note = page.Days(l.Period)
	case billing.Adjustment:
		row.Name = report.Visible(strings.TrimSpace(l.Provider + " " + l.Model)) // the description names the days another way
		fallthrough
	case billing.Usage, billing.Overage:
		if row.Used = usedOf(l); withCost && (len(row.Used) > 0 || l.Usage.Cost != 0) {
			row.Cost = l.Usage.Cost.Display()
		}
		row.Note = notesOn(l)
		if l.Kind == billing.Adjustment {
			row.Note = page.Days(l.Period)
		}
		if l.Kind != billing.Overage && l.Amount == 0 {
			row.Amount = "included"
		}
	}
	return row
}

// usedOf lists what was used, each with what one unit cost from when on.
func usedOf(l billing.Line) []string {
	var list []string
	for q := range pricing.QuantityCount {
		n := l.Usage.Quantities[q]
		if q == pricing.Requests {
			n = l.Usage.Calls
		}
		charged := report.ChargedFor(l.Charges, q)
		prices := strings.Join(report.UnitPrices(l.Prices, q), ", ")
		if l.Charges != nil {
			prices = ""
		}
		if n == 0 && len(charged) == 0 && (q != pricing.Requests || l.Usage.Errors == 0) &&
			(prices == "" || l.Usage.Calls == 0 || !q.OneEachCall()) {
			continue
		}
		text := quantityName(q, n)
		if n == 0 && q.OneEachCall() {
			text = report.QuantityNames(q) // their number is that of the calls that were charged
		}
		if strings.HasPrefix(prices, "from ") {
			text += ", " + prices
		} else if prices != "" {
			text += " at " + prices
		}
		list = append(list, text+chargedText(q, n, charged))
	}
	return list
}

// chargedText writes, after an amount, at which prices it was charged and what that cost: how much at each, where it is
// not all at one.
func chargedText(q pricing.Quantity, n int64, charged []report.Charged) string {
	var parts []string
	for _, c := range charged {
		part := c.Price + " (" + c.Cost.Display() + ")"
		if strings.HasPrefix(part, "$") {
			part = "at " + part
		}
		if len(charged) == 1 && c.Amount == n {
			return " " + part
		}
		parts = append(parts, report.CountOf(q, c.Amount)+" "+part)
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

func quantityName(q pricing.Quantity, n int64) string {
	if _, isPart := q.Total(); isPart {
		return "of them " + report.Count(n) + " " + q.PartName()
	}
	count := report.CountOf(q, n)
	if count == "1" {
		return "1 " + report.QuantityName(q)
	}
	return count + " " + report.QuantityNames(q)
}

// notesOn says what is to be known about the prices of a line, and what had none.
func notesOn(l billing.Line) string {
	notes := report.PriceNotes(l)
	if n := l.Usage.Unpriced; n != 0 {
		notes = strings.TrimPrefix(notes+". ", ". ") + failure.Counted(n, "call") +
			" without a price so far, counted as $0.00"
	}
	if n := l.Usage.Estimated; n != 0 {
		notes = strings.TrimPrefix(notes+". ", ". ") + report.Count(n) + " of the calls estimated"
	}
	return notes
}
