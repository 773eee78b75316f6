package simulate

import (
	"math"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// periodUsage is what one user has used in one usage period.
type periodUsage struct {
	index  map[billing.SeriesKey]int
	series []billing.Series
	before []billing.Series // of it, before the month began
	plan   *plan.Plan       // whose limits are counted
	used   []int64          // of each of them
}

func newPeriodUsage() *periodUsage { return &periodUsage{index: map[billing.SeriesKey]int{}} }

// add counts an event, which may lie before the month.
func (t *periodUsage) add(e *usage.Entry, amounts usage.Amounts, early bool) error {
	key := billing.SeriesKey{Provider: e.Provider, Vendor: e.Vendor, Model: e.Model}
	i, ok := t.index[key]
	if !ok {
		i = len(t.series)
		t.index[key] = i
		s := billing.Series{Provider: e.Provider, Vendor: e.Vendor, Model: e.Model}
		t.series, t.before = append(t.series, s), append(t.before, s)
	}
	sum, err := t.series[i].Usage.Add(amounts)
	if err != nil {
		return err
	}
	t.series[i].Usage = sum
	if early {
		t.before[i].Usage = sum
	}
	if t.plan != nil {
		t.count(e.Provider, e.Vendor, amounts)
	}
	return nil
}

// count adds to what is used of the limits that cover a provider and vendor. Beyond the largest number there is, what
// is used up stays so.
func (t *periodUsage) count(provider, vendor string, amounts usage.Amounts) {
	for i, l := range t.plan.Limits {
		if l.Scope.Covers(provider, vendor) {
			sum := t.used[i] + amounts.Of(l.Meter)
			if sum < 0 {
				sum = math.MaxInt64
			}
			t.used[i] = sum
		}
	}
}

// uses returns how far the limits of a plan are used that cover an event, and what it asks of them.
func (t *periodUsage) uses(p *plan.Plan, e *usage.Entry, amounts usage.Amounts) []usage.LimitUse {
	if t.plan != p {
		t.plan, t.used = p, make([]int64, len(p.Limits))
		for _, s := range t.series {
			t.count(s.Provider, s.Vendor, s.Usage)
		}
	}
	var uses []usage.LimitUse
	for i, l := range p.Limits {
		if l.Scope.Covers(e.Provider, e.Vendor) {
			uses = append(uses, usage.LimitUse{Limit: l, Used: t.used[i], Requested: amounts.Of(l.Meter)})
		}
	}
	return uses
}

// overage returns what the usage of the month adds to the period's overage.
func (t *periodUsage) overage(p *plan.Plan) (pricing.Total, error) {
	var sum pricing.Total
	if p.Overage != plan.OverageAllow {
		return sum, nil
	}
	terms := billing.Terms{Limits: p.Limits, MarkupMillionths: p.MarkupMillionths}
	all, err := billing.OverageOf(terms, t.series)
	if err != nil {
		return sum, err
	}
	before, err := billing.OverageOf(terms, t.before)
	if err != nil {
		return sum, err
	}
	for i := range all {
		sum = sum.Add(pricing.TotalOf(all[i])).Sub(pricing.TotalOf(before[i]))
	}
	return sum, nil
}
