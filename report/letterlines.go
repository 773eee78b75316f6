package report

import (
	"fmt"
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// groupsOf sorts the lines of a bill by what they are for; the rounding stands with the
// sums.
func groupsOf(b billing.Bill) []letterGroup {
	groups := []letterGroup{
		{Title: "Fees and changes of plan"},
		{Title: "Usage", Note: "Included in the " + Visible(b.PlanName) + " plan: shown at cost, not billed."},
		{Title: "Beyond the plan", Note: overageNote(b.Terms)},
		{Title: "Corrections of earlier periods", Note: "Usage that became known, or was priced anew, after its period was billed."},
		{Title: "Credit"},
	}
	place := map[billing.LineKind]int{billing.Fee: 0, billing.Proration: 0, billing.Usage: 1, billing.Overage: 2, billing.Adjustment: 3,
		billing.Credit: 4, billing.Carried: 4}
	single, folds := foldedCorrections(b.Lines)
	for _, l := range single {
		if i, ok := place[l.Kind]; ok {
			row := rowOfLine(l)
			groups[i].Rows = append(groups[i].Rows, row)
			groups[i].Usage = groups[i].Usage || row.Cost != ""
		}
	}
	if len(folds) > 0 {
		late := &groups[3]
		late.Rows, late.Usage, late.Note = append(late.Rows, folds...), true, late.Note+" What is included is added up: details on request."
	}
	var filled []letterGroup
	for _, g := range groups {
		if len(g.Rows) > 0 {
			filled = append(filled, g)
		}
	}
	return filled
}

// foldedCorrections puts the corrections of a period that change nothing of what is to be
// paid into one row, where there are several: nobody reads eight lines of nothing. All
// other lines stay.
func foldedCorrections(lines []billing.Line) (single []billing.Line, folds []letterRow) {
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
			folds = append(folds, foldOf(included[p]))
		}
	}
	return single, folds
}

func foldOf(lines []billing.Line) letterRow {
	cost := pricing.Total{}
	for _, l := range lines {
		cost = cost.Add(pricing.TotalOf(l.Usage.Cost))
	}
	return letterRow{Name: Counted(len(lines), "correction") + " of usage within the plan", Note: daysOf(lines[0].Period), Cost: cost.Display(), Amount: "included"}
}

func overageNote(t *billing.Terms) string {
	note := "The part of the usage above that went beyond the limits of the plan."
	if t != nil && t.MarkupMillionths > 0 {
		note += " Billed at cost plus " + plan.Plan{MarkupMillionths: t.MarkupMillionths}.MarkupText() + "."
	}
	return note
}

func rowOfLine(l billing.Line) letterRow {
	row := letterRow{Name: Visible(l.Description), Amount: l.Amount.Display()}
	switch l.Kind {
	case billing.Fee, billing.Proration:
		row.Note = daysOf(l.Period)
	case billing.Adjustment:
		row.Name = Visible(strings.TrimSpace(l.Provider + " " + l.Model)) // the description names the days another way
		fallthrough
	case billing.Usage, billing.Overage:
		if row.Used = usedOf(l); len(row.Used) > 0 || l.Usage.Cost != 0 {
			row.Cost = l.Usage.Cost.Display()
		}
		row.Note = notesOn(l)
		if l.Kind == billing.Adjustment {
			row.Note = daysOf(l.Period)
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
	for _, q := range pricing.AllQuantities() {
		n := l.Usage.Quantities[q]
		if q == pricing.Requests {
			n = l.Usage.Calls
		}
		prices := strings.Join(unitPrices(l.Prices, q), ", ")
		if n == 0 && (q != pricing.Requests || l.Usage.Errors == 0) && (prices == "" || l.Usage.Calls == 0 || !q.OneEachCall()) {
			continue
		}
		text := quantityName(q, n)
		if n == 0 && q.OneEachCall() {
			text = quantityNames(q) // their number is that of the calls that were charged
		}
		if strings.HasPrefix(prices, "from ") {
			text += ", " + prices
		} else if prices != "" {
			text += " at " + prices
		}
		list = append(list, text)
	}
	return list
}

func quantityName(q pricing.Quantity, n int64) string {
	if q == pricing.CachedInputTokens {
		return "of them " + count(n) + " cached"
	}
	if n == 1 {
		return "1 " + quantityWord(q)
	}
	return count(n) + " " + quantityNames(q)
}

func quantityWord(q pricing.Quantity) string {
	return [pricing.QuantityCount]string{"call", "input token", "output token", "cached input token", "image", "search", "page", "character", "second"}[q]
}

func quantityNames(q pricing.Quantity) string {
	if q == pricing.Searches {
		return "searches"
	}
	return quantityWord(q) + "s"
}

// unitPrices writes the prices of a quantity within the period of a line: the first, and
// each that was another one later.
func unitPrices(prices []billing.UnitPrice, q pricing.Quantity) []string {
	var texts []string
	last := ""
	for i, p := range prices {
		rate, ok := p.Rates[q.Unit()]
		text := ""
		if ok {
			text = rateForPeople(q, rate)
		}
		if text == last {
			continue
		}
		last = text
		if i > 0 {
			if text == "" {
				text = "free"
			}
			text = "from " + p.From.UTC().Format("2 Jan") + " " + text
		}
		texts = append(texts, text)
	}
	return texts
}

// rateForPeople writes a unit price; of what is used by the thousand for a million.
func rateForPeople(q pricing.Quantity, rate pricing.USD) string {
	switch q {
	case pricing.InputTokens, pricing.OutputTokens, pricing.CachedInputTokens, pricing.Characters:
		if million, err := rate.Times(1_000_000); err == nil {
			return million.Display() + " per 1M"
		}
	}
	return rate.Display() + " each"
}

// notesOn says what is to be known about the prices of a line, and what had none.
func notesOn(l billing.Line) string {
	notes := notesOnPrices(l)
	if n := l.Usage.Unpriced; n != 0 {
		notes = strings.TrimPrefix(notes+". ", ". ") + Counted(n, "call") + " without a price so far, counted as $0.00"
	}
	return notes
}

func notesOnPrices(l billing.Line) string {
	var notes []string
	for _, p := range l.Prices {
		if a := p.Above; a != nil {
			notes = append(notes, fmt.Sprintf("Calls of more than %s input tokens: %s input, %s output", count(a.OverInputTokens),
				rateForPeople(pricing.InputTokens, a.InputToken), rateForPeople(pricing.OutputTokens, a.OutputToken)))
		}
		if p.Basis == pricing.Default {
			notes = append(notes, "At the price of the provider's default model")
		}
	}
	return strings.Join(compact(notes), ". ")
}

// compact drops what was said before.
func compact(texts []string) []string {
	var once []string
	seen := map[string]bool{}
	for _, t := range texts {
		if !seen[t] {
			seen[t] = true
			once = append(once, t)
		}
	}
	return once
}
