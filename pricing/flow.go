package pricing

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

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
	if q.PerMillion() {
		if million, err := rate.Times(1_000_000); err == nil {
			return million.String() + "/1M"
		}
	}
	return rate.String()
}
