package access

import (
	"slices"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// Terms are what a token may use of its own: limits and rates.
type Terms struct {
	Limits []plan.Limit
	Rates  plan.Rates
}

// mostLimits is how many limits a token may have.
const mostLimits = 50

func (t Terms) validate() error {
	if len(t.Limits) > mostLimits {
		return failure.Invalidf("%d limits: a token has at most %d", len(t.Limits), mostLimits)
	}
	names := map[string]bool{}
	for _, l := range t.Limits {
		if names[l.Name] {
			return failure.Invalidf("the limit %s appears twice", l.Name)
		}
		names[l.Name] = true
	}
	return nil
}

// With returns the terms with some more limits. One that is called as another takes its place.
func (t Terms) With(limits []plan.Limit) Terms {
	t.Limits = slices.DeleteFunc(slices.Clone(t.Limits), func(l plan.Limit) bool {
		return slices.ContainsFunc(limits, func(m plan.Limit) bool { return m.Name == l.Name })
	})
	t.Limits = append(t.Limits, limits...)
	return t
}

// Without returns the terms without the limits of some names, or a not_found failure for one that is not there.
func (t Terms) Without(names []string) (Terms, error) {
	for _, name := range names {
		if !slices.ContainsFunc(t.Limits, func(l plan.Limit) bool { return l.Name == name }) {
			return t, failure.NotFoundf("the token has no limit %q", failure.Shorten(name))
		}
	}
	t.Limits = slices.DeleteFunc(slices.Clone(t.Limits), func(l plan.Limit) bool {
		return slices.Contains(names, l.Name)
	})
	return t, nil
}
