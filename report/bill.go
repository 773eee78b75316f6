package report

import (
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type billLineView struct {
	Kind billing.LineKind `json:"kind"`
	lineFacts
}

// lineFacts are the fields of a line but the first.
type lineFacts struct {
	Description       string            `json:"description"`
	Period            periodView        `json:"period"`
	Provider          *string           `json:"provider"`
	Vendor            *string           `json:"vendor"`
	Model             *string           `json:"model"`
	Calls             int64             `json:"calls"`
	Errors            int64             `json:"errors"`
	UnpricedCalls     int64             `json:"unpriced_calls"`
	InputTokens       int64             `json:"input_tokens"`
	OutputTokens      int64             `json:"output_tokens"`
	CachedInputTokens int64             `json:"cached_input_tokens"`
	Images            int64             `json:"images"`
	Searches          int64             `json:"searches"`
	Pages             int64             `json:"pages"`
	Characters        int64             `json:"characters"`
	Seconds           int64             `json:"seconds"`
	Cost              pricing.USD       `json:"cost"`
	Amount            pricing.USD       `json:"amount"`
	UnitPrices        []billedPriceView `json:"unit_prices"`
}

// billedPriceView is a price that was in force in the period of a line.
type billedPriceView struct {
	EffectiveFrom        moment                 `json:"effective_from"`
	Pricing              pricing.Basis          `json:"pricing"`
	Rates                map[string]pricing.USD `json:"rates"` // for one unit, by its name
	AboveInputTokens     *int64                 `json:"above_input_tokens"`
	AboveInputTokenCost  *pricing.USD           `json:"above_input_token_cost"`
	AboveOutputTokenCost *pricing.USD           `json:"above_output_token_cost"`
}

func viewBillLine(l billing.Line) billLineView {
	q := l.Usage.Quantities
	return billLineView{l.Kind, lineFacts{l.Description, viewPeriod(l.Period), orNull(l.Provider), orNull(l.Vendor), orNull(l.Model), l.Usage.Calls, l.Usage.Errors, l.Usage.Unpriced,
		q[pricing.InputTokens], q[pricing.OutputTokens], q[pricing.CachedInputTokens], q[pricing.Images], q[pricing.Searches], q[pricing.Pages], q[pricing.Characters],
		q[pricing.Seconds], l.Usage.Cost, l.Amount, listOf(l.Prices, viewBilledPrice)}}
}

func viewBilledPrice(u billing.UnitPrice) billedPriceView {
	v := billedPriceView{EffectiveFrom: moment(u.From), Pricing: u.Basis, Rates: u.Rates}
	if a := u.Above; a != nil {
		v.AboveInputTokens, v.AboveInputTokenCost, v.AboveOutputTokenCost = &a.OverInputTokens, &a.InputToken, &a.OutputToken
	}
	return v
}

func billLineHeader() []string {
	return []string{"number", "line", "kind", "description", "period_start", "period_end", "provider", "vendor", "model", "calls", "errors", "unpriced_calls",
		"input_tokens", "output_tokens", "cached_input_tokens", "images", "searches", "pages", "characters", "seconds", "cost", "amount"}
}

func billLineCells(b billing.Bill, place int) []Cell {
	l := b.Lines[place]
	cells := []Cell{numberCellOrNone(b.Number), NumberCell(int64(place + 1)), TextCell(string(l.Kind)), TextCell(l.Description), TimeCell(l.Period.Start), TimeCell(l.Period.End),
		TextCell(l.Provider), TextCell(l.Vendor), TextCell(l.Model), NumberCell(l.Usage.Calls), NumberCell(l.Usage.Errors), NumberCell(l.Usage.Unpriced)}
	for _, n := range l.Usage.Quantities[pricing.InputTokens:] {
		cells = append(cells, NumberCell(n))
	}
	return append(cells, MoneyCell(l.Usage.Cost), MoneyCell(l.Amount))
}

// Bill shows one bill with its lines; in CSV the lines alone.
func Bill(b billing.Bill) Document {
	grid := Grid{Header: billLineHeader()}
	for place := range b.Lines {
		grid.Rows = append(grid.Rows, billLineCells(b, place))
	}
	return Document{JSON: viewBill(b), CSV: grid, Text: func(t *Text) error { return t.bill(b) }}
}

// bill writes a bill as a person reads it.
func (t *Text) bill(b billing.Bill) error {
	t.Title("%s", billTitle(b))
	t.facts(factOf("user", b.UserID), fact{"email", orNone(b.Email)}, factOf("plan", b.PlanName), fact{"cycle", orNone(string(b.Cycle))}, factOf("period", periodForPeople(b.Period)),
		factOf("issued", Time(b.IssuedAt)), fact{"status", billStatus(b)}, factOf("due", dueDay(b)), fact{"reference", orNone(b.Reference)})
	t.Gap()
	columns := []column{{"", words}, {"FOR", names}, {"USED", names}, {"COST", money}, {"BILLED", money}}
	tb := tableOf(columns, b.Lines, func(l billing.Line) []span {
		cost := Dash
		if l.Provider != "" {
			cost = l.Usage.Cost.Display()
		}
		return []span{dim.of(string(l.Kind)), text(lineText(l)), text(usedText(l.Usage)), text(cost), text(l.Amount.Display())}
	})
	tb.footer = []span{strong.of("total"), text(""), text(""), text(b.Cost.Display()), strong.of(b.Total.Display())}
	if err := t.table(tb); err != nil {
		return err
	}
	return t.billPrices(b)
}

func billTitle(b billing.Bill) string {
	switch {
	case b.Number == 0 && b.IssuedAt.Before(b.Period.End):
		return "the bill of " + b.UserID + ", if the period ended now"
	case b.Number == 0:
		return "a bill of " + b.UserID + ", to be written by the next alwrity-sub billing close"
	case b.Kind == billing.CreditNote:
		return "credit note " + billNumber(b) + ", for bill " + strconv.FormatInt(b.RefersTo, 10)
	}
	return "bill " + billNumber(b)
}

// lineText says what a line is for; of a fee also for which time.
func lineText(l billing.Line) string {
	if l.Kind == billing.Fee || l.Kind == billing.Proration {
		return l.Description + ", " + l.Period.Start.UTC().Format(time.DateOnly) + " – " + l.Period.End.UTC().Format(time.DateOnly)
	}
	return l.Description
}

// usedText lists the quantities of a line that are not 0.
func usedText(a usage.Amounts) string {
	var parts []string
	add := func(n int64, thing, things string) {
		switch n {
		case 0:
		case 1:
			parts = append(parts, "1 "+thing)
		default:
			parts = append(parts, Count(n)+" "+things)
		}
	}
	add(a.Calls, "call", "calls")
	add(a.Errors, "error", "errors")
	for i, n := range a.Quantities {
		if q := pricing.Quantity(i); q != pricing.Requests {
			add(n, strings.ReplaceAll(q.Unit(), "_", " "), strings.ReplaceAll(q.String(), "_", " "))
		}
	}
	return strings.Join(parts, ", ")
}

// Preview shows the bills of periods that have ended and are not closed yet, and that of
// the running period as if it ended now.
func Preview(due []billing.Bill, running billing.Bill) Document {
	all := append(due[:len(due):len(due)], running)
	doc := Bill(running)
	doc.JSON = previewView{listOf(due, viewBill), viewBill(running)}
	doc.Text = func(t *Text) error {
		for i, b := range all {
			if i > 0 {
				t.Gap()
			}
			b.Number = 0
			if err := t.bill(b); err != nil {
				return err
			}
		}
		return nil
	}
	return doc
}

type previewView struct {
	Due     []billView `json:"due"`
	Running billView   `json:"running"`
}
