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
	VendorRules              []vendorEntry `yaml:"models,omitempty"`
}

type vendorEntry struct {
	Contains string `yaml:"contains"`
	Vendor   string `yaml:"vendor"`
}

// priceEntry has a field for each rate; one that isn't given costs nothing.
type priceEntry struct {
	Provider         string      `yaml:"provider"`
	Model            string      `yaml:"model"`
	EffectiveFrom    string      `yaml:"effective_from,omitempty"`
	InputToken       *ScalarText `yaml:"input_token,omitempty"`
	OutputToken      *ScalarText `yaml:"output_token,omitempty"`
	CachedInputToken *ScalarText `yaml:"cached_input_token,omitempty"`
	Request          *ScalarText `yaml:"request,omitempty"`
	Image            *ScalarText `yaml:"image,omitempty"`
	Search           *ScalarText `yaml:"search,omitempty"`
	Page             *ScalarText `yaml:"page,omitempty"`
	Character        *ScalarText `yaml:"character,omitempty"`
	Second           *ScalarText `yaml:"second,omitempty"`
	Above            *aboveEntry `yaml:"above,omitempty"`
}

type aliasEntry struct {
	Provider      string `yaml:"provider"`
	Name          string `yaml:"name"`
	Model         string `yaml:"model"`
	EffectiveFrom string `yaml:"effective_from,omitempty"`
}

type aboveEntry struct {
	InputTokens ScalarText  `yaml:"input_tokens"`
	InputToken  *ScalarText `yaml:"input_token,omitempty"`
	OutputToken *ScalarText `yaml:"output_token,omitempty"`
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

func (e priceEntry) price() (Price, error) {
	p := Price{Provider: e.Provider, Model: e.Model, EffectiveFrom: Beginning(), Source: FromCatalogue}
	if e.Provider == "" || e.Model == "" {
		return Price{}, failure.Invalidf("provider and model must both be given")
	}
	if err := ValidateName("provider", e.Provider); err != nil {
		return Price{}, err
	}
	var err error
	if p.EffectiveFrom, err = effectiveFrom(e.EffectiveFrom); err != nil {
		return Price{}, err
	}
	for i, rate := range e.rates() {
		if rate == nil {
			continue
		}
		if p.Rates[i], err = unitPrice(Quantity(i).Unit(), *rate); err != nil {
			return Price{}, err
		}
	}
	p.CachedPriced = e.CachedInputToken != nil
	if a := e.Above; a != nil {
		if a.InputToken == nil && a.OutputToken == nil {
			return Price{}, failure.Invalidf("above has no price: give input_token, output_token or both")
		}
		if p.Above, err = a.longContext(p.Rates); err != nil {
			return Price{}, failure.Within(err, "above")
		}
	}
	return p, p.Validate()
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

// unitPrice reads what ParseUnitPrice takes; the field is named in the failure.
func unitPrice(field string, text ScalarText) (USD, error) {
	parsed, err := ParseUnitPrice(string(text))
	if err != nil {
		return 0, failure.Within(err, "%s", field)
	}
	return parsed, nil
}

// longContext fills what isn't given from the rates below.
func (a aboveEntry) longContext(below Rates) (*LongContext, error) {
	over, err := ParseQuantity("input_tokens", string(a.InputTokens))
	if err != nil {
		return nil, err
	}
	above := LongContext{OverInputTokens: over, InputToken: below[InputTokens], OutputToken: below[OutputTokens]}
	if a.InputToken != nil {
		if above.InputToken, err = unitPrice(InputTokens.Unit(), *a.InputToken); err != nil {
			return nil, err
		}
	}
	if a.OutputToken != nil {
		if above.OutputToken, err = unitPrice(OutputTokens.Unit(), *a.OutputToken); err != nil {
			return nil, err
		}
	}
	return &above, nil
}

// rates returns the entry's rates in the order of the quantities.
func (e priceEntry) rates() [QuantityCount]*ScalarText {
	return [QuantityCount]*ScalarText{e.Request, e.InputToken, e.OutputToken, e.CachedInputToken,
		e.Image, e.Search, e.Page, e.Character, e.Second}
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

func (p Price) yamlFields() string {
	fields := []string{"provider: " + YAMLName(p.Provider),
		"model: " + strconv.Quote(p.Model) + yamlMoment(p.EffectiveFrom)}
	for i, rate := range p.Rates {
		if rate != 0 || Quantity(i) == CachedInputTokens && p.CachedPriced {
			fields = append(fields, Quantity(i).Unit()+": "+unitPriceText(Quantity(i), rate))
		}
	}
	if p.Above != nil {
		fields = append(fields, fmt.Sprintf("above: {input_tokens: %d, input_token: %s, output_token: %s}",
			p.Above.OverInputTokens, unitPriceText(InputTokens, p.Above.InputToken),
			unitPriceText(OutputTokens, p.Above.OutputToken)))
	}
	return strings.Join(fields, ", ")
}

// unitPriceText writes a rate as people read it: tokens and characters by the million, everything else by one.
func unitPriceText(q Quantity, rate USD) string {
	switch q {
	case InputTokens, OutputTokens, CachedInputTokens, Characters:
		if million, err := rate.Times(1_000_000); err == nil {
			return million.String() + "/1M"
		}
	}
	return rate.String()
}
