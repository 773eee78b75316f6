package report

import (
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

type planView struct {
	Name        string          `json:"name"`
	Tier        string          `json:"tier"`
	Monthly     pricing.USD     `json:"monthly"`
	Yearly      pricing.USD     `json:"yearly"`
	Description string          `json:"description"`
	Features    []string        `json:"features"`
	Overage     string          `json:"overage"`
	Markup      string          `json:"overage_markup"` // such as 12.5%
	Source      pricing.Source  `json:"source"`
	Subscribers int             `json:"subscribers"`
	Limits      []planLimitView `json:"limits"`
}

// datedPlanView is a plan at a moment, with when its figures end, null for those of now,
// and when those before that did, oldest first.
type datedPlanView struct {
	planView
	HeldUntil     moment   `json:"held_until"`
	VersionsUntil []moment `json:"versions_until"`
}

type planLimitView struct {
	Name   string      `json:"name"`
	Meter  plan.Meter  `json:"meter"`
	Scope  string      `json:"scope"`
	Max    *measure    `json:"max"`
	Action plan.Action `json:"action"`
}

func viewPlan(p plan.Plan, subscribers int) planView {
	return planView{
		Name: p.Name, Tier: p.Tier, Monthly: p.Monthly, Yearly: p.Yearly, Description: p.Description,
		Features: append([]string{}, p.Features...), Overage: p.Overage.String(), Markup: p.MarkupText(), Source: p.Source, Subscribers: subscribers,
		Limits: listOf(p.Limits, func(l plan.Limit) planLimitView {
			return planLimitView{l.Name, l.Meter, scopeText(l.Scope), maximum(l), l.Action}
		}),
	}
}

// Plans shows the plans on offer, and how many users are subscribed to each.
func Plans(plans plan.Plans, subscribers map[int64]int) Document {
	views := listOf(plans, func(p plan.Plan) planView { return viewPlan(p, subscribers[p.ID]) })
	header := []string{"name", "tier", "monthly", "yearly", "subscribers", "limits", "source", "description", "features", "overage", "overage_markup"}
	grid := gridOf(header, views, func(v planView) []Cell {
		return []Cell{TextCell(v.Name), TextCell(v.Tier), MoneyCell(v.Monthly), MoneyCell(v.Yearly), NumberCell(int64(v.Subscribers)),
			NumberCell(int64(len(v.Limits))), TextCell(string(v.Source)), TextCell(v.Description), TextCell(strings.Join(v.Features, "; ")), TextCell(v.Overage), TextCell(v.Markup)}
	})
	return listDocument(views, grid, func(t *Text) error {
		if len(views) == 0 {
			t.Note("no plans")
			return nil
		}
		columns := []column{{"PLAN", words}, {"TIER", words}, {"MONTHLY", money}, {"YEARLY", money}, {"SUBSCRIBERS", number}, {"DESCRIPTION", names}}
		return t.table(tableOf(columns, views, func(v planView) []span {
			return []span{text(v.Name), text(v.Tier), text(v.Monthly.Display()), text(v.Yearly.Display()), text(Count(int64(v.Subscribers))), text(v.Description)}
		}))
	})
}

// Plan shows one plan with its limits, and the figures that held at a moment.
func Plan(p plan.Plan, subscribers int, at time.Time) Document {
	p = p.At(at)
	view := datedPlanView{viewPlan(p, subscribers), moment(p.HeldUntil(at)), listOf(p.Past, func(v plan.Version) moment { return moment(v.Until) })}
	header := []string{"plan", "limit", "meter", "scope", "max", "action"}
	grid := gridOf(header, p.Limits, func(l plan.Limit) []Cell {
		return []Cell{TextCell(p.Name), TextCell(l.Name), TextCell(string(l.Meter)), TextCell(scopeText(l.Scope)), maximumCell(l), TextCell(string(l.Action))}
	})
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		t.Title("%s", p.Name)
		t.facts(planFacts(p, subscribers, at)...)
		t.Gap()
		if len(p.Limits) == 0 {
			t.Note("no limits")
			return nil
		}
		columns := []column{{"LIMIT", words}, {"COUNTS", words}, {"MAXIMUM", number}, {"ACTION", words}, {"OF", names}}
		return t.table(tableOf(columns, p.Limits, func(l plan.Limit) []span {
			return []span{text(l.Name), text(string(l.Meter)), maximumSpan(l), text(string(l.Action)), text(scopeForPeople(l.Scope))}
		}))
	}}
}

func planFacts(p plan.Plan, subscribers int, at time.Time) []fact {
	facts := []fact{
		factOf("tier", p.Tier),
		factOf("price", p.Monthly.Display()+" a month, "+p.Yearly.Display()+" a year"),
		factOf("description", p.Description),
		factOf("features", strings.Join(p.Features, ", ")),
		factOf("overage", overageForPeople(p)),
		factOf("subscribers", Count(int64(subscribers))),
	}
	if until := p.HeldUntil(at); !until.IsZero() {
		facts = append(facts, factOf("held until", Time(until)))
	}
	for _, v := range p.Past {
		facts = append(facts, factOf("changed", Time(v.Until)+" (--at shows what it was before)"))
	}
	return facts
}

func overageForPeople(p plan.Plan) string {
	if p.Overage == plan.OverageBlock {
		return "none: a limit that blocks refuses"
	}
	return "allowed beyond a limit that blocks, at cost plus " + p.MarkupText()
}

func maximumSpan(l plan.Limit) span {
	s := text(Maximum(l))
	if l.Unlimited || l.Max == 0 {
		s.style = dim
	}
	return s
}

type planChangesView struct {
	Applied bool             `json:"applied"`
	Changes []planChangeView `json:"changes"`
}

type planChangeView struct {
	Plan   string  `json:"plan"`
	Field  string  `json:"field"`
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// PlanChanges shows what a plan file changes or, where it is applied, has changed.
func PlanChanges(diffs []plan.Difference, applied bool) Document {
	view := planChangesView{applied, listOf(diffs, func(d plan.Difference) planChangeView {
		return planChangeView{d.Plan, d.Field, orNull(d.Before), orNull(d.After)}
	})}
	grid := gridOf([]string{"plan", "field", "before", "after"}, diffs, func(d plan.Difference) []Cell {
		return []Cell{TextCell(d.Plan), TextCell(d.Field), TextCell(d.Before), TextCell(d.After)}
	})
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		if len(diffs) == 0 {
			t.Note("no changes: the plans are as the file has them")
			return nil
		}
		columns := []column{{"PLAN", words}, {"FIELD", words}, {"BEFORE", names}, {"AFTER", names}}
		return t.table(tableOf(columns, diffs, func(d plan.Difference) []span {
			return []span{text(d.Plan), text(d.Field), orNone(d.Before), orNone(d.After)}
		}))
	}}
}

// orNone stands a dash in a table where a text is empty.
func orNone(s string) span {
	if s == "" {
		return dim.of(Dash)
	}
	return text(s)
}
