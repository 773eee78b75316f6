package pricing

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"

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

// field returns where the value of a field goes, nil for one that there is not.
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

// flow writes a mapping in one line, of YAML or of JSON, which is YAML too.
type flow struct {
	json  bool
	parts []string
}

// text adds a field with a text.
func (f *flow) text(name, text string) {
	if f.json {
		name, text = strconv.Quote(name), strconv.Quote(text)
	}
	f.parts = append(f.parts, name+": "+text)
}

// mapping adds a field with a mapping.
func (f *flow) mapping(name string, write func(*flow)) { f.value(name, f.inner(write)) }

// list adds a field with a list of mappings, unless it is empty.
func (f *flow) list(name string, n int, write func(f *flow, i int)) {
	var items []string
	for i := range n {
		items = append(items, f.inner(func(f *flow) { write(f, i) }))
	}
	if n > 0 {
		f.value(name, "["+strings.Join(items, ", ")+"]")
	}
}

func (f *flow) inner(write func(*flow)) string {
	within := &flow{json: f.json}
	write(within)
	return "{" + strings.Join(within.parts, ", ") + "}"
}

// value adds a field with a value that is written already.
func (f *flow) value(name, value string) {
	if f.json {
		name = strconv.Quote(name)
	}
	f.parts = append(f.parts, name+": "+value)
}

// tariff adds the rates of some quantities, and a long context.
func (f *flow) tariff(t Tariff, which func(Quantity) bool) {
	for q := range QuantityCount {
		if which(q) {
			f.text(q.Unit(), unitPriceText(q, t.Rates[q]))
		}
	}
	if a := t.Above; a != nil {
		f.mapping("above", func(f *flow) {
			f.text("input_tokens", strconv.FormatInt(a.OverInputTokens, 10))
			f.tariff(Tariff{Rates: a.rates()}, (a.Given | SetOf(InputTokens, OutputTokens)).Has)
		})
	}
}

// variants adds the bands and tiers of a price.
func (f *flow) variants(p *Price) {
	if p.Reported {
		f.text("cost", string(Reported))
	}
	f.list("bands", len(p.Bands), func(f *flow, i int) {
		b := &p.Bands[i]
		f.value("hours", strconv.Quote(b.HoursText()))
		if b.Days != 0 {
			f.value("days", strconv.Quote(b.DaysText()))
		}
		f.tariff(b.Tariff, b.Given.Has)
	})
	f.list("tiers", len(p.Tiers), func(f *flow, i int) {
		t := &p.Tiers[i]
		f.value("name", strconv.Quote(t.Name))
		if t.Factor != 0 {
			f.text("factor", t.Factor.String())
		}
		f.tariff(t.Tariff, t.Given.Has)
	})
}

// yamlFields returns the fields of the price in a price file.
func (p *Price) yamlFields() string {
	f := flow{}
	f.text("provider", YAMLName(p.Provider))
	f.text("model", strconv.Quote(p.Model))
	if !p.EffectiveFrom.Equal(Beginning()) {
		f.text("effective_from", strconv.Quote(p.EffectiveFrom.Format(time.RFC3339Nano)))
	}
	f.tariff(p.tariff(), p.Gives)
	f.variants(p)
	return strings.Join(f.parts, ", ")
}

// Gives tells whether the price has a rate for a quantity. Parts without one cost what their total costs, other
// quantities nothing.
func (p *Price) Gives(q Quantity) bool {
	if _, isPart := q.Total(); isPart {
		return p.Given.Has(q)
	}
	return p.Rates[q] != 0
}

// Terms returns what a database keeps of the price in no column of its own, as JSON: the rates of rare quantities, what
// those of a long call are, bands, tiers, and that a call costs what it reports. "" is none of it.
func (p *Price) Terms() string {
	t := p.tariff()
	if t.Above != nil && t.Above.Given == 0 {
		t.Above = nil
	}
	f := flow{json: true}
	f.tariff(t, func(q Quantity) bool { return q.Rare() && p.Gives(q) })
	f.variants(p)
	if len(f.parts) == 0 {
		return ""
	}
	return "{" + strings.Join(f.parts, ", ") + "}"
}

// SetTerms sets what Terms has returned.
func (p *Price) SetTerms(text string) error {
	if text == "" {
		return nil
	}
	var e priceEntry
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return err
	}
	return e.addTo(p)
}

// unitPriceText writes a rate as people read it: of what is used by the thousand for a million.
func unitPriceText(q Quantity, rate USD) string {
	if q.Manifold() {
		if million, err := rate.Times(1_000_000); err == nil {
			return million.String() + "/1M"
		}
	}
	return rate.String()
}
