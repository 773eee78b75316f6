package billing

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// corrections puts what has become known of closed periods together by period, with what it changes of the overage that
// was billed of each.
func corrections(ctx context.Context, reader Reader, a BillingAccount, found []Difference) ([]Correction, error) {
	byPeriod := map[int64][]Difference{}
	var starts []int64
	for _, d := range found {
		d.Period.End = a.Account.PeriodAt(d.Period.Start).End
		at := d.Period.Start.UnixMicro()
		if byPeriod[at] == nil {
			starts = append(starts, at)
		}
		byPeriod[at] = append(byPeriod[at], d)
	}
	slices.Sort(starts)
	var all []Correction
	for _, at := range starts {
		c := Correction{Differences: byPeriod[at], Extra: make([]pricing.USD, len(byPeriod[at]))}
		if err := c.addOverage(ctx, reader, a); err != nil {
			return nil, err
		}
		sort.Sort(&c)
		all = append(all, c)
	}
	return all, nil
}

// addOverage notes what the differences of a period change of its overage: also of series whose usage is as it was,
// since shares have changed.
func (c *Correction) addOverage(ctx context.Context, reader Reader, a BillingAccount) error {
	user, period := a.Account.UserID, c.Differences[0].Period
	terms, err := a.termsOf(ctx, reader, period)
	if err != nil || terms == nil {
		return err
	}
	key := usage.NewPeriodKey(user, period.Start)
	used, err := reader.Used(ctx, []usage.PeriodKey{key})
	if err != nil {
		return err
	}
	owed, err := OverageOf(*terms, used[key])
	if err != nil {
		return err
	}
	billed, err := reader.BilledOverage(ctx, user, period.Start)
	if err != nil {
		return err
	}
	for i, s := range used[key] {
		c.note(period, s, owed[i]-billed[s.key()])
		delete(billed, s.key())
	}
	for key, amount := range billed { // of what is no longer used at all
		c.note(period, Series{Provider: key.Provider, Vendor: key.Vendor, Model: key.Model}, -amount)
	}
	return nil
}

// termsOf returns what overage of a closed period is charged by, nil where there is none: what its bill kept or, where
// nothing had been used and there is no bill, what the plan said that was in force at its end.
func (a BillingAccount) termsOf(ctx context.Context, reader Reader, p plan.Period) (*Terms, error) {
	bill, ok, err := reader.BillOf(ctx, a.Account.UserID, p.Start)
	if err != nil || ok {
		return bill.Terms, err
	}
	if a.EndedBefore(p) {
		return nil, nil
	}
	then, err := a.Account.PlanThen(p.End.Add(-time.Microsecond))
	return termsOf(then), err
}

// note adds what changes of the overage of a series to its difference, or as one.
func (c *Correction) note(period plan.Period, s Series, extra pricing.USD) {
	if extra == 0 {
		return
	}
	for i, d := range c.Differences {
		if d.key() == s.key() {
			c.Extra[i] = extra
			return
		}
	}
	s.Usage = usage.Amounts{}
	c.Differences, c.Extra = append(c.Differences, Difference{Period: period, Series: s}), append(c.Extra, extra)
}

// Len, Less and Swap order the differences of a period by provider, model and vendor.

// Len implements sort.Interface.
func (c *Correction) Len() int { return len(c.Differences) }

// Less implements sort.Interface.
func (c *Correction) Less(i, j int) bool {
	return compareSeries(c.Differences[i].Series, c.Differences[j].Series) < 0
}

// Swap implements sort.Interface.
func (c *Correction) Swap(i, j int) {
	c.Differences[i], c.Differences[j] = c.Differences[j], c.Differences[i]
	c.Extra[i], c.Extra[j] = c.Extra[j], c.Extra[i]
}
