package report

import (
	"cmp"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

func planFields(p plan.Plan, subscribers int) fields {
	return fields{
		{"name", "PLAN", p.Name},
		{"tier", "TIER", p.Tier},
		{"monthly", "MONTHLY", p.Monthly},
		{"yearly", "YEARLY", p.Yearly},
		{"description", "DESCRIPTION", name(p.Description)},
		{"features", "", joined(p.Features, "; ")}, {"overage", "", p.Overage.String()},
		{"overage_markup", "", p.MarkupText()}, // such as 12.5%
		{"source", "", p.Source},
		{"subscribers", "SUBSCRIBERS", subscribers},
		{"limits", "", value{json: planLimits(p), csv: strconv.Itoa(len(p.Limits))}},
		{"rates", "", rates(p.Rates)},
	}
}

// rates are how fast calls may follow each other, null where there is no bound.
func rates(r plan.Rates) value {
	object := fields(listOf(r.List(), func(each plan.Rate) field { return field{each.Name, "", orNull(each.Max)} }))
	return shown(object, text(cmp.Or(r.String(), "unlimited")))
}

func planLimits(p plan.Plan) rows {
	return rowsOf(p.Limits, func(l plan.Limit) fields {
		return fields{
			{"plan", "", csvOnly(p.Name)}, {"limit", "", csvOnly(l.Name)},
			{"name", "LIMIT", jsonOnly(l.Name)},
			{"meter", "COUNTS", l.Meter},
			{"scope", "OF", scope(l.Scope)},
			{"max", "MAXIMUM", offered(maximum(l))},
			{"action", "ACTION", l.Action},
		}
	})
}

// Plans shows the plans on offer, and how many users are subscribed to each.
func Plans(plans plan.Plans, subscribers map[int64]int) Document {
	list := rowsOf(plans, func(p plan.Plan) fields { return planFields(p, subscribers[p.ID]) })
	doc := list.document("name tier monthly yearly subscribers description", "no plans")
	doc.CSV = list.pick("name tier monthly yearly subscribers limits source description features overage " +
		"overage_markup rates")
	return doc
}

// Plan shows one plan with its limits, and the figures that held at a moment: with when they
// end, null for those of now, and when those before them did, oldest first.
func Plan(p plan.Plan, subscribers int, at time.Time) Document {
	p = p.At(at)
	limits := planLimits(p)
	all := append(planFields(p, subscribers), field{"held_until", "", p.HeldUntil(at)},
		field{"versions_until", "", listOf(p.Past, func(v plan.Version) moment { return moment(v.Until) })})
	return Document{JSON: all, CSV: limits, Text: func(t *Text) {
		t.Title("%s", p.Name)
		t.facts(planFacts(p, subscribers, at))
		t.Gap()
		t.list(limits, "name meter max action scope", "no limits")
	}}
}

func planFacts(p plan.Plan, subscribers int, at time.Time) fields {
	facts := fields{
		{"", "tier", p.Tier},
		{"", "price", p.Monthly.Display() + " a month, " + p.Yearly.Display() + " a year"},
		{"", "description", p.Description},
		{"", "features", p.Features},
		{"", "overage", overage(p)},
		{"", "rates", rates(p.Rates)},
		{"", "subscribers", subscribers},
	}
	if until := p.HeldUntil(at); !until.IsZero() {
		facts = append(facts, field{"", "held until", until})
	}
	for _, v := range p.Past {
		facts = append(facts, field{"", "changed", Time(v.Until) + " (--at shows what it was before)"})
	}
	return facts
}

func overage(p plan.Plan) string {
	if p.Overage == plan.OverageBlock {
		return "none: a limit that blocks refuses"
	}
	return "allowed beyond a limit that blocks, at cost plus " + p.MarkupText()
}

// PlanChanges shows what a plan file changes or, where it is applied, has changed.
func PlanChanges(diffs []plan.Difference, applied bool) Document {
	changes := rowsOf(diffs, func(d plan.Difference) fields {
		return fields{
			{"plan", "PLAN", d.Plan},
			{"field", "FIELD", d.Field},
			{"before", "BEFORE", orNull(name(d.Before))},
			{"after", "AFTER", orNull(name(d.After))},
		}
	})
	return Document{JSON: fields{{"applied", "", applied}, {"changes", "", changes}}, CSV: changes, Text: func(t *Text) {
		t.list(changes, "", "no changes: the plans are as the file has them")
	}}
}
