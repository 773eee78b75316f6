package pricing

import (
	"encoding/json"
	"reflect"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/alwrity/alwrity-sub/failure"
)

// priceEntry is a price as a price file has it. The database keeps the same, as JSON, of what has no column.
type priceEntry struct {
	Provider, Model, EffectiveFrom, Cost string
	tariffEntry
	Bands []bandEntry
	Tiers []tierEntry
}

// tariffEntry has a rate for each quantity, by its unit. In a price one that isn't given costs nothing, or what its
// total costs; elsewhere it is as in the price.
type tariffEntry struct {
	rates [QuantityCount]*ScalarText
	above *aboveEntry
}

type aboveEntry struct {
	inputTokens ScalarText
	tariffEntry
}

type bandEntry struct {
	hours, days string
	tariffEntry
}

type tierEntry struct {
	name   string
	factor *ScalarText
	tariffEntry
}

// field returns where the value of a field goes, nil for an unknown one.
func (e *tariffEntry) field(name string) any {
	if name == "above" {
		return &e.above
	}
	if q, ok := QuantityOfUnit(name); ok {
		return &e.rates[q]
	}
	return nil
}

func (e *priceEntry) field(name string) any {
	switch name {
	case "provider":
		return &e.Provider
	case "model":
		return &e.Model
	case "effective_from":
		return &e.EffectiveFrom
	case "cost":
		return &e.Cost
	case "bands":
		return &e.Bands
	case "tiers":
		return &e.Tiers
	}
	return e.tariffEntry.field(name)
}

func (e *aboveEntry) field(name string) any {
	switch q, _ := QuantityOfUnit(name); {
	case name == "input_tokens":
		return &e.inputTokens
	case q.IsToken():
		return e.tariffEntry.field(name)
	}
	return nil
}

func (e *bandEntry) field(name string) any {
	switch name {
	case "hours":
		return &e.hours
	case "days":
		return &e.days
	}
	return e.tariffEntry.field(name)
}

func (e *tierEntry) field(name string) any {
	switch name {
	case "name":
		return &e.name
	case "factor":
		return &e.factor
	}
	return e.tariffEntry.field(name)
}

// UnmarshalYAML reads the fields of a price.
func (e *priceEntry) UnmarshalYAML(node ast.Node) error { return readFields(node, e.field) }

// UnmarshalYAML reads the fields of a long-context price.
func (e *aboveEntry) UnmarshalYAML(node ast.Node) error { return readFields(node, e.field) }

// UnmarshalYAML reads the fields of a band.
func (e *bandEntry) UnmarshalYAML(node ast.Node) error { return readFields(node, e.field) }

// UnmarshalYAML reads the fields of a tier.
func (e *tierEntry) UnmarshalYAML(node ast.Node) error { return readFields(node, e.field) }

// UnmarshalJSON reads the fields of a price.
func (e *priceEntry) UnmarshalJSON(text []byte) error { return readJSONFields(text, e.field) }

// UnmarshalJSON reads the fields of a long-context price.
func (e *aboveEntry) UnmarshalJSON(text []byte) error { return readJSONFields(text, e.field) }

// UnmarshalJSON reads the fields of a band.
func (e *bandEntry) UnmarshalJSON(text []byte) error { return readJSONFields(text, e.field) }

// UnmarshalJSON reads the fields of a tier.
func (e *tierEntry) UnmarshalJSON(text []byte) error { return readJSONFields(text, e.field) }

// readFields reads a mapping of YAML. Of an unknown field the failure says where it is.
func readFields(node ast.Node, field func(name string) any) error {
	if node.Type() == ast.NullType {
		return nil
	}
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return &yaml.UnexpectedNodeTypeError{Actual: node.Type(), Expected: ast.MappingType, Token: node.GetToken()}
	}
	for pair := mapping.MapRange(); pair.Next(); {
		name := pair.Key().GetToken().Value
		to := field(name)
		if to == nil {
			return &yaml.UnknownFieldError{Message: "unknown field " + strconv.Quote(name), Token: pair.Key().GetToken()}
		}
		if pair.Value().Type() == ast.NullType {
			continue
		}
		if pointer := reflect.ValueOf(to).Elem(); pointer.Kind() == reflect.Pointer { // which the library leaves nil
			pointer.Set(reflect.New(pointer.Type().Elem()))
			to = pointer.Interface()
		}
		if err := yaml.NodeToValue(pair.Value(), to, yaml.Strict()); err != nil {
			return err
		}
	}
	return nil
}

func readJSONFields(text []byte, field func(name string) any) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for name, value := range all {
		to := field(name)
		if to == nil {
			return failure.Invalidf("unknown field %q", name)
		}
		if err := json.Unmarshal(value, to); err != nil {
			return err
		}
	}
	return nil
}

// price checks an entry and returns its price.
func (e *priceEntry) price() (Price, error) {
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
	if err := e.addTo(&p); err != nil {
		return Price{}, err
	}
	return p, p.Validate()
}

// addTo sets what the entry gives of what a price charges.
func (e *priceEntry) addTo(p *Price) (err error) {
	if p.Reported, err = isReported(e.Cost); err != nil {
		return err
	}
	usual := p.tariff()
	given, err := e.tariff(usual)
	if err != nil {
		return err
	}
	usual = usual.with(given)
	p.Rates, p.Given, p.Above = usual.Rates, usual.Given, usual.Above
	for _, entry := range e.Bands {
		band, err := entry.band(usual)
		if err != nil {
			return failure.Within(err, "bands")
		}
		p.Bands = append(p.Bands, band)
	}
	for _, entry := range e.Tiers {
		tier, err := entry.tier(usual)
		if err != nil {
			return failure.Within(err, "tiers")
		}
		p.Tiers = append(p.Tiers, tier)
	}
	return nil
}

// isReported reads the field cost of a price or a provider.
func isReported(text string) (bool, error) {
	if text != "" && text != string(Reported) {
		return false, failure.Invalidf("cost is %q: it can only be %s, for what costs what its events report",
			failure.Shorten(text), Reported)
	}
	return text != "", nil
}

// tariff returns what is given. What holds otherwise is taken for what a long context leaves out.
func (e *tariffEntry) tariff(otherwise Tariff) (t Tariff, err error) {
	for i, rate := range e.rates {
		if rate == nil {
			continue
		}
		if t.Rates[i], err = unitPrice(Quantity(i).Unit(), *rate); err != nil {
			return t, err
		}
		t.Given |= SetOf(Quantity(i))
	}
	if e.above != nil {
		if t.Above, err = e.above.longContext(otherwise.with(t)); err != nil {
			return t, failure.Within(err, "above")
		}
	}
	return t, nil
}

func (e *bandEntry) band(usual Tariff) (b Band, err error) {
	if e.hours != "" {
		if b.From, b.To, err = parseHours(e.hours); err != nil {
			return b, err
		}
	}
	if e.days != "" {
		if b.Days, err = parseDays(e.days); err != nil {
			return b, err
		}
	}
	b.Tariff, err = e.tariff(usual)
	return b, err
}

func (e *tierEntry) tier(usual Tariff) (t Tier, err error) {
	t.Name = e.name
	if e.factor != nil {
		if t.Factor, err = ParseFactor(string(*e.factor)); err != nil {
			return t, err
		}
	}
	t.Tariff, err = e.tariff(usual)
	return t, err
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
func (e *aboveEntry) longContext(below Tariff) (*LongContext, error) {
	over, err := ParseQuantity("input_tokens", string(e.inputTokens))
	if err != nil {
		return nil, err
	}
	given, err := e.tariff(Tariff{})
	switch {
	case err != nil:
		return nil, err
	case e.above != nil:
		return nil, failure.Invalidf("it can't have another above")
	case given.Given == 0:
		return nil, failure.Invalidf("above has no price: give input_token, output_token or both")
	}
	above := LongContext{OverInputTokens: over, Given: given.Given & parts}
	for _, q := range []Quantity{InputTokens, OutputTokens} {
		if !given.Given.Has(q) {
			given.Rates[q] = below.Rates[q]
		}
	}
	above.setRates(given.Rates)
	return &above, nil
}
