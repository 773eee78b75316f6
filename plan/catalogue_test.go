package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

func providers(t testing.TB) pricing.Providers {
	t.Helper()
	c, err := pricing.DefaultCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	ps := pricing.Providers{}
	for _, p := range c.Providers {
		ps[p.Name] = p
	}
	return ps
}

func defaultPlans(t testing.TB) plan.Plans {
	t.Helper()
	plans, err := plan.DefaultCatalogue(providers(t))
	if err != nil {
		t.Fatal(err)
	}
	return plans
}

// givenLimit is a limit as it was given: its maximum in the plans Free, Basic, Pro and Enterprise, with the action
// where it does not block.
type givenLimit struct {
	name               string
	meter              plan.Meter
	providers, vendors string
	maxima             [4]string
}

func givenLimits() []givenLimit {
	return []givenLimit{
		{"ai_text_generation_calls", plan.Calls, "gemini openai anthropic mistral huggingface wavespeed", "",
			[4]string{"50", "500", "3000", "unlimited"}},
		{"gemini_calls", plan.Calls, "gemini", "", [4]string{"50 warn", "1000 warn", "5000 warn", "unlimited"}},
		{"openai_calls", plan.Calls, "openai", "", [4]string{"0", "500 warn", "2500 warn", "unlimited"}},
		{"anthropic_calls", plan.Calls, "anthropic", "", [4]string{"0", "200 warn", "1000 warn", "unlimited"}},
		{"mistral_calls", plan.Calls, "mistral", "", [4]string{"0", "500 warn", "2500 warn", "unlimited"}},
		{"huggingface_calls", plan.Calls, "huggingface", "", [4]string{"0", "500 warn", "2500 warn", "unlimited"}},
		{"tavily_calls", plan.Calls, "tavily", "", [4]string{"10", "200", "1000", "unlimited"}},
		{"serper_calls", plan.Calls, "serper", "", [4]string{"10", "200", "1000", "unlimited"}},
		{"metaphor_calls", plan.Calls, "metaphor", "", [4]string{"0", "100", "500", "unlimited"}},
		{"firecrawl_calls", plan.Calls, "firecrawl", "", [4]string{"0", "100", "500", "unlimited"}},
		{"stability_calls", plan.Calls, "stability", "", [4]string{"10", "25", "100", "unlimited"}},
		{"exa_calls", plan.Calls, "exa", "", [4]string{"10", "100", "500", "unlimited"}},
		{"video_calls", plan.Calls, "video", "", [4]string{"2", "10", "30", "unlimited"}},
		{"image_edit_calls", plan.Calls, "image_edit", "", [4]string{"5", "25", "100", "unlimited"}},
		{"audio_calls", plan.Calls, "audio", "", [4]string{"10", "100", "100", "unlimited"}},
		{"wavespeed_calls", plan.Calls, "", "wavespeed", [4]string{"unlimited", "200", "500", "unlimited"}},
		{"gemini_tokens", plan.Tokens, "gemini", "", [4]string{"50000", "100000", "5000000", "unlimited"}},
		{"openai_tokens", plan.Tokens, "openai", "", [4]string{"0", "100000", "2500000", "unlimited"}},
		{"anthropic_tokens", plan.Tokens, "anthropic", "", [4]string{"0", "100000", "1000000", "unlimited"}},
		{"mistral_tokens", plan.Tokens, "mistral", "", [4]string{"0", "100000", "2500000", "unlimited"}},
		{"huggingface_tokens", plan.Tokens, "huggingface", "", [4]string{"0", "100000", "2500000", "unlimited"}},
		{"monthly_cost", plan.Cost, "", "", [4]string{"2", "25", "100", "500"}},
	}
}

func TestDefaultCatalogueHoldsTheGivenFigures(t *testing.T) {
	plans := defaultPlans(t)
	given := []struct{ name, tier, monthly, yearly, description, features string }{
		{"Free", "free", "0", "0", "Perfect for trying out ALwrity", "basic_content_generation limited_research"},
		{"Basic", "basic", "29", "290", "Perfect for individuals and small teams",
			"full_content_generation advanced_research basic_analytics all_tools_access oss_models_priority"},
		{"Pro", "pro", "79", "790", "Perfect for growing businesses",
			"unlimited_content_generation premium_research advanced_analytics priority_support"},
		{"Enterprise", "enterprise", "199", "1990", "For large organizations with high-volume needs",
			"unlimited_everything white_label dedicated_support custom_integrations"},
	}
	if len(plans) != len(given) {
		t.Fatalf("there are %d plans, want %d", len(plans), len(given))
	}
	for i, want := range given {
		p := plans[i]
		t.Run(want.name, func(t *testing.T) {
			if p.Name != want.name || p.Tier != want.tier || p.Monthly.String() != want.monthly ||
				p.Yearly.String() != want.yearly ||
				p.Description != want.description || strings.Join(p.Features, " ") != want.features || p.Withdrawn {
				t.Errorf("got %+v", p)
			}
			if p.Price(plan.Monthly) != p.Monthly || p.Price(plan.Yearly) != p.Yearly {
				t.Error("its price does not go by the cycle")
			}
			if len(p.Limits) != len(givenLimits()) {
				t.Fatalf("it has %d limits, want %d", len(p.Limits), len(givenLimits()))
			}
			for j, w := range givenLimits() {
				l := p.Limits[j]
				limit, action, _ := strings.Cut(w.maxima[i], " ")
				if action == "" {
					action = "block"
				}
				if l.Name != w.name || l.Meter != w.meter || strings.Join(l.Scope.Providers, " ") != w.providers ||
					strings.Join(l.Scope.Vendors, " ") != w.vendors || l.MaxText() != limit || string(l.Action) != action {
					t.Errorf("limit %d is %+v, want %+v: %s", j, l, w, w.maxima[i])
				}
			}
		})
	}
}

func TestDefaultCatalogueRoundTrips(t *testing.T) {
	plans := defaultPlans(t)
	again, err := plan.ParseCatalogue("export", []byte(plans.YAML()), providers(t))
	if err != nil {
		t.Fatal(err)
	}
	samePlans(t, plans, again)
	if again.YAML() != plans.YAML() {
		t.Error("the second export differs from the first")
	}
}

func samePlans(t rapid.TB, want, got plan.Plans) {
	t.Helper()
	if diffs := plan.Diff(want, got); len(diffs) > 0 {
		t.Fatalf("they differ in %+v", diffs)
	}
	if !slices.EqualFunc(want, got, plan.Plan.Equal) {
		t.Fatalf("got\n%+v, want\n%+v", got, want)
	}
}

func anyName() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"null", "true", "no", "-", "---", "...", ".", ".inf", "1.0", "1_0", "0x1f", "1e3", "00",
			"0o7", "2025-01-01", "-1", "a-", "nan"}),
		rapid.StringMatching(`[a-z0-9_.-]{1,64}`))
}

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringN(1, 20, 64), rapid.SampledFrom([]string{
		"null", "1.50", "~", "a: b", "# no comment", "'", `"`, `\`, `\x41`, "a,b", "é", "\u0085x", "\u2028x", "\U0001F600",
		"{}", "*a", "&a", "!!str", "%", "[", "- a"}))
}

func anyLimit(name string) *rapid.Generator[plan.Limit] {
	return rapid.Custom(func(t *rapid.T) plan.Limit {
		l := plan.Limit{Name: name, Meter: rapid.SampledFrom([]plan.Meter{plan.Calls, plan.Tokens, plan.Cost}).Draw(t,
			"meter"),
			Action: rapid.SampledFrom([]plan.Action{plan.Block, plan.Warn}).Draw(t, "action")}
		l.Scope.Providers = rapid.SliceOfN(rapid.SampledFrom([]string{"openai", "gemini", "null"}), 0, 2).Draw(t, "providers")
		l.Scope.Vendors = rapid.SliceOfN(rapid.SampledFrom([]string{"google", "wavespeed", "1.0"}), 0, 2).Draw(t, "vendors")
		if l.Unlimited = rapid.Bool().Draw(t, "unlimited"); !l.Unlimited {
			l.Max = rapid.Int64Range(0, pricing.MaxQuantity).Draw(t, "max")
		}
		return l
	})
}

func TestAnyCatalogueRoundTrips(t *testing.T) {
	known := providers(t)
	const most = int64(4_000_000 * pricing.Dollar) // beyond, a price is refused
	known["null"] = pricing.Provider{Name: "null", Vendor: "1.0"}
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(anyName(), 0, 4, rapid.ID[string]).Draw(t, "limits")
		var plans plan.Plans
		for i, tier := range []string{"free", rapid.SampledFrom([]string{"null", "1.0", "-", "gold"}).Draw(t, "tier")} {
			p := plan.Plan{Name: fmt.Sprintf("%d%sx", i, anyText().Filter(printable).Draw(t, "name")), Tier: tier,
				Figures: plan.Figures{Monthly: pricing.USD(rapid.Int64Range(0, most).Draw(t, "monthly")),
					Yearly: pricing.USD(rapid.Int64Range(0, most).Draw(t, "yearly"))},
				Description: anyText().Draw(t, "description"), Features: rapid.SliceOfN(anyText(), 0, 3).Draw(t, "features")}
			if p.Overage = plan.Overage(rapid.Bool().Draw(t, "overage")); p.Overage == plan.OverageAllow {
				p.MarkupMillionths = rapid.Int64Range(0, 100_000_000).Draw(t, "mark-up")
			}
			rate := rapid.Int64Range(0, pricing.MaxQuantity)
			p.Rates = plan.Rates{RequestsPerMinute: rate.Draw(t, "requests"), TokensPerMinute: rate.Draw(t, "tokens"),
				ParallelCalls: rate.Draw(t, "parallel")}
			if len(p.Name) > 64 {
				p.Name = tier
			}
			for _, name := range names {
				if rapid.Bool().Draw(t, "has it") {
					p.Limits = append(p.Limits, anyLimit(name).Draw(t, "limit"))
				}
			}
			plans = append(plans, p)
		}
		again, err := plan.ParseCatalogue("export", []byte(plans.YAML()), known)
		if err != nil {
			t.Fatalf("%v\n%s", err, plans.YAML())
		}
		samePlans(t, plans, again)
	})
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

const freePlan = "plans:\n  - name: Free\n    tier: free\n"

// limits is a plan file with the default plan, and these lines under its limits.
func limits(lines ...string) string {
	return "limits:\n  texts: {meter: calls, providers: [openai, gemini]}\n  budget: {meter: cost}\n" + freePlan +
		"    limits:\n      " +
		strings.Join(lines, "\n      ") + "\n"
}

func TestParseCatalogueReadsLimits(t *testing.T) {
	tests := []struct {
		name, line, want string
	}{
		{"a number", "texts: 3 # comment", "3 block calls [openai gemini] []"},
		{"a whole decimal", "texts: 3.0", "3 block calls [openai gemini] []"},
		{"quoted", `"texts": 'unlimited'`, "unlimited block calls [openai gemini] []"},
		{"dollars", "budget: $2.50", "2.5 block cost [] []"},
		{"a pico-dollar", "budget: 1e-12", "0.000000000001 block cost [] []"},
		{"with an action", "texts: {max: 3, action: warn}", "3 warn calls [openai gemini] []"},
		{"with a scope of its own", "texts: {max: 3, providers: [mistral]}", "3 block calls [mistral] []"},
		{"with a vendor of its own", "texts: {max: 3, vendors: [google]}", "3 block calls [] [google]"},
		{"with everything of its own", "texts: {max: 3, meter: tokens, vendors: [google]}", "3 block tokens [] [google]"},
		{"not defined above", "pages: {max: 3, meter: calls, providers: [firecrawl]}", "3 block calls [firecrawl] []"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plans, err := plan.ParseCatalogue("f.yaml", []byte(limits(tt.line)), providers(t))
			if err != nil {
				t.Fatal(err)
			}
			l := plans[0].Limits[0]
			if got := fmt.Sprint(l.MaxText(), " ", l.Action, " ", l.Meter, " ", l.Scope.Providers, " ",
				l.Scope.Vendors); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestParseCatalogueRefuses(t *testing.T) {
	tests := []struct {
		name, file string
		want       []string // parts of the message or hint
	}{
		{"no YAML", "plans: [", []string{"f.yaml", "line 1,"}},
		{"a tab", freePlan + "\t- x\n", []string{"f.yaml", "line 4, column 1"}},
		{"a list", "- a\n", []string{"f.yaml", "line 1,"}},
		{"empty", "", []string{`f.yaml has no plan of the tier "free"`}},
		{"no default plan", "plans:\n  - {name: Gold, tier: gold}\n", []string{`f.yaml has no plan of the tier "free"`}},
		{"unknown section", freePlan + "plan: []\n", []string{`line 4, column 1: unknown field "plan"`}},
		{"unknown field", freePlan + "    montly: 3\n", []string{`line 4, column 5: unknown field "montly"`}},
		{"unknown field of a limit", limits("texts: {max: 3, vendor: [google]}"),
			[]string{`unknown field "vendor"`, "line 8,"}},
		{"field twice", freePlan + "    tier: gold\n", []string{`"tier" already defined`, "line 4, column 5"}},

		{"price nan", freePlan + "    monthly: nan\n", []string{"f.yaml: plan 1 (Free): monthly", `"nan" is not an amount`}},
		{"price that fits on no bill", freePlan + "    yearly: 4000000.01\n",
			[]string{"$4,000,000.01 is more than a bill can have: a price is at most $4,000,000.00"}},
		{"price with 13 decimals", freePlan + "    yearly: 0.1234567890123\n",
			[]string{"plan 1 (Free): yearly", "more than 12 decimals"}},
		{"negative price", freePlan + "  - {name: Gold, tier: gold, monthly: -3}\n",
			[]string{"plan 2 (Gold): monthly", "-3 is negative"}},
		{"price too large", freePlan + "    yearly: 1e7\n", []string{"plan 1 (Free): yearly", "too large"}},
		{"price a list", freePlan + "    yearly: [3]\n", []string{"plan 1 (Free): yearly", "not an amount"}},

		{"unknown overage", freePlan + "    overage: yes\n", []string{"plan 1 (Free)", `overage is "yes"`, "block or allow"}},
		{"mark-up without overage", freePlan + "    overage_markup: 20%\n", []string{"plan 1 (Free)", "overage_markup is 20%",
			"needs overage: allow"}},
		{"mark-up where it blocks", freePlan + "    overage: block\n    overage_markup: 0%\n",
			[]string{"plan 1 (Free)", "needs overage: allow"}},
		{"mark-up without a percent sign", freePlan + "    overage: allow\n    overage_markup: 0.2\n",
			[]string{"plan 1 (Free)", `overage_markup is "0.2"`, "a percentage such as 20%"}},
		{"mark-up a list", freePlan + "    overage: allow\n    overage_markup: [20%]\n",
			[]string{"plan 1 (Free)", "overage_markup is"}},

		{"no name", "plans:\n  - {tier: free}\n", []string{"plan 1 ()", `name is ""`}},
		{"name with a control character", "plans:\n  - {name: \"a\\e\", tier: free}\n", []string{"plan 1", "name is"}},
		{"name with a space", "plans:\n  - {name: \" a\", tier: free}\n", []string{"plan 1", "without spaces around it"}},
		{"name too long", "plans:\n  - {name: " + strings.Repeat("a", 10_000) + ", tier: free}\n",
			[]string{"plan 1", "1 to 64"}},
		{"no tier", "plans:\n  - {name: Free}\n", []string{"plan 1 (Free)", "tier is"}},
		{"tier in upper case", "plans:\n  - {name: Free, tier: FREE}\n", []string{"plan 1 (Free)", "tier is"}},
		{"plan twice", freePlan + "  - {name: FREE, tier: gold}\n", []string{"plan 2 (FREE)", "taken by the plan Free"}},
		{"tier twice", freePlan + "  - {name: Gold, tier: free}\n", []string{"plan 2 (Gold)", "taken by the plan Free"}},
		{"name that is a tier", freePlan + "  - {name: Gold, tier: gold}\n  - {name: GOLD, tier: g}\n",
			[]string{"plan 3 (GOLD)", "taken by the plan Gold"}},
		{"tier that is a name", freePlan + "  - {name: Gold, tier: g}\n  - {name: Silver, tier: gold}\n",
			[]string{"plan 3 (Silver)", "taken by the plan Gold"}},

		{"limits a list", freePlan + "    limits: [a]\n", []string{"f.yaml", "limits must be a mapping"}},
		{"limit twice", limits("texts: 3", "texts: 4"), []string{`"texts" already defined`, "line 9, column 7"}},
		{"limit twice, quoted", limits("texts: 3", `"texts": 4`), []string{"texts", "already defined"}},
		{"limit not defined", limits("text: 3"), []string{"plan 1 (Free): limit text", "what it counts is not said"}},
		{"negative maximum", limits("texts: -1"), []string{"plan 1 (Free): limit texts", `max is "-1"`}},
		{"negative maximum of dollars", limits("budget: -0.01"), []string{"plan 1 (Free): limit budget", "max is -0.01"}},
		{"fractional maximum", limits("texts: 1.5"), []string{"limit texts", `max is "1.5"`}},
		{"maximum too large", limits("texts: 1000000000000001"), []string{"limit texts", "max is"}},
		{"maximum nan", limits("budget: nan"), []string{"limit budget", `"nan" is not an amount`}},
		{"maximum in upper case", limits("texts: Unlimited"), []string{"limit texts", `max is "Unlimited"`}},
		{"no maximum", limits("texts: {action: warn}"), []string{"limit texts", `max is ""`}},
		{"null", limits("texts: ~"), []string{"limit texts", "max is"}},
		{"unknown action", limits("texts: {max: 3, action: wrn}"), []string{"limit texts", `action is "wrn"`,
			"block or warn"}},
		{"unknown meter", limits("pages: {max: 3, meter: page}"), []string{"limit pages", `meter is "page"`,
			"calls, tokens or cost"}},
		{"limit with a bad name", limits("Pages: {max: 3, meter: calls}"), []string{"limit Pages", "its name is"}},
		{"unknown provider", limits("texts: {max: 3, meter: calls, providers: [opnai]}"),
			[]string{"plan 1 (Free): limit texts", `no provider "opnai"`, "did you mean openai?"}},
		{"unknown vendor", limits("texts: {max: 3, meter: calls, vendors: [gogle]}"),
			[]string{"plan 1 (Free): limit texts", `no vendor "gogle"`, "did you mean google?"}},
		{"unknown provider in a definition", "limits: {a: {meter: calls, providers: [gemni]}}\n" + freePlan +
			"    limits: {a: 3}\n", []string{`no provider "gemni"`, "did you mean gemini?"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plans, err := plan.ParseCatalogue("f.yaml", []byte(tt.file), providers(t))
			if err == nil {
				t.Fatalf("it was read as %+v", plans)
			}
			f := wantFailure(t, err, failure.Invalid)
			for _, part := range tt.want {
				if !strings.Contains(f.Message+"\n"+f.Hint, part) {
					t.Errorf("%q is missing in:\n%s\nhint: %s", part, f.Message, f.Hint)
				}
			}
		})
	}
}

// Hostile files must end in a failure, soon and without a long message.
func TestParseCatalogueSurvives(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 8), c-1)
	}
	tests := []struct{ name, file string }{
		{"billion laughs", bomb + "plans: *k\n"},
		{"anchor within itself", "plans: &a [*a]\n"},
		{"anchor within its limits", "plans:\n  - &a {limits: *a}\n"},
		{"limits within limits", limits("texts: &l {max: *l}")},
		{"unknown alias", limits("texts: *nobody")},
		{"merge of nothing", limits("<<: *nobody")},
		{"deep lists", "plans: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
		{"deep open lists", "plans: " + strings.Repeat("[", 5000)},
		{"a deep maximum", limits("texts: " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000))},
		{"a deep mapping as maximum", limits("texts: " + strings.Repeat("{a: ", 1000) + strings.Repeat("}", 1000))},
		{"a long line", "plans: " + strings.Repeat("x", 100_000)},
		{"a long maximum", limits("texts: " + strings.Repeat("1", 100_000))},
		{"a long limit", limits(strings.Repeat("x", 1000) + ": 3")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			plans, err := plan.ParseCatalogue("f.yaml", []byte(tt.file), providers(t))
			if err == nil {
				t.Fatalf("it was read as %+v", plans)
			}
			wantFailure(t, err, failure.Invalid)
			// No slow machine takes as long, but work that grows with the square does.
			if took := time.Since(start); took > 5*time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func FuzzParseCatalogue(f *testing.F) {
	f.Add(limits("texts: 3", "budget: {max: 2.5, action: warn}"))
	f.Add(limits("texts: &x 3", "budget: *x"))
	f.Add(limits("<<: {max: 3}", "? texts\n      : 4"))
	f.Add("limits: {a: {meter: tokens, vendors: [google]}}\n" + freePlan + "    limits: {a: unlimited}\n")
	f.Add(freePlan + "    overage: allow\n    overage_markup: 12.5%\n")
	f.Add(freePlan + "    monthly: 1e-06\n    features: [\"a\\nb\", ~]\n    description: |\n      a\n")
	known := providers(f)
	f.Fuzz(func(t *testing.T, text string) {
		plans, err := plan.ParseCatalogue("f.yaml", []byte(text), known)
		if err != nil {
			if !failure.Is(err, failure.Invalid) {
				t.Errorf("got %v, want an invalid failure", err)
			}
			return
		}
		again, err := plan.ParseCatalogue("export", []byte(plans.YAML()), known)
		if err != nil {
			t.Fatalf("%v\n%s", err, plans.YAML())
		}
		samePlans(t, plans, again)
	})
}
