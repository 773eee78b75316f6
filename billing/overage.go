package billing

import (
	"math/big"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Terms are what overage was charged by, kept with the bill: a plan may change.
type Terms struct {
	// Limits are those of the plan at the period's end. Where the plan changed, the most that a limit includes is what the
	// whole period included, so that the overage is what all usage of the period has beyond it.
	Limits []plan.Limit `json:"limits"`
	// MarkupMillionths is the mark-up, where the plan changed the highest of those that held.
	MarkupMillionths int64       `json:"markup_millionths"`
	Parts            []PartTerms `json:"parts,omitempty"` // in a period in which the plan changed, one for each plan
}

// PartTerms are what a plan gave for the part of a period for which it held.
type PartTerms struct {
	PlanID           int64        `json:"plan_id"`
	Microseconds     int64        `json:"microseconds"` // how long it held
	Overage          bool         `json:"overage"`      // whether it billed what is beyond its limits
	Limits           []plan.Limit `json:"limits"`       // of a whole period
	MarkupMillionths int64        `json:"markup_millionths"`
}

// ByPlan is what was used in a period under each plan, by the plan's ID.
type ByPlan map[int64][]Series

// TermsOf returns what the overage of a period with some parts is charged by, nil where none of its plans allows any.
// Of a period in which the plan changed it needs what was used under each.
func TermsOf(parts []plan.Part, used ByPlan) *Terms {
	if !slices.ContainsFunc(parts, func(p plan.Part) bool { return p.Plan.Overage == plan.OverageAllow }) {
		return nil
	}
	last := parts[len(parts)-1].Plan
	if len(parts) == 1 {
		return &Terms{Limits: last.Limits, MarkupMillionths: last.MarkupMillionths}
	}
	terms := &Terms{}
	for _, p := range parts {
		terms.Parts = append(terms.Parts, PartTerms{PlanID: p.Plan.ID, Microseconds: p.Length.Microseconds(),
			Overage: p.Plan.Overage == plan.OverageAllow, Limits: p.Plan.Limits, MarkupMillionths: p.Plan.MarkupMillionths})
		if p.Plan.Overage == plan.OverageAllow {
			terms.MarkupMillionths = max(terms.MarkupMillionths, p.Plan.MarkupMillionths)
		}
	}
	terms.Limits = withEarlier(last.Limits, parts)
	for i, l := range terms.Limits {
		if most := included(l, terms.parts(nil, used)); most != nil && most.IsInt64() {
			terms.Limits[i].Max = most.Int64()
		}
	}
	return terms
}

// withEarlier returns the limits of the last plan of a period, and after them those that only plans before it had and
// billed usage beyond, with the name of the plan.
func withEarlier(limits []plan.Limit, parts []plan.Part) []plan.Limit {
	limits = slices.Clone(limits)
	for _, p := range parts {
		for _, l := range p.Plan.Limits {
			_, known := plan.LimitLike(limits, l)
			if p.Plan.Overage == plan.OverageAllow && l.TakesOverage() && !known {
				l.Name += " (" + p.Plan.Name + ")"
				limits = append(limits, l)
			}
		}
	}
	return limits
}

// part is a part of a period with what was used in it.
type part struct {
	plan.Part
	used []Series
	of   []int // the place of each series among those of the period
}

// parts returns the parts of a period whose series are given. Where the plan never changed they are all of one part.
func (t *Terms) parts(series []Series, used ByPlan) []part {
	places := make(map[SeriesKey]int, len(series))
	for i, s := range series {
		places[s.Key()] = i
	}
	if len(t.Parts) == 0 {
		whole := part{used: series}
		whole.Length, whole.Plan.Figures = time.Hour, // all of it
			plan.Figures{Overage: plan.OverageAllow, Limits: t.Limits, MarkupMillionths: t.MarkupMillionths}
		for i := range series {
			whole.of = append(whole.of, i)
		}
		return []part{whole}
	}
	parts := make([]part, len(t.Parts))
	for i, p := range t.Parts {
		parts[i].used = used[p.PlanID]
		parts[i].Length = time.Duration(p.Microseconds) * time.Microsecond
		parts[i].Plan = plan.Plan{ID: p.PlanID, Figures: plan.Figures{Overage: plan.Overage(p.Overage), Limits: p.Limits,
			MarkupMillionths: p.MarkupMillionths}}
		for _, s := range used[p.PlanID] {
			parts[i].of = append(parts[i].of, places[s.Key()])
		}
	}
	return parts
}

// count returns what was used in the part of what a limit counts.
func (p *part) count(l plan.Limit) *big.Int {
	sum := new(big.Int)
	for _, s := range p.used {
		if l.Scope.Covers(s.Provider, s.Vendor) {
			sum.Add(sum, big.NewInt(s.Usage.Of(l.Meter)))
		}
	}
	return sum
}

// included returns how much a period includes of what a limit counts: see plan.Included.
func included(l plan.Limit, parts []part) *big.Int {
	of, ofPlan := make([]plan.Part, len(parts)), make(map[int64]*part, len(parts))
	for i := range parts {
		of[i], ofPlan[parts[i].Plan.ID] = parts[i].Part, &parts[i]
	}
	return plan.Included(l, of, func(p plan.Part, l plan.Limit) *big.Int { return ofPlan[p.Plan.ID].count(l) })
}

// shareBeyond returns which share of what was used in the parts that bill what is beyond a limit is beyond it, nil
// where nothing is.
func shareBeyond(l plan.Limit, parts []part) *big.Rat {
	billed, beyond := new(big.Int), included(l, parts)
	beyond.Neg(beyond)
	for i := range parts {
		p := &parts[i]
		count := p.count(l)
		beyond.Add(beyond, count)
		if _, counts := plan.LimitLike(p.Plan.Limits, l); counts && p.Plan.Overage == plan.OverageAllow {
			billed.Add(billed, count)
		}
	}
	if beyond.Sign() <= 0 {
		return nil
	}
	return new(big.Rat).SetFrac(beyond, billed)
}

// Overage returns what each series of a period is billed beyond the limits, in the order of the series. Of a period in
// which the plan changed it needs what was used under each plan.
//
// Of a limit that blocks and includes something, the share that is beyond it is (used - included) / used, in the
// limit's own meter over all that its scope covers. A series is billed its cost times the largest such share of the
// limits that cover it, with the mark-up: where the plan changed, its cost in each part that bills what is beyond, by
// that part's limits and mark-up. What is included is the sum of the parts' shares of the limit: see plan.Included.
// Each series is rounded once: half to even, to a pico-dollar. An amount that does not fit is an invalid failure.
func (t *Terms) Overage(series []Series, used ByPlan) ([]pricing.USD, error) {
	parts := t.parts(series, used)
	exact := make([]*big.Rat, len(series)) // nil for none
	for i := range parts {
		if parts[i].Plan.Overage == plan.OverageAllow {
			parts[i].addOverage(exact, parts)
		}
	}
	amounts := make([]pricing.USD, len(series))
	for i, sum := range exact {
		if sum == nil {
			continue
		}
		amount, err := halfEven(sum.Num(), sum.Denom())
		if err != nil {
			return nil, failure.Invalidf("the overage of %s %s does not fit: %s dollars, of which a share is billed "+
				"with a mark-up, are too much",
				series[i].Provider, failure.Shorten(series[i].Model), series[i].Usage.Cost)
		}
		amounts[i] = amount
	}
	return amounts, nil
}

// addOverage adds to each series of the period what the part bills of it.
func (p *part) addOverage(exact []*big.Rat, parts []part) {
	shares := make([]*big.Rat, len(p.used)) // the largest so far, nil for none
	for _, l := range p.Plan.Limits {
		if !l.TakesOverage() {
			continue
		}
		share := shareBeyond(l, parts)
		if share == nil {
			continue
		}
		for i, s := range p.used {
			if l.Scope.Covers(s.Provider, s.Vendor) && (shares[i] == nil || share.Cmp(shares[i]) > 0) {
				shares[i] = share
			}
		}
	}
	terms := Terms{MarkupMillionths: p.Plan.MarkupMillionths}
	for i, share := range shares {
		if share == nil {
			continue
		}
		amount, to := new(big.Rat).Mul(share, terms.withMarkup(p.used[i].Usage.Cost)), &exact[p.of[i]]
		if *to == nil {
			*to = amount
		} else {
			(*to).Add(*to, amount)
		}
	}
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
