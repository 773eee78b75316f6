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
	From   time.Time     // when it began first
	Until  time.Time     // when it ended last
}

// PartsOf returns the parts of a usage period, that of the plan in force at its end last. Their lengths sum to the
// period's. Where the plan never changed it is one. Errors are those of PlanAt.
func (a Account) PartsOf(p Period) ([]Part, error) {
	cuts := slices.Concat([]time.Time{p.Start}, a.ChangesWithin(p), []time.Time{p.End})
	var parts []Part
	for i, from := range cuts[:len(cuts)-1] {
		held, err := a.PlanAt(from)
		if err != nil {
			return nil, err
		}
		part := Part{Plan: held, From: from}
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

// ChangesWithin returns the moments within a usage period at which a plan began to hold, maybe the same as before.
func (a Account) ChangesWithin(p Period) (at []time.Time) {
	for _, s := range a.timeline() {
		if s.From.After(p.Start) && s.From.Before(p.End) {
			at = append(at, s.From)
		}
	}
	return at
}

// Included returns how much a period with some parts includes of what a limit counts: all that is no overage. There is
// none, and nil, where no part bills what is beyond such a limit. A limit counts in the parts whose plans have
// one with its meter and scope that refuses calls and includes some (LimitLike). Each part that bills what is beyond it
// includes its share of the limit by its length. One that refuses that includes what was used in it, and what is left
// of its share. Of a part without the limit all that was used is included. Rounded up to a whole unit, once.
//
// used is asked how much was used of what a limit counts, in the parts that CountedApart returns.
func Included(like Limit, parts []Part, used func(Part, Limit) *big.Int) *big.Int {
	length, given, apart, billed := new(big.Int), new(big.Int), new(big.Int), false
	for _, part := range parts {
		length.Add(length, part.microseconds())
	}
	for _, part := range parts {
		own, counts := LimitLike(part.Plan.Limits, like)
		share := new(big.Int).Mul(big.NewInt(own.Max), part.microseconds())
		if counts && part.Plan.Overage == OverageAllow {
			given.Add(given, share)
			billed = true
			continue
		}
		count := used(part, like)
		apart.Add(apart, count)
		if left := share.Sub(share, new(big.Int).Mul(count, length)); counts && left.Sign() > 0 {
			given.Add(given, left)
		}
	}
	if !billed {
		return nil
	}
	given.Add(given, length).Sub(given, big.NewInt(1))
	return given.Quo(given, length).Add(given, apart)
}

func (p Part) microseconds() *big.Int { return big.NewInt(p.Length.Microseconds()) }

// CountedApart returns those of some parts of which it has to be known what was used in them: the part does not bill
// what is beyond a limit for which another does.
func CountedApart(parts []Part) []Part {
	var apart []Part
	for _, p := range parts {
		bills := func(l Limit) bool {
			_, ok := LimitLike(p.Plan.Limits, l)
			return ok && p.Plan.Overage == OverageAllow
		}
		if slices.ContainsFunc(parts, func(q Part) bool {
			return q.Plan.Overage == OverageAllow && slices.ContainsFunc(q.Plan.Limits, func(l Limit) bool {
				return l.TakesOverage() && !bills(l)
			})
		}) {
			apart = append(apart, p)
		}
	}
	return apart
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
