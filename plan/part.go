package plan

import (
	"math/big"
	"slices"
	"time"
)

// Part is all the time within a usage period for which one plan held.
type Part struct {
	Plan   Plan          // with the figures that held last within it
	Length time.Duration // of all of it together
	Until  time.Time     // when it ended last
}

// PartsOf returns the parts of a usage period, that of the plan in force at its end last. Their lengths sum to the
// period's. Where the plan never changed it is one. Errors are those of PlanAt.
func (a Account) PartsOf(p Period) ([]Part, error) {
	cuts := []time.Time{p.Start}
	for _, s := range a.timeline() {
		if s.From.After(p.Start) && s.From.Before(p.End) {
			cuts = append(cuts, s.From)
		}
	}
	cuts = append(cuts, p.End)
	var parts []Part
	for i, from := range cuts[:len(cuts)-1] {
		held, err := a.PlanAt(from)
		if err != nil {
			return nil, err
		}
		part := Part{Plan: held}
		if n := slices.IndexFunc(parts, func(q Part) bool { return q.Plan.ID == held.ID }); n >= 0 {
			part = parts[n]
			parts = slices.Delete(parts, n, n+1)
		}
		part.Length, part.Until = part.Length+cuts[i+1].Sub(from), cuts[i+1]
		parts = append(parts, part)
	}
	for i := range parts {
		parts[i].Plan = parts[i].Plan.At(parts[i].Until.Add(-time.Microsecond))
	}
	return parts, nil
}

// Shared returns a plan as it counts in a period with some parts: of a limit beyond which it bills calls, the period
// includes what each part gives for its length, rounded up to a whole unit. What a part gives is the limit of its plan
// with the same meter and scope, and nothing where it has none. All else of the plan stays.
func (p Plan) Shared(parts []Part) Plan {
	if p.Overage != OverageAllow || len(parts) < 2 {
		return p
	}
	p.Limits = slices.Clone(p.Limits)
	length := new(big.Int)
	for _, part := range parts {
		length.Add(length, big.NewInt(part.Length.Microseconds()))
	}
	for i, l := range p.Limits {
		if !l.TakesOverage() {
			continue
		}
		given := new(big.Int)
		for _, part := range parts {
			if own, ok := LimitLike(part.Plan.Limits, l); ok {
				given.Add(given, new(big.Int).Mul(big.NewInt(own.Max), big.NewInt(part.Length.Microseconds())))
			}
		}
		given.Add(given, length).Sub(given, big.NewInt(1))
		p.Limits[i].Max = given.Quo(given, length).Int64() // a mean of such numbers
	}
	return p
}

// LimitLike returns the lowest of some limits with the meter and scope of another that refuses calls and includes some,
// and whether there is one.
func LimitLike(limits []Limit, like Limit) (lowest Limit, found bool) {
	for _, l := range limits {
		if l.TakesOverage() && l.Meter == like.Meter && l.Scope.Equal(like.Scope) && (!found || l.Max < lowest.Max) {
			lowest, found = l, true
		}
	}
	return lowest, found
}
