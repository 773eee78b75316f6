package dbtest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// call draws a call of any provider and model, known or not.
func (m *model) call() usage.Event {
	p := draw(m, "price", m.prices...)
	if !m.oneIn(3, "any price") { // often what the limits are about
		p.Provider, p.Model = "gemini", draw(m, "gemini", "gemini-2.5-flash", "gemini-2.5-pro", "new")
	}
	if m.oneIn(10, "another model") {
		p.Model = draw(m, "model", "", "unheard of", "wan-2.5-x", "default", "新しい", "one", "two", "ft:gpt-4o:acme::9x")
	} else if m.oneIn(5, "by another name") {
		p.Model = m.decorated(p.Model)
	}
	e := usage.Event{UserID: m.user(), Provider: p.Provider, Model: p.Model, StatusCode: 200}
	e.TokenID = m.drawToken(e.UserID)
	if m.oneIn(6, "vendor") {
		e.Vendor = draw(m, "by", "wavespeed", "google", "another")
	}
	for i := range e.Quantities {
		e.Quantities[i] = draw(m, pricing.Quantity(i).String(), int64(0), 0, 1, 2, 3)
	}
	e.Quantities[pricing.InputTokens] = m.number("input", 0, draw(m, "up to", int64(1_000), 20_000, 300_000))
	for _, p := range m.prices {
		if p.Provider == e.Provider && p.Model == e.Model && p.Above != nil && m.oneIn(4, "long context") {
			e.Quantities[pricing.InputTokens] = p.Above.OverInputTokens + m.number("longer", 0, 1)
			break
		}
	}
	m.drawParts(&e, pricing.InputTokens, inputParts())
	m.drawParts(&e, pricing.OutputTokens, outputParts())
	e.Quantities[pricing.Seconds] = m.number("milliseconds", 0, 60_000)
	if m.oneIn(3, "tier") {
		e.ServiceTier = draw(m, "service tier", "batch", "flex", "Priority", "Default", "auto")
	}
	m.fill(&e)
	if m.oneIn(20, "dear") {
		m.makeTooDear(&e)
	}
	return e
}

// drawParts draws how many of a total are of each part.
func (m *model) drawParts(e *usage.Event, total pricing.Quantity, parts []pricing.Quantity) {
	left := e.Quantities[total]
	for _, part := range parts {
		if e.Quantities[part] = 0; m.oneIn(3, part.String()+" used") {
			e.Quantities[part] = m.number(part.String(), 0, left)
			left -= e.Quantities[part]
		}
	}
}

// fill makes a call ask for just as much as one of the limits has left, or for one
// more.
func (m *model) fill(e *usage.Event) {
	if !m.oneIn(3, "fill") {
		return
	}
	entry := m.placed(*e)
	limits := m.covering(entry)
	if len(limits) == 0 {
		return
	}
	l := draw(m, "limit", limits...)
	left := l.Max - m.used(entry, l).Int64() - m.reserved(e.UserID, l, "").Int64() + m.number("beyond", 0, 1)
	if l.Unlimited || left < 0 || left > 1_000_000 {
		return
	}
	switch l.Meter {
	case "calls":
		e.Quantities[pricing.Requests] = left
	case "tokens":
		for _, part := range append(inputParts(), outputParts()...) {
			e.Quantities[part] = 0
		}
		e.Quantities[pricing.InputTokens], e.Quantities[pricing.OutputTokens] = 0, left
	}
}

// makeTooDear makes a call cost more than can be kept, if its price can.
func (m *model) makeTooDear(e *usage.Event) {
	dear := *e
	dear.Quantities[pricing.OutputTokens] = pricing.MaxQuantity
	if _, ok := m.rate(m.placed(dear)); !ok {
		*e = dear
	}
}

// event draws a call that was made: now, late, or at the border of a period.
func (m *model) event() usage.Event {
	e := m.call()
	if m.oneIn(4, "reports") {
		e.Reported = pricing.ReportedCost{USD: pricing.USD(m.number("reported", 0, 1_000_000_000_000)), Given: true}
	}
	if m.oneIn(3, "estimated") {
		e.Measured = draw(m, "measured", usage.UseEstimated, usage.UseEstimated, "Reported", "ESTIMATED")
	}
	if m.oneIn(6, "named by its caller") {
		e.ClientRequestID = draw(m, "client's", "r-1", "=r 2")
	}
	e.StatusCode = draw(m, "status", 200, 200, 200, 399, 400, 503)
	e.Billable = m.oneIn(3, "billable")
	if m.oneIn(4, "details") {
		e.Endpoint, e.Method = draw(m, "endpoint", "/v1/x?a=b,c", "/ä\r\nb"), draw(m, "method", "post", "GET")
		e.ErrorMessage, e.RetryCount, e.ResponseTimeMS = draw(m, "message", "", "two\nlines, \"quoted\"", "=1+1", "a\rb"),
			m.number("retries", 0, 3), m.number("ms", 0, 999)
	}
	if m.oneIn(8, "capitals") {
		e.Provider = strings.ToUpper(e.Provider)
	}
	switch late := m.now.Add(-time.Duration(m.number("late", 0,
		int64(70*24*time.Hour/time.Microsecond))) * time.Microsecond); {
	case m.oneIn(3, "without a time"):
	case m.oneIn(4, "ahead"):
		e.Time = m.now.Add(time.Hour)
	case m.oneIn(3, "at a border"):
		e.Time = m.border(e.UserID, draw(m, "of", m.now, late))
	default:
		e.Time = draw(m, "when", late, m.now)
	}
	return e
}

// border draws a moment at which something of a user ends or begins, or the last one
// before it.
func (m *model) border(user string, at time.Time) time.Time {
	a := m.accounts[user]
	start, end := a.period(at)
	moments := []time.Time{start, end}
	if s := a.current; s != nil {
		moments = append(moments, s.paidUntil, s.anchor)
		if !s.endsAt.IsZero() {
			moments = append(moments, s.endsAt)
		}
	}
	return draw(m, "border", moments...).Add(draw(m, "by", 0, -time.Microsecond, time.Nanosecond))
}

// again draws a second report of an event: the same, with less said, or with
// something changed.
func (m *model) again() (usage.Event, bool) {
	ids := m.reportable()
	if len(ids) == 0 {
		return usage.Event{}, false
	}
	e := m.events[draw(m, "before", ids...)].Event
	mutate(&e, m.number("which", -8, int64(pricing.QuantityCount)+4))
	return e, true
}

// mutate changes one field of an event, of what may be left open too; many numbers
// change nothing.
func mutate(e *usage.Event, which int64) {
	if which >= 0 && which < int64(pricing.QuantityCount) {
		if total, isPart := pricing.Quantity(which).Total(); isPart {
			e.Quantities[total]++
		}
		e.Quantities[which]++
		return
	}
	if which >= int64(pricing.QuantityCount) {
		which += 9 - int64(pricing.QuantityCount)
	}
	switch which {
	case -1:
		e.Time, e.Vendor = time.Time{}, ""
	case 9:
		e.UserID = "alice"
	case 10:
		e.Model += "x"
	case 11:
		e.ErrorMessage += "x"
	case 12:
		e.StatusCode, e.Billable = 200, false
	case 13:
		e.Time = e.Time.Add(time.Microsecond)
	case -2:
		e.Vendor = "another"
	case -3:
		e.Reported.Given = !e.Reported.Given
	case -4:
		e.ServiceTier += "x"
	case -7:
		e.Measured = map[bool]usage.Measured{true: "", false: usage.UseEstimated}[e.Measured != ""]
	case -8:
		e.ClientRequestID += "x"
	}
}

// normal is an event as it is compared and kept.
func normal(e usage.Event) usage.Event {
	e.Provider, e.Vendor, e.Method = strings.ToLower(e.Provider), strings.ToLower(e.Vendor), strings.ToUpper(e.Method)
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	switch e.ServiceTier = strings.ToLower(e.ServiceTier); e.ServiceTier {
	case "standard", "default", "auto":
		e.ServiceTier = ""
	}
	if e.Measured = usage.Measured(strings.ToLower(string(e.Measured))); e.Measured == "reported" {
		e.Measured = ""
	}
	e.Endpoint, e.ErrorMessage = breaks.Replace(e.Endpoint), breaks.Replace(e.ErrorMessage)
	if !e.Time.IsZero() {
		e.Time = time.UnixMicro(e.Time.UnixMicro()).UTC()
	}
	return e
}

// placed makes the entry that an event becomes, without its price.
func (m *model) placed(e usage.Event) usage.Entry {
	e = normal(e)
	if e.Time.IsZero() {
		e.Time = m.now
	}
	if e.Vendor == "" {
		e.Vendor = m.vendorOf(e.Provider, e.Model)
	}
	start, _ := m.accounts[e.UserID].period(e.Time)
	return usage.Entry{Event: e, PeriodStart: start, PlanID: m.planAt(e.UserID, e.Time).ID, RecordedAt: m.now}
}

// fate is what should become of an event.
type fate struct {
	code    failure.Code // why it is not recorded
	known   bool         // a duplicate
	entry   usage.Entry
	refusal *decision
}

func (m *model) fateOf(e usage.Event, opts usage.RecordOptions) fate {
	if before, known := m.events[e.ID]; known {
		if m.differs(before, normal(e)) {
			return fate{code: failure.Conflict}
		}
		return fate{known: true, entry: before}
	}
	entry, ok := m.rate(m.placed(e))
	switch {
	case opts.KnownUser && !m.accounts[e.UserID].seen:
		return fate{code: failure.NotFound}
	case !m.canBe(entry, opts.Enforce, opts.AllowFuture), !ok:
		return fate{code: failure.Invalid}
	case opts.Strict && entry.Basis == pricing.Unpriced:
		return fate{code: failure.NotFound}
	case opts.Enforce && counts(entry.Event):
		if j := m.judge(entry, entry.Time, ""); !j.allowed() {
			return fate{code: failure.Denied, entry: entry, refusal: &j}
		}
	}
	return fate{entry: entry}
}

// canBe tells whether a call can have been made when it says, and whether the limits can be asked about it.
func (m *model) canBe(e usage.Entry, enforce, allowFuture bool) bool {
	ahead := e.Time.Sub(m.now)
	start, end := m.accounts[e.UserID].period(e.Time)
	switch {
	case e.Time.Year() < 2015, ahead > 5*time.Minute && !allowFuture:
		return false
	case enforce:
		return ahead.Abs() <= 5*time.Minute && !m.now.Before(start) && m.now.Before(end)
	}
	return true
}

// differs tells whether a report says something else than what is recorded. What it
// leaves open, it does not say.
func (m *model) differs(before usage.Entry, report usage.Event) bool {
	if report.Vendor == "" {
		report.Vendor = before.Vendor
	}
	if report.Time.IsZero() {
		report.Time = before.Time
	}
	report.TokenID = before.TokenID // who reports it says nothing else
	return report != before.Event
}

func (m *model) record() {
	e := m.event()
	m.ids++
	e.ID = fmt.Sprint("e", m.ids)
	if m.oneIn(4, "again") {
		if again, ok := m.again(); ok {
			e = again
		}
	}
	opts := usage.RecordOptions{Enforce: m.oneIn(2, "enforce"), Strict: m.oneIn(4, "strict"),
		AllowFuture: m.oneIn(2, "future"), KnownUser: m.oneIn(3, "known user")}
	if opts.Enforce && !m.oneIn(8, "another time") {
		e.Time = draw(m, "about now", time.Time{}, m.now, m.now.Add(-5*time.Minute), m.now.Add(5*time.Minute))
	}
	want := m.fateOf(e, opts)
	outcome, err := m.service.Record(m.ctx, m.now, e, opts)
	m.rt.Logf("%s record %+v: %s %t", m.now, e, want.code, want.known)
	m.compareOutcome(want, outcome, err)
	if want.code == "" {
		m.accounts[e.UserID].seen = true
	}
	if want.code == "" && !want.known {
		m.equal("limits exceeded", withoutTokens(outcome.OverLimit), m.note(want.entry))
	}
}

// withoutTokens are the names of limits without the token whose they are.
func withoutTokens(names []string) []string {
	bare := []string{}
	for _, name := range names {
		name, _, _ = strings.Cut(name, " of the token ")
		bare = append(bare, name)
	}
	return bare
}

// compareOutcome compares what Record says.
func (m *model) compareOutcome(want fate, outcome usage.Outcome, err error) {
	m.rt.Helper()
	m.wantCode(fmt.Sprintf("recording %+v", want.entry.Event), err, want.code)
	if want.refusal != nil {
		var f *failure.Error
		if !errors.As(err, &f) || outcome.Refusal == nil {
			m.rt.Fatalf("a refusal without its reason: %+v, %v", outcome, err)
		}
		m.equal("reason", f.Reason, want.refusal.reason)
		m.compareDecision(*outcome.Refusal, *want.refusal)
	}
	if want.code != "" {
		return
	}
	status := usage.Recorded
	if want.known {
		status = usage.Duplicate
	}
	m.equal("status", outcome.Status, status)
	outcome.Entry.Links, outcome.Entry.Token = nil, nil
	m.equal("entry", outcome.Entry, want.entry)
	m.equal("period", fmt.Sprint(outcome.Period), m.period(want.entry.UserID, want.entry.Time))
}

// note adds an entry, with the alerts that it makes, and returns the blocking limits
// that are exceeded with it.
func (m *model) note(e usage.Entry) []string {
	limits := m.covering(e)
	over := []string{}
	for _, l := range limits {
		before := m.used(e, l)
		m.events[e.ID] = e
		after := m.used(e, l)
		delete(m.events, e.ID)
		m.alert(e, l, m.reached(l, before), m.reached(l, after), after)
		if l.Action == "block" && !l.Unlimited && after.Int64() > l.Max {
			over = append(over, l.Name)
		}
	}
	m.events[e.ID] = e
	return append(over, m.overToken(e)...)
}
