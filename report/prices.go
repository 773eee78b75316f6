package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func priceFields(p pricing.Price) fields {
	rates := listOf(tokensFirst(), func(q pricing.Quantity) field { return field{costName(q), q.Title(), rate(p, q)} })
	return slices.Concat(fields{
		{"provider", "PROVIDER", p.Provider},
		{"model", "MODEL", name(p.Model)},
		{"effective_from", "FROM", shown(p.EffectiveFrom, text(laterThanBeginning(p.EffectiveFrom)))},
	}, rates, fields{
		{"long_input", "LONG INPUT/1M", peopleOnly(longContext(p))},
		{"also", "ALSO", peopleOnly(also(p))},
	}, longContextFields(p.Above), termsFields(p), fields{{"source", "SOURCE", p.Source}})
}

// termsFields are what a price charges at some times, in some tiers, and by what its events report.
func termsFields(p pricing.Price) fields {
	return fields{{"bands", "", listOf(p.Bands, bandFields)}, {"tiers", "", listOf(p.Tiers, tierFields)},
		{"reported", "", p.Reported}}
}

// bandFields are what holds at some times, other than else.
func bandFields(b pricing.Band) fields {
	return append(fields{{"hours", "", b.HoursText()}, {"days", "", orNull(b.DaysText())}}, tariffFields(b.Tariff)...)
}

// tierFields are what a service tier costs.
func tierFields(t pricing.Tier) fields {
	factor := nullUnless(t.Factor != 0, t.Factor.String())
	return append(fields{{"name", "", t.Name}, {"factor", "", factor}}, tariffFields(t.Tariff)...)
}

// tariffFields are the costs that a band or a tier names.
func tariffFields(t pricing.Tariff) fields {
	var rates fields
	for _, q := range tokensFirst() {
		if t.Given.Has(q) {
			rates = append(rates, field{costName(q), "", t.Rates[q]})
		}
	}
	return append(rates, longContextFields(t.Above)...)
}

// also writes what a price charges at some times, in some tiers, and by what its events report.
func also(p pricing.Price) string {
	var parts []string
	for _, b := range p.Bands {
		parts = append(parts, b.Times()+": "+tariffText(b.Tariff))
	}
	for _, t := range p.Tiers {
		if t.Factor != 0 {
			parts = append(parts, t.Name+": times "+t.Factor.String())
		} else {
			parts = append(parts, t.Name+": "+tariffText(t.Tariff))
		}
	}
	if p.Reported {
		parts = append(parts, "as reported")
	}
	return strings.Join(parts, "; ")
}

func tariffText(t pricing.Tariff) string {
	var parts []string
	for _, q := range tokensFirst() {
		if t.Given.Has(q) {
			parts = append(parts, UnitPrice(q, t.Rates[q])+" "+QuantityName(q))
		}
	}
	if t.Above != nil {
		parts = append(parts, "long input "+longContextText(*t.Above))
	}
	return strings.Join(parts, ", ")
}

// tokensFirst are the quantities in the order in which people look for their prices.
func tokensFirst() []pricing.Quantity {
	var tokens, others []pricing.Quantity
	for q := range pricing.QuantityCount {
		if q.IsToken() {
			tokens = append(tokens, q)
		} else {
			others = append(others, q)
		}
	}
	return append(tokens, others...)
}

// costName is what the price of a quantity is called in JSON and CSV.
func costName(q pricing.Quantity) string { return q.Unit() + "_cost" }

// longContextFields are the prices of a call with a long input, null where they are those of any call.
func longContextFields(above *pricing.LongContext) fields {
	own := cmp.Or(above, &pricing.LongContext{})
	all := fields{
		{"above_input_tokens", "", nullUnless(above != nil, own.OverInputTokens)},
		{"above_input_token_cost", "", nullUnless(above != nil, own.InputToken)},
		{"above_output_token_cost", "", nullUnless(above != nil, own.OutputToken)},
	}
	for _, q := range tokensFirst() {
		if rate := jsonOnly(own.Parts[q]); own.Given.Has(q) {
			all = append(all, field{"above_" + costName(q), "", rate})
		}
	}
	return all
}

// figures names the amounts that a price may have, in the order of a table.
func figures() string { return strings.Join(listOf(tokensFirst(), costName), " ") + " long_input also" }

// Prices shows a list of prices, in a table with those figures only that some price has, and the aliases of their
// models.
func Prices(prices []pricing.Price, aliases []pricing.Alias) Document {
	list := rowsOf(prices, func(p pricing.Price) fields {
		names := namesFor(aliases, p)
		listed := jsonOnly(names)
		listed.noJSON = len(names) == 0
		return append(priceFields(p), field{"aliases", "", listed})
	})
	return Document{JSON: list, CSV: list, Text: func(t *Text) {
		t.list(list, priceColumns(prices), "no prices")
		if len(prices) > 0 {
			t.Note("%s, each for one unless it says /1M (a million)", failure.Counted(len(prices), "price"))
		}
		if len(aliases) > 0 {
			t.Gap()
			t.table(rowsOf(aliases, aliasFields).table("provider name model effective_from"))
		}
	}}
}

// Models shows which models have some prices, and the other names that they go by.
func Models(prices []pricing.Price, aliases []pricing.Alias) Document {
	return rowsOf(prices, func(p pricing.Price) fields {
		return fields{{"provider", "PROVIDER", p.Provider}, {"model", "MODEL", name(p.Model)},
			{"aliases", "", jsonOnly(namesFor(aliases, p))}}
	}).document("", "no models")
}

// namesFor returns the aliases that stand for a price's model.
func namesFor(aliases []pricing.Alias, p pricing.Price) []string {
	var names []string
	for _, a := range aliases {
		if a.Provider == p.Provider && a.Model == p.Model {
			names = append(names, a.Name)
		}
	}
	return names
}

func aliasFields(a pricing.Alias) fields {
	return fields{
		{"provider", "PROVIDER", a.Provider}, {"name", "NAME", name(a.Name)}, {"model", "STANDS FOR", orNull(name(a.Model))},
		{"effective_from", "FROM", shown(a.EffectiveFrom, text(laterThanBeginning(a.EffectiveFrom)))},
		{"source", "SOURCE", a.Source},
	}
}

// Aliases shows a list of aliases.
func Aliases(aliases []pricing.Alias) Document {
	return rowsOf(aliases, aliasFields).document("", "no aliases")
}

// AliasChange shows what setting or removing an alias has done.
func AliasChange(c catalogue.AliasChange) Document {
	return aliasChange(c).document(func(t *Text) { t.aliasChange(c) })
}

func aliasChange(c catalogue.AliasChange) fields {
	return append(fields{{"status", "", c.Status}}, aliasFields(c.After)...)
}

func (t *Text) aliasChange(c catalogue.AliasChange) {
	what := string(c.Status)
	if c.After.Model != "" {
		what += ", stands for " + c.After.Model
	}
	if c.Before != nil && c.Status != catalogue.Unchanged {
		what += " (before: " + c.Before.Model + ")"
	}
	t.line(strong.of(c.After.Provider+" "+c.After.Name), text(": "+what+", from "+effectiveFrom(c.After.EffectiveFrom)))
}

// priceColumns are the columns of a table of prices: with those figures only that some price has.
func priceColumns(prices []pricing.Price) string {
	return strings.Join(slices.DeleteFunc(strings.Fields("provider model "+figures()+" effective_from source"),
		func(column string) bool {
			return !slices.ContainsFunc(prices,
				func(p pricing.Price) bool { return priceFields(p).pick(column).spans()[0].text != "" })
		}), " ")
}

// PriceHistory shows every price that a model has had, also those that were wrong.
func PriceHistory(history []pricing.FixedPrice) Document {
	list := rowsOf(history, func(p pricing.FixedPrice) fields {
		at := orAbsent(p.At)
		at.noJSON = p.At.IsZero()
		return append(priceFields(p.Price), fields{{"fixed_at", "NEVER USED SINCE", at},
			{"fixed_by", "", orAbsent(p.Actor)}, {"fix_reason", "WHY", orAbsent(p.Reason)}}...)
	})
	return Document{JSON: list, CSV: list, Text: func(t *Text) {
		prices, wrong := make([]pricing.Price, len(history)), ""
		for i, p := range history {
			prices[i] = p.Price
			if !p.At.IsZero() {
				wrong = " fixed_at fix_reason"
			}
		}
		t.list(list, priceColumns(prices)+wrong, "no prices")
		t.Note("%s, each for one unless it says /1M (a million)", failure.Counted(len(history), "price"))
	}}
}

// PriceFixed shows what fixing a price has done, or would do.
func PriceFixed(f catalogue.Fixed) Document {
	calls, adjusted := Rerating(f.Calls, f.Applied), 0
	for _, u := range f.Calls.Users {
		if u.ClosedEvents > 0 {
			adjusted++
		}
	}
	status := "fixed"
	if f.Change.Status == catalogue.Unchanged {
		status = "fixed before"
	}
	return Document{JSON: fields{{"applied", "", f.Applied}, {"status", "", status},
		{"price", "", priceFields(f.Change.After)}, {"adjusted_bills", "", adjusted}, {"calls", "", calls.JSON}},
		CSV: calls.CSV, Text: func(t *Text) {
			if f.Change.Status == catalogue.Unchanged {
				t.Note("the price was fixed before; the calls that it touched are looked at again")
			} else {
				t.priceChange(f.Change)
				t.Gap()
			}
			calls.Text(t)
			if adjusted > 0 {
				t.Note("%s will have adjustments", failure.Counted(adjusted, "next bill"))
			}
		}}
}

// effectiveFrom writes from when on a price or an alias holds.
func effectiveFrom(from time.Time) string { return cmp.Or(laterThanBeginning(from), "the beginning") }

// laterThanBeginning is empty for what has held always, as most has.
func laterThanBeginning(from time.Time) string {
	if from.Equal(pricing.Beginning()) {
		return ""
	}
	return Time(from)
}

// rate is what one of a quantity costs. A person reads the price of a million of what is
// used by the thousand, and nothing where there is no price.
func rate(p pricing.Price, q pricing.Quantity) value {
	rate := p.Rates[q]
	_, isPart := q.Total()
	switch {
	case isPart && !p.Given.Has(q):
		return nullUnless(false, rate)
	case rate == 0 && !isPart:
		return shown(rate, text(""))
	case q.PerMillion():
		return shown(rate, text(perMillion(rate)))
	}
	return valueOf(rate)
}

// longContext writes the prices of a call with a long input.
func longContext(p pricing.Price) string {
	if p.Above == nil {
		return ""
	}
	return longContextText(*p.Above)
}

func longContextText(a pricing.LongContext) string {
	text := fmt.Sprintf("over %s: %s, output %s", Count(a.OverInputTokens), perMillion(a.InputToken),
		perMillion(a.OutputToken))
	for _, q := range tokensFirst() {
		if a.Given.Has(q) {
			text += fmt.Sprintf(", %s %s", QuantityName(q), perMillion(a.Parts[q]))
		}
	}
	return text
}

// perMillion writes what a million units cost, which may be more than a USD holds.
func perMillion(u pricing.USD) string { return pricing.TotalOf(u).Scale(1_000_000, 1).Display() }

// priceOrAlias is a row of the changes of prices: a price, or an alias as a price without amounts.
type priceOrAlias struct {
	catalogue.PriceChange
	aliasOf string
}

func priceChange(c priceOrAlias) fields {
	all := slices.Concat(fields{{"status", "", c.Status}}, priceFields(c.After),
		fields{{"alias_of", "", orAbsent(c.aliasOf)}})
	for i, f := range all {
		if c.aliasOf != "" && strings.HasSuffix(f.name, "_cost") {
			all[i].value = nullUnless(false, f.value)
		}
	}
	return all
}

// allChanges are changes of prices and then of aliases.
func allChanges(changes catalogue.Changes) []priceOrAlias {
	var all []priceOrAlias
	for _, c := range changes.Prices {
		all = append(all, priceOrAlias{PriceChange: c})
	}
	for _, c := range changes.Aliases {
		as := pricing.Price{Provider: c.After.Provider, Model: c.After.Name, EffectiveFrom: c.After.EffectiveFrom,
			Source: c.After.Source}
		all = append(all, priceOrAlias{catalogue.PriceChange{Status: c.Status, After: as}, c.After.Model})
	}
	return all
}

// PriceChanges shows what setting several prices and aliases has done; it is a list, also of a single one.
func PriceChanges(changes catalogue.Changes) Document {
	all := allChanges(changes)
	list := rowsOf(all, priceChange)
	return Document{JSON: list, CSV: list, Text: func(t *Text) {
		if len(all) == 0 && len(changes.Providers) == 0 {
			t.Note("no changes: the prices in force are these already")
		}
		if len(changes.Providers) > 0 {
			t.Note("new or changed providers: %s", strings.Join(changes.Providers, ", "))
		}
		for _, c := range changes.Prices {
			t.priceChange(c)
		}
		for _, c := range changes.Aliases {
			t.aliasChange(c)
		}
	}}
}

func (t *Text) priceChange(c catalogue.PriceChange) {
	t.line(strong.of(c.After.Provider+" "+c.After.Model),
		text(": "+string(c.Status)+", from "+effectiveFrom(c.After.EffectiveFrom)))
	if c.Status == catalogue.Unchanged {
		return
	}
	before := cmp.Or(c.Before, &pricing.Price{})
	was, is := priceFields(*before).pick(figures()), priceFields(c.After).pick(figures())
	tb := table{columns: []column{{title: "PRICE"}, {title: "BEFORE", kind: number}, {title: "AFTER", kind: number}}}
	for i, f := range is {
		if old, now := orDash(was[i].value).span(), orDash(f.value).span(); old != now {
			tb.rows = append(tb.rows, []span{text(f.title), old, now})
		}
	}
	if len(tb.rows) == 0 {
		t.Note("the amounts are those that hold already")
		return
	}
	t.table(tb)
}

// Quote shows what a call costs, and how that comes about.
func Quote(provider, model string, r pricing.Rating) Document {
	components := rowsOf(r.Components, func(c pricing.Component) fields {
		return fields{
			{"quantity", "QUANTITY", c.Quantity.String()},
			{"amount", "AMOUNT", amount(c.Quantity, c.Amount)},
			{"unit_price", "UNIT PRICE", c.UnitPrice},
			{"cost", "COST", c.Cost},
		}
	})
	all := fields{
		{"provider", "", provider}, {"model", "", model}, {"cost", "", r.Cost}, {"pricing", "", r.Basis},
		{"effective_from", "", r.Price.EffectiveFrom}, // null when unpriced
		{"priced_as", "", jsonOnly(orAbsent(r.Way.Model()))}, {"explanation", "", jsonOnly(orAbsent(r.Way.String()))},
		{"notes", "", jsonOnly(append([]string{}, r.Notes...))}, {"components", "", components},
	}
	return Document{JSON: all, CSV: components, Text: func(t *Text) {
		if r.Basis == pricing.Unpriced {
			t.Warning("%s %s has no price", provider, model)
			return
		}
		t.line(strong.of(provider+" "+model),
			text(": "+basis(r.Basis)+" of "+r.Price.Model+", from "+effectiveFrom(r.Price.EffectiveFrom)))
		if len(r.Way) > 0 {
			t.Note("%s", r.Way)
		}
		for _, note := range r.Notes {
			t.Note("%s", note)
		}
		t.table(components.table("").total(strong.of("TOTAL"), text(""), text(""), strong.of(r.Cost.Display())))
	}}
}

// Rerating shows what rating recorded usage again changes, or has changed.
func Rerating(r usage.RerateResult, applied bool) Document {
	amounts := func(before, after, closed pricing.Total) fields {
		return fields{
			{"before", "BEFORE", before},
			{"after", "AFTER", after},
			{"difference", "DIFFERENCE", after.Sub(before)},
			{"closed_difference", "OF IT CLOSED", closed},
		}
	}
	users := rowsOf(r.Users, func(u usage.UserDifference) fields {
		return append(fields{{"user_id", "USER", name(u.UserID)}, {"events", "EVENTS", u.Events}},
			amounts(u.Before, u.After, u.Closed)...)
	})
	sums := amounts(r.Before, r.After, r.Closed)
	all := append(fields{{"applied", "", applied}, {"read", "", r.Read}, {"changed", "", r.Changed},
		{"priced", "", r.Priced}}, sums...)
	all = append(all, fields{{"archived_months", "", r.Archived}, {"users", "", users}}...)
	return Document{JSON: all, CSV: users, Text: func(t *Text) {
		if r.Archived > 0 {
			defer t.Note("%s left out, since nothing of an archived month can be changed",
				failure.Counted(r.Archived, "archived month"))
		}
		if r.Changed == 0 {
			t.Note("%s read: no cost changes", failure.Counted(r.Read, "event"))
			return
		}
		footer := append([]span{text("TOTAL"), text(Count(r.Changed))}, sums.spans()...)
		t.table(users.table("").total(inBold(footer)...))
		done := "applied"
		if !applied {
			done = "nothing applied"
		}
		t.Note("%s read, %s of them without a price before; %s", failure.Counted(r.Read, "event"), Count(r.Priced), done)
		if r.Closed.Cmp(pricing.Total{}) != 0 {
			t.Note("what is in closed periods becomes an adjustment on the next bills")
		}
	}}
}
