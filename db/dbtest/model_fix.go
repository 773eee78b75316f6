package dbtest

import (
	"fmt"
	"slices"

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
	right := wrong
	right.ID = 0
	right.Rates[pricing.InputTokens] += pricing.USD(m.number("more", 1, 1_000_000))
	m.rt.Logf("%s fix %s %s from %s", m.now, wrong.Provider, wrong.Model, wrong.EffectiveFrom)
	m.must(m.db.FixPrice(m.ctx, m.auditAt(m.now, "pricing fix"), "model",
		func(*pricing.Book) (pricing.Price, pricing.Price, error) { return wrong, right, nil }))
	book, err := m.db.Catalogue(m.ctx)
	m.must(err)
	history := book.History(wrong.Provider, wrong.Model)
	at := slices.IndexFunc(history, func(p pricing.Price) bool { return p.EffectiveFrom.Equal(wrong.EffectiveFrom) })
	right.ID = history[at].ID // the database's choice
	m.equal("the right price holds", history[at].SameFigures(right), true)
	m.equal("the wrong one", book.Has(wrong.ID), true)
	m.prices[place] = right
	again := usage.Repricing{Book: book, Provider: wrong.Provider, From: wrong.EffectiveFrom,
		Prices: map[int64]bool{wrong.ID: true, right.ID: true}}
	if at+1 < len(history) {
		again.To = history[at+1].EffectiveFrom
	}
	reports := usage.Reporter{Store: m.db, Usage: m.service}
	got, err := reports.Reprice(m.ctx, m.now, again, true)
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
	m.equal("calls that were touched", fmt.Sprint(got.Changed), fmt.Sprint(changed))
	for _, id := range sortedKeys(m.events) {
		if e := m.events[id]; concerned(e) {
			if after, _ := m.rate(e); after != e && (e.PriceID == wrong.ID || after.PriceID == history[at].ID) {
				m.rerated(e, after)
			}
		}
	}
	m.must(m.corrections().WithdrawAlerts(m.ctx, m.now, usage.RerateResult{Concerned: sortedKeys(users)}))
	for _, user := range sortedKeys(users) {
		e := m.placed(usage.Event{UserID: user})
		for _, l := range m.shared(user, e.PeriodStart, m.planByID(e.PlanID)).Limits {
			used := m.used(e, l)
			m.alert(e, l, 0, m.reached(l, used), used)
		}
		m.withdraw(e)
	}
}
