package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// wantFailure checks the code of err, and that people can read its message.
func wantFailure(t testing.TB, err error, code failure.Code) *failure.Error {
	t.Helper()
	var f *failure.Error
	if !errors.As(err, &f) || f.Code != code {
		t.Fatalf("got %v, want a failure with the code %s", err, code)
	}
	if len(f.Message) > 5000 {
		t.Errorf("the message has %d bytes", len(f.Message))
	}
	return f
}

// stored returns the default plans with IDs, as a database gives them.
func stored(t testing.TB) plan.Plans {
	plans := defaultPlans(t)
	for i := range plans {
		plans[i].ID, plans[i].Source = int64(i+1), pricing.FromCatalogue
	}
	return plans
}

func mustFind(t testing.TB, plans plan.Plans, name string) plan.Plan {
	t.Helper()
	p, err := plans.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFindPlan(t *testing.T) {
	plans := stored(t)
	plans[2].Withdrawn = true // Pro
	for name, want := range map[string]string{"Basic": "Basic", "basic": "Basic", "ENTERPRISE": "Enterprise",
		"free": "Free"} {
		if p, err := plans.Find(name); err != nil || p.Name != want {
			t.Errorf("Find(%q) = %s, %v", name, p.Name, err)
		}
	}
	for name, hint := range map[string]string{"Bsic": "did you mean Basic?", "": "known are: Basic, Enterprise, Free",
		"pro": "known are: ", strings.Repeat("x", 10_000): "known are: "} {
		_, err := plans.Find(name)
		if f := wantFailure(t, err, failure.NotFound); !strings.HasPrefix(f.Hint, hint) {
			t.Errorf("the hint for %q is %q, want %q", name, f.Hint, hint)
		}
	}
	if got := strings.Join(plans.Names(), " "); got != "Free Basic Enterprise" {
		t.Errorf("on offer are %s", got)
	}
	if p, ok := plans.ByID(3); !ok || p.Name != "Pro" {
		t.Errorf("a withdrawn plan is found by its ID: got %+v", p)
	}
	if _, ok := plans.ByID(99); ok {
		t.Error("there is a plan 99")
	}
	_, err := plan.Plans{}.Default()
	wantFailure(t, err, failure.Unavailable)
	plans[0].Withdrawn = true
	_, err = plans.Default()
	wantFailure(t, err, failure.Unavailable)
}

func TestScopeCovers(t *testing.T) {
	tests := []struct {
		name             string
		scope            plan.Scope
		provider, vendor string
		want             bool
	}{
		{"everything", plan.Scope{}, "openai", "openai", true},
		{"a provider", plan.Scope{Providers: []string{"openai"}}, "openai", "azure", true},
		{"another provider", plan.Scope{Providers: []string{"openai"}}, "gemini", "openai", false},
		{"a vendor, whatever the provider", plan.Scope{Vendors: []string{"wavespeed"}}, "video", "wavespeed", true},
		{"another vendor", plan.Scope{Vendors: []string{"wavespeed"}}, "wavespeed", "other", false},
		{"either", plan.Scope{Providers: []string{"audio"}, Vendors: []string{"wavespeed"}}, "video", "wavespeed", true},
		{"neither", plan.Scope{Providers: []string{"audio"}, Vendors: []string{"wavespeed"}}, "video", "huggingface", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.scope.Covers(tt.provider, tt.vendor); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestLimitTexts(t *testing.T) {
	tests := []struct {
		limit     plan.Limit
		max, unit string
	}{
		{plan.Limit{Meter: plan.Calls, Max: 1234}, "1234", "calls"},
		{plan.Limit{Meter: plan.Tokens}, "0", "tokens"},
		{plan.Limit{Meter: plan.Cost, Max: int64(pricing.Dollar) * 5 / 2}, "2.5", "dollars"},
		{plan.Limit{Meter: plan.Cost, Max: 7, Unlimited: true}, "unlimited", "dollars"},
	}
	for _, tt := range tests {
		if tt.limit.MaxText() != tt.max || tt.limit.Unit() != tt.unit {
			t.Errorf("%+v is %s %s, want %s %s", tt.limit, tt.limit.MaxText(), tt.limit.Unit(), tt.max, tt.unit)
		}
	}
	if !(plan.Limit{Unlimited: true, Max: 1}).Equal(plan.Limit{Unlimited: true}) {
		t.Error("the maximum of an unlimited limit counts")
	}
}

// edited returns the plans with one of them changed.
func edited(plans plan.Plans, name string, edit func(*plan.Plan)) plan.Plans {
	plans = slices.Clone(plans)
	for i := range plans {
		if plans[i].Name == name {
			plans[i].Limits = slices.Clone(plans[i].Limits)
			edit(&plans[i])
		}
	}
	return plans
}

func TestDiff(t *testing.T) {
	have := stored(t)
	tests := []struct {
		name string
		have plan.Plans
		want plan.Plans
		diff []plan.Difference
	}{
		{"nothing", have, defaultPlans(t), nil},
		{"from nothing", nil, have[:1], []plan.Difference{{Plan: "Free", Field: "plan", After: "new"}}},
		{"a plan goes", have, have[:3], []plan.Difference{{Plan: "Enterprise", Field: "plan", Before: "offered"}}},
		{"name", have, edited(have, "Pro", func(p *plan.Plan) { p.Name = "Plus" }),
			[]plan.Difference{{"Plus", "name", "Pro", "Plus"}}},
		{"prices", have, edited(have, "Pro", func(p *plan.Plan) { p.Monthly, p.Yearly = 2*pricing.Dollar, 3 }),
			[]plan.Difference{{"Pro", "monthly", "79", "2"}, {"Pro", "yearly", "790", "0.000000000003"}}},
		{"texts", have, edited(have, "Free", func(p *plan.Plan) { p.Description, p.Features = "x", []string{"a", "b"} }),
			[]plan.Difference{{"Free", "description", "Perfect for trying out ALwrity", "x"},
				{"Free", "features", "basic_content_generation, limited_research", "a, b"}}},
		{"maximum", have, edited(have, "Free", func(p *plan.Plan) { p.Limits[0].Max = 51 }),
			[]plan.Difference{{"Free", "limit ai_text_generation_calls",
				"50 (block; meter: calls, providers: [gemini, openai, anthropic, mistral, huggingface, wavespeed])",
				"51 (block; meter: calls, providers: [gemini, openai, anthropic, mistral, huggingface, wavespeed])"}}},
		{"action", have, edited(have, "Free", func(p *plan.Plan) { p.Limits[21].Action = plan.Warn }),
			[]plan.Difference{{"Free", "limit monthly_cost", "2 (block; meter: cost)", "2 (warn; meter: cost)"}}},
		{"scope", have, edited(have, "Enterprise",
			func(p *plan.Plan) { p.Limits[15].Scope = plan.Scope{Providers: []string{"video"}} }),
			[]plan.Difference{{"Enterprise", "limit wavespeed_calls", "unlimited (block; meter: calls, vendors: [wavespeed])",
				"unlimited (block; meter: calls, providers: [video])"}}},
		{"a limit goes", have, edited(have, "Free", func(p *plan.Plan) { p.Limits = p.Limits[:21] }),
			[]plan.Difference{{"Free", "limit monthly_cost", "2 (block; meter: cost)", ""}}},
		{"a limit comes", edited(have, "Free", func(p *plan.Plan) { p.Limits = p.Limits[:21] }), have,
			[]plan.Difference{{"Free", "limit monthly_cost", "", "2 (block; meter: cost)"}}},
		{"order of the limits", have, edited(have, "Free", func(p *plan.Plan) { slices.Reverse(p.Limits) }),
			[]plan.Difference{{"Free", "limits", "another order", "the order of the file"}}},
		{"a withdrawn plan is gone already", edited(have, "Pro", func(p *plan.Plan) { p.Withdrawn = true }),
			slices.Concat(have[:2], have[3:]), nil},
		{"a withdrawn plan comes back", edited(have, "Pro", func(p *plan.Plan) { p.Withdrawn = true }), have,
			[]plan.Difference{{Plan: "Pro", Field: "plan", After: "new"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := plan.Diff(tt.have, tt.want); !slices.Equal(got, tt.diff) {
				t.Errorf("got\n%+v, want\n%+v", got, tt.diff)
			}
		})
	}
}

func TestSeed(t *testing.T) {
	fromAdmin := func(p *plan.Plan) { p.Monthly, p.Source = 5, pricing.FromAdmin }
	fromFile := func(p *plan.Plan) { p.Monthly, p.Source = 6, pricing.FromFile }
	older := func(p *plan.Plan) { p.Monthly = 7 }
	tests := []struct {
		name                  string
		have                  plan.Plans
		source                pricing.Source
		save, kept, unchanged int
	}{
		{"the first time", nil, pricing.FromCatalogue, 4, 0, 0},
		{"again", stored(t), pricing.FromCatalogue, 0, 0, 4},
		{"again from a file", stored(t), pricing.FromFile, 0, 0, 4},
		{"an admin changed one", edited(stored(t), "Pro", fromAdmin), pricing.FromCatalogue, 0, 1, 3},
		{"an admin changed one, from a file", edited(stored(t), "Pro", fromAdmin), pricing.FromFile, 0, 1, 3},
		{"a file changed one", edited(stored(t), "Pro", fromFile), pricing.FromCatalogue, 0, 1, 3},
		{"a file changed one, from another file", edited(stored(t), "Pro", fromFile), pricing.FromFile, 1, 0, 3},
		{"a newer catalogue", edited(stored(t), "Pro", older), pricing.FromCatalogue, 1, 0, 3},
		{"a plan that the catalogue does not have", append(stored(t), plan.Plan{ID: 9, Name: "Own", Tier: "own",
			Source: pricing.FromAdmin}), pricing.FromCatalogue, 0, 0, 4},
		{"a withdrawn plan stays withdrawn", edited(stored(t), "Pro", func(p *plan.Plan) { p.Withdrawn = true }),
			pricing.FromCatalogue, 0, 0, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := plan.Seed(defaultPlans(t), tt.source, tt.have)
			if len(got.Save) != tt.save || len(got.Kept) != tt.kept || got.Unchanged != tt.unchanged {
				t.Errorf("save %d, kept %d, unchanged %d, want %d, %d, %d", len(got.Save), len(got.Kept), got.Unchanged, tt.save,
					tt.kept, tt.unchanged)
			}
			for _, p := range got.Save {
				if p.Source != tt.source {
					t.Errorf("%s comes from %s", p.Name, p.Source)
				}
				if h, err := tt.have.Find(p.Tier); err == nil && h.ID != p.ID {
					t.Errorf("%s has the ID %d, want %d", p.Name, p.ID, h.ID)
				}
			}
		})
	}
}

func TestPlanAt(t *testing.T) {
	first, second := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	limits := func(max int64) []plan.Limit { return []plan.Limit{{Name: "texts", Meter: plan.Calls, Max: max}} }
	p := plan.Plan{ID: 7, Name: "Pro", Tier: "pro", Past: []plan.Version{
		{Until: first, Figures: plan.Figures{Monthly: 10, Yearly: 100, Limits: limits(1), Overage: plan.OverageAllow,
			MarkupMillionths: 5}},
		{Until: second, Figures: plan.Figures{Monthly: 20, Yearly: 200, Limits: limits(2)}},
	}, Figures: plan.Figures{Monthly: 30, Yearly: 300, Limits: limits(3)}}
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Time{}, "10 100 1 allow 5"},
		{first.Add(-time.Microsecond), "10 100 1 allow 5"},
		{first, "20 200 2 block 0"},
		{second.Add(-time.Microsecond), "20 200 2 block 0"},
		{second, "30 300 3 block 0"},
		{second.AddDate(9, 0, 0), "30 300 3 block 0"},
	} {
		then := p.At(c.at)
		got := fmt.Sprint(int64(then.Monthly), " ", int64(then.Yearly), " ", then.Limits[0].Max, " ", then.Overage, " ",
			then.MarkupMillionths)
		if got != c.want || then.ID != 7 || then.Name != "Pro" {
			t.Errorf("at %s: %s %+v, want %s", c.at, got, then, c.want)
		}
		v := plan.Version{Until: c.at, Figures: then.Figures}
		again := plan.Plan{ID: 7, Name: "Pro", Tier: "pro", Past: []plan.Version{v}}.At(c.at.Add(-1))
		if !v.Until.Equal(c.at) || !again.Equal(then) {
			t.Errorf("the version at %s is %+v", c.at, v)
		}
	}
	if p.Monthly != pricing.USD(30) || len(p.Limits) != 1 || p.Limits[0].Max != 3 {
		t.Errorf("looking back changed the plan: %+v", p)
	}
}
