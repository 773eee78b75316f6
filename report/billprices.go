package report

import (
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
)

// billPrices writes what one unit cost of all that is on a bill and has a price. It
// stands below the lines, which have no room for it.
func (t *Text) billPrices(b billing.Bill) error {
	tb := table{columns: []column{{"UNIT PRICES", names}, {"", words}, {"", names}}}
	for _, l := range b.Lines {
		of := lineText(l)
		for _, q := range pricing.AllQuantities() {
			used := l.Usage.Quantities[q] != 0 || l.Usage.Calls != 0 && (q == pricing.Requests || q.OneEachCall())
			if prices := unitPrices(l.Prices, q); used && len(prices) > 0 {
				tb.rows = append(tb.rows, []span{text(of), text(quantityNames(q)), text(strings.Join(prices, ", "))})
				of = ""
			}
		}
		if notes := notesOnPrices(l); of == "" && notes != "" {
			tb.rows = append(tb.rows, []span{text(""), text("note"), text(notes)})
		}
	}
	if len(tb.rows) == 0 {
		return nil
	}
	t.Gap()
	return t.table(tb)
}
