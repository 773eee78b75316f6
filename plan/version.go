package plan

import (
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

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
