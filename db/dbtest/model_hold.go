package dbtest

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// holding tells whether a reservation holds now.
func (m *model) holding(r usage.Reservation) bool {
	return r.Status == "held" && m.now.Before(r.ExpiresAt)
}

// reserved returns how much of a limit a user's reservations hold, without the one
// that is named.
func (m *model) reserved(user string, l plan.Limit, without string) *big.Int {
	sum := new(big.Int)
	for id, r := range m.holds {
		if r.UserID == user && id != without && m.holding(r) && covers(l, r.Provider, r.Vendor) {
			sum.Add(sum, metered(l, big.NewInt(r.Calls), big.NewInt(r.Tokens), big.NewInt(int64(r.Cost))))
		}
	}
	return sum
}

// heldBy counts the reservations of a user, without the one that is named.
func (m *model) heldBy(user, without string) (n int64) {
	for id, r := range m.holds {
		if r.UserID == user && id != without && m.holding(r) {
			n++
		}
	}
	return n
}

// anyHold draws a reservation, mostly one that holds.
func (m *model) anyHold() (usage.Reservation, bool) {
	ids := sortedKeys(m.holds)
	if len(ids) == 0 {
		return usage.Reservation{}, false
	}
	holding := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !m.holding(m.holds[id]) })
	if len(holding) > 0 && !m.oneIn(3, "any") {
		ids = holding
	}
	return m.holds[draw(m, "reservation", ids...)], true
}

// ask returns a call's entry and what the model says to it now; false where its cost
// is more than can be kept.
func (m *model) ask(e usage.Event, without string) (usage.Entry, decision, bool) {
	e.Time, e.StatusCode = time.Time{}, 200
	entry, ok := m.rate(m.placed(e))
	return entry, m.judge(entry, m.now, without), ok
}

// reserve takes a hold, under a new id or under one that is taken.
func (m *model) reserve() {
	m.ids++
	id, e := fmt.Sprint("r", m.ids), m.call()
	if r, ok := m.anyHold(); ok && m.oneIn(4, "again") {
		id = r.ID
		e.UserID, e.Provider, e.Model, e.Vendor, e.TokenID = r.UserID, r.Provider, r.Model, r.Vendor, r.TokenID
		e.Quantities = pricing.Quantities{pricing.Requests: r.Calls + m.number("more", 0, 1), pricing.InputTokens: r.Tokens}
	}
	ttl := draw(m, "ttl", time.Minute, time.Second, 24*time.Hour, time.Hour)
	entry, want, ok := m.ask(e, id)
	got, err := m.service.Reserve(m.ctx, m.now, callOf(e), id, ttl)
	m.rt.Logf("%s reserve %s for %s: %+v, %s", m.now, id, ttl, e, want.reason)
	before, taken := m.holds[id]
	switch {
	case !ok:
		m.wantCode("a reservation that costs too much", err, failure.Invalid)
		return
	case taken && (before.Calls != e.Quantities[pricing.Requests] || !m.holding(before)):
		m.wantCode("an id that is taken", err, failure.Conflict)
		return
	case taken:
		want.reason = ""
	}
	m.must(err)
	m.compareDecision(got, want)
	if !want.allowed() {
		return
	}
	r := usage.Reservation{ID: id, UserID: e.UserID, Provider: entry.Provider, Vendor: entry.Vendor, Model: e.Model,
		PeriodStart: entry.PeriodStart, Calls: e.Quantities[pricing.Requests],
		Tokens: e.Quantities[pricing.InputTokens] + e.Quantities[pricing.OutputTokens],
		Cost:   entry.Cost, TokenID: e.TokenID, Status: "held", CreatedAt: m.now, ExpiresAt: m.now.Add(ttl)}
	if taken {
		r = before
	}
	m.equal("reservation", *got.Reservation, r)
	m.holds[id] = r
	m.accounts[e.UserID].seen = true
}

// settle records what a reserved call has used: under the reservation's id or one of
// its own, with what it leaves open taken from the reservation.
func (m *model) settle() {
	r, ok := m.anyHold()
	if !ok {
		return
	}
	e := usage.Event{StatusCode: draw(m, "status", 200, 200, 500), Quantities: m.call().Quantities}
	full := e
	full.ID, full.UserID, full.Provider, full.Model, full.Vendor = r.ID, r.UserID, r.Provider, r.Model, r.Vendor
	switch draw(m, "how", "as reserved", "id", "model", "provider", "user", "again") {
	case "id":
		m.ids++
		e.ID = fmt.Sprint("s", m.ids)
		full.ID = e.ID
	case "model":
		e.Model = "gemini-2.5-pro"
		if full.Model = e.Model; e.Model != r.Model {
			full.Vendor = ""
		}
	case "provider":
		e.Provider, e.Model = "tavily", "tavily-search"
		if full.Provider, full.Model = e.Provider, e.Model; r.Provider != "tavily" || r.Model != e.Model {
			full.Vendor = ""
		}
	case "user":
		e.UserID = m.user()
	case "again":
		if before, known := m.events[r.EventID]; known {
			e, full = before.Event, before.Event
		}
	}
	strict := m.oneIn(6, "strict")
	outcome, err := m.service.Record(m.ctx, m.now, e,
		usage.RecordOptions{Reservation: r.ID, Enforce: true, Strict: strict})
	if r.TokenID != 0 {
		full.TokenID = r.TokenID
	}
	want := m.fateOf(full, usage.RecordOptions{Strict: strict})
	switch {
	case e.UserID != "" && e.UserID != r.UserID, r.Status == "settled" && r.EventID != full.ID, want.known &&
		r.Status != "settled":
		want = fate{code: failure.Conflict}
	}
	m.rt.Logf("%s settle %s with %+v: %s", m.now, r.ID, e, want.code)
	m.compareOutcome(want, outcome, err)
	if want.code != "" || want.known {
		return
	}
	late := strings.Contains(outcome.Note, "the reservation "+r.ID+" had ") // beside what its price leaves open
	m.equal("a note on a late settlement", late, !m.holding(r))
	m.equal("limits exceeded", withoutTokens(outcome.OverLimit), m.note(want.entry))
	r.Status, r.EventID, r.ClosedAt = "settled", full.ID, m.now
	m.holds[r.ID] = r
}

func (m *model) release() {
	r, ok := m.anyHold()
	if !ok {
		return
	}
	got, err := m.service.Release(m.ctx, m.now, r.ID)
	switch r.Status {
	case "settled":
		m.wantCode("releasing what is settled", err, failure.Conflict)
		return
	case "held":
		r.Status, r.ClosedAt = "released", m.now
		m.holds[r.ID] = r
	}
	m.must(err)
	m.equal("released", got, r)
}
