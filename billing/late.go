package billing

import (
	"context"
	"maps"
	"slices"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// corrections puts what has become known of closed periods in order, with what it changes of the overage that was
// billed.
func corrections(
	ctx context.Context, reader Reader, a BillingAccount, book *pricing.Book, found []Difference,
) ([]Difference, error) {
	byPeriod := map[int64][]Difference{}
	for _, d := range found {
		d.Period.End = a.Account.PeriodAt(d.Period.Start).End
		at := d.Period.Start.UnixMicro()
		byPeriod[at] = append(byPeriod[at], d)
	}
	var all []Difference
	for _, at := range slices.Sorted(maps.Keys(byPeriod)) {
		differences, left, err := withOverage(ctx, reader, a, byPeriod[at])
		if err != nil {
			return nil, err
		}
		slices.SortFunc(differences, func(a, b Difference) int { return compareSeries(a.Series, b.Series) })
		giveBackOnce(differences, left)
		if err := chargeDifferences(ctx, reader, book, a.Account.UserID, differences); err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(differences, Difference.isNothing)...)
	}
	return all, nil
}

// isNothing is true where there is nothing to say: what other usage has changed of the overage was given back before.
func (d Difference) isNothing() bool { return d.Usage == (usage.Amounts{}) && d.Overage == 0 }

// giveBackOnce keeps what differences give back of a period's overage to what is left of it: what the credit note of a
// void bill has given back is not given back once more.
func giveBackOnce(differences []Difference, left pricing.USD) {
	for _, d := range differences {
		left += d.Overage
	}
	for i := range differences {
		if amount := &differences[i].Overage; left < 0 && *amount < 0 {
			tooMuch := max(left, *amount)
			*amount -= tooMuch
			left -= tooMuch
		}
	}
}

// withOverage returns the differences of one period with what they change of its overage: also of series whose usage is
// as it was, since shares have changed. And it returns how much of the overage billed is left.
func withOverage(
	ctx context.Context, reader Reader, a BillingAccount, of []Difference,
) ([]Difference, pricing.USD, error) {
	user, period := a.Account.UserID, of[0].Period
	terms, byPlan, err := a.termsOf(ctx, reader, period)
	if err != nil || terms == nil {
		return of, 0, err
	}
	key := usage.NewPeriodKey(user, period.Start)
	used, err := reader.Used(ctx, []usage.PeriodKey{key})
	if err != nil {
		return nil, 0, err
	}
	owed, err := terms.Overage(used[key], byPlan)
	if err != nil {
		return nil, 0, err
	}
	billed, left, err := reader.BilledOverage(ctx, user, period.Start)
	if err != nil {
		return nil, 0, err
	}
	note := func(key SeriesKey, extra pricing.USD) {
		if extra == 0 {
			return
		}
		i := slices.IndexFunc(of, func(d Difference) bool { return d.Key() == key })
		if i < 0 {
			i = len(of)
			s := Series{Provider: key.Provider, Vendor: key.Vendor, Model: key.Model}
			of = append(of, Difference{Period: period, Series: s})
		}
		of[i].Overage = extra
	}
	for i, s := range used[key] {
		note(s.Key(), owed[i]-billed[s.Key()])
		delete(billed, s.Key())
	}
	for key, amount := range billed { // of what is no longer used at all
		note(key, -amount)
	}
	return of, left, nil
}

// termsOf returns what overage of a closed period is charged by, nil where there is none, and where the plan changed
// what was used under each: what its bill kept or, where nothing had been used and there is no bill, what the plans
// said that were in force.
func (a BillingAccount) termsOf(ctx context.Context, reader Reader, p plan.Period) (*Terms, ByPlan, error) {
	bill, ok, err := reader.BillOf(ctx, a.Account.UserID, p.Start)
	if err != nil || ok && bill.Terms == nil || !ok && a.EndedBefore(p) {
		return nil, nil, err
	}
	if ok {
		if len(bill.Terms.Parts) == 0 {
			return bill.Terms, nil, nil
		}
		byPlan, err := reader.UsedByPlan(ctx, a.Account.UserID, bill.Period)
		return bill.Terms, byPlan, err
	}
	parts, byPlan, err := a.partsOf(ctx, reader, p)
	return TermsOf(parts, byPlan), byPlan, err
}

// partsOf returns the parts of a period, and what was used under each plan where there are several.
func (a BillingAccount) partsOf(ctx context.Context, reader Reader, p plan.Period) ([]plan.Part, ByPlan, error) {
	parts, err := a.Account.PartsOf(p)
	if err != nil || len(parts) == 1 {
		return parts, nil, err
	}
	byPlan, err := reader.UsedByPlan(ctx, a.Account.UserID, p)
	return parts, byPlan, err
}
