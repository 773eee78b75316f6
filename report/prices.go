package report

import (
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

type priceView struct {
	Provider             string         `json:"provider"`
	Model                string         `json:"model"`
	EffectiveFrom        moment         `json:"effective_from"`
	InputTokenCost       pricing.USD    `json:"input_token_cost"`
	OutputTokenCost      pricing.USD    `json:"output_token_cost"`
	CachedInputTokenCost *pricing.USD   `json:"cached_input_token_cost"`
	RequestCost          pricing.USD    `json:"request_cost"`
	ImageCost            pricing.USD    `json:"image_cost"`
	SearchCost           pricing.USD    `json:"search_cost"`
	PageCost             pricing.USD    `json:"page_cost"`
	CharacterCost        pricing.USD    `json:"character_cost"`
	SecondCost           pricing.USD    `json:"second_cost"`
	AboveInputTokens     *int64         `json:"above_input_tokens"`
	AboveInputTokenCost  *pricing.USD   `json:"above_input_token_cost"`
	AboveOutputTokenCost *pricing.USD   `json:"above_output_token_cost"`
	Source               pricing.Source `json:"source"`
}

func viewPrice(p pricing.Price) priceView {
	v := priceView{
		Provider: p.Provider, Model: p.Model, EffectiveFrom: moment(p.EffectiveFrom),
		InputTokenCost: p.Rates[pricing.InputTokens], OutputTokenCost: p.Rates[pricing.OutputTokens],
		RequestCost: p.Rates[pricing.Requests], ImageCost: p.Rates[pricing.Images], SearchCost: p.Rates[pricing.Searches],
		PageCost: p.Rates[pricing.Pages], CharacterCost: p.Rates[pricing.Characters], SecondCost: p.Rates[pricing.Seconds],
		Source: p.Source,
	}
	if p.CachedPriced {
		v.CachedInputTokenCost = &p.Rates[pricing.CachedInputTokens]
	}
	if p.Above != nil {
		v.AboveInputTokens, v.AboveInputTokenCost, v.AboveOutputTokenCost = &p.Above.OverInputTokens, &p.Above.InputToken, &p.Above.OutputToken
	}
	return v
}

func priceHeader() []string {
	return []string{"provider", "model", "effective_from", "input_token_cost", "output_token_cost", "cached_input_token_cost",
		"request_cost", "image_cost", "search_cost", "page_cost", "character_cost", "second_cost",
		"above_input_tokens", "above_input_token_cost", "above_output_token_cost", "source"}
}

func (v priceView) cells() []Cell {
	above := Cell("")
	if v.AboveInputTokens != nil {
		above = NumberCell(*v.AboveInputTokens)
	}
	return []Cell{TextCell(v.Provider), TextCell(v.Model), TimeCell(time.Time(v.EffectiveFrom)),
		MoneyCell(v.InputTokenCost), MoneyCell(v.OutputTokenCost), rateCell(v.CachedInputTokenCost),
		MoneyCell(v.RequestCost), MoneyCell(v.ImageCost), MoneyCell(v.SearchCost), MoneyCell(v.PageCost),
		MoneyCell(v.CharacterCost), MoneyCell(v.SecondCost), above,
		rateCell(v.AboveInputTokenCost), rateCell(v.AboveOutputTokenCost), TextCell(string(v.Source))}
}

// Prices shows a list of prices.
func Prices(prices []pricing.Price) Document {
	views := listOf(prices, viewPrice)
	return listDocument(views, gridOf(priceHeader(), views, priceView.cells), func(t *Text) error {
		if len(prices) == 0 {
			t.Note("no prices")
			return nil
		}
		err := t.table(priceTable(prices))
		t.Note("%s, each for one unless it says /1M (a million)", Counted(len(prices), "price"))
		return err
	})
}

// priceTable has only those columns that some price uses.
func priceTable(prices []pricing.Price) table {
	tb := table{columns: []column{{"PROVIDER", words}, {"MODEL", names}}}
	for _, p := range prices {
		tb.rows = append(tb.rows, []span{text(p.Provider), text(p.Model)})
	}
	for _, f := range priceFigures() {
		tb.addFigure(f, prices)
	}
	tb.addFigure(priceFigure{"FROM", words, laterThanBeginning}, prices)
	tb.columns = append(tb.columns, column{"SOURCE", words})
	for i, p := range prices {
		tb.rows[i] = append(tb.rows[i], text(string(p.Source)))
	}
	return tb
}

func (tb *table) addFigure(f priceFigure, prices []pricing.Price) {
	used := false
	for _, p := range prices {
		used = used || f.of(p) != ""
	}
	if !used {
		return
	}
	tb.columns = append(tb.columns, column{f.title, f.kind})
	for i, p := range prices {
		tb.rows[i] = append(tb.rows[i], text(f.of(p)))
	}
}

// effectiveFrom writes from when on a price holds.
func effectiveFrom(p pricing.Price) string {
	if later := laterThanBeginning(p); later != "" {
		return later
	}
	return "the beginning"
}

// laterThanBeginning is empty for a price that has held always, as most have.
func laterThanBeginning(p pricing.Price) string {
	if p.EffectiveFrom.Equal(pricing.Beginning()) {
		return ""
	}
	return Time(p.EffectiveFrom)
}

// priceFigure is one figure of a price as people read it: "" where there is none.
type priceFigure struct {
	title string
	kind  columnKind
	of    func(pricing.Price) string
}

// priceFigures returns every amount that a price may have, in their order.
func priceFigures() []priceFigure {
	return []priceFigure{
		{"INPUT/1M", money, rateOf(pricing.InputTokens, perMillion)},
		{"OUTPUT/1M", money, rateOf(pricing.OutputTokens, perMillion)},
		{"CACHED/1M", money, func(p pricing.Price) string {
			if !p.CachedPriced {
				return ""
			}
			return perMillion(p.Rates[pricing.CachedInputTokens])
		}},
		{"REQUEST", money, rateOf(pricing.Requests, pricing.USD.Display)},
		{"IMAGE", money, rateOf(pricing.Images, pricing.USD.Display)},
		{"SEARCH", money, rateOf(pricing.Searches, pricing.USD.Display)},
		{"PAGE", money, rateOf(pricing.Pages, pricing.USD.Display)},
		{"CHARS/1M", money, rateOf(pricing.Characters, perMillion)},
		{"SECOND", money, rateOf(pricing.Seconds, pricing.USD.Display)},
		{"LONG INPUT/1M", words, longContext},
	}
}

func rateOf(q pricing.Quantity, write func(pricing.USD) string) func(pricing.Price) string {
	return func(p pricing.Price) string {
		if p.Rates[q] == 0 {
			return ""
		}
		return write(p.Rates[q])
	}
}

// longContext writes the prices of a call with a long input.
func longContext(p pricing.Price) string {
	if p.Above == nil {
		return ""
	}
	return fmt.Sprintf("over %s: %s, output %s", Count(p.Above.OverInputTokens), perMillion(p.Above.InputToken), perMillion(p.Above.OutputToken))
}

// perMillion writes what a million units cost, which may be more than a USD holds.
func perMillion(u pricing.USD) string { return pricing.TotalOf(u).Scale(1_000_000, 1).Display() }
