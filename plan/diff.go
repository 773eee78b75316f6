package plan

import (
	"strings"

	"github.com/alwrity/alwrity-sub/pricing"
)

// Difference is one thing that a plan file changes.
type Difference struct {
	Plan   string
	Field  string // "plan" where the whole plan appears or goes
	Before string // empty where it was not there
	After  string // empty where it will be gone
}

// Withdraws tells whether the whole plan goes.
func (d Difference) Withdraws() bool { return d.Field == "plan" && d.After == "" }

// Diff returns what has to change to get from the plans that are there to those that are wanted. Plans are the same
// where their tier is. A plan that is withdrawn is one that is not there.
func Diff(have, want Plans) []Difference {
	var diffs []Difference
	for _, w := range want {
		h, ok := have.byTier(w.Tier)
		if !ok || h.Withdrawn {
			diffs = append(diffs, Difference{w.Name, "plan", "", "new"})
			continue
		}
		diffs = append(diffs, h.diff(w)...)
	}
	for _, h := range have {
		if _, ok := want.byTier(h.Tier); !ok && !h.Withdrawn {
			diffs = append(diffs, Difference{h.Name, "plan", "offered", ""})
		}
	}
	return diffs
}

func (ps Plans) byTier(tier string) (Plan, bool) {
	for _, p := range ps {
		if p.Tier == tier {
			return p, true
		}
	}
	return Plan{}, false
}

func (p Plan) diff(w Plan) []Difference {
	var diffs []Difference
	compare := func(field, before, after string) {
		if before != after {
			diffs = append(diffs, Difference{w.Name, field, before, after})
		}
	}
	compare("name", p.Name, w.Name)
	compare("monthly", p.Monthly.String(), w.Monthly.String())
	compare("yearly", p.Yearly.String(), w.Yearly.String())
	compare("description", p.Description, w.Description)
	compare("features", strings.Join(p.Features, ", "), strings.Join(w.Features, ", "))
	compare("overage", p.Overage.String(), w.Overage.String())
	compare("overage_markup", p.MarkupText(), w.MarkupText())
	for i, rate := range w.Rates.List() {
		compare(rate.Name, p.Rates.List()[i].MaxText(), rate.MaxText())
	}
	for _, l := range w.Limits {
		compare("limit "+l.Name, p.limitText(l.Name), w.limitText(l.Name))
	}
	for _, l := range p.Limits {
		if w.limitText(l.Name) == "" {
			compare("limit "+l.Name, p.limitText(l.Name), "")
		}
	}
	if len(diffs) == 0 && !p.Equal(w) {
		compare("limits", "another order", "the order of the file")
	}
	return diffs
}

func (p Plan) limitText(name string) string {
	for _, l := range p.Limits {
		if l.Name == name {
			return l.MaxText() + " (" + string(l.Action) + "; " + l.yamlDefinition() + ")"
		}
	}
	return ""
}

// Seeding is what seeding a catalogue does to the plans that are there.
type Seeding struct {
	Save      Plans // to be added, or to take the catalogue's figures
	Kept      Plans // they differ and stay: an admin or a file set them
	Unchanged int
}

// Seed compares the catalogue with the plans that are there, by tier.
func Seed(catalogue Plans, source pricing.Source, have Plans) Seeding {
	var s Seeding
	for _, p := range catalogue {
		p.Source = source
		h, ok := have.byTier(p.Tier)
		switch {
		case ok && h.Equal(p):
			s.Unchanged++
		case ok && !source.MayReplace(h.Source):
			s.Kept = append(s.Kept, h)
		default:
			p.ID = h.ID
			s.Save = append(s.Save, p)
		}
	}
	return s
}
