package catalogue_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// memory is a store without a database. It runs every change twice, as a database may.
type memory struct {
	providers   pricing.Providers
	prices      []pricing.Price
	aliases     []pricing.Alias
	plans       plan.Plans
	subscribers map[int64]int
	changes     int
}

func (m *memory) Catalogue(context.Context) (*pricing.Book, error) {
	return m.book(), nil
}

func (m *memory) book() *pricing.Book { return pricing.NewBook(m.providers, m.prices, m.aliases...) }

func (m *memory) ChangePrices(
	_ context.Context, _ usage.Audit, fn func(*pricing.Book) (pricing.Catalogue, error),
) error {
	m.changes++
	if _, err := fn(m.book()); err != nil {
		return err
	}
	add, err := fn(m.book())
	if err != nil {
		return err
	}
	m.providers, m.prices = m.providers.With(add.Providers), append(m.prices, add.Prices...)
	m.aliases = append(m.aliases, add.Aliases...)
	return nil
}

func (m *memory) Plans(context.Context, time.Time) (plan.Plans, map[int64]int, error) {
	return m.plans, m.subscribers, nil
}

func (m *memory) ChangePlans(
	_ context.Context, _ usage.Audit, fn func(plan.Plans, map[int64]int) (plan.Plans, []int64, error),
) error {
	m.changes++
	if _, _, err := fn(m.plans, m.subscribers); err != nil {
		return err
	}
	save, withdraw, err := fn(m.plans, m.subscribers)
	if err != nil {
		return err
	}
	for _, p := range save {
		if i := slices.IndexFunc(m.plans, func(have plan.Plan) bool { return have.Tier == p.Tier }); i >= 0 {
			p.ID = m.plans[i].ID
			m.plans[i] = p
			continue
		}
		p.ID = int64(len(m.plans) + 1)
		m.plans = append(m.plans, p)
	}
	m.plans = slices.DeleteFunc(m.plans, func(p plan.Plan) bool { return slices.Contains(withdraw, p.ID) })
	return nil
}

func now() time.Time { return time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC) }

func audit() usage.Audit { return usage.Audit{At: now(), Actor: "ann", Action: "test"} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantFailure(t *testing.T, err error, code failure.Code, message string) {
	t.Helper()
	if !failure.Is(err, code) || !strings.Contains(err.Error(), message) {
		t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

// seeded returns a service whose store has the built-in plans and prices.
func seeded(t *testing.T) (*catalogue.Service, *memory) {
	t.Helper()
	m := &memory{subscribers: map[int64]int{}}
	s := &catalogue.Service{Store: m}
	seeds, err := catalogue.BuiltIn()
	must(t, err)
	_, err = s.Seed(t.Context(), audit(), seeds)
	must(t, err)
	return s, m
}

func environment(values ...string) func(string) string {
	return func(name string) string {
		if i := slices.Index(values, name); i >= 0 {
			return values[i+1]
		}
		return ""
	}
}

func TestSeedingTwiceAddsNothing(t *testing.T) {
	s, m := seeded(t)
	prices, plans := len(m.prices), len(m.plans)
	seeds, err := catalogue.BuiltIn()
	must(t, err)
	seeded, err := s.Seed(t.Context(), audit(), seeds)
	must(t, err)
	if seeded.Added() != 0 || len(m.prices) != prices || len(m.plans) != plans {
		t.Errorf("the second seeding added %d plans and prices", seeded.Added())
	}
	if seeded.PricesUnchanged != prices || seeded.PlansUnchanged != plans || seeded.Providers != len(m.providers) {
		t.Errorf("got %+v", seeded)
	}
}

const smallPrices = `providers:
  - {name: acme, vendor: acme-inc}
prices:
  - {provider: acme, model: one, request: 0.5}
`

const smallPlans = `plans:
  - {name: Free, tier: free, monthly: 0, yearly: 0, limits: {acme_calls: 3}}
limits:
  acme_calls: {meter: calls, providers: [acme]}
`

func TestSeedsOfFiles(t *testing.T) {
	plans := &catalogue.File{Name: "plans.yaml", Text: []byte(smallPlans)}
	prices := &catalogue.File{Name: "prices.yaml", Text: []byte(smallPrices)}

	alone, err := catalogue.NewSeeds(plans, nil, environment())
	must(t, err)
	wantFailure(t, alone.Check(audit().At), failure.Invalid, `there is no provider "acme"`)
	s, m := seeded(t)
	wantFailure(t, s.CheckSeeds(t.Context(), audit().At, alone), failure.Invalid, `there is no provider "acme"`)

	both, err := catalogue.NewSeeds(plans, prices, environment())
	must(t, err)
	must(t, both.Check(audit().At))
	_, err = s.Seed(t.Context(), audit(), both)
	must(t, err)
	if m.providers["acme"].Vendor != "acme-inc" || m.providers["gemini"].Name == "" {
		t.Errorf("providers are %v", m.providers)
	}
	free, err := m.plans.Find("free")
	must(t, err)
	if free.Source != pricing.FromFile || len(free.Limits) != 1 {
		t.Errorf("the plan is %+v", free)
	}
	must(t, s.CheckSeeds(t.Context(), audit().At, alone)) // the provider is known by now
}

func TestNewSeedsRefusesABadEnvironment(t *testing.T) {
	_, err := catalogue.NewSeeds(nil, nil, environment(pricing.HuggingFaceInputVariable, "cheap"))
	wantFailure(t, err, failure.Invalid, pricing.HuggingFaceInputVariable)
}

func usd(t *testing.T, text string) *pricing.USD {
	t.Helper()
	cost, err := pricing.ParseUSD(text)
	must(t, err)
	return &cost
}

func TestSetPrice(t *testing.T) {
	s, m := seeded(t)
	request := [pricing.QuantityCount]*pricing.USD{pricing.Requests: usd(t, "0.5")}
	cached := [pricing.QuantityCount]*pricing.USD{pricing.CachedInputTokens: usd(t, "0")}
	later := now().Add(time.Hour)
	for _, tt := range []struct {
		name      string
		setting   catalogue.PriceSetting
		unchanged bool
		check     func(pricing.Price) bool
	}{
		{"a model without a price", catalogue.PriceSetting{Provider: "openai", Model: "new", Rates: request}, false,
			func(p pricing.Price) bool {
				return p.Model == "new" && p.EffectiveFrom.Equal(now()) && p.Source == pricing.FromAdmin
			}},
		{"the same again", catalogue.PriceSetting{Provider: "openai", Model: "new", Rates: request, From: later}, true,
			func(p pricing.Price) bool { return p.EffectiveFrom.Equal(now()) }},
		{"what is not named stays", catalogue.PriceSetting{Provider: "openai", Model: "new", Rates: cached, From: later},
			false,
			func(p pricing.Price) bool {
				return p.Given.Has(pricing.CachedInputTokens) && p.Rates[pricing.Requests] == *request[pricing.Requests]
			}},
		{"the default price", catalogue.PriceSetting{Provider: "video", Rates: cached}, false,
			func(p pricing.Price) bool { return p.Model == pricing.DefaultModel }},
		{"long context", catalogue.PriceSetting{Provider: "openai", Model: "long", AboveInputTokens: 9,
			AboveInputToken: usd(t, "2")},
			false, func(p pricing.Price) bool {
				return *p.Above == pricing.LongContext{OverInputTokens: 9, InputToken: 2 * pricing.Dollar}
			}},
		{"long context keeps its length",
			catalogue.PriceSetting{Provider: "openai", Model: "long", AboveOutputToken: usd(t, "3"), From: later},
			false, func(p pricing.Price) bool {
				return *p.Above == pricing.LongContext{OverInputTokens: 9, InputToken: 2 * pricing.Dollar,
					OutputToken: 3 * pricing.Dollar}
			}},
	} {
		before := len(m.prices)
		tt.setting.Force = true // the figures are round, and no slips
		changes, err := s.SetPrice(t.Context(), audit(), tt.setting, environment())
		must(t, err)
		if len(changes) != 1 || (changes[0].Status == catalogue.Unchanged) != tt.unchanged || !tt.check(changes[0].After) {
			t.Errorf("%s: got %+v", tt.name, changes)
		}
		if added := len(m.prices) - before; (added == 0) != tt.unchanged {
			t.Errorf("%s: %d prices were added", tt.name, added)
		}
	}
}

func TestSetPriceRefuses(t *testing.T) {
	s, _ := seeded(t)
	request := [pricing.QuantityCount]*pricing.USD{pricing.Requests: usd(t, "0.5")}
	for message, setting := range map[string]catalogue.PriceSetting{
		"no cost is given":                    {Provider: "openai", Model: "new"},
		"and neither HUGGINGFACE":             {Provider: "huggingface"},
		"need --above-input-tokens":           {Provider: "openai", Model: "new", AboveInputToken: usd(t, "1")},
		`there is no provider "gemni"`:        {Provider: "gemni", Rates: request},
		"must not contain control characters": {Provider: "openai", Model: "a\x01", Rates: request},
		"request of openai new is -1": {Provider: "openai", Model: "new",
			Rates: [pricing.QuantityCount]*pricing.USD{pricing.Requests: usd(t, "-1")}},
	} {
		_, err := s.SetPrice(t.Context(), audit(), setting, environment())
		wantFailure(t, err, failure.Invalid, message)
	}
}

func TestSetPriceTakesTheEnvironment(t *testing.T) {
	s, _ := seeded(t)
	lookup := environment(pricing.HuggingFaceOutputVariable, "0.25")
	for _, added := range []int{3, 0} {
		changes, err := s.SetPrice(t.Context(), audit(), catalogue.PriceSetting{Provider: "huggingface", Force: true}, lookup)
		must(t, err)
		if len(changes) != added {
			t.Fatalf("%d prices were added, want %d", len(changes), added)
		}
		for _, c := range changes {
			if c.Before == nil || c.After.Rates[pricing.OutputTokens] != pricing.Dollar/4 ||
				c.After.Source != pricing.FromEnvironment {
				t.Errorf("got %+v", c)
			}
		}
	}
}

func TestApplyPrices(t *testing.T) {
	s, m := seeded(t)
	file, err := pricing.ParseCatalogue("prices.yaml", []byte(smallPrices))
	must(t, err)
	before, changes := len(m.prices), m.changes
	for _, dryRun := range []bool{true, false} {
		got, err := s.ApplyPrices(t.Context(), audit(), file, dryRun, false)
		must(t, err)
		if p := got.Prices; len(p) != 1 || p[0].Before != nil || p[0].After.Model != "one" ||
			p[0].After.Source != pricing.FromAdmin {
			t.Errorf("dry run %t: got %+v", dryRun, got)
		}
		if added := len(m.prices) - before; (added == 0) != dryRun || (m.changes == changes) != dryRun {
			t.Errorf("dry run %t: %d prices were added", dryRun, added)
		}
	}
	again, err := s.ApplyPrices(t.Context(), audit(), file, false, false)
	must(t, err)
	if len(again.Prices) != 0 {
		t.Errorf("the same file adds %+v", again)
	}
	file.Prices[0].Provider = "acmee"
	_, err = s.ApplyPrices(t.Context(), audit(), file, false, false)
	wantFailure(t, err, failure.Invalid, `there is no provider "acmee"`)
}

// planFile returns the plans of a store as a file, changed by a function.
func planFile(m *memory, change func(plan.Plans) plan.Plans) catalogue.File {
	return catalogue.File{Name: "plans.yaml", Text: []byte(change(slices.Clone(m.plans)).YAML())}
}

func TestApplyPlans(t *testing.T) {
	s, m := seeded(t)
	file := planFile(m, func(plans plan.Plans) plan.Plans {
		plans[1].Monthly += pricing.Dollar
		return plans
	})
	diffs, err := s.DiffPlans(t.Context(), now(), file)
	must(t, err)
	if len(diffs) != 1 || diffs[0].Field != "monthly" {
		t.Fatalf("got %+v", diffs)
	}
	must(t, s.ApplyPlans(t.Context(), audit(), file, diffs))
	if m.plans[1].Source != pricing.FromAdmin || m.plans[0].Source != pricing.FromCatalogue {
		t.Errorf("sources are %s and %s", m.plans[0].Source, m.plans[1].Source)
	}
	err = s.ApplyPlans(t.Context(), audit(), file, diffs)
	wantFailure(t, err, failure.Conflict, "changed meanwhile")
}

func TestAPlanWithSubscribersIsNotWithdrawn(t *testing.T) {
	s, m := seeded(t)
	gone := m.plans[1]
	file := planFile(m, func(plans plan.Plans) plan.Plans { return slices.Delete(plans, 1, 2) })
	m.subscribers[gone.ID] = 2
	diffs, err := s.DiffPlans(t.Context(), now(), file)
	wantFailure(t, err, failure.Invalid, "which has 2 subscribers")
	if len(diffs) != 1 || !diffs[0].Withdraws() {
		t.Fatalf("got %+v", diffs)
	}
	wantFailure(t, s.ApplyPlans(t.Context(), audit(), file, diffs), failure.Invalid, "which has 2 subscribers")
	delete(m.subscribers, gone.ID)
	must(t, s.ApplyPlans(t.Context(), audit(), file, diffs))
	if _, err := m.plans.Find(gone.Name); err == nil {
		t.Errorf("the plan %s is still there", gone.Name)
	}
}

func TestQuote(t *testing.T) {
	s, _ := seeded(t)
	one := pricing.Quantities{pricing.Requests: 1}
	rating, err := s.Quote(t.Context(), catalogue.Quote{Provider: "video", Model: "unheard", Quantities: one, At: now()})
	must(t, err)
	if rating.Basis != pricing.Default || rating.Cost == 0 {
		t.Errorf("got %+v", rating)
	}
	rating, err = s.Quote(t.Context(), catalogue.Quote{Provider: "mistral", Model: "unheard", Quantities: one, At: now()})
	wantFailure(t, err, failure.NotFound, `no price for mistral "unheard"`)
	if rating.Basis != pricing.Unpriced {
		t.Errorf("got %+v", rating)
	}
	_, err = s.History(t.Context(), "video", "unheard")
	wantFailure(t, err, failure.NotFound, `no price of video "unheard"`)
}

func TestSetAlias(t *testing.T) {
	s, m := seeded(t)
	set := func(name, model string, from time.Time) (catalogue.AliasChange, error) {
		return s.SetAlias(t.Context(), audit(),
			catalogue.AliasSetting{Provider: "openai", Name: name, Model: model, From: from})
	}
	for _, tt := range []struct {
		model  string
		from   time.Time
		status catalogue.ChangeStatus
		holds  time.Time
		before string
	}{
		{"gpt-4o", time.Time{}, catalogue.Added, pricing.Beginning(), ""},
		{"gpt-4o", time.Time{}, catalogue.Unchanged, pricing.Beginning(), "gpt-4o"},
		{"gpt-4o-mini", time.Time{}, catalogue.Added, now(), "gpt-4o"},
		{"gpt-4o", now(), catalogue.Added, now(), "gpt-4o-mini"}, // in place of it
		{"", time.Time{}, catalogue.Removed, now(), "gpt-4o"},
		{"gpt-4o", now().Add(time.Hour), catalogue.Added, now().Add(time.Hour), ""},
	} {
		change, err := set("best", tt.model, tt.from)
		must(t, err)
		before := ""
		if change.Before != nil {
			before = change.Before.Model
		}
		if change.Status != tt.status || !change.After.EffectiveFrom.Equal(tt.holds) || before != tt.before {
			t.Errorf("%+v: got %+v, before %q", tt, change, before)
		}
	}
	changes := m.changes
	for name, model := range map[string]string{
		"gpt-4o": "gpt-4o-mini", "a": "nothing", "b": "b", "default": "gpt-4o", " c": "gpt-4o",
	} {
		_, err := set(name, model, time.Time{})
		wantFailure(t, err, failure.Invalid, "")
	}
	_, err := set("unheard", "", time.Time{})
	wantFailure(t, err, failure.NotFound, `no alias of openai "unheard"`)
	if len(m.aliases) == 0 || m.changes == changes {
		t.Error("nothing was asked for")
	}
}

// What is built in never keeps a database from being brought up to date.
func TestBuiltInAliasesGiveWay(t *testing.T) {
	s, m := seeded(t)
	m.aliases = []pricing.Alias{{Provider: "anthropic", Name: "claude-3.5-sonnet", Model: "claude-3-5-sonnet",
		EffectiveFrom: pricing.Beginning(), Source: pricing.FromAdmin}}
	seeds, err := catalogue.BuiltIn()
	must(t, err)
	if _, err := s.Seed(t.Context(), audit(), seeds); err != nil {
		t.Error(err)
	}
	for _, a := range m.aliases[1:] {
		if a.Name == "claude-3-5-sonnet" {
			t.Errorf("%+v leads in a circle", a)
		}
	}
}
