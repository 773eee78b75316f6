package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
)

// billPrices writes what one unit cost of all that is on a bill and has a price, with how much was used at it and what
// that came to, as far as the bill has it. It stands below the lines, which have no room for it.
func (t *Text) billPrices(b billing.Bill) {
	tb := table{columns: []column{
		{title: "UNIT PRICES", kind: names}, {}, {kind: names}, {title: "USED", kind: number}, {title: "COST", kind: money},
	}}
	for _, l := range b.Lines {
		of := lineText(l)
		add := func(what, price, used, cost string) {
			tb.rows = append(tb.rows, []span{text(of), text(what), text(price), text(used), text(cost)})
			of = ""
		}
		for q := range pricing.QuantityCount {
			for _, c := range ChargedFor(l.Charges, q) {
				add(QuantityNames(q), c.Price, CountOf(q, c.Amount), c.Cost.Display())
			}
			used := l.Usage.Quantities[q] != 0 || l.Usage.Calls != 0 && (q == pricing.Requests || q.OneEachCall())
			if prices := UnitPrices(l.Prices, q); l.Charges == nil && used && len(prices) > 0 {
				add(QuantityNames(q), strings.Join(prices, ", "), "", "")
			}
		}
		if notes := PriceNotes(l); of == "" && notes != "" {
			add("note", notes, "", "")
		}
	}
	if len(tb.rows) > 0 {
		t.Gap()
		t.table(tb)
	}
}

// QuantityName names one of a quantity: "input token".
func QuantityName(q pricing.Quantity) string {
	if q == pricing.Requests {
		return "call"
	}
	return strings.ReplaceAll(q.Unit(), "_", " ")
}

// QuantityNames names several of a quantity: "input tokens".
func QuantityNames(q pricing.Quantity) string {
	if q == pricing.Searches {
		return "searches"
	}
	return QuantityName(q) + "s"
}

// mostPrices is how many different prices of one thing a bill lists. Of more it says the range.
const mostPrices = 4

// UnitPrices writes the prices of a quantity within the period of a line, each once: from when on it held, unless it
// came again after another one, as hourly prices do.
func UnitPrices(prices []billing.UnitPrice, q pricing.Quantity) []string {
	var texts []string
	last, again := "", false
	first := map[string]time.Time{}
	lowest, highest := pricing.USD(math.MaxInt64), pricing.USD(0)
	for i, p := range prices {
		rate, ok := p.Rates[q.Unit()]
		text := ""
		if ok {
			text = UnitPrice(q, rate)
		}
		lowest, highest = min(lowest, rate), max(highest, rate)
		if text == last {
			continue
		}
		if last = text; text == "" && i > 0 {
			text = "free"
		}
		if _, known := first[text]; known {
			again = true
			continue
		}
		first[text] = p.From
		texts = append(texts, text)
	}
	if len(texts) > mostPrices {
		return []string{fmt.Sprintf("%s to %s, in %d different prices that an export lists", UnitPrice(q, lowest),
			UnitPrice(q, highest), len(texts))}
	}
	for i, text := range texts {
		if dated := i > 0 || text != "" && len(prices) > 0 && !first[text].Equal(prices[0].From); dated && !again {
			texts[i] = "from " + first[text].UTC().Format("2 Jan") + " " + text
		}
	}
	return texts
}

// UnitPrice writes a unit price; of what is used by the thousand for a million.
func UnitPrice(q pricing.Quantity, rate pricing.USD) string {
	if q.PerMillion() {
		if million, err := rate.Times(1_000_000); err == nil {
			return million.Display() + " per 1M"
		}
	}
	return rate.Display() + " each"
}

// PriceNotes says what is to be known about the prices of a line.
func PriceNotes(l billing.Line) string {
	var notes []string
	add := func(note string) {
		if !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	whose := func(basis pricing.Basis, model string) {
		if basis == pricing.Default {
			add("At the price of the provider's default model")
		}
		if model != "" {
			add("At the price of " + model)
		}
	}
	if l.Charges != nil {
		for _, c := range l.Charges {
			whose(c.Basis, c.Model)
		}
		return strings.Join(notes, ". ")
	}
	for _, p := range l.Prices {
		if a := p.Above; a != nil {
			add(fmt.Sprintf("Calls of more than %s input tokens: %s input, %s output", Count(a.OverInputTokens),
				UnitPrice(pricing.InputTokens, a.InputToken), UnitPrice(pricing.OutputTokens, a.OutputToken)))
		}
		whose(p.Basis, p.Model)
		var terms pricing.Price
		if p.Terms != "" && terms.SetTerms(p.Terms) == nil && also(terms) != "" {
			add("Also " + also(terms))
		}
	}
	if len(l.Prices) == 0 && l.Usage.Cost != 0 && l.Kind != billing.Overage {
		add("At the cost that the vendor reported")
	}
	return strings.Join(notes, ". ")
}
