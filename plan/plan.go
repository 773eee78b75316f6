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

// Plan is what a subscription gives: limits, for a price by the month or year.
type Plan struct {
	ID          int64
	Name        string // how people call it; unique, upper and lower case alike
	Tier        string // how programs call it; unique
	Monthly     pricing.USD
	Yearly      pricing.USD
	Description string
	Features    []string
	Limits      []Limit
	Overage     Overage
	// MarkupMillionths is added to the cost of what is billed as overage, in millionths of it.
	MarkupMillionths int64
	Source           pricing.Source
	Withdrawn        bool      // no longer on offer; only history and subscribers' logs name it
	Past             []Version // what it was before, oldest first: the fields above are what it is now
}

// Equal tells whether two plans offer the same under the same name.
func (p Plan) Equal(q Plan) bool {
	return p.Name == q.Name && p.Tier == q.Tier && p.Monthly == q.Monthly && p.Yearly == q.Yearly &&
		p.Description == q.Description && p.Overage == q.Overage && p.MarkupMillionths == q.MarkupMillionths &&
		slices.Equal(p.Features, q.Features) &&
		slices.EqualFunc(p.Limits, q.Limits, Limit.Equal)
}

// SameFigures tells whether two plans cost the same and have the same limits.
func (p Plan) SameFigures(q Plan) bool {
	return p.Monthly == q.Monthly && p.Yearly == q.Yearly && p.Overage == q.Overage &&
		p.MarkupMillionths == q.MarkupMillionths &&
		slices.EqualFunc(p.Limits, q.Limits, Limit.Equal)
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

// Plans are all the plans that there are.
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

// Version is what a plan cost and gave until a moment, from when the version before it ended.
type Version struct {
	Until            time.Time
	Monthly          pricing.USD
	Yearly           pricing.USD
	Limits           []Limit
	Overage          Overage
	MarkupMillionths int64
}

// At returns the plan with the figures that held at a moment: its prices, limits and overage. What it had first is
// taken to have held always. Its name and the rest are as they are.
func (p Plan) At(at time.Time) Plan {
	for _, v := range p.Past {
		if at.Before(v.Until) {
			p.Monthly, p.Yearly, p.Limits, p.Overage, p.MarkupMillionths = v.Monthly, v.Yearly, v.Limits, v.Overage,
				v.MarkupMillionths
			return p
		}
	}
	return p
}

// HeldUntil returns when the figures end that held at a moment; zero for those of now.
func (p Plan) HeldUntil(at time.Time) time.Time {
	for _, v := range p.Past {
		if at.Before(v.Until) {
			return v.Until
		}
	}
	return time.Time{}
}

// VersionAt returns the version of the plan that held at a moment, as one that ends then.
func (p Plan) VersionAt(at time.Time) Version {
	then := p.At(at)
	return Version{Until: at, Monthly: then.Monthly, Yearly: then.Yearly, Limits: then.Limits, Overage: then.Overage,
		MarkupMillionths: then.MarkupMillionths}
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
