package pricing

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

//go:embed prices.yaml
var defaultCatalogue []byte

// Catalogue is what a price file holds: the providers, with the rules that derive a vendor, prices, and aliases of
// models. A price or alias without a moment holds from the beginning.
type Catalogue struct {
	Providers []Provider
	Prices    []Price
	Aliases   []Alias
}

// DefaultCatalogue returns the catalogue that is built into the binary.
func DefaultCatalogue() (Catalogue, error) {
	return ParseCatalogue("the built-in prices.yaml", defaultCatalogue)
}

// Beginning is the moment from which a price without one holds: before any event.
func Beginning() time.Time { return time.Unix(0, 0).UTC() }

// catalogueFile is a price file as people write it.
type catalogueFile struct {
	Providers []providerEntry `yaml:"providers"`
	Prices    []priceEntry    `yaml:"prices"`
	Aliases   []aliasEntry    `yaml:"aliases"`
}

type providerEntry struct {
	Name                     string        `yaml:"name"`
	Vendor                   string        `yaml:"vendor"`
	CharactersAreInputTokens bool          `yaml:"characters_are_input_tokens,omitempty"`
	FineTuned                string        `yaml:"fine_tuned,omitempty"`
	Cost                     string        `yaml:"cost,omitempty"`
	VendorRules              []vendorEntry `yaml:"models,omitempty"`
}

type vendorEntry struct {
	Contains string `yaml:"contains"`
	Vendor   string `yaml:"vendor"`
}

type aliasEntry struct {
	Provider      string `yaml:"provider"`
	Name          string `yaml:"name"`
	Model         string `yaml:"model"`
	EffectiveFrom string `yaml:"effective_from,omitempty"`
}

// ParseCatalogue reads a price file. The name of the file is used in failures, which are all invalid ones: text that is
// no YAML, unknown fields, amounts that are no prices, providers or prices that appear twice, and prices of a provider
// that neither the file nor the built-in catalogue has.
func ParseCatalogue(name string, text []byte) (Catalogue, error) {
	var file catalogueFile
	if err := ReadYAML(name, text, &file); err != nil {
		return Catalogue{}, err
	}
	var c Catalogue
	for i, entry := range file.Providers {
		p, err := entry.provider()
		if err == nil && slices.ContainsFunc(c.Providers, func(q Provider) bool { return q.Name == p.Name }) {
			err = failure.Invalidf("it appears twice")
		}
		if err != nil {
			return Catalogue{}, failure.Within(err, "%s: provider %d (%s)", name, i+1, failure.Shorten(entry.Name))
		}
		c.Providers = append(c.Providers, p)
	}
	for i, entry := range file.Prices {
		p, err := entry.price()
		if err == nil && slices.ContainsFunc(c.Prices, p.replaces) {
			err = failure.Invalidf("there are two prices from the same moment on")
		}
		if err != nil {
			return Catalogue{}, failure.Within(err, "%s: price %d (%s %s)", name, i+1, failure.Shorten(entry.Provider),
				failure.Shorten(entry.Model))
		}
		c.Prices = append(c.Prices, p)
	}
	for i, entry := range file.Aliases {
		a, err := entry.alias()
		if err == nil && slices.ContainsFunc(c.Aliases, func(b Alias) bool {
			return b.sameNameAs(a) && b.EffectiveFrom.Equal(a.EffectiveFrom)
		}) {
			err = failure.Invalidf("the name stands for two models from the same moment on")
		}
		if err != nil {
			return Catalogue{}, failure.Within(err, "%s: alias %d (%s %s)", name, i+1, failure.Shorten(entry.Provider),
				failure.Shorten(entry.Name))
		}
		c.Aliases = append(c.Aliases, a)
	}
	return c, nil
}

// Check returns an invalid failure where a price or alias is of none of the given providers.
func (c Catalogue) Check(providers Providers) error {
	for _, p := range c.Prices {
		if _, err := providers.Find(p.Provider); err != nil {
			return err
		}
	}
	for _, a := range c.Aliases {
		if _, err := providers.Find(a.Provider); err != nil {
			return err
		}
	}
	return nil
}

func (e providerEntry) provider() (Provider, error) {
	p := Provider{Name: e.Name, Vendor: e.Vendor, CharactersAreInputTokens: e.CharactersAreInputTokens}
	var err error
	if p.CostReported, err = isReported(e.Cost); err != nil {
		return Provider{}, err
	}
	if err := ValidateName("name", e.Name); err != nil {
		return Provider{}, err
	}
	if err := ValidateName("vendor", e.Vendor); err != nil {
		return Provider{}, err
	}
	switch e.FineTuned {
	case "":
	case "base":
		p.FineTunedAsBase = true
	default:
		return Provider{}, failure.Invalidf("fine_tuned is %q: it must be base, or be left out", failure.Shorten(e.FineTuned))
	}
	for _, rule := range e.VendorRules {
		if rule.Contains == "" {
			return Provider{}, failure.Invalidf("a rule under models has no text in contains")
		}
		if err := ValidateName("vendor", rule.Vendor); err != nil {
			return Provider{}, err
		}
		p.VendorRules = append(p.VendorRules, VendorRule(rule))
	}
	return p, nil
}

// ValidateName checks the name of a provider, vendor or limit: 1 to 64 lower-case letters, digits, '_', '-' and '.'.
// The field is named in the invalid failure.
func ValidateName(field, name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-."
	if name == "" || len(name) > 64 || strings.Trim(name, allowed) != "" {
		return failure.Invalidf("%s is %q: it must be 1 to 64 lower-case letters, digits, '_', '-' or '.'", field,
			failure.Shorten(name))
	}
	return nil
}

// effectiveFrom reads the moment from which a price or alias holds: the beginning where none is given.
func effectiveFrom(text string) (time.Time, error) {
	if text == "" {
		return Beginning(), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		at, err = time.Parse(time.DateOnly, text)
	}
	if err != nil {
		return at, failure.Invalidf("effective_from is %q: write a date or an RFC 3339 time", text)
	}
	if at.Before(Beginning()) || at.Year() >= 9000 { // as the times of events
		return at, failure.Invalidf("effective_from is %q: it must lie between the years 1970 and 8999", text)
	}
	return at.UTC().Truncate(time.Microsecond), nil
}

func (e aliasEntry) alias() (Alias, error) {
	if e.Provider == "" || e.Name == "" || e.Model == "" {
		return Alias{}, failure.Invalidf("provider, name and model must all be given")
	}
	from, err := effectiveFrom(e.EffectiveFrom)
	if err != nil {
		return Alias{}, err
	}
	a := Alias{Provider: e.Provider, Name: e.Name, Model: e.Model, EffectiveFrom: from, Source: FromCatalogue}
	return a, a.Validate()
}

// replaces tells whether two prices are of one model and hold from the same moment on.
func (p Price) replaces(q Price) bool {
	return q.Provider == p.Provider && q.Model == p.Model && q.EffectiveFrom.Equal(p.EffectiveFrom)
}

// YAML returns the catalogue as a price file that ParseCatalogue reads back.
func (c Catalogue) YAML() string {
	var b strings.Builder
	b.WriteString("providers:\n")
	for _, p := range c.Providers {
		fmt.Fprintf(&b, "  - name: %s\n    vendor: %s\n", YAMLName(p.Name), YAMLName(p.Vendor))
		if p.CharactersAreInputTokens {
			b.WriteString("    characters_are_input_tokens: true\n")
		}
		if p.FineTunedAsBase {
			b.WriteString("    fine_tuned: base\n")
		}
		if p.CostReported {
			b.WriteString("    cost: reported\n")
		}
		if len(p.VendorRules) > 0 {
			b.WriteString("    models:\n")
		}
		for _, rule := range p.VendorRules {
			fmt.Fprintf(&b, "      - {contains: %s, vendor: %s}\n", strconv.Quote(rule.Contains), YAMLName(rule.Vendor))
		}
	}
	if len(c.Aliases) > 0 {
		b.WriteString("aliases:\n")
	}
	for _, a := range c.Aliases {
		fmt.Fprintf(&b, "  - {provider: %s, name: %s, model: %s%s}\n", YAMLName(a.Provider), strconv.Quote(a.Name),
			strconv.Quote(a.Model), yamlMoment(a.EffectiveFrom))
	}
	b.WriteString("prices:\n")
	for _, p := range c.Prices {
		fmt.Fprintf(&b, "  - {%s}\n", p.yamlFields())
	}
	return b.String()
}

// YAMLName writes a name that ValidateName takes, quoted where YAML would read it as something else: a number, null, a
// list.
func YAMLName(name string) string {
	switch name {
	case "", "null", "true", "false", "yes", "no", "on", "off":
		return strconv.Quote(name)
	}
	if name[0] < 'a' || name[0] > 'z' {
		return strconv.Quote(name)
	}
	return name
}

// yamlMoment writes from when on something holds, after another field; nothing where it is the beginning.
func yamlMoment(from time.Time) string {
	if from.Equal(Beginning()) {
		return ""
	}
	return ", effective_from: " + strconv.Quote(from.Format(time.RFC3339Nano))
}
