package dbtest

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// appliedPlans are the plans since a moment.
type appliedPlans struct {
	at    time.Time
	plans []plan.Plan
}

// shared returns a plan with what a period includes of each limit beyond which it bills calls: where other plans held
// in it too, what each gives for its time, and what was used under those that bill nothing.
func (m *model) shared(user string, start time.Time, p plan.Plan) plan.Plan {
	a := m.accounts[user]
	_, end := a.period(start)
	moments := []time.Time{start}
	for _, s := range a.steps {
		if s.from.After(start) && s.from.Before(end) {
			moments = append(moments, s.from)
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	moments = append(moments, end)
	held, lastOf := map[int64]int64{}, map[int64]time.Time{}
	for i, until := range moments[1:] {
		from := moments[i]
		id := m.planAt(user, from).ID
		held[id] += until.Sub(from).Microseconds()
		if until.After(from) {
			lastOf[id] = until.Add(-time.Microsecond)
		}
	}
	if len(lastOf) < 2 || p.Overage != plan.OverageAllow {
		return p
	}
	p.Limits = slices.Clone(p.Limits)
	for i, l := range p.Limits {
		if l.Action != "block" || l.Unlimited || l.Max == 0 {
			continue
		}
		included, apart, billed := new(big.Rat), int64(0), false
		for id, last := range lastOf {
			then, lowest := m.planThen(id, last), int64(-1)
			for _, own := range then.Limits {
				if own.Action == "block" && !own.Unlimited && own.Max > 0 && own.Meter == l.Meter &&
					own.Scope.Equal(l.Scope) && (lowest < 0 || own.Max < lowest) {
					lowest = own.Max
				}
			}
			t := m.tally(func(e usage.Entry) bool {
				return e.UserID == user && e.PeriodStart.Equal(start) && e.PlanID == id && covers(l, e.Provider, e.Vendor)
			})
			used := metered(l, &t.calls, t.tokens(), &t.cost).Int64()
			share := big.NewRat(held[id], end.Sub(start).Microseconds())
			share.Mul(share, new(big.Rat).SetInt64(lowest))
			switch {
			case lowest > 0 && then.Overage == plan.OverageAllow:
				included.Add(included, share)
				billed = true
				continue
			case lowest > 0 && share.Cmp(new(big.Rat).SetInt64(used)) > 0:
				included.Add(included, share.Sub(share, new(big.Rat).SetInt64(used)))
			}
			apart += used
		}
		if !billed {
			continue
		}
		p.Limits[i].Max = new(big.Int).Quo(included.Num(), included.Denom()).Int64() + apart
		if !included.IsInt() {
			p.Limits[i].Max++
		}
	}
	return p
}

// planThen returns a plan as it was at a moment.
func (m *model) planThen(id int64, at time.Time) plan.Plan {
	then := m.applied[0].plans
	for _, a := range m.applied {
		if !a.at.After(at) {
			then = a.plans
		}
	}
	return then[slices.IndexFunc(then, func(p plan.Plan) bool { return p.ID == id })]
}

// applyPlans changes a plan's limits, withdraws plans, or brings them all back as
// they were.
func (m *model) applyPlans() {
	plans := smallPlans()
	withdraw := []int64{}
	if m.oneIn(4, "withdraw") {
		plans = plans[:m.number("kept", 1, 2)]
		for _, p := range m.plans[len(plans):] {
			withdraw = append(withdraw, p.ID)
		}
	}
	p := &plans[m.number("plan", 0, int64(min(len(plans), 2)-1))]
	l := &p.Limits[m.number("limit", 0, int64(len(p.Limits)-1))]
	l.Max = l.Max * m.number("times", 0, 4) / 2
	switch draw(m, "edit", "max", "unlimited", "action", "without", "scope", "meter", "overage", "rates") {
	case "rates":
		p.Rates = plan.Rates{RequestsPerMinute: 1, ParallelCalls: m.number("parallel", 1, 2)}
	case "overage":
		p.Overage, p.MarkupMillionths = plan.OverageAllow, 125_000
	case "unlimited":
		l.Max, l.Unlimited = 0, true
	case "action":
		l.Action = map[plan.Action]plan.Action{plan.Block: plan.Warn, plan.Warn: plan.Block}[l.Action]
	case "without":
		p.Limits = slices.DeleteFunc(p.Limits, func(other plan.Limit) bool { return other.Name == l.Name })
	case "scope":
		l.Scope = plan.Scope{Providers: []string{"openai"}, Vendors: []string{"google"}}
	case "meter":
		l.Meter = plan.Calls
	}
	m.must(m.db.ChangePlans(m.ctx, m.auditAt(m.now, "plans apply"),
		func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
			return plans, withdraw, nil
		}))
	for i := range m.plans {
		if i < len(plans) {
			plans[i].ID = m.plans[i].ID
			m.plans[i] = plans[i]
		} else {
			m.plans[i].Withdrawn = true
		}
	}
	m.applied = append(m.applied, appliedPlans{m.now, slices.Clone(m.plans)})
}

// covers tells whether a limit counts what a provider and vendor serve.
func covers(l plan.Limit, provider, vendor string) bool {
	for _, name := range l.Scope.Providers {
		if name == provider {
			return true
		}
	}
	for _, name := range l.Scope.Vendors {
		if name == vendor {
			return true
		}
	}
	return len(l.Scope.Providers)+len(l.Scope.Vendors) == 0
}

func (m *model) covering(e usage.Entry) []plan.Limit {
	var limits []plan.Limit
	for _, l := range m.shared(e.UserID, e.PeriodStart, m.planByID(e.PlanID)).Limits {
		if covers(l, e.Provider, e.Vendor) {
			limits = append(limits, l)
		}
	}
	return limits
}

// used returns how much of a limit the events of the entry's user and period use.
func (m *model) used(e usage.Entry, l plan.Limit) *big.Int {
	t := m.tally(func(other usage.Entry) bool {
		return other.UserID == e.UserID && other.PeriodStart.Equal(e.PeriodStart) && covers(l, other.Provider, other.Vendor)
	})
	return metered(l, &t.calls, t.tokens(), &t.cost)
}

func metered(l plan.Limit, calls, tokens, cost *big.Int) *big.Int {
	switch l.Meter {
	case "calls":
		return calls
	case "tokens":
		return tokens
	}
	return cost
}

func asked(l plan.Limit, e usage.Entry) *big.Int {
	q := e.Quantities
	return metered(l, big.NewInt(q[pricing.Requests]),
		new(big.Int).Add(big.NewInt(q[pricing.InputTokens]), big.NewInt(q[pricing.OutputTokens])), big.NewInt(int64(e.Cost)))
}

// decision is what the model says to a call, limit by limit.
type decision struct {
	reason string
	plan   string
	status plan.Status
	period string
	cost   pricing.USD
	basis  pricing.Basis
	limits []string
}

// period writes a period as the product's prints itself.
func (m *model) period(user string, at time.Time) string {
	start, end := m.accounts[user].period(at)
	return fmt.Sprint(plan.Period{Start: start, End: end})
}

func (j decision) allowed() bool { return j.reason == "" }

// judge decides about an entry by the state of the subscription at a moment. A
// reservation that does not count may be named.
func (m *model) judge(e usage.Entry, at time.Time, free string) decision {
	a := m.accounts[e.UserID]
	j := decision{plan: m.planByID(e.PlanID).Name, status: a.statusAt(at), cost: e.Cost, basis: e.Basis}
	j.period = m.period(e.UserID, at)
	for _, l := range m.covering(e) {
		used, reserved, wanted := m.used(e, l), m.reserved(e.UserID, l, free), asked(l, e)
		most := big.NewInt(l.Max)
		sum := new(big.Int).Add(used, reserved)
		costless := l.Meter == "cost" && l.Max > 0 && m.isFree(e)
		fits := l.Unlimited || costless || used.Cmp(most) < 0 && sum.Add(sum, wanted).Cmp(most) <= 0
		overage := !fits && l.Action == "block" && l.Max > 0 && m.planByID(e.PlanID).Overage == plan.OverageAllow
		fits = fits || overage
		j.limits = append(j.limits, fmt.Sprint(l.Name, " ", used, "+", reserved, "+", wanted, " ", fits, overage))
		switch {
		case fits || l.Action != "block":
		case l.Max == 0:
			j.reason = "not_in_plan"
		case j.reason == "":
			j.reason = "limit_exceeded"
		}
	}
	if most := m.planByID(e.PlanID).Rates.ParallelCalls; most > 0 {
		held := m.heldBy(e.UserID, free)
		j.limits = append(j.limits, fmt.Sprint("parallel_calls 0+", held, "+1 ", held < most, false))
		if held >= most && j.reason == "" {
			j.reason = "too_many_parallel_calls"
		}
	}
	m.judgeToken(&j, e, at, free)
	switch j.status {
	case "suspended", "cancelled", "expired":
		j.reason = string(j.status)
	}
	return j
}

func (m *model) compareDecision(got usage.Decision, want decision) {
	m.rt.Helper()
	g := decision{string(got.Reason), got.Plan.Name, got.Status, fmt.Sprint(got.Period), got.EstimatedCost, got.Basis, nil}
	for _, v := range got.Limits {
		g.limits = append(g.limits, fmt.Sprint(v.Limit.Name, " ", v.Used, "+", v.Reserved, "+", v.Requested, " ", v.OK,
			v.Overage))
	}
	m.equal("decision", g, want)
	m.equal("allowed", got.Allowed, want.allowed())
}

type modelAlertKey struct {
	user      string
	period    int64
	limit     string
	threshold int
}

// modelAlert is what an alert says beside its key.
type modelAlert struct {
	used, most, created int64
	event               string
	meter               plan.Meter
	action              plan.Action
}

// reached returns the highest threshold of a limit that is reached, 0 for none.
func (m *model) reached(l plan.Limit, used *big.Int) int {
	highest := 0
	for _, percent := range m.thresholds {
		share := new(big.Rat).Mul(big.NewRat(l.Max, 100), big.NewRat(int64(percent), 1))
		if !l.Unlimited && l.Max > 0 && new(big.Rat).SetInt(used).Cmp(share) >= 0 {
			highest = max(highest, percent)
		}
	}
	return highest
}

// alert notes an alert where an entry takes a limit to a threshold that it had not
// reached, and this user and period have none of it yet.
func (m *model) alert(e usage.Entry, l plan.Limit, before, after int, used *big.Int) {
	key := modelAlertKey{e.UserID, e.PeriodStart.UnixMicro(), l.Name, after}
	if _, known := m.alerts[key]; after > before && !known {
		m.alerts[key] = modelAlert{used.Int64(), l.Max, m.now.UnixMicro(), e.ID, l.Meter, l.Action}
	}
}

// checkAlerts has the running periods of everyone looked at.
func (m *model) checkAlerts() {
	before := len(m.alerts)
	for _, user := range m.users {
		m.accounts[user].seen = true
		e := m.placed(usage.Event{UserID: user})
		for _, l := range m.shared(user, e.PeriodStart, m.planByID(e.PlanID)).Limits {
			used := m.used(e, l)
			m.alert(e, l, 0, m.reached(l, used), used)
		}
	}
	added, err := m.service.CheckAlerts(m.ctx, m.now, m.users)
	m.must(err)
	m.equal("alerts added", added, len(m.alerts)-before)
}
