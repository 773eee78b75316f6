package dbtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// modelVoid is what became of an event that was taken back.
type modelVoid struct{ counter, replacement string }

// stands tells whether a row of the log is an event that was not taken back.
func (m *model) stands(id string) bool {
	_, voided := m.voids[id]
	return !voided && !m.isCounter(id)
}

func (m *model) isCounter(id string) bool {
	for _, v := range m.voids {
		if v.counter == id {
			return true
		}
	}
	return false
}

// lastOf follows corrections to what was recorded last in place of an event.
func (m *model) lastOf(id string) string {
	for m.voids[id].replacement != "" {
		id = m.voids[id].replacement
	}
	return id
}

// reportable are the ids of the events that somebody has reported.
func (m *model) reportable() []string {
	return slices.DeleteFunc(sortedKeys(m.events), m.isCounter)
}

// takeBack takes an event back, or corrects it.
func (m *model) takeBack() {
	ids := m.reportable()
	if len(ids) == 0 {
		return
	}
	asked := draw(m, "wrong", ids...)
	id := m.lastOf(asked)
	corrects := m.oneIn(2, "correct")
	m.rt.Logf("%s take back %s, which stands as %s: %t", m.now, asked, id, corrects)
	k := usage.Correction{Audit: m.auditAt(m.now, "usage void"), Reason: "model"}
	c := m.corrections()
	if corrects {
		m.correct(c, k, asked, id)
		return
	}
	voided, err := c.Void(m.ctx, k, []string{asked})
	m.must(err)
	want := usage.VoidedNow
	if !m.stands(id) {
		want = usage.Duplicate
	}
	m.equal("taken back", fmt.Sprint(len(voided), voided[0].Status, voided[0].Entry.ID), fmt.Sprint(1, want, id))
	if want == usage.VoidedNow {
		m.noteVoid(id, modelVoid{counter: voided[0].Void.CounterID})
		m.withdraw(m.events[id])
	}
}

func (m *model) correct(c *usage.Corrections, k usage.Correction, asked, id string) {
	before := m.events[id]
	after := before.Event
	m.ids++
	after.ID = fmt.Sprint("e", m.ids)
	switch draw(m, "what", "tokens", "model", "status", "user", "time") {
	case "tokens":
		after.Quantities[pricing.InputTokens] = m.number("input", 0, 20_000)
		for _, part := range inputParts() {
			after.Quantities[pricing.InputTokens] += after.Quantities[part]
		}
	case "model":
		after.Provider, after.Model, after.Vendor = "gemini", draw(m, "model", "gemini-2.5-flash", "new"), ""
	case "status":
		after.StatusCode = draw(m, "status", 200, 503)
	case "user":
		after.UserID = m.user()
	case "time":
		after.Time = after.Time.Add(-time.Duration(m.number("hours", 0, 900)) * time.Hour)
	}
	v, err := c.Correct(m.ctx, k, asked, func(e usage.Event) usage.Event {
		if e == (usage.Event{}) {
			return usage.Event{UserID: after.UserID}
		}
		return after
	})
	if t := m.tokens[after.TokenID]; t != nil && t.user != "" && t.user != after.UserID {
		after.TokenID = 0 // then it was not made with this token
	}
	entry, fits := m.rate(m.placed(after))
	same := before.Event
	same.ID = after.ID
	switch {
	case !m.stands(id):
		m.wantCode("correcting what was voided", err, failure.Conflict)
		return
	case entry.Event == same && asked == id:
		m.wantCode("correcting nothing", err, failure.Invalid)
		return
	case entry.Event == same:
		m.must(err)
		m.equal("corrected", fmt.Sprint(v.Status, v.Entry.ID), fmt.Sprint(usage.Duplicate, id))
		return
	case !fits || !after.Time.Equal(before.Time) && !m.canBe(entry, false, false):
		m.wantCode("correcting to what can't be", err, failure.Invalid)
		return
	}
	m.must(err)
	m.accounts[after.UserID].seen = true
	m.equal("corrected", fmt.Sprint(v.Status, v.Entry.ID, v.Void.ReplacedBy, v.Replacement.Cost),
		fmt.Sprint(usage.VoidedNow, id, after.ID, entry.Cost))
	m.noteVoid(id, modelVoid{v.Void.CounterID, after.ID})
	m.note(entry)
	m.withdraw(before)
}

// noteVoid adds a counter-entry.
func (m *model) noteVoid(id string, v modelVoid) {
	c := m.events[id]
	c.ID, c.RecordedAt, c.Cost, c.Reported.USD = v.counter, m.now, -c.Cost, -c.Reported.USD
	for q := range c.Quantities {
		c.Quantities[q] = -c.Quantities[q]
	}
	m.events[c.ID], m.voids[id] = c, v
}

// withdraw takes the alerts away that no longer hold in the period of an entry.
func (m *model) withdraw(e usage.Entry) {
	for key, a := range m.alerts {
		if key.user != e.UserID || key.period != e.PeriodStart.UnixMicro() {
			continue
		}
		l, known := m.limitOf(e, key.limit, a)
		if !known {
			continue
		}
		used := m.used(e, l)
		l.Max, l.Unlimited = a.most, false
		thresholds := m.thresholds
		m.thresholds = []int{key.threshold}
		if m.reached(l, used) == 0 {
			delete(m.alerts, key)
			m.withdrawn++
		}
		m.thresholds = thresholds
	}
}

// limitOf finds the limit that an alert is about in the plan of an entry, else in that of the moment at which the alert
// was made, or of the period's end or start.
func (m *model) limitOf(e usage.Entry, name string, a modelAlert) (plan.Limit, bool) {
	start, end := m.accounts[e.UserID].period(e.Time)
	plans := []plan.Plan{m.planAt(e.UserID, e.Time)}
	for _, at := range []time.Time{time.UnixMicro(a.created).UTC(), end.Add(-time.Microsecond), start} {
		if !at.Before(start) && at.Before(end) {
			plans = append(plans, m.planAt(e.UserID, at))
		}
	}
	for _, p := range plans {
		for _, l := range p.Limits {
			if l.Name == name && l.Meter == a.meter {
				return l, true
			}
		}
	}
	return plan.Limit{}, false
}

// compareLinks compares what the log says of a row's links.
func (m *model) compareLinks(got usage.Entry) {
	m.rt.Helper()
	var want []string
	for _, id := range sortedKeys(m.voids) {
		switch v := m.voids[id]; got.ID {
		case id:
			want = append(want, "voided by "+v.counter+" for "+v.replacement)
		case v.counter:
			want = append(want, "voids "+id)
		case v.replacement:
			want = append(want, "replaces "+id)
		}
	}
	var is []string
	if l := got.Links; l != nil {
		if l.VoidedBy != "" {
			is = append(is, "voided by "+l.VoidedBy+" for "+l.ReplacedBy)
		}
		if l.Voids != "" {
			is = append(is, "voids "+l.Voids)
		}
		if l.Replaces != "" {
			is = append(is, "replaces "+l.Replaces)
		}
	}
	slices.Sort(want)
	slices.Sort(is)
	m.equal("links of "+got.ID, strings.Join(is, ", "), strings.Join(want, ", "))
}
