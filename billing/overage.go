package billing

import (
	"math/big"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// OverageOf returns what each series of a period is billed beyond the limits, in the order of the series.
//
// Of a limit that blocks and includes something, the share that is beyond it is (used - max) / used, in the limit's own
// meter over all that its scope covers. A series is billed its cost times the largest such share of the limits that
// cover it, with the mark-up, rounded once: half to even, to a pico-dollar. An amount that does not fit is an invalid
// failure.
func OverageOf(terms Terms, series []Series) ([]pricing.USD, error) {
	shares := make([]*big.Rat, len(series)) // the largest so far, nil for none
	for _, l := range terms.Limits {
		share := shareBeyond(l, series)
		if share == nil {
			continue
		}
		for i, s := range series {
			if l.Scope.Covers(s.Provider, s.Vendor) && (shares[i] == nil || share.Cmp(shares[i]) > 0) {
				shares[i] = share
			}
		}
	}
	amounts := make([]pricing.USD, len(series))
	for i, share := range shares {
		if share == nil {
			continue
		}
		exact := new(big.Rat).Mul(share, terms.withMarkup(series[i].Usage.Cost))
		amount, err := halfEven(exact.Num(), exact.Denom())
		if err != nil {
			return nil, failure.Invalidf("the overage of %s %s does not fit: %s dollars, of which a share is billed "+
				"with a mark-up, are too much",
				series[i].Provider, failure.Shorten(series[i].Model), series[i].Usage.Cost)
		}
		amounts[i] = amount
	}
	return amounts, nil
}

// shareBeyond returns which share of what a limit counts is beyond it, nil where nothing is or nothing can be.
func shareBeyond(l plan.Limit, series []Series) *big.Rat {
	if !l.TakesOverage() {
		return nil
	}
	used, most := new(big.Int), big.NewInt(l.Max)
	for _, s := range series {
		if l.Scope.Covers(s.Provider, s.Vendor) {
			used.Add(used, big.NewInt(s.Usage.Of(l.Meter)))
		}
	}
	if used.Cmp(most) <= 0 {
		return nil
	}
	return new(big.Rat).SetFrac(new(big.Int).Sub(used, most), used)
}

// withMarkup returns what a cost beyond the limits is billed at, in exact pico-dollars. No terms are those without a
// mark-up.
func (t *Terms) withMarkup(cost pricing.USD) *big.Rat {
	exact := new(big.Rat).SetInt64(int64(cost))
	if t == nil {
		return exact
	}
	const million = 1_000_000
	return exact.Mul(exact, big.NewRat(million+t.MarkupMillionths, million))
}
