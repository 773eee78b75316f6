package pricing_test

import (
	"testing"

	"github.com/alwrity/alwrity-sub/pricing"
)

// A log row may have a price that was fixed, as where its month was archived meanwhile: every book must know it.
func TestBooksMadeOfOthersKeepWhatWasFixed(t *testing.T) {
	wrong := pricing.Price{ID: 7, Provider: "p", Model: "m", EffectiveFrom: pricing.Beginning()}
	right := wrong
	right.ID = 8
	book := pricing.NewBook(nil, []pricing.Price{wrong}).Without(wrong).
		With(pricing.Catalogue{Prices: []pricing.Price{right}})
	if fixed := book.Fixed("p", "m"); !book.Has(7) || !book.Has(8) || len(fixed) != 1 {
		t.Errorf("the book has %v, %v and the fixed prices %v", book.Has(7), book.Has(8), fixed)
	}
	if p, ok := book.InForce("p", "m", pricing.Beginning()); !ok || p.ID != 8 {
		t.Errorf("in force is %v", p)
	}
}
