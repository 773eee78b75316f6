package dbtest

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func modelTests() []test {
	return []test{{"model/any history", anyHistory}}
}

// onServer is how many random histories a server sees, and inMemory a database in memory,
// unless -rapid.checks says otherwise: they take most of the time of all tests.
const (
	onServer = 4
	inMemory = 35
)

// histories returns how many random histories a database sees.
func histories(normally int) int {
	checks := flag.Lookup("rapid.checks")
	if checks == nil || checks.Value.String() == checks.DefValue {
		return normally
	}
	return 1 << 30 // rapid counts them
}

// anyHistory lets the system and the model live through the same random history and
// compares them after each step.
func anyHistory(t *testing.T, p Place) {
	check(t, p, func(f *fixture, rt *rapid.T) {
		m := newModel(rt, f)
		step := func(fn func()) func(*rapid.T) { return func(*rapid.T) { fn() } }
		rt.Repeat(map[string]func(*rapid.T){
			"":                      step(m.compareSome),
			"record":                step(m.record),
			"record once more":      step(m.record), // what happens most often
			"import":                step(m.importFile),
			"reserve":               step(m.reserve),
			"settle":                step(m.settle),
			"release":               step(m.release),
			"time passes":           step(m.pass),
			"price":                 step(m.setPrice),
			"alias":                 step(m.setAlias),
			"rerate":                step(m.rerateSome),
			"plans":                 step(m.applyPlans),
			"subscription":          step(m.changeSubscription),
			"subscription, another": step(m.changeSubscription),
			"alerts":                step(m.checkAlerts),
			"take back":             step(m.takeBack),
			"fix":                   step(m.fixPrice),
			"credit":                step(m.giveCredit),
			"token":                 step(m.changeToken),
		})
		m.compareAll()
	})
}

// check runs a property on a fresh database in memory each time, or on the one of a
// server.
func check(t *testing.T, p Place, property func(*fixture, *rapid.T)) {
	most, prepare := histories(inMemory), inMemoryFixture(t)
	if p.Kind == db.PostgreSQL {
		f := seeded(t, p)
		most, prepare = histories(onServer), func(rt *rapid.T) *fixture {
			f.clear()
			mine := *f
			mine.TB = rt
			return &mine
		}
	}
	seen, running, failed := 0, false, false
	rapid.Check(t, func(rt *rapid.T) {
		// rapid has one number of checks for the whole process: what is too much passes
		// unseen, unless it serves to shrink a failure.
		failed = failed || running
		if seen++; seen > most && !failed {
			return
		}
		running = true
		property(prepare(rt), rt)
		running = false // not reached where it fails
	})
}

// inMemoryFixture returns how to make a database in memory with the default prices.
func inMemoryFixture(t *testing.T) func(*rapid.T) *fixture {
	origin := seeded(t, Memory(t))
	book, err := origin.db.Catalogue(origin.ctx)
	origin.must(err)
	return func(rt *rapid.T) *fixture {
		d, _, _, err := db.Create(context.Background(), origin.place.Target)
		if err != nil {
			rt.Fatal(err)
		}
		rt.Cleanup(func() { _ = d.Close() })
		f := &fixture{rt, context.Background(), Place{Kind: db.SQLite}, d, &usage.Service{Store: d}}
		f.must(d.ChangePrices(f.ctx, f.audit("init"), func(*pricing.Book) (pricing.Catalogue, error) {
			return pricing.Catalogue{Providers: book.Providers.Sorted(), Prices: book.All(now()),
				Aliases: book.Aliases(now())}, nil
		}))
		f.savePlans(smallPlans()...)
		return f
	}
}

// clear takes back what a history has left.
func (f *fixture) clear() {
	f.Helper()
	f.exec(`TRUNCATE users, user_subscriptions, subscription_history, api_usage_logs, usage_event_ids,
		usage_reratings, usage_voids, usage_summaries, usage_daily,
		usage_fleet_daily, usage_user_monthly, usage_archives, usage_archived_totals,
		usage_reservations, usage_alerts, audit_log, usage_token_totals, usage_archived_token_totals,
		api_tokens, api_token_secrets, sessions,
		billing_accounts, billing_history, billing_lines, billing_credits, outbox, outbox_deliveries`)
	f.exec("DELETE FROM api_provider_pricing WHERE source = 'admin'")
	f.exec("DELETE FROM api_model_aliases WHERE source = 'admin'")
	f.savePlans(smallPlans()...)
	f.exec("DELETE FROM plan_versions")
}

// model is the whole system once more, as simply as can be: a few maps, integers of
// any size, and every question answered by going over all events. It borrows the
// product's types and none of its rules: periods, prices, sums, decisions and the
// life of a subscription are its own, so that both can't be wrong alike.
type model struct {
	*fixture
	rt         *rapid.T
	now        time.Time
	thresholds []int
	users      []string
	providers  map[string]pricing.Provider
	prices     []pricing.Price // in the order in which they were set
	aliases    []pricing.Alias // in the order in which they were set
	plans      []plan.Plan     // also those withdrawn
	applied    []appliedPlans  // what they became, and when
	accounts   map[string]*modelAccount
	events     map[string]usage.Entry
	holds      map[string]usage.Reservation
	alerts     map[modelAlertKey]modelAlert
	reratings  map[modelReratingKey]*modelRerating
	voids      map[string]modelVoid // by the id of what was taken back
	credits    map[string]billing.CreditEntry
	withdrawn  int // alerts
	versions   map[string]modelVersion
	tokens     map[int64]*modelToken
	tokenIDs   []int64
	rowIDs     map[string]string // content of an imported row -> the beginning of its id
	ids        int
}

func newModel(rt *rapid.T, f *fixture) *model {
	m := &model{fixture: f, rt: rt, now: now(), users: []string{"alice", "Čapek"}, accounts: map[string]*modelAccount{},
		events: map[string]usage.Entry{}, holds: map[string]usage.Reservation{}, alerts: map[modelAlertKey]modelAlert{},
		reratings: map[modelReratingKey]*modelRerating{}, voids: map[string]modelVoid{},
		credits: map[string]billing.CreditEntry{}, versions: map[string]modelVersion{},
		rowIDs: map[string]string{}}
	m.thresholds = draw(m, "thresholds", usage.DefaultThresholds(), []int{50}, []int{100, 1})
	f.service = &usage.Service{Store: f.db, Thresholds: m.thresholds}
	for _, user := range m.users {
		m.accounts[user] = &modelAccount{}
	}
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	m.providers, m.aliases = book.Providers, book.Aliases(now())
	for _, provider := range sortedKeys(book.Providers) { // in an order that a replay has too
		for _, name := range book.Models(provider) {
			m.prices = append(m.prices, book.History(provider, name)...)
		}
	}
	plans, _, err := f.db.Plans(f.ctx, m.now)
	f.must(err)
	m.plans = plans
	m.applied = []appliedPlans{{plans: slices.Clone(m.plans)}}
	m.makeTokens()
	return m
}

// pass lets time go by: a little, a lot, or to the very moment at which something
// ends or begins.
func (m *model) pass() {
	const month = 31 * 24 * time.Hour
	moments := []time.Time{m.now.Add(time.Microsecond), m.now.Add(30 * time.Second), m.now.Add(26 * time.Hour),
		m.now.Add(month)}
	for _, user := range m.users {
		a := m.accounts[user]
		_, end := a.period(m.now)
		moments = append(moments, end)
		if s := a.current; s != nil {
			moments = append(moments, s.anchor, s.paidUntil, s.endsAt)
		}
	}
	for _, id := range sortedKeys(m.holds) {
		moments = append(moments, m.holds[id].ExpiresAt)
	}
	ahead := slices.DeleteFunc(moments, func(t time.Time) bool { return !t.After(m.now) || t.After(m.now.Add(2*month)) })
	ahead = append(ahead, m.now.Add(13*month))
	to := draw(m, "until", ahead...)
	if before := to.Add(-time.Microsecond); before.After(m.now) && m.oneIn(3, "just before") {
		to = before
	}
	m.now = to
}

func draw[T any](m *model, what string, from ...T) T { return rapid.SampledFrom(from).Draw(m.rt, what) }

func (m *model) number(what string, least, most int64) int64 {
	return rapid.Int64Range(least, most).Draw(m.rt, what)
}

// oneIn is true in about one of so many cases, and false where a failure is shrunk.
func (m *model) oneIn(cases int, what string) bool {
	return rapid.IntRange(0, cases-1).Draw(m.rt, what) == cases-1
}

func (m *model) user() string { return draw(m, "user", m.users...) }

func (m *model) wantCode(what string, err error, code failure.Code) {
	m.rt.Helper()
	switch {
	case code == "" && err != nil:
		m.rt.Fatalf("%s: %v, the model sees nothing wrong", what, err)
	case code != "" && (err == nil || failure.CodeOf(err) != code):
		m.rt.Fatalf("%s: got %v, the model says %s", what, err, code)
	}
}

func (m *model) equal(what string, got, want any) {
	m.rt.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		m.rt.Fatalf("%s:\n   got %s\n model %s", what, g, w)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
