package dbtest

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageEntry = usage.Entry

// exact writes pico-dollars as a fraction of dollars.
func exact(pico *big.Int) string {
	return new(big.Rat).SetFrac(pico, big.NewInt(1_000_000_000_000)).RatString()
}

// read writes what the product prints as an amount in the same way.
func (m *model) read(amount fmt.Stringer) string {
	r, ok := new(big.Rat).SetString(amount.String())
	if !ok {
		m.rt.Fatalf("%q is no amount", amount)
	}
	return r.RatString()
}

// tally is what events add up to.
type tally struct{ calls, errors, unpriced, input, output, cost, estimated, estimatedCost big.Int }

func (t *tally) tokens() *big.Int { return new(big.Int).Add(&t.input, &t.output) }

func (t *tally) String() string {
	return fmt.Sprint(&t.calls, &t.errors, &t.unpriced, &t.input, &t.output, exact(&t.cost), &t.estimated,
		exact(&t.estimatedCost))
}

// counts tells whether a call counts and is charged.
func counts(e usage.Event) bool { return e.StatusCode < 400 || e.Billable }

func (t *tally) count(e usage.Entry) {
	plus := func(sum *big.Int, n int64) { sum.Add(sum, big.NewInt(n)) }
	if !counts(e.Event) {
		plus(&t.errors, e.Quantities[pricing.Requests])
		return
	}
	plus(&t.calls, e.Quantities[pricing.Requests])
	plus(&t.input, e.Quantities[pricing.InputTokens])
	plus(&t.output, e.Quantities[pricing.OutputTokens])
	plus(&t.cost, int64(e.Cost))
	if e.Basis == pricing.Unpriced {
		plus(&t.unpriced, e.Quantities[pricing.Requests])
	}
	if e.Measured == "estimated" {
		plus(&t.estimated, e.Quantities[pricing.Requests])
		plus(&t.estimatedCost, int64(e.Cost))
	}
}

// tally adds up the events that are chosen.
func (m *model) tally(chosen func(usage.Entry) bool) *tally {
	t := &tally{}
	for _, e := range m.events {
		if chosen(e) {
			t.count(e)
		}
	}
	return t
}

// vendorOf returns who serves a model: whom the first rule names that finds its text
// in the model's name.
func (m *model) vendorOf(provider, model string) string {
	p := m.providers[provider]
	for _, rule := range p.VendorRules {
		if strings.Contains(strings.ToLower(model), strings.ToLower(rule.Contains)) {
			return rule.Vendor
		}
	}
	return p.Vendor
}

// priceAt returns the price that a model's name leads to at a moment, else that of its provider's default model.
func (m *model) priceAt(provider, model string, at time.Time) (pricing.Price, pricing.Basis) {
	if model != "" && model != "default" {
		if p, steps := m.priceOfName(provider, model, at, map[string]bool{}); p.ID != 0 {
			switch {
			case steps == "a":
				return p, "alias"
			case strings.Contains(steps, "s"):
				return p, "snapshot"
			case steps != "":
				return p, "prefixed"
			}
			return p, pricing.Exact
		}
	}
	if p := m.latestPrice(provider, "default", at); p.ID != 0 {
		return p, pricing.Default
	}
	return pricing.Price{}, pricing.Unpriced
}

// cost returns what quantities cost at a price, with the rules for long context,
// cached tokens, characters, and what is counted by the request where it isn't said.
func (m *model) cost(provider string, p pricing.Price, q pricing.Quantities) *big.Int {
	sum := new(big.Int)
	charge := func(n int64, rate pricing.USD) {
		sum.Add(sum, new(big.Int).Mul(big.NewInt(n), big.NewInt(int64(rate))))
	}
	for _, kind := range []pricing.Quantity{pricing.Images, pricing.Searches, pricing.Pages} {
		n := q[kind]
		if n == 0 {
			n = q[pricing.Requests]
		}
		charge(n, p.Rates[kind])
	}
	for _, kind := range []pricing.Quantity{pricing.Requests, pricing.Characters} {
		charge(q[kind], p.Rates[kind])
	}
	charge(q[pricing.Seconds], p.Rates[pricing.Seconds]/1000)
	input, output, inputRate, outputRate := q[pricing.InputTokens], q[pricing.OutputTokens], p.Rates[pricing.InputTokens],
		p.Rates[pricing.OutputTokens]
	if input == 0 && p.Rates[pricing.Characters] == 0 && m.providers[provider].CharactersAreInputTokens {
		input = q[pricing.Characters]
	}
	if p.Above != nil && input > p.Above.OverInputTokens*max(q[pricing.Requests], 1) {
		inputRate, outputRate = p.Above.InputToken, p.Above.OutputToken
	}
	for _, kind := range inputParts() {
		if p.Given.Has(kind) {
			charge(q[kind], p.Rates[kind])
			input -= q[kind]
		}
	}
	for _, kind := range outputParts() {
		if p.Given.Has(kind) {
			charge(q[kind], p.Rates[kind])
			output -= q[kind]
		}
	}
	charge(input, inputRate)
	charge(output, outputRate)
	return sum
}

// chargedAt returns a price with the rates that hold at a moment in a service tier.
func chargedAt(p pricing.Price, at time.Time, tier string) pricing.Price {
	replace := func(by pricing.Tariff) {
		for q := range pricing.QuantityCount {
			if by.Given.Has(q) {
				p.Rates[q], p.Given = by.Rates[q], p.Given|pricing.SetOf(q)
			}
		}
		if by.Above != nil {
			p.Above = by.Above
		}
	}
	const week = 7 * 24 * 60
	minute := int(at.Unix()/60+4*24*60) % week // 1970 began on a Thursday, a week begins on Sunday here
	for _, b := range p.Bands {
		for day := range 7 {
			into := (minute - day*24*60 - b.From + 2*week) % week
			if into < (b.To-b.From+24*60-1)%(24*60)+1 && (b.Days == 0 || b.Days&(1<<day) != 0) {
				replace(b.Tariff)
			}
		}
	}
	for _, t := range p.Tiers {
		if t.Name != tier {
			continue
		}
		replace(t.Tariff)
		if t.Factor == 0 {
			continue
		}
		for q := range p.Rates {
			p.Rates[q] = p.Rates[q] * pricing.USD(t.Factor) / 1_000_000
		}
		if p.Above != nil {
			above := *p.Above
			above.InputToken = above.InputToken * pricing.USD(t.Factor) / 1_000_000
			above.OutputToken = above.OutputToken * pricing.USD(t.Factor) / 1_000_000
			p.Above = &above
		}
	}
	return p
}

// isFree tells whether the price of an entry charges nothing for anything.
func (m *model) isFree(e usage.Entry) bool {
	p, _ := m.priceAt(e.Provider, e.Model, e.Time)
	return e.PriceID != 0 && p.Rates == pricing.Rates{} && p.Above == nil && p.Bands == nil && p.Tiers == nil
}

// drawVariants draws what else a price charges: at some times, in some tiers, and what its events report.
func (m *model) drawVariants(p *pricing.Price) {
	p.Bands, p.Tiers, p.Reported = nil, nil, m.oneIn(5, "reported")
	rate := func() pricing.Tariff {
		return pricing.Tariff{Given: pricing.SetOf(pricing.InputTokens, pricing.ReasoningTokens), Rates: pricing.Rates{
			pricing.InputTokens: pricing.USD(m.number("other rate", 0, 5_000_000)), pricing.ReasoningTokens: 77_000}}
	}
	if m.oneIn(3, "bands") {
		from := int(m.number("begins", 0, 23)) * 60
		p.Bands = []pricing.Band{{From: from, To: (from + int(m.number("lasts", 1, 23))*60 + 30) % (24 * 60),
			Days: pricing.DaySet(m.number("days", 0, 126)), Tariff: rate()}}
	}
	if m.oneIn(3, "tiers") {
		p.Tiers = []pricing.Tier{{Name: "batch", Factor: 2_000_000}, {Name: "flex", Tariff: rate()}}
	}
	if m.oneIn(8, "free") {
		*p = pricing.Price{Provider: p.Provider, Model: p.Model, EffectiveFrom: p.EffectiveFrom, Source: p.Source}
	}
}

func inputParts() []pricing.Quantity {
	return []pricing.Quantity{pricing.CachedInputTokens, pricing.CacheWriteTokens, pricing.CacheWrite1hTokens,
		pricing.AudioInputTokens, pricing.ImageInputTokens}
}

func outputParts() []pricing.Quantity {
	return []pricing.Quantity{pricing.AudioOutputTokens, pricing.ReasoningTokens}
}

// rate returns an entry with the price of its time; false where its cost is more
// than can be kept.
func (m *model) rate(e usage.Entry) (usage.Entry, bool) {
	p, basis := m.priceAt(e.Provider, e.Model, e.Time)
	if e.Reported.Given && (p.ID == 0 || p.Reported || m.providers[e.Provider].CostReported) {
		e.Basis, e.PriceID, e.Cost = pricing.Reported, 0, e.Reported.USD
		if !counts(e.Event) {
			e.Cost = 0
		}
		return e, true
	}
	cost := m.cost(e.Provider, chargedAt(p, e.Time, e.ServiceTier), e.Quantities)
	e.Basis, e.PriceID, e.Cost = basis, p.ID, pricing.USD(cost.Int64())
	if !counts(e.Event) {
		e.Cost = 0
	}
	return e, cost.IsInt64()
}

// setPrice sets a price from some moment on: most are late, so that events before it
// have been rated otherwise.
func (m *model) setPrice() {
	p, from := draw(m, "price", m.prices...), m.now
	if ids := sortedKeys(m.events); len(ids) > 0 && !m.oneIn(3, "any") { // of a model that was used
		e := m.events[draw(m, "event", ids...)]
		p.Provider, p.Model = e.Provider, cmp.Or(e.Model, "default")
		from = e.Time
	}
	p.ID, p.Source = 0, pricing.FromAdmin
	p.EffectiveFrom = from.Add(time.Duration(m.number("hours", -1000, 100)) * time.Hour)
	p.Rates[pricing.InputTokens] = pricing.USD(m.number("input token", 0, 5_000_000))
	p.Rates[pricing.Requests] = pricing.USD(m.number("request", 0, 50_000_000_000))
	for _, kind := range append(inputParts(), outputParts()...) {
		if p.Given, p.Rates[kind] = p.Given&^pricing.SetOf(kind), 0; m.oneIn(2, kind.String()) {
			p.Given |= pricing.SetOf(kind)
			p.Rates[kind] = pricing.USD(m.number(kind.Unit(), 0, 9_000_000))
		}
	}
	m.drawVariants(&p)
	err := m.db.ChangePrices(m.ctx, m.auditAt(m.now, "price"), func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Prices: []pricing.Price{p}}, nil
	})
	m.rt.Logf("%s price of %s %s from %s", m.now, p.Provider, p.Model, p.EffectiveFrom)
	same := func(q pricing.Price) bool {
		return q.Provider == p.Provider && q.Model == p.Model && q.EffectiveFrom.Equal(p.EffectiveFrom)
	}
	if slices.ContainsFunc(m.prices, same) {
		m.wantCode("a price at a moment that is taken", err, failure.Conflict)
		return
	}
	m.must(err)
	book, err := m.db.Catalogue(m.ctx)
	m.must(err)
	history := book.History(p.Provider, p.Model)
	p.ID = history[slices.IndexFunc(history, same)].ID // the database's choice
	m.prices = append(m.prices, p)
	if !m.oneIn(3, "rerate later") {
		m.rerateSome()
	}
}

type modelReratingKey struct {
	event string
	at    int64
}

// modelRerating is a line of the history of reratings.
type modelRerating struct{ before, after usage.Entry }

func (r *modelRerating) String() string {
	return fmt.Sprint(int64(r.before.Cost), r.before.Basis, r.before.PriceID, int64(r.after.Cost), r.after.Basis,
		r.after.PriceID)
}

// rerateSome rates events again, of some time or of all, or only says what that
// would change.
func (m *model) rerateSome() {
	var from, to time.Time
	if m.oneIn(3, "some") {
		from = m.now.Add(-time.Duration(m.number("days", 1, 60)) * 24 * time.Hour)
		to = from.Add(30 * 24 * time.Hour)
	}
	apply := !m.oneIn(4, "dry")
	within := func(e usage.Entry) bool { return from.IsZero() || !e.Time.Before(from) && e.Time.Before(to) }
	got, err := usage.Rerate(m.ctx, m.db, m.now, from, to, apply)
	for id, e := range m.events {
		if _, fits := m.rate(e); within(e) && m.stands(id) && !fits { // at this price: nothing is rated again
			m.wantCode("rerate what does not fit", err, failure.Invalid)
			return
		}
	}
	m.must(err)
	read, changed, priced := 0, 0, 0
	users := map[string]*[3]big.Int{} // events, before, after
	for _, id := range sortedKeys(m.events) {
		before := m.events[id]
		if !within(before) {
			continue
		}
		read++
		if !m.stands(id) {
			continue
		}
		after, _ := m.rate(before)
		if after == before {
			continue
		}
		changed++
		if before.Basis == pricing.Unpriced {
			priced++
		}
		noteRerating(users, before, after)
		if apply {
			m.rerated(before, after)
		}
	}
	m.equal("rerated", fmt.Sprint(got.Read, got.Changed, got.Priced), fmt.Sprint(read, changed, priced))
	m.equal("rerated users", len(got.Users), len(users))
	for _, u := range got.Users {
		want := users[u.UserID]
		m.equal("rerated of "+u.UserID, fmt.Sprint(u.Events, m.read(u.Before), m.read(u.After)),
			fmt.Sprint(&want[0], exact(&want[1]), exact(&want[2])))
	}
}

func noteRerating(users map[string]*[3]big.Int, before, after usage.Entry) {
	u := users[before.UserID]
	if u == nil {
		u = &[3]big.Int{}
		users[before.UserID] = u
	}
	for i, n := range []int64{1, int64(before.Cost), int64(after.Cost)} {
		u[i].Add(&u[i], big.NewInt(n))
	}
}

// rerated notes a new rating and its line of history; two at one moment share one.
func (m *model) rerated(before, after usage.Entry) {
	m.events[before.ID] = after
	key := modelReratingKey{before.ID, m.now.UnixMicro()}
	if r, ok := m.reratings[key]; ok {
		r.after = after
		return
	}
	m.reratings[key] = &modelRerating{before, after}
}

// giveCredit gives a user credit or takes some back, now and then under an id that was used before.
func (m *model) giveCredit() {
	c := billing.CreditEntry{Key: draw(m, "id", "", "c1", "c2", "c3"), UserID: m.user(), Reason: "model",
		Amount: pricing.USD(m.number("cents", -2, 3)) * pricing.Cent, Reference: draw(m, "reference", "", "r")}
	a, before := m.accounts[c.UserID], m.credits[c.Key]
	got, err := m.billing(m.db).Credit(m.ctx, m.auditAt(m.now, "billing credit"), c)
	before.At, before.Actor = c.At, c.Actor
	duplicate := before == c
	switch {
	case c.Amount == 0:
		m.wantCode("no credit", err, failure.Invalid)
		return
	case !a.seen:
		m.wantCode("credit of a user never seen", err, failure.NotFound)
		return
	case before.Key != "" && !duplicate, !duplicate && a.credit+c.Amount < 0:
		m.wantCode("another credit, or more than is left", err, failure.Conflict)
		return
	case !duplicate:
		a.credit += c.Amount
		if c.Key != "" {
			m.credits[c.Key] = c
		}
	}
	m.must(err)
	m.equal("credit", fmt.Sprint(got.Duplicate, got.Balance), fmt.Sprint(duplicate, a.credit))
}
