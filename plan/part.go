package plan

import (
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
