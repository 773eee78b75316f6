package report

import "github.com/alwrity/alwrity-sub/pricing"

// PriceChange is what setting a price has done.
type PriceChange struct {
	Before *pricing.Price // in force until now; nil where there was none
	After  pricing.Price
	Status string // "added" or "unchanged"
}

type priceChangeView struct {
	Status string `json:"status"`
	priceView
}

func (c PriceChange) view() priceChangeView { return priceChangeView{c.Status, viewPrice(c.After)} }

func priceChangesGrid(changes []PriceChange) Grid {
	return gridOf(append([]string{"status"}, priceHeader()...), changes, func(c PriceChange) []Cell {
		return append([]Cell{TextCell(c.Status)}, viewPrice(c.After).cells()...)
	})
}

// PriceSet shows what setting one price has done.
func PriceSet(before *pricing.Price, after pricing.Price, status string) Document {
	c := PriceChange{before, after, status}
	return Document{JSON: c.view(), CSV: priceChangesGrid([]PriceChange{c}), Text: c.write}
}

// PriceChanges shows what setting several prices has done; it is a list, also of
// a single one.
func PriceChanges(changes []PriceChange) Document {
	return listDocument(listOf(changes, PriceChange.view), priceChangesGrid(changes), func(t *Text) error {
		if len(changes) == 0 {
			t.Note("no changes: the prices in force are these already")
		}
		for _, c := range changes {
			if err := c.write(t); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c PriceChange) write(t *Text) error {
	t.line(strong.of(c.After.Provider+" "+c.After.Model), text(": "+c.Status+", from "+effectiveFrom(c.After)))
	if c.Status == "unchanged" {
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
