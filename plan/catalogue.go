package plan

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

//go:embed plans.yaml
var defaultCatalogue []byte

// DefaultCatalogue returns the plans that are built into the binary.
func DefaultCatalogue(providers pricing.Providers) (Plans, error) {
	return ParseCatalogue("the built-in plans.yaml", defaultCatalogue, providers)
}

// catalogueFile is a plan file as people write it. What a limit counts is defined once under limits, and each plan
// gives its maximum.
type catalogueFile struct {
	Limits map[string]definition `yaml:"limits"`
	Plans  []planEntry           `yaml:"plans"`
}

type definition struct {
	Meter     Meter    `yaml:"meter"`
	Providers []string `yaml:"providers,omitempty"`
	Vendors   []string `yaml:"vendors,omitempty"`
}

type planEntry struct {
	Name        string             `yaml:"name"`
	Tier        string             `yaml:"tier"`
	Monthly     pricing.ScalarText `yaml:"monthly"`
	Yearly      pricing.ScalarText `yaml:"yearly"`
	Description string             `yaml:"description"`
	Features    []string           `yaml:"features"`
	Overage     pricing.ScalarText `yaml:"overage"`
	Markup      pricing.ScalarText `yaml:"overage_markup"`
	Limits      limitEntries       `yaml:"limits"`

	RequestsPerMinute pricing.ScalarText `yaml:"requests_per_minute"`
	TokensPerMinute   pricing.ScalarText `yaml:"tokens_per_minute"`
	ParallelCalls     pricing.ScalarText `yaml:"parallel_calls"`
}

// highestPrice leaves room on a bill, which holds 9.2 million dollars: for the price of a cycle, that of a plan that it
// is changed to, and what was used.
const highestPrice = 4_000_000 * pricing.Dollar

// amount reads a plan's price as pricing.ParseUSD takes it, nothing being 0; the field is named in the failure.
func amount(field string, text pricing.ScalarText) (pricing.USD, error) {
	if text == "" {
		return 0, nil
	}
	parsed, err := pricing.ParseUSD(string(text))
	if err == nil && parsed < 0 {
		err = failure.Invalidf("%s is negative: a price is 0 or more", parsed)
	}
	if err == nil && parsed > highestPrice {
		err = failure.Invalidf("%s is more than a bill can have: a price is at most %s", parsed.Display(),
			highestPrice.Display())
	}
	if err != nil {
		return 0, failure.Within(err, "%s", field)
	}
	return parsed, nil
}

func scalar(text string) string { return strings.Trim(strings.TrimSpace(text), `"'`) }

// limitEntries are the limits of one plan in the order of the file.
type limitEntries []limitEntry

// limitEntry is a maximum, or a mapping with more than the maximum.
type limitEntry struct {
	name      string
	Max       pricing.ScalarText `yaml:"max"`
	Action    Action             `yaml:"action"`
	Meter     Meter              `yaml:"meter"`
	Providers []string           `yaml:"providers"`
	Vendors   []string           `yaml:"vendors"`
}

// UnmarshalYAML reads a mapping of limit names to maxima, in order.
func (es *limitEntries) UnmarshalYAML(node ast.Node) error {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return failure.Invalidf("limits must be a mapping of names to maxima")
	}
	for iter := mapping.MapRange(); iter.Next(); {
		entry := limitEntry{name: scalar(iter.Key().String())}
		if _, nested := iter.Value().(ast.MapNode); nested {
			if err := yaml.NodeToValue(iter.Value(), &entry, yaml.Strict()); err != nil {
				return err
			}
		} else {
			entry.Max = pricing.ScalarText(scalar(iter.Value().String()))
		}
		*es = append(*es, entry)
	}
	return nil
}

// ParseCatalogue reads a plan file. The name of the file is used in failures, which are all invalid ones: text that is
// no YAML, unknown fields, providers, vendors, meters or actions, maxima that are no amounts, plans, tiers or limits
// that appear twice, and a file without a plan of the default tier.
func ParseCatalogue(name string, text []byte, providers pricing.Providers) (Plans, error) {
	var file catalogueFile
	if err := pricing.ReadYAML(name, text, &file); err != nil {
		return nil, err
	}
	var plans Plans
	for i, entry := range file.Plans {
		p, err := entry.plan(file.Limits, providers)
		if err == nil {
			err = plans.requireNewNames(p)
		}
		if err != nil {
			return nil, failure.Within(err, "%s: plan %d (%s)", name, i+1, failure.Shorten(entry.Name))
		}
		plans = append(plans, p)
	}
	if _, err := plans.Default(); err != nil {
		return nil, failure.Invalidf("%s has no plan of the tier %q: every user without a subscription is on it", name,
			DefaultTier)
	}
	return plans, nil
}

func (ps Plans) requireNewNames(p Plan) error {
	for _, q := range ps {
		if p.isCalled(q.Name) || p.isCalled(q.Tier) {
			return failure.Invalidf("its name or tier is taken by the plan %s", q.Name)
		}
	}
	return nil
}

func (e planEntry) plan(definitions map[string]definition, providers pricing.Providers) (Plan, error) {
	if err := validatePlanName(e.Name); err != nil {
		return Plan{}, err
	}
	if err := pricing.ValidateName("tier", e.Tier); err != nil {
		return Plan{}, err
	}
	p := Plan{Name: e.Name, Tier: e.Tier, Description: e.Description, Features: e.Features}
	var err error
	if p.Monthly, err = amount("monthly", e.Monthly); err != nil {
		return Plan{}, err
	}
	if p.Yearly, err = amount("yearly", e.Yearly); err != nil {
		return Plan{}, err
	}
	if err := e.readOverage(&p); err != nil {
		return Plan{}, err
	}
	if p.Rates, err = e.rates(); err != nil {
		return Plan{}, err
	}
	for _, entry := range e.Limits {
		l, err := entry.limit(definitions, providers)
		if err == nil && slices.ContainsFunc(p.Limits, func(m Limit) bool { return m.Name == l.Name }) {
			err = failure.Invalidf("it appears twice")
		}
		if err != nil {
			return Plan{}, failure.Within(err, "limit %s", failure.Shorten(entry.name))
		}
		p.Limits = append(p.Limits, l)
	}
	return p, nil
}

func validatePlanName(name string) error {
	if name == "" || len(name) > 64 || strings.TrimSpace(name) != name ||
		strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return failure.Invalidf("name is %q: it must be 1 to 64 characters, without spaces around it", failure.Shorten(name))
	}
	return nil
}

func (e limitEntry) limit(definitions map[string]definition, providers pricing.Providers) (Limit, error) {
	l := Limit{Name: e.name, Meter: e.Meter, Scope: Scope{Providers: e.Providers, Vendors: e.Vendors}, Action: e.Action}
	if l.Meter == "" {
		d, ok := definitions[e.name]
		if !ok {
			return Limit{}, failure.Invalidf(
				"what it counts is not said: define it under limits at the top, or give it a meter here")
		}
		l.Meter = d.Meter
		if len(e.Providers) == 0 && len(e.Vendors) == 0 {
			l.Scope = Scope{Providers: d.Providers, Vendors: d.Vendors}
		}
	}
	l.Action = cmp.Or(l.Action, Block)
	if err := cmp.Or(l.validate(), l.Scope.validate(providers)); err != nil {
		return Limit{}, err
	}
	return l, l.setMax(string(e.Max))
}

func (l *Limit) setMax(text string) error {
	if text == "unlimited" {
		l.Unlimited = true
		return nil
	}
	if l.Meter == Cost {
		max, err := pricing.ParseUSD(text)
		if err == nil && max < 0 {
			err = failure.Invalidf("max is %s: it must be 0 or more, or unlimited", text)
		}
		l.Max = int64(max)
		return err
	}
	max, err := pricing.ParseQuantity("max", text)
	l.Max = max
	return err
}

func (s Scope) validate(providers pricing.Providers) error {
	vendors := map[string]bool{}
	for _, p := range providers {
		vendors[p.Vendor] = true
		for _, rule := range p.VendorRules {
			vendors[rule.Vendor] = true
		}
	}
	for _, name := range s.Providers {
		if _, err := providers.Find(name); err != nil {
			return err
		}
	}
	for _, name := range s.Vendors {
		if !vendors[name] {
			return failure.UnknownName(failure.Invalid, "vendor", name, slices.Collect(maps.Keys(vendors)))
		}
	}
	return nil
}

// YAML returns the plans as a plan file that ParseCatalogue reads back.
func (ps Plans) YAML() string {
	var b strings.Builder
	definitions := map[string]Limit{}
	b.WriteString("limits:\n")
	for _, p := range ps {
		for _, l := range p.Limits {
			if _, known := definitions[l.Name]; !known {
				definitions[l.Name] = l
				fmt.Fprintf(&b, "  %s: {%s}\n", pricing.YAMLName(l.Name), l.yamlDefinition())
			}
		}
	}
	b.WriteString("plans:\n")
	for _, p := range ps {
		fmt.Fprintf(&b, "  - name: %s\n    tier: %s\n    monthly: %s\n    yearly: %s\n"+
			"    description: %s\n    features: [%s]\n%s%s    limits:\n", strconv.Quote(p.Name), pricing.YAMLName(p.Tier),
			p.Monthly, p.Yearly, strconv.Quote(p.Description),
			yamlList(p.Features, strconv.Quote), p.yamlOverage(), p.Rates.yaml())
		for _, l := range p.Limits {
			fmt.Fprintf(&b, "      %s: %s\n", pricing.YAMLName(l.Name), l.yamlMaximum(definitions[l.Name]))
		}
	}
	return b.String()
}

func (l Limit) yamlDefinition() string {
	text := "meter: " + string(l.Meter)
	if len(l.Scope.Providers) > 0 {
		text += ", providers: [" + yamlList(l.Scope.Providers, pricing.YAMLName) + "]"
	}
	if len(l.Scope.Vendors) > 0 {
		text += ", vendors: [" + yamlList(l.Scope.Vendors, pricing.YAMLName) + "]"
	}
	return text
}

func (l Limit) yamlMaximum(defined Limit) string {
	own := l.Meter != defined.Meter || !l.Scope.Equal(defined.Scope)
	if l.Action == Block && !own {
		return l.MaxText()
	}
	text := fmt.Sprintf("{max: %s, action: %s", l.MaxText(), l.Action)
	if own {
		text += ", " + l.yamlDefinition()
	}
	return text + "}"
}

func yamlList(items []string, write func(string) string) string {
	written := make([]string, len(items))
	for i, item := range items {
		written[i] = write(item)
	}
	return strings.Join(written, ", ")
}
