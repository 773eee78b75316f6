package dbtest

import (
	"fmt"
	"slices"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// fixPrice replaces a price that was set, with the calls that had it.
func (m *model) fixPrice() {
	var set []int
	for i, p := range m.prices {
		if p.Source == pricing.FromAdmin {
			set = append(set, i)
		}
	}
	if len(set) == 0 {
		return
	}
	place := draw(m, "wrong", set...)
	wrong := m.prices[place]
	rate := wrong.Rates[pricing.InputTokens] + pricing.USD(m.number("more", 1, 1_000_000))
	fix := catalogue.PriceFix{PriceSetting: catalogue.PriceSetting{Provider: wrong.Provider, Model: wrong.Model,
		From: wrong.EffectiveFrom, Force: true}, Reason: "model"}
	fix.Rates[pricing.InputTokens] = &rate
	fixer := catalogue.Fixer{Store: m.db, Reports: &usage.Reporter{Store: m.db, Usage: m.service},
		Corrections: m.corrections()}
	m.rt.Logf("%s fix %s %s from %s", m.now, wrong.Provider, wrong.Model, wrong.EffectiveFrom)
	got, err := fixer.Fix(m.ctx, m.auditAt(m.now, "pricing fix"), fix)
	book, bookErr := m.db.Catalogue(m.ctx)
	m.must(bookErr)
	history := book.History(wrong.Provider, wrong.Model)
	at := slices.IndexFunc(history, func(p pricing.Price) bool { return p.EffectiveFrom.Equal(wrong.EffectiveFrom) })
	m.equal("the right rate", history[at].Rates[pricing.InputTokens], rate)
	m.prices[place].ID, m.prices[place].Rates[pricing.InputTokens] = history[at].ID, rate
	concerned := func(e usage.Entry) bool {
		return e.Provider == wrong.Provider && !e.Time.Before(wrong.EffectiveFrom) &&
			(at+1 == len(history) || e.Time.Before(history[at+1].EffectiveFrom)) && m.stands(e.ID)
	}
	users := map[string]bool{}
	changed := 0
	for _, id := range sortedKeys(m.events) {
		e := m.events[id]
		if !concerned(e) {
			continue
		}
		after, fits := m.rate(e)
		if !fits {
			m.wantCode("a fix to what does not fit", err, failure.Invalid)
			return
		}
		if after == e || e.PriceID != wrong.ID && after.PriceID != history[at].ID {
			continue
		}
		users[e.UserID] = true
		changed++
	}
	m.must(err)
	m.equal("calls that were touched", fmt.Sprint(got.Calls.Changed), fmt.Sprint(changed))
	for _, id := range sortedKeys(m.events) {
		if e := m.events[id]; concerned(e) {
			if after, _ := m.rate(e); after != e && (e.PriceID == wrong.ID || after.PriceID == history[at].ID) {
				m.rerated(e, after)
			}
		}
	}
	for _, user := range sortedKeys(users) {
		e := m.placed(usage.Event{UserID: user})
		for _, l := range m.shared(user, e.PeriodStart, m.planByID(e.PlanID)).Limits {
			used := m.used(e, l)
			m.alert(e, l, 0, m.reached(l, used), used)
		}
		m.withdraw(e)
	}
}
