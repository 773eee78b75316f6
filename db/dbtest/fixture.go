package dbtest

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
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

// now is the moment at which most tests happen; with microseconds, since those
// have to be kept.
func now() time.Time { return time.Date(2026, 11, 23, 10, 30, 15, 123456000, time.UTC) }

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// fixture is an open database with prices and plans in it.
type fixture struct {
	rapid.TB // a test, or one history of a property
	ctx      context.Context
	place    Place
	db       *db.DB
	service  *usage.Service
}

// empty returns a database with tables and nothing in them.
func empty(t testing.TB, p Place) *fixture {
	t.Helper()
	d := p.Create(t)
	return &fixture{t, context.Background(), p, d, &usage.Service{Store: d, Thresholds: usage.DefaultThresholds()}}
}

// seeded returns a database with the default prices, and with plans that are small
// enough to reach their limits.
func seeded(t testing.TB, p Place) *fixture {
	t.Helper()
	f := empty(t, p)
	f.seed()
	return f
}

func (f *fixture) seed() {
	f.Helper()
	catalogue, err := pricing.DefaultCatalogue()
	f.must(err)
	for i := range catalogue.Prices {
		catalogue.Prices[i].Source = pricing.FromCatalogue
	}
	f.must(f.db.ChangePrices(f.ctx, f.audit("init"), func(*pricing.Book) (pricing.Catalogue, error) {
		return catalogue, nil
	}))
	f.savePlans(smallPlans()...)
}

// smallPlans are a default plan that is soon used up, and a larger one.
func smallPlans() plan.Plans {
	limit := func(name string, meter plan.Meter, max int64, action plan.Action, providers ...string) plan.Limit {
		return plan.Limit{Name: name, Meter: meter, Max: max, Action: action, Scope: plan.Scope{Providers: providers}}
	}
	byVendor := plan.Limit{Name: "wavespeed_calls", Meter: plan.Calls, Max: 3, Action: plan.Block,
		Scope: plan.Scope{Vendors: []string{"wavespeed"}}}
	free := plan.Plan{Name: "Free", Tier: "free", Description: "für den Anfang — 試す", Features: []string{"a, b", "ünï"},
		Source: pricing.FromCatalogue,
		Figures: plan.Figures{Limits: []plan.Limit{
			limit("text_calls", plan.Calls, 10, plan.Block, "gemini", "openai"),
			limit("gemini_calls", plan.Calls, 8, plan.Warn, "gemini"),
			limit("anthropic_calls", plan.Calls, 0, plan.Block, "anthropic"),
			limit("gemini_tokens", plan.Tokens, 50_000, plan.Block, "gemini"),
			byVendor,
			limit("monthly_cost", plan.Cost, int64(pricing.Dollar)/2, plan.Block),
		}}}
	pro := plan.Plan{Name: "Pro", Tier: "pro", Figures: plan.Figures{Monthly: 29 * pricing.Dollar,
		Yearly: 290 * pricing.Dollar,
		Limits: []plan.Limit{
			limit("text_calls", plan.Calls, 25, plan.Block, "gemini", "openai"),
			{Name: "everything_tokens", Meter: plan.Tokens, Unlimited: true, Action: plan.Block},
			limit("monthly_cost", plan.Cost, int64(3*pricing.Dollar), plan.Warn),
		}},
		Source: pricing.FromCatalogue}
	open := plan.Plan{Name: "Open", Tier: "open",
		Figures: plan.Figures{Monthly: 99 * pricing.Dollar, Yearly: 990 * pricing.Dollar},
		Source:  pricing.FromAdmin}
	return plan.Plans{free, pro, open}
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) audit(action string) usage.Audit {
	return usage.Audit{At: now(), Actor: "tester", Action: action}
}

func (f *fixture) auditAt(at time.Time, action string) usage.Audit {
	return usage.Audit{At: at, Actor: "tester", Action: action}
}

func (f *fixture) savePlans(plans ...plan.Plan) {
	f.Helper()
	f.must(f.db.ChangePlans(f.ctx, f.audit("plans apply"), func(plan.Plans, map[int64]int) (plan.Plans, []int64, error) {
		return plans, nil, nil
	}))
}

func (f *fixture) plan(name string) plan.Plan {
	f.Helper()
	plans, _, err := f.db.Plans(f.ctx, now())
	f.must(err)
	p, err := plans.Find(name)
	f.must(err)
	return p
}

// addPrice adds a price of one request, input and output token.
func (f *fixture) addPrice(provider, model string, from time.Time, request, input, output pricing.USD) error {
	return f.db.ChangePrices(f.ctx, f.audit("pricing set"), func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Prices: []pricing.Price{price(provider, model, from, request, input, output)}}, nil
	})
}

func price(provider, model string, from time.Time, request, input, output pricing.USD) pricing.Price {
	p := pricing.Price{Provider: provider, Model: model, EffectiveFrom: from, Source: pricing.FromAdmin}
	p.Rates[pricing.Requests], p.Rates[pricing.InputTokens], p.Rates[pricing.OutputTokens] = request, input, output
	return p
}

// change makes one change of a subscription at a moment.
func (f *fixture) change(user string, at time.Time, fn func(plan.Account) (plan.Change, error)) plan.Account {
	f.Helper()
	result, err := f.billing(f.db).ChangeSubscription(f.ctx, f.auditAt(at, "users change"), user, fn)
	f.must(err)
	return result.Account
}

// subscribe begins a subscription; at is the moment of the command.
func (f *fixture) subscribe(user, planName string, start, at time.Time) plan.Account {
	f.Helper()
	p := f.plan(planName)
	return f.change(user, at, func(a plan.Account) (plan.Change, error) {
		return a.Subscribe(plan.Order{Plan: p, Cycle: plan.Monthly, Start: start, AutoRenew: true}, at)
	})
}

// account returns a user's account as it is stored.
func (f *fixture) account(user string) plan.Account {
	f.Helper()
	var account plan.Account
	f.must(f.db.View(f.ctx, func(r usage.Reader) error {
		accounts, err := r.Accounts(f.ctx, []string{user})
		account = accounts[user]
		return err
	}))
	return account
}

// call returns an event of a text model.
func call(id, user string, at time.Time, input, output int64) usage.Event {
	e := usage.Event{ID: id, UserID: user, Provider: "gemini", Model: "gemini-2.5-flash", Time: at, StatusCode: 200}
	e.Quantities[pricing.Requests], e.Quantities[pricing.InputTokens], e.Quantities[pricing.OutputTokens] = 1, input,
		output
	return e
}

func (f *fixture) record(e usage.Event) usage.Outcome {
	f.Helper()
	opts := usage.RecordOptions{AllowFuture: true} // tests make days to come, too
	outcome, err := f.service.Record(f.ctx, now(), e, opts)
	f.must(err)
	return outcome
}

// logs returns every log row, newest first.
func (f *fixture) logs() []usage.Entry {
	f.Helper()
	entries, err := f.db.Logs(f.ctx, usage.LogQuery{Limit: 1_000_000})
	f.must(err)
	return entries
}

// mustAgree checks that the totals are the sums of the log: by the store's own
// word, and by adding the rows up here.
func (f *fixture) mustAgree() {
	f.Helper()
	r, err := f.db.Reconcile(f.ctx, false)
	f.must(err)
	for _, d := range r.Discrepancies {
		f.Errorf("reconcile: %+v", d)
	}
	entries := f.logs()
	if r.LogRows != int64(len(entries)) {
		f.Errorf("reconcile counts %d log rows, there are %d", r.LogRows, len(entries))
	}
	summaries, daily := sums{}, sums{}
	for _, e := range entries {
		summaries.add(fmt.Sprint(e.UserID, "|", e.PeriodStart.UnixMicro(), "|", e.Provider, "|", e.Vendor, "|", e.Model), e)
		daily.add(fmt.Sprint(e.Time.Format("20060102"), "|", e.UserID, "|", e.PlanID, "|", e.Provider, "|", e.Vendor, "|",
			e.Model), e)
	}
	if f.place.SQL == nil {
		return
	}
	f.tokensMustAgree(entries)
	f.compare("usage_summaries", summaries, f.stored("usage_summaries", "user_id, period_start, provider, vendor, model"))
	f.compare("usage_daily", daily, f.stored("usage_daily", "day, user_id, plan_id, provider, vendor, model"))
}

// sums are totals by key, without bound.
type sums map[string][]*big.Int

const sumColumns = "calls, errors, unpriced_calls, input_tokens, output_tokens, cached_input_tokens, " +
	"cache_write_tokens, cache_write_1h_tokens, audio_input_tokens, image_input_tokens, audio_output_tokens, " +
	"reasoning_tokens, images, searches, pages, characters, milliseconds, estimated_calls, estimated_cost_pico, " +
	"cost_pico"

func (s sums) add(key string, e usage.Entry) {
	if s[key] == nil {
		for range strings.Split(sumColumns, ",") {
			s[key] = append(s[key], new(big.Int))
		}
	}
	row := s[key]
	plus := func(i int, n int64) { row[i].Add(row[i], big.NewInt(n)) }
	requests := e.Quantities[pricing.Requests]
	if e.StatusCode >= 400 && !e.Billable {
		plus(1, requests)
		return
	}
	plus(0, requests)
	if e.Basis == pricing.Unpriced {
		plus(2, requests)
	}
	for i, n := range e.Quantities[1:] {
		plus(3+i, n)
	}
	if e.Measured == "estimated" {
		plus(len(row)-3, requests)
		plus(len(row)-2, int64(e.Cost))
	}
	plus(len(row)-1, int64(e.Cost))
}

func (s sums) texts() map[string]string {
	texts := map[string]string{}
	for key, row := range s {
		texts[key] = fmt.Sprint(row)
	}
	return texts
}

// stored reads a table of totals behind the store's back.
func (f *fixture) stored(table, keys string) map[string]string {
	f.Helper()
	sums := "COALESCE(" + strings.ReplaceAll(sumColumns, ", ", ", 0), COALESCE(") + ", 0)"
	rows, err := f.place.SQL.Query("SELECT " + keys + ", " + sums + " FROM " + table)
	f.must(err)
	defer rows.Close()
	columns := strings.Split(keys, ", ")
	texts := map[string]string{}
	for rows.Next() {
		values := make([]any, len(columns)+len(strings.Split(sumColumns, ",")))
		dest := make([]any, len(values))
		for i := range values {
			dest[i] = &values[i]
		}
		f.must(rows.Scan(dest...))
		var key []string
		for i := range columns {
			switch v := values[i].(type) {
			case time.Time:
				key = append(key, fmt.Sprint(v.UnixMicro()))
			case []byte:
				key = append(key, string(v))
			default:
				key = append(key, fmt.Sprint(v))
			}
		}
		texts[strings.Join(key, "|")] = fmt.Sprint(values[len(columns):])
	}
	f.must(rows.Err())
	return texts
}

func (f *fixture) compare(table string, want sums, got map[string]string) {
	f.Helper()
	texts := want.texts()
	for key, text := range texts {
		if got[key] != text {
			f.Errorf("%s %s: stored %s, the log adds up to %s", table, key, got[key], text)
		}
	}
	for key, text := range got {
		if _, ok := texts[key]; !ok {
			f.Errorf("%s %s: stored %s, and there is no log row", table, key, text)
		}
	}
}

// exec changes the tables behind the store's back.
func (f *fixture) exec(statement string, args ...any) {
	f.Helper()
	_, err := f.place.SQL.Exec(statement, args...)
	f.must(err)
}

// count counts rows behind the store's back.
func (f *fixture) count(table string) int {
	f.Helper()
	var n int
	f.must(f.place.SQL.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n))
	return n
}

// wantFailure checks the code of a failure, and that its message, reason, arguments or
// hint have the texts.
func wantFailure(t rapid.TB, err error, code failure.Code, texts ...string) {
	t.Helper()
	var f *failure.Error
	if !errors.As(err, &f) || f.Code != code {
		t.Fatalf("got %v, want a failure with the code %s", err, code)
	}
	told := fmt.Sprintln(f.Message, f.Reason, f.Args, f.Hint)
	for _, text := range texts {
		if !strings.Contains(told, text) {
			t.Errorf("%q does not say %q", told, text)
		}
	}
}

// wantEqual compares two values as they are printed.
func wantEqual[T any](t rapid.TB, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// ids returns the ids of entries, sorted.
func ids(entries []usage.Entry) []string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.ID
	}
	slices.Sort(names)
	return names
}
