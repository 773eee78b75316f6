package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// DefaultTier is the tier of the plan that a user without a subscription has.
const DefaultTier = "free"

// Figures are what a plan costs and includes.
type Figures struct {
	Monthly pricing.USD
	Yearly  pricing.USD
	Limits  []Limit
	Overage Overage
	// MarkupMillionths is added to the cost of what is billed as overage, in millionths of it.
	MarkupMillionths int64
	Rates            Rates
}

// Plan is what a subscription gives: limits, for a price by the month or year.
type Plan struct {
	ID          int64
	Name        string // how people call it; unique, upper and lower case alike
	Tier        string // how programs call it; unique
	Description string
	Features    []string
	Figures
	Source    pricing.Source
	Withdrawn bool      // no longer on offer; only history and subscribers' logs name it
	Past      []Version // what it was before, oldest first: the figures above are those of now
}

// Version is what a plan cost and gave until a moment, from when the version before it ended.
type Version struct {
	Until time.Time
	Figures
}

// Equal tells whether two plans offer the same under the same name.
func (p Plan) Equal(q Plan) bool {
	return p.Name == q.Name && p.Tier == q.Tier && p.Description == q.Description &&
		slices.Equal(p.Features, q.Features) && p.Figures.Equal(q.Figures)
}

// Equal tells whether two plans cost the same and have the same limits.
func (f Figures) Equal(g Figures) bool {
	return f.Monthly == g.Monthly && f.Yearly == g.Yearly && f.Overage == g.Overage &&
		f.MarkupMillionths == g.MarkupMillionths && f.Rates == g.Rates &&
		slices.EqualFunc(f.Limits, g.Limits, Limit.Equal)
}

// isCalled tells whether a text is the plan's name or tier, upper and lower case alike.
func (p Plan) isCalled(text string) bool {
	return strings.EqualFold(p.Name, text) || strings.EqualFold(p.Tier, text)
}

// Price returns what one paid cycle of the plan costs.
func (p Plan) Price(c Cycle) pricing.USD {
	if c == Yearly {
		return p.Yearly
	}
	return p.Monthly
}

// Plans are all plans.
type Plans []Plan

// Find returns the plan on offer with a name or tier, upper and lower case alike, or a not_found failure that names the
// nearest one.
func (ps Plans) Find(name string) (Plan, error) {
	for _, p := range ps {
		if !p.Withdrawn && p.isCalled(name) {
			return p, nil
		}
	}
	return Plan{}, failure.UnknownName(failure.NotFound, "plan", name, ps.Names())
}

// ByID returns the plan with an ID.
func (ps Plans) ByID(id int64) (Plan, bool) {
	for _, p := range ps {
		if p.ID == id {
			return p, true
		}
	}
	return Plan{}, false
}

// Default returns the plan of a user without a subscription, or an unavailable failure where the plans have not been
// seeded.
func (ps Plans) Default() (Plan, error) {
	for _, p := range ps {
		if p.Tier == DefaultTier && !p.Withdrawn {
			return p, nil
		}
	}
	return Plan{}, failure.Unavailablef("there is no plan of the tier %q, which every user without a subscription is on",
		DefaultTier).
		WithReason("not_initialized")
}

// Names returns the names of the plans on offer in their order.
func (ps Plans) Names() []string {
	var names []string
	for _, p := range ps {
		if !p.Withdrawn {
			names = append(names, p.Name)
		}
	}
	return names
}

// At returns the plan with the figures that held at a moment: its prices, limits and overage. What it had first is
// taken to have held always. Its name and the rest are as they are.
func (p Plan) At(at time.Time) Plan {
	if i := p.versionAt(at); i >= 0 {
		p.Figures = p.Past[i].Figures
	}
	return p
}

// HeldUntil returns when the figures end that held at a moment; zero for those of now.
func (p Plan) HeldUntil(at time.Time) time.Time {
	if i := p.versionAt(at); i >= 0 {
		return p.Past[i].Until
	}
	return time.Time{}
}

// versionAt returns which past version held at a moment, -1 for none.
func (p Plan) versionAt(at time.Time) int {
	return slices.IndexFunc(p.Past, func(v Version) bool { return at.Before(v.Until) })
}

// PlanThen returns the plan in force at a moment with the figures that held then; see PlanAt.
func (a Account) PlanThen(at time.Time) (Plan, error) {
	p, err := a.PlanAt(at)
	return p.At(at), err
}

// At returns the plans on offer, each with the figures that held at a moment.
func (ps Plans) At(at time.Time) Plans {
	then := make(Plans, len(ps))
	for i, p := range ps {
		then[i] = p.At(at)
	}
	return then
}
