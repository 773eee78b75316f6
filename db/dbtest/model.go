package dbtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func modelTests() []test {
	return []test{
		{"model/any history gives the totals, decisions, alerts and reports of a simple model", anyHistory},
		{"model/any order of duplicates gives the same", anyOrder},
	}
}

// How many random histories a database sees.
const (
	onServer = 6
	inFew    = 25
	inAll    = 1 << 30 // as many as rapid is told to
)

// check runs a property so often at most: on a fresh database in memory each time,
// or on the one of a server.
func check(t *testing.T, p Place, most int, property func(*fixture, *rapid.T)) {
	prepare := inMemory(t)
	if p.Kind == db.PostgreSQL {
		f := seeded(t, p)
		prepare = func(rt *rapid.T) *fixture {
			f.clear()
			mine := *f
			mine.TB = rt
			return &mine
		}
	}
	histories, failed := 0, false
	rapid.Check(t, func(rt *rapid.T) {
		// rapid has one number of checks for the whole process: what is too much
		// passes unseen, unless it serves to shrink a failure.
		if histories++; histories > most && !failed {
			return
		}
		failed = true
		f := prepare(rt)
		property(f, rt)
		failed = false
	})
}

// inMemory returns how to make a database in memory with the default prices.
func inMemory(t *testing.T) func(*rapid.T) *fixture {
	origin := seeded(t, Memory(t))
	book, err := origin.db.Catalogue(origin.ctx)
	origin.must(err)
	return func(rt *rapid.T) *fixture {
		d, _, _, err := db.Create(context.Background(), origin.place.Target)
		if err != nil {
			rt.Fatal(err)
		}
		rt.Cleanup(func() { _ = d.Close() })
		f := &fixture{rt, context.Background(), Place{Kind: db.SQLite}, d, &usage.Service{Store: d, Thresholds: usage.DefaultThresholds()}}
		f.must(d.ChangePrices(f.ctx, f.audit("init"), func(*pricing.Book) ([]pricing.Provider, []pricing.Price, error) {
			return book.Providers.Sorted(), book.All(now()), nil
		}))
		f.savePlans(smallPlans()...)
		return f
	}
}

func most(p Place, inMemory int) int {
	if p.Kind == db.PostgreSQL {
		return onServer
	}
	return inMemory
}

// clear takes back what a history has left.
func (f *fixture) clear() {
	f.Helper()
	f.exec(`TRUNCATE users, user_subscriptions, subscription_history, api_usage_logs, usage_reratings, usage_summaries, usage_daily,
		usage_reservations, usage_alerts, audit_log`)
	f.exec("DELETE FROM api_provider_pricing WHERE source = 'admin'")
	f.savePlans(smallPlans()...)
}

// model is what the database should hold, kept as simply as can be: every question
// is answered by going over all events.
type model struct {
	*fixture
	rt      *rapid.T
	now     time.Time
	prices  []pricing.Price
	book    *pricing.Book
	plans   plan.Plans
	users   []string
	account map[string]plan.Account
	events  map[string]usage.Entry
	held    map[string]usage.Reservation
	alerted map[string]int64 // user, period, limit, threshold -> used
	ids     int
}

func newModel(rt *rapid.T, f *fixture) *model {
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	m := &model{fixture: f, rt: rt, now: now(), book: book, users: []string{"alice", "bob", "Čapek"}, account: map[string]plan.Account{},
		events: map[string]usage.Entry{}, held: map[string]usage.Reservation{}, alerted: map[string]int64{}}
	for provider := range book.Providers {
		for _, name := range book.Models(provider) {
			m.prices = append(m.prices, book.History(provider, name)...)
		}
	}
	m.readPlans()
	for _, user := range m.users {
		m.account[user] = plan.Account{UserID: user, Plans: m.plans}
	}
	return m
}

func (m *model) readPlans() {
	plans, _, err := m.db.Plans(m.ctx, now())
	m.must(err)
	m.plans = plans
	for user, a := range m.account {
		a.Plans = plans
		m.account[user] = a
	}
}

func anyHistory(t *testing.T, p Place) {
	check(t, p, most(p, inAll), func(f *fixture, rt *rapid.T) {
		m := newModel(rt, f)
		rt.Repeat(map[string]func(*rapid.T){
			"record":       func(rt *rapid.T) { m.record(rt) },
			"record again": func(rt *rapid.T) { m.record(rt) },
			"reserve":      func(rt *rapid.T) { m.reserve(rt) },
			"settle":       func(rt *rapid.T) { m.settle(rt) },
			"release":      func(rt *rapid.T) { m.release(rt) },
			"time passes":  func(rt *rapid.T) { m.now = m.now.Add(rapid.SampledFrom(pauses()).Draw(rt, "pause")) },
			"price":        func(rt *rapid.T) { m.setPrice(rt) },
			"plan":         func(rt *rapid.T) { m.changePlan(rt) },
			"subscription": func(rt *rapid.T) { m.changeSubscription(rt) },
		})
		m.compareAll()
	})
}

func pauses() []time.Duration {
	return []time.Duration{time.Microsecond, 30 * time.Second, time.Minute, 26 * time.Hour, 9 * 24 * time.Hour, 31 * 24 * time.Hour}
}

func (m *model) user(rt *rapid.T) string { return rapid.SampledFrom(m.users).Draw(rt, "user") }

// event draws an event of any provider and model, known or not.
func (m *model) event(rt *rapid.T) usage.Event {
	p := rapid.SampledFrom(m.prices).Draw(rt, "price")
	if rapid.IntRange(0, 2).Draw(rt, "kind") > 0 { // often what the limits are about
		p.Provider, p.Model = "gemini", rapid.SampledFrom([]string{"gemini-2.5-flash", "gemini-2.5-pro", "new"}).Draw(rt, "gemini")
	}
	if rapid.IntRange(0, 9).Draw(rt, "model") == 0 {
		p.Model = rapid.SampledFrom([]string{"", "unheard of", "wan-2.5-x", "default"}).Draw(rt, "name")
	}
	e := usage.Event{UserID: m.user(rt), Provider: p.Provider, Model: p.Model, StatusCode: rapid.SampledFrom([]int{200, 200, 200, 399, 400, 503}).Draw(rt, "status"),
		Billable: rapid.Bool().Draw(rt, "billable")}
	for i := range e.Quantities {
		e.Quantities[i] = rapid.SampledFrom([]int64{0, 0, 1, 2, 3}).Draw(rt, pricing.Quantity(i).String())
	}
	e.Quantities[pricing.InputTokens] = rapid.Int64Range(0, 300_000).Draw(rt, "input")
	e.Quantities[pricing.CachedInputTokens] = min(e.Quantities[pricing.InputTokens], rapid.Int64Range(0, 300_000).Draw(rt, "cached"))
	return e
}

func (m *model) record(rt *rapid.T) {
	e := m.event(rt)
	m.ids++
	e.ID = fmt.Sprint("e", m.ids)
	if ids := sortedKeys(m.events); len(ids) > 0 && rapid.IntRange(0, 5).Draw(rt, "again") == 0 {
		before := m.events[rapid.SampledFrom(ids).Draw(rt, "before")]
		if e.ID = before.ID; rapid.Bool().Draw(rt, "the same") {
			e = before.Event
		}
	}
	if rapid.Bool().Draw(rt, "late") && e.Time.IsZero() {
		e.Time = m.now.Add(-time.Duration(rapid.Int64Range(0, int64(70*24*time.Hour/time.Microsecond)).Draw(rt, "how late")) * time.Microsecond)
	}
	opts := usage.RecordOptions{Enforce: rapid.Bool().Draw(rt, "enforce"), Strict: rapid.IntRange(0, 3).Draw(rt, "strict") == 0}
	outcome, err := m.service.Record(m.ctx, m.now, e, opts)
	if before, known := m.events[e.ID]; known {
		m.again(rt, before, e, outcome, err)
		return
	}
	entry := m.rated(e)
	if opts.Strict && entry.Basis == pricing.Unpriced {
		m.wantCode(rt, err, failure.NotFound)
		return
	}
	if opts.Enforce && entry.Counts() {
		if reason := m.decision(entry, ""); reason != "" {
			m.wantCode(rt, err, failure.Denied)
			var f *failure.Error
			if errors.As(err, &f) && f.Reason != string(reason) {
				rt.Fatalf("refused since %s, the model says %s", f.Reason, reason)
			}
			return
		}
	}
	m.posted(rt, entry, outcome, err, "")
}

func (m *model) again(rt *rapid.T, before usage.Entry, e usage.Event, outcome usage.Outcome, err error) {
	e.Vendor = cmp.Or(e.Vendor, before.Vendor)
	if e.Time.IsZero() {
		e.Time = before.Time
	}
	if e == before.Event {
		if err != nil || outcome.Status != usage.Duplicate || outcome.Entry.Cost != before.Cost {
			rt.Fatalf("the same event again: %+v, %v", outcome, err)
		}
		return
	}
	m.wantCode(rt, err, failure.Conflict)
}

func (m *model) wantCode(rt *rapid.T, err error, code failure.Code) {
	rt.Helper()
	if err == nil || failure.CodeOf(err) != code {
		rt.Fatalf("got %v, want a failure with the code %s", err, code)
	}
}

// posted compares what was recorded, and notes it with its alerts.
func (m *model) posted(rt *rapid.T, entry usage.Entry, outcome usage.Outcome, err error, settled string) {
	rt.Helper()
	if err != nil || outcome.Status != usage.Recorded {
		rt.Fatalf("recording %+v: %+v, %v", entry, outcome, err)
	}
	entry.PriceID, entry.RecordedAt = outcome.Entry.PriceID, m.now
	if outcome.Entry != entry {
		rt.Fatalf("recorded %+v\nwant     %+v", outcome.Entry, entry)
	}
	limits := m.covering(entry)
	before := m.used(entry, limits)
	m.events[entry.ID] = entry
	for i, after := range m.used(entry, limits) {
		m.alert(entry, limits[i], before[i], after)
	}
}

func (m *model) alert(e usage.Entry, l plan.Limit, before, after *big.Int) {
	if l.Unlimited || l.Max == 0 {
		return
	}
	for _, percent := range []int64{100, 90, 80} {
		threshold := new(big.Int).Mul(big.NewInt(l.Max), big.NewInt(percent))
		reached := func(used *big.Int) bool { return new(big.Int).Mul(used, big.NewInt(100)).Cmp(threshold) >= 0 }
		if !reached(before) && reached(after) {
			key := fmt.Sprintf("%s %s %s %d%%", e.UserID, e.PeriodStart.Format(time.RFC3339Nano), l.Name, percent)
			if _, ok := m.alerted[key]; !ok {
				m.alerted[key] = after.Int64()
			}
			return
		}
	}
}

// rated makes the entry that an event should become.
func (m *model) rated(e usage.Event) usage.Entry {
	if e.Time.IsZero() {
		e.Time = m.now
	}
	e.Vendor = cmp.Or(e.Vendor, m.book.Providers[e.Provider].VendorOf(e.Model))
	account := m.account[e.UserID]
	current, err := account.PlanAt(e.Time)
	m.must(err)
	entry := usage.Entry{Event: e, PeriodStart: account.PeriodAt(e.Time).Start, PlanID: current.ID}
	cost, basis := m.cost(e, e.Time)
	entry.Basis = basis
	if e.StatusCode < 400 || e.Billable {
		entry.Cost = pricing.USD(cost.Int64())
	}
	return entry
}

// cost rates quantities on its own: the latest price of the model, else of the
// provider's default, with the rules for long context, cached tokens and images.
func (m *model) cost(e usage.Event, at time.Time) (*big.Int, pricing.Basis) {
	var best *pricing.Price
	basis := pricing.Unpriced
	for _, wanted := range []struct {
		model string
		basis pricing.Basis
	}{{e.Model, pricing.Exact}, {pricing.DefaultModel, pricing.Default}} {
		for i, p := range m.prices {
			if wanted.model == pricing.DefaultModel && wanted.basis == pricing.Exact {
				continue
			}
			if p.Provider == e.Provider && p.Model == wanted.model && p.Model != "" && !p.EffectiveFrom.After(at) &&
				(best == nil || p.EffectiveFrom.After(best.EffectiveFrom)) {
				best, basis = &m.prices[i], wanted.basis
			}
		}
		if best != nil {
			break
		}
	}
	if best == nil {
		return new(big.Int), pricing.Unpriced
	}
	q, rates := e.Quantities, best.Rates
	if m.book.Providers[e.Provider].CharactersAreInputTokens && q[pricing.InputTokens] == 0 && rates[pricing.Characters] == 0 {
		q[pricing.InputTokens] = q[pricing.Characters]
	}
	if best.Above != nil && q[pricing.InputTokens] > best.Above.OverInputTokens {
		rates[pricing.InputTokens], rates[pricing.OutputTokens] = best.Above.InputToken, best.Above.OutputToken
	}
	if best.CachedPriced {
		q[pricing.InputTokens] -= q[pricing.CachedInputTokens]
	} else {
		rates[pricing.CachedInputTokens] = 0
	}
	sum := new(big.Int)
	for i, n := range q {
		kind := pricing.Quantity(i)
		if n == 0 && rates[i] > 0 && (kind == pricing.Images || kind == pricing.Searches || kind == pricing.Pages) {
			n = q[pricing.Requests]
		}
		sum.Add(sum, new(big.Int).Mul(big.NewInt(n), big.NewInt(int64(rates[i]))))
	}
	return sum, basis
}

func (m *model) covering(e usage.Entry) []plan.Limit {
	current, ok := m.plans.ByID(e.PlanID)
	if !ok {
		m.Fatalf("there is no plan %d", e.PlanID)
	}
	var limits []plan.Limit
	for _, l := range current.Limits {
		all := len(l.Scope.Providers)+len(l.Scope.Vendors) == 0
		if all || slices.Contains(l.Scope.Providers, e.Provider) || slices.Contains(l.Scope.Vendors, e.Vendor) {
			limits = append(limits, l)
		}
	}
	return limits
}

// used goes over all events of the entry's user and period.
func (m *model) used(e usage.Entry, limits []plan.Limit) []*big.Int {
	sums := make([]*big.Int, len(limits))
	for i, l := range limits {
		sums[i] = new(big.Int)
		for _, other := range m.events {
			if other.UserID == e.UserID && other.PeriodStart.Equal(e.PeriodStart) && other.Counts() && l.Scope.Covers(other.Provider, other.Vendor) {
				sums[i].Add(sums[i], big.NewInt(amount(l.Meter, other.Quantities, other.Cost)))
			}
		}
	}
	return sums
}

func amount(meter plan.Meter, q pricing.Quantities, cost pricing.USD) int64 {
	return map[plan.Meter]int64{plan.Calls: q[pricing.Requests], plan.Tokens: q[pricing.InputTokens] + q[pricing.OutputTokens], plan.Cost: int64(cost)}[meter]
}

func (m *model) reserved(user string, l plan.Limit) *big.Int {
	sum := new(big.Int)
	for _, r := range m.held {
		if r.UserID == user && r.Status == usage.Held && m.now.Before(r.ExpiresAt) && l.Scope.Covers(r.Provider, r.Vendor) {
			sum.Add(sum, big.NewInt(map[plan.Meter]int64{plan.Calls: r.Calls, plan.Tokens: r.Tokens, plan.Cost: int64(r.Cost)}[l.Meter]))
		}
	}
	return sum
}

// decision returns why an entry is refused, "" where it passes.
func (m *model) decision(e usage.Entry, without string) usage.Reason {
	switch m.account[e.UserID].StatusAt(e.Time) {
	case plan.Suspended:
		return usage.IsSuspended
	case plan.Cancelled:
		return usage.IsCancelled
	case plan.Expired:
		return usage.IsExpired
	}
	limits := m.covering(e)
	var reason usage.Reason
	for i, used := range m.used(e, limits) {
		l := limits[i]
		if l.Unlimited || l.Action != plan.Block {
			continue
		}
		most := big.NewInt(l.Max)
		sum := new(big.Int).Add(used, m.reserved(e.UserID, l))
		sum.Add(sum, big.NewInt(amount(l.Meter, e.Quantities, e.Cost)))
		if used.Cmp(most) < 0 && sum.Cmp(most) <= 0 {
			continue
		}
		if l.Max == 0 {
			return usage.NotInPlan
		}
		reason = usage.LimitExceeded
	}
	return reason
}

func (m *model) reserve(rt *rapid.T) {
	e := m.event(rt)
	e.StatusCode = 200
	m.ids++
	id := fmt.Sprint("r", m.ids)
	ttl := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 24 * time.Hour}).Draw(rt, "ttl")
	checked, err := m.service.Check(m.ctx, m.now, callOf(e))
	m.must(err)
	j, err := m.service.Reserve(m.ctx, m.now, callOf(e), id, ttl)
	m.must(err)
	entry := m.rated(e)
	reason := m.decision(entry, "")
	if j.Reason != reason || checked.Reason != reason || j.Allowed != (reason == "") || j.EstimatedCost != entry.Cost {
		rt.Fatalf("the judgement is %+v, the model says %q and %s", j, reason, entry.Cost)
	}
	if j.Allowed {
		m.held[id] = usage.Reservation{ID: id, UserID: e.UserID, Provider: e.Provider, Vendor: entry.Vendor, Model: e.Model, PeriodStart: entry.PeriodStart,
			Calls: e.Quantities[pricing.Requests], Tokens: e.Quantities.Tokens(), Cost: entry.Cost, Status: usage.Held, CreatedAt: m.now, ExpiresAt: m.now.Add(ttl)}
	}
}

func (m *model) anyReservation(rt *rapid.T) (usage.Reservation, bool) {
	ids := sortedKeys(m.held)
	if len(ids) == 0 {
		return usage.Reservation{}, false
	}
	return m.held[rapid.SampledFrom(ids).Draw(rt, "reservation")], true
}

func (m *model) settle(rt *rapid.T) {
	r, ok := m.anyReservation(rt)
	if !ok {
		return
	}
	e := usage.Event{StatusCode: 200, Quantities: m.event(rt).Quantities}
	outcome, err := m.service.Record(m.ctx, m.now, e, usage.RecordOptions{Reservation: r.ID, Enforce: true})
	if before, known := m.events[r.ID]; known {
		e.ID, e.UserID, e.Provider, e.Model = r.ID, r.UserID, r.Provider, r.Model
		m.again(rt, before, e, outcome, err)
		return
	}
	e.ID, e.UserID, e.Provider, e.Model = r.ID, r.UserID, r.Provider, r.Model
	m.posted(rt, m.rated(e), outcome, err, r.ID)
	r.Status, r.EventID = usage.Settled, e.ID
	m.held[r.ID] = r
}

func (m *model) release(rt *rapid.T) {
	r, ok := m.anyReservation(rt)
	if !ok {
		return
	}
	_, err := m.service.Release(m.ctx, m.now, r.ID)
	if r.Status == usage.Settled {
		m.wantCode(rt, err, failure.Conflict)
		return
	}
	m.must(err)
	r.Status = usage.Released
	m.held[r.ID] = r
}

func (m *model) setPrice(rt *rapid.T) {
	p := rapid.SampledFrom(m.prices).Draw(rt, "price")
	if rapid.IntRange(0, 3).Draw(rt, "new") == 0 {
		p = pricing.Price{Provider: "gemini", Model: "new"}
	}
	p.ID, p.Source = 0, pricing.FromAdmin
	p.EffectiveFrom = m.now.Add(time.Duration(rapid.IntRange(-1000, 100).Draw(rt, "hours")) * time.Hour)
	p.Rates[pricing.InputTokens] = pricing.USD(rapid.Int64Range(0, 5_000_000).Draw(rt, "input token"))
	p.CachedPriced = rapid.Bool().Draw(rt, "cached")
	if !p.CachedPriced {
		p.Rates[pricing.CachedInputTokens] = 0
	}
	taken := slices.ContainsFunc(m.prices, func(q pricing.Price) bool {
		return q.Provider == p.Provider && q.Model == p.Model && q.EffectiveFrom.Equal(p.EffectiveFrom)
	})
	err := m.db.ChangePrices(m.ctx, m.auditAt(m.now, "price"), func(*pricing.Book) ([]pricing.Provider, []pricing.Price, error) {
		return nil, []pricing.Price{p}, nil
	})
	if taken {
		m.wantCode(rt, err, failure.Conflict)
		return
	}
	m.must(err)
	m.prices = append(m.prices, p)
}

func (m *model) changePlan(rt *rapid.T) {
	plans := smallPlans()
	p := &plans[rapid.IntRange(0, 1).Draw(rt, "plan")]
	l := &p.Limits[rapid.IntRange(0, len(p.Limits)-1).Draw(rt, "limit")]
	l.Max, l.Unlimited = l.Max*rapid.Int64Range(0, 4).Draw(rt, "times")/2, rapid.IntRange(0, 4).Draw(rt, "unlimited") == 0
	if l.Unlimited {
		l.Max = 0
	}
	m.savePlans(plans...)
	m.readPlans()
}

func (m *model) changeSubscription(rt *rapid.T) {
	user := m.user(rt)
	other := m.plans[rapid.IntRange(0, len(m.plans)-1).Draw(rt, "plan")]
	start := m.now.Add(-time.Duration(rapid.IntRange(0, 60*24).Draw(rt, "hours ago")) * time.Hour)
	order := plan.Order{Plan: other, Cycle: rapid.SampledFrom([]plan.Cycle{plan.Monthly, plan.Yearly}).Draw(rt, "cycle"), Start: start,
		AutoRenew: rapid.Bool().Draw(rt, "renews")}
	changes := map[string]func(plan.Account) (plan.Change, error){
		"subscribe": func(a plan.Account) (plan.Change, error) { return a.Subscribe(order, m.now) },
		"change":    func(a plan.Account) (plan.Change, error) { return a.ChangePlan(other, m.now) },
		"cancel":    func(a plan.Account) (plan.Change, error) { return a.Cancel(order.AutoRenew, m.now) },
		"renew":     func(a plan.Account) (plan.Change, error) { return a.Renew(m.now) },
		"suspend":   func(a plan.Account) (plan.Change, error) { return a.Suspend(m.now) },
		"resume":    func(a plan.Account) (plan.Change, error) { return a.Resume(m.now) },
	}
	fn := changes[rapid.SampledFrom([]string{"subscribe", "subscribe", "change", "cancel", "renew", "suspend", "resume"}).Draw(rt, "change")]
	want, wantErr := fn(m.account[user])
	_, err := m.db.ChangeSubscription(m.ctx, m.auditAt(m.now, "subscription"), user, fn)
	if wantErr != nil {
		m.wantCode(rt, err, failure.CodeOf(wantErr))
		return
	}
	m.must(err)
	account := m.account[user].After(want)
	m.account[user] = account
	for id, e := range m.events { // all of them, and not only those that the change can move
		if e.UserID == user {
			current, err := account.PlanAt(e.Time)
			m.must(err)
			e.PeriodStart, e.PlanID = account.PeriodAt(e.Time).Start, current.ID
			m.events[id] = e
		}
	}
}

// compareAll compares everything that the database says with the model.
func (m *model) compareAll() {
	got := map[string]usage.Entry{}
	for _, e := range m.logs() {
		got[e.ID] = e
	}
	m.equal("log rows", len(got), len(m.events))
	for id, want := range m.events {
		m.equal("log row", got[id], want)
	}
	r, err := m.db.Reconcile(m.ctx, false)
	m.must(err)
	m.equal("discrepancies", len(r.Discrepancies), 0)
	m.compareStatements()
	m.compareReports()
	found, err := m.db.Alerts(m.ctx, "", false)
	m.must(err)
	alerts := map[string]int64{}
	for _, a := range found {
		alerts[fmt.Sprintf("%s %s %s %d%%", a.UserID, a.PeriodStart.Format(time.RFC3339Nano), a.Limit.Name, a.Threshold)] = a.Used
	}
	m.equal("alerts", alerts, m.alerted)
	open, err := m.db.Reservations(m.ctx, "", m.now)
	m.must(err)
	held, want := []string{}, []string{}
	for _, r := range open {
		held = append(held, r.ID)
	}
	for _, id := range sortedKeys(m.held) {
		if m.held[id].HoldsAt(m.now) {
			want = append(want, id)
		}
	}
	slices.Sort(held)
	m.equal("reservations", held, want)
}

func (m *model) equal(what string, got, want any) {
	m.rt.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		m.rt.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// compareStatements compares what each user is shown of the running period.
func (m *model) compareStatements() {
	for _, user := range m.users {
		if m.account[user].Subscription == nil && !slices.ContainsFunc(sortedKeys(m.events), func(id string) bool { return m.events[id].UserID == user }) {
			continue
		}
		st, err := m.service.Show(m.ctx, user, m.now, m.now)
		m.must(err)
		current, err := m.account[user].PlanAt(m.now)
		m.must(err)
		period := m.account[user].PeriodAt(m.now)
		m.equal("period", st.Period, period)
		probe := usage.Entry{Event: usage.Event{UserID: user}, PeriodStart: period.Start, PlanID: current.ID}
		for i, used := range m.used(probe, current.Limits) {
			l := current.Limits[i]
			m.equal("limit "+l.Name, fmt.Sprint(st.Limits[i].Used, st.Limits[i].Reserved), fmt.Sprint(used, m.reserved(user, l)))
		}
	}
}

// compareReports compares reports by several dimensions with sums over the events.
func (m *model) compareReports() {
	from, to := date(2025, 1, 1), date(2035, 1, 1)
	for _, by := range [][]usage.Dimension{{usage.ByUser}, {usage.ByMonth, usage.ByVendor}, {usage.ByPlan, usage.ByProvider, usage.ByModel}, {usage.ByDay}} {
		report, err := usage.MakeReport(m.ctx, m.db, usage.ReportQuery{From: from, To: to, By: by}, 0)
		m.must(err)
		want := map[string]*[6]big.Int{}
		for _, e := range m.events {
			var keys []string
			for _, d := range by {
				p, _ := m.plans.ByID(e.PlanID)
				keys = append(keys, map[usage.Dimension]string{usage.ByUser: e.UserID, usage.ByMonth: e.Time.Format("2006-01"), usage.ByDay: e.Time.Format(time.DateOnly),
					usage.ByVendor: e.Vendor, usage.ByPlan: p.Name, usage.ByProvider: e.Provider, usage.ByModel: e.Model}[d])
			}
			key := strings.Join(keys, "|")
			if want[key] == nil {
				want[key] = &[6]big.Int{}
			}
			for i, n := range figures(e) {
				want[key][i].Add(&want[key][i], big.NewInt(n))
			}
		}
		m.equal("rows", len(report.Rows), len(want))
		for _, row := range report.Rows {
			w := want[strings.Join(row.Keys, "|")]
			cost := pricing.TotalFromParts(0, w[5].Int64())
			m.equal(fmt.Sprint("report by ", by, row.Keys), fmt.Sprint(row.Calls, row.Errors, row.Unpriced, row.InputTokens, row.OutputTokens, row.Cost),
				fmt.Sprint(&w[0], &w[1], &w[2], &w[3], &w[4], cost))
		}
	}
}

// figures are calls, errors, unpriced calls, input and output tokens and cost.
func figures(e usage.Entry) [6]int64 {
	q := e.Quantities
	if e.StatusCode >= 400 && !e.Billable {
		return [6]int64{1: q[pricing.Requests]}
	}
	all := [6]int64{q[pricing.Requests], 0, 0, q[pricing.InputTokens], q[pricing.OutputTokens], int64(e.Cost)}
	if e.Basis == pricing.Unpriced {
		all[2] = q[pricing.Requests]
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// anyOrder imports events with some of them repeated, and records them one by one
// in the order of their first occurrence.
func anyOrder(t *testing.T, p Place) {
	check(t, p, most(p, inFew), func(f *fixture, rt *rapid.T) {
		m := newModel(rt, f)
		var events []usage.Event
		for i := range rapid.IntRange(1, 12).Draw(rt, "events") {
			e := m.event(rt)
			e.ID, e.Time = fmt.Sprint("e", i), m.now.Add(-time.Duration(i)*time.Hour)
			events = append(events, e)
		}
		lines := rapid.Permutation(append(slices.Clone(events), events...)).Draw(rt, "lines")
		var text strings.Builder
		for _, e := range lines {
			text.WriteString(eventLine(e))
		}
		r, _ := f.importText(usage.JSONLines, text.String())
		if r.Recorded != int64(len(events)) || r.Duplicates != int64(len(events)) {
			rt.Fatalf("the result is %+v", r)
		}
		for _, e := range lines {
			if _, known := m.events[e.ID]; known {
				continue
			}
			var found *usage.Entry
			for _, row := range f.logs() {
				if row.ID == e.ID {
					found = &row
				}
			}
			if found == nil {
				rt.Fatalf("%s was not recorded", e.ID)
			}
			m.posted(rt, m.rated(e), usage.Outcome{Status: usage.Recorded, Entry: *found}, nil, "")
		}
		m.compareAll()
	})
}
