package billing

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// corrections puts what has become known of closed periods in order, with what it changes of the overage that was
// billed.
func corrections(ctx context.Context, reader Reader, a BillingAccount, found []Difference) ([]Difference, error) {
	byPeriod := map[int64][]Difference{}
	for _, d := range found {
		d.Period.End = a.Account.PeriodAt(d.Period.Start).End
		at := d.Period.Start.UnixMicro()
		byPeriod[at] = append(byPeriod[at], d)
	}
	var all []Difference
	for _, at := range slices.Sorted(maps.Keys(byPeriod)) {
		differences, err := withOverage(ctx, reader, a, byPeriod[at])
		if err != nil {
			return nil, err
		}
		slices.SortFunc(differences, func(a, b Difference) int { return compareSeries(a.Series, b.Series) })
		all = append(all, differences...)
	}
	return all, nil
}

// withOverage returns the differences of one period with what they change of its overage: also of series whose usage is
// as it was, since shares have changed.
func withOverage(ctx context.Context, reader Reader, a BillingAccount, of []Difference) ([]Difference, error) {
	user, period := a.Account.UserID, of[0].Period
	terms, err := a.termsOf(ctx, reader, period)
	if err != nil || terms == nil {
		return of, err
	}
	key := usage.NewPeriodKey(user, period.Start)
	used, err := reader.Used(ctx, []usage.PeriodKey{key})
	if err != nil {
		return nil, err
	}
	owed, err := OverageOf(*terms, used[key])
	if err != nil {
		return nil, err
	}
	billed, err := reader.BilledOverage(ctx, user, period.Start)
	if err != nil {
		return nil, err
	}
	note := func(key SeriesKey, extra pricing.USD) {
		if extra == 0 {
			return
		}
		i := slices.IndexFunc(of, func(d Difference) bool { return d.key() == key })
		if i < 0 {
			i = len(of)
			s := Series{Provider: key.Provider, Vendor: key.Vendor, Model: key.Model}
			of = append(of, Difference{Period: period, Series: s})
		}
		of[i].Overage = extra
	}
	for i, s := range used[key] {
		note(s.key(), owed[i]-billed[s.key()])
		delete(billed, s.key())
	}
	for key, amount := range billed { // of what is no longer used at all
		note(key, -amount)
	}
	return of, nil
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
