package report

import (
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/pricing"
)

type priceChangeView struct {
	Status string `json:"status"`
	priceView
}

func viewPriceChange(c catalogue.PriceChange) priceChangeView {
	return priceChangeView{string(c.Status), viewPrice(c.After)}
}

func priceChangesGrid(changes []catalogue.PriceChange) Grid {
	return gridOf(append([]string{"status"}, priceHeader()...), changes, func(c catalogue.PriceChange) []Cell {
		return append([]Cell{TextCell(string(c.Status))}, viewPrice(c.After).cells()...)
	})
}

// PriceChanges shows what setting several prices has done; it is a list, also of
// a single one.
func PriceChanges(changes []catalogue.PriceChange) Document {
	return listDocument(listOf(changes, viewPriceChange), priceChangesGrid(changes), func(t *Text) error {
		if len(changes) == 0 {
			t.Note("no changes: the prices in force are these already")
		}
		for _, c := range changes {
			if err := t.priceChange(c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *Text) priceChange(c catalogue.PriceChange) error {
	t.line(strong.of(c.After.Provider+" "+c.After.Model), text(": "+string(c.Status)+", from "+effectiveFrom(c.After)))
	if c.Status == catalogue.Unchanged {
		return nil
	}
	var before pricing.Price
	if c.Before != nil {
		before = *c.Before
	}
	tb := table{columns: []column{{"PRICE", words}, {"BEFORE", number}, {"AFTER", number}}}
	for _, f := range priceFigures() {
		if was, is := f.of(before), f.of(c.After); was != is {
			tb.rows = append(tb.rows, []span{text(f.title), orNone(was), orNone(is)})
		}
	}
	if len(tb.rows) == 0 {
		t.Note("the amounts are those that hold already")
		return nil
	}
	return t.table(tb)
}
