package dbtest

import (
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// modelAccount is a user's subscription and every step that has led to it.
type modelAccount struct {
	seen    bool // the database has a row of the user
	credit  pricing.USD
	current *modelSubscription
	steps   []modelStep
	history []string
}

type modelSubscription struct {
	plan              int64
	cycle             plan.Cycle
	anchor            time.Time
	paidUntil         time.Time
	endsAt            time.Time // zero where it goes on
	renews, suspended bool
	void              bool // cancelled before it began: it never takes force
}

// modelStep says which plan and anchor a subscription has from a moment on.
type modelStep struct {
	from, anchor time.Time
	plan         int64
	of           *modelSubscription
}

// inForce returns the step that counts at a moment: of those that had taken effect
// by then the one that was made last.
func (a *modelAccount) inForce(at time.Time) (modelStep, bool) {
	for i := len(a.steps) - 1; i >= 0; i-- {
		if s := a.steps[i]; !s.of.void && !s.from.After(at) {
			return s, true
		}
	}
	return modelStep{}, false
}

// period returns the usage period that a moment lies in: a month from the anchor in
// force, cut short where another anchor takes over.
func (a *modelAccount) period(at time.Time) (start, end time.Time) {
	current, subscribed := a.inForce(at)
	if !subscribed {
		start, end = stretch(date(2020, 1, 1), at, 1)
	} else {
		start, end = stretch(current.anchor, at, 1)
	}
	for _, s := range a.steps {
		if !s.from.After(at) || !s.from.Before(end) {
			continue
		}
		if then, _ := a.inForce(s.from); !then.anchor.Equal(current.anchor) {
			end = s.from
		}
	}
	return start, end
}

// stretch returns the stretch of so many months, counted from the anchor, that a
// moment lies in.
func stretch(anchor, at time.Time, months int) (start, end time.Time) {
	n := 0
	for !at.Before(monthsLater(anchor, n+months)) {
		n += months
	}
	for at.Before(monthsLater(anchor, n)) {
		n -= months
	}
	return monthsLater(anchor, n), monthsLater(anchor, n+months)
}

// monthsLater returns the anchor's day and time of day so many months later, or the
// last day of a month that has no such day.
func monthsLater(anchor time.Time, months int) time.Time {
	for day := anchor.Day(); ; day-- {
		t := time.Date(anchor.Year(), anchor.Month()+time.Month(months), day, anchor.Hour(), anchor.Minute(), anchor.Second(),
			anchor.Nanosecond(), time.UTC)
		if t.Day() == day { // else it is so many days into the next month
			return t
		}
	}
}

func (s *modelSubscription) months() int {
	if s.cycle == plan.Yearly {
		return 12
	}
	return 1
}

func (s *modelSubscription) statusAt(at time.Time) plan.Status {
	switch {
	case s.suspended:
		return plan.Suspended
	case !s.endsAt.IsZero() && !at.Before(s.endsAt):
		return plan.Cancelled
	case at.Before(s.anchor):
		return plan.Pending
	case !s.renews && !at.Before(s.paidUntil):
		return plan.Expired
	}
	return plan.Active
}

func (s *modelSubscription) over(at time.Time) bool {
	status := s.statusAt(at)
	return status == plan.Cancelled || status == plan.Expired
}

// ended returns when a subscription that is over came to its end.
func (s *modelSubscription) ended() time.Time {
	end := s.endsAt
	if end.IsZero() || !s.renews && s.paidUntil.Before(end) {
		end = s.paidUntil
	}
	return end
}

// statusAt is what decisions go by.
func (a *modelAccount) statusAt(at time.Time) plan.Status {
	if a.current == nil || a.current.void {
		return plan.Active
	}
	return a.current.statusAt(at)
}

// planAt returns the plan in force, the free one where there is no subscription.
func (m *model) planAt(user string, at time.Time) plan.Plan {
	step, subscribed := m.accounts[user].inForce(at)
	for _, p := range m.plans {
		if subscribed && p.ID == step.plan || !subscribed && p.Tier == "free" {
			return p
		}
	}
	m.rt.Fatalf("the model has no plan %d", step.plan)
	return plan.Plan{}
}

func (m *model) planByID(id int64) plan.Plan {
	for _, p := range m.plans {
		if p.ID == id {
			return p
		}
	}
	return plan.Plan{}
}

// modelChange is a step in a subscription's life: as the product makes it, and as
// the model does, which returns what it is called or why it can't be.
type modelChange struct {
	name string
	make func(plan.Account) (plan.Change, error)
	see  func(*modelAccount) (plan.ChangeAction, failure.Code)
}

func (m *model) changeSubscription() {
	user := m.user()
	a := m.accounts[user]
	c := draw(m, "change", m.changes(user)...)
	before := *a
	old := modelSubscription{}
	if a.current != nil {
		old = *a.current
	}
	periodBefore, endBefore := a.period(m.now)
	_, err := (&billing.Service{Store: m.db}).ChangeSubscription(m.ctx, m.auditAt(m.now, "subscription"), user, c.make)
	action, code := c.see(a)
	m.wantCode(user+": "+c.name, err, code)
	m.rt.Logf("%s %s: %s %s", m.now, user, c.name, code)
	if code != "" {
		return
	}
	s := a.current
	effective := later(m.now, s.anchor)
	if action == plan.New {
		effective = s.anchor
	}
	a.steps = append(a.steps, modelStep{effective, s.anchor, s.plan, s})
	a.seen = true
	planBefore := ""
	if before.current != nil {
		planBefore = m.planByID(old.plan).Name
	}
	used := m.tally(func(e usageEntry) bool { return e.UserID == user && e.PeriodStart.Equal(periodBefore) })
	start, end := a.period(m.now)
	a.history = append(a.history, fmt.Sprint(action, m.now, effective, planBefore, m.planByID(s.plan).Name, s.cycle,
		periodBefore, endBefore, start, end,
		&used.calls, used.tokens(), exact(&used.cost)))
	m.moveEvents(user)
	m.compareAccount(user)
}

// moveEvents gives every event of a user the period and plan of its time, and not
// only those that a change can move.
func (m *model) moveEvents(user string) {
	for id, e := range m.events {
		if e.UserID == user {
			e.PeriodStart, _ = m.accounts[user].period(e.Time)
			e.PlanID = m.planAt(user, e.Time).ID
			m.events[id] = e
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// changes returns every change with the choices that it asks for.
func (m *model) changes(user string) []modelChange {
	to := draw(m, "plan", m.offered()...)
	order := plan.Order{Plan: to, Cycle: draw(m, "cycle", plan.Monthly, plan.Yearly),
		AutoRenew: !m.oneIn(2, "ends by itself"), Start: m.start(user)}
	atEnd := m.oneIn(2, "at the end")
	subscribe := modelChange{fmt.Sprint("subscribe to ", to.Name, " from ", order.Start),
		func(a plan.Account) (plan.Change, error) { return a.Subscribe(order, m.now) },
		func(a *modelAccount) (plan.ChangeAction, failure.Code) { return plan.New, m.subscribe(a, order) }}
	if m.accounts[user].current == nil && !m.oneIn(6, "without a subscription") {
		return []modelChange{subscribe}
	}
	return []modelChange{subscribe,
		{"change to " + to.Name, func(a plan.Account) (plan.Change, error) { return a.ChangePlan(to, m.now) },
			func(a *modelAccount) (plan.ChangeAction, failure.Code) { return m.changePlan(a, to) }},
		{fmt.Sprint("cancel, at the end: ", atEnd),
			func(a plan.Account) (plan.Change, error) { return a.Cancel(atEnd, m.now) },
			func(a *modelAccount) (plan.ChangeAction, failure.Code) { return plan.Cancel, m.cancel(a, atEnd) }},
		{"renew", func(a plan.Account) (plan.Change, error) { return a.Renew(m.now) },
			func(a *modelAccount) (plan.ChangeAction, failure.Code) { return plan.Renewal, m.renew(a) }},
		{"suspend", func(a plan.Account) (plan.Change, error) { return a.Suspend(m.now) },
			func(a *modelAccount) (plan.ChangeAction, failure.Code) { return plan.Suspend, m.suspend(a) }},
		{"resume", func(a plan.Account) (plan.Change, error) { return a.Resume(m.now) },
			func(a *modelAccount) (plan.ChangeAction, failure.Code) { return plan.Resume, m.resume(a) }},
	}
}

// start draws when a subscription begins: now, in the past, on the last day of a
// month, when the last one ended, more than a year ago, or ahead.
func (m *model) start(user string) time.Time {
	hours := time.Duration(m.number("hours", 0, 60*24)) * time.Hour
	ended := m.now
	if s := m.accounts[user].current; s != nil {
		ended = s.ended()
	}
	return draw(m, "start", m.now, m.now.Add(-hours), date(m.now.Year(), m.now.Month(), 0), ended,
		m.now.AddDate(-1, -1, 0), m.now.Add(hours/2))
}

func (m *model) offered() []plan.Plan {
	var offered []plan.Plan
	for _, p := range m.plans {
		if !p.Withdrawn {
			offered = append(offered, p)
		}
	}
	return offered
}

func (m *model) subscribe(a *modelAccount, o plan.Order) failure.Code {
	if s := a.current; s != nil {
		if !s.over(m.now) {
			return failure.Conflict
		}
		if o.Start.Before(s.ended()) || o.Start.After(m.now) {
			return failure.Invalid
		}
	}
	a.current = &modelSubscription{plan: o.Plan.ID, cycle: o.Cycle, anchor: o.Start, renews: o.AutoRenew}
	a.current.paidUntil = monthsLater(o.Start, a.current.months())
	return ""
}

// running tells why a subscription can't be changed, if it can't.
func (m *model) running(a *modelAccount) failure.Code {
	switch {
	case a.current == nil:
		return failure.NotFound
	case a.current.over(m.now):
		return failure.Conflict
	}
	return ""
}

func (m *model) changePlan(a *modelAccount, to plan.Plan) (plan.ChangeAction, failure.Code) {
	if code := m.running(a); code != "" {
		return "", code
	}
	if a.current.plan == to.ID {
		return "", failure.Conflict
	}
	action := plan.Upgrade
	if to.Monthly < m.planByID(a.current.plan).Monthly {
		action = plan.Downgrade
	}
	a.current.plan = to.ID
	return action, ""
}

func (m *model) cancel(a *modelAccount, atEnd bool) failure.Code {
	if code := m.running(a); code != "" {
		return code
	}
	s := a.current
	if !atEnd {
		s.endsAt, s.void = m.now, m.now.Before(s.anchor)
		return ""
	}
	_, end := stretch(s.anchor, later(m.now, s.anchor), s.months())
	if s.renews {
		end = later(end, s.paidUntil)
	} else {
		end = s.paidUntil
	}
	if s.endsAt.Equal(end) {
		return failure.Conflict
	}
	s.endsAt, s.void = end, false
	return ""
}

func (m *model) renew(a *modelAccount) failure.Code {
	s := a.current
	switch {
	case s == nil:
		return failure.NotFound
	case s.suspended || m.planByID(s.plan).Withdrawn:
		return failure.Conflict
	case s.over(m.now): // it begins anew
		a.current = &modelSubscription{plan: s.plan, cycle: s.cycle, anchor: m.now, renews: s.renews,
			paidUntil: monthsLater(m.now, s.months())}
		return ""
	}
	_, paid := stretch(s.anchor, later(m.now, s.anchor), s.months())
	_, s.paidUntil = stretch(s.anchor, later(paid, s.paidUntil), s.months())
	s.endsAt = time.Time{}
	return ""
}

func (m *model) suspend(a *modelAccount) failure.Code {
	if code := m.running(a); code != "" {
		return code
	}
	if a.current.suspended {
		return failure.Conflict
	}
	a.current.suspended = true
	return ""
}

func (m *model) resume(a *modelAccount) failure.Code {
	switch {
	case a.current == nil:
		return failure.NotFound
	case !a.current.suspended:
		return failure.Conflict
	}
	a.current.suspended = false
	return ""
}
