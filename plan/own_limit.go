package plan

import (
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// WantedLimit is a limit as somebody asks for it, for something else than a plan: with a maximum and, where it is not
// said elsewhere what the name counts, a meter.
type WantedLimit struct {
	Name      string
	Max       string // as plan files have it: a count, dollars, or unlimited
	Action    Action // "" blocks
	Meter     Meter
	Providers []string
	Vendors   []string
}

// ParseWantedLimit reads what a plan file has in one line: NAME=MAXIMUM, or NAME={max: 10, meter: calls, providers:
// [tavily, exa], vendors: […], action: warn}.
func ParseWantedLimit(text string) (WantedLimit, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || value == "" {
		return WantedLimit{}, failure.Invalidf("the limit is %q: it must be NAME=MAXIMUM", failure.Shorten(text)).
			WithHint("for example calls=100, monthly_cost=5, or searches='{max: 10, meter: calls, providers: [tavily, exa]}'")
	}
	if strings.ContainsAny(name+value, "\n\r") {
		return WantedLimit{}, failure.Invalidf("the limit %s has more than one line", failure.Shorten(name))
	}
	var file struct {
		Limits limitEntries `yaml:"limits"`
	}
	err := pricing.ReadYAML("the limit "+failure.Shorten(name), []byte("limits:\n  "+name+": "+value+"\n"), &file)
	if err != nil {
		return WantedLimit{}, err
	}
	if len(file.Limits) != 1 {
		return WantedLimit{}, failure.Invalidf("the limit is %q: it must be NAME=MAXIMUM", failure.Shorten(text))
	}
	e := file.Limits[0]
	return WantedLimit{Name: e.name, Max: string(e.Max), Action: e.Action, Meter: e.Meter, Providers: e.Providers,
		Vendors: e.Vendors}, nil
}

// OwnLimit makes a limit that stands beside those of plans. One that is called as a limit of a plan counts what that
// counts; calls, tokens and cost count all of that.
func (ps Plans) OwnLimit(w WantedLimit, providers pricing.Providers) (Limit, error) {
	definitions := map[string]definition{}
	for _, p := range ps {
		for _, l := range p.Limits {
			if _, known := definitions[l.Name]; !known && !p.Withdrawn {
				definitions[l.Name] = definition{Meter: l.Meter, Providers: l.Scope.Providers, Vendors: l.Scope.Vendors}
			}
		}
	}
	for _, m := range []Meter{Calls, Tokens, Cost} {
		if _, known := definitions[string(m)]; !known {
			definitions[string(m)] = definition{Meter: m}
		}
	}
	if _, known := definitions[w.Name]; !known && w.Meter == "" {
		names := []string{}
		for name := range definitions {
			names = append(names, name)
		}
		return Limit{}, failure.UnknownName(failure.Invalid, "limit", w.Name, names)
	}
	entry := limitEntry{name: w.Name, Max: pricing.ScalarText(w.Max), Action: w.Action, Meter: w.Meter,
		Providers: w.Providers, Vendors: w.Vendors}
	l, err := entry.limit(definitions, providers)
	if err != nil {
		return Limit{}, failure.Within(err, "limit %s", failure.Shorten(w.Name))
	}
	return l, nil
}
