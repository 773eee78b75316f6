package pricing_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// figures are the prices of one model as they were given: tokens by the million, everything else by one; "" costs
// nothing.
type figures struct {
	provider, model         string
	input, output           string
	request, image, page    string
	over                    int64
	inputAbove, outputAbove string
	write, writeHour        string // to a cache
}

// givenFigures are the figures that the built-in catalogue has to hold.
func givenFigures() []figures {
	return []figures{
		{provider: "gemini", model: "gemini-2.5-pro", input: "1.25", output: "10", over: 200000, inputAbove: "2.5",
			outputAbove: "15"},
		{provider: "gemini", model: "gemini-2.5-pro-large", input: "2.5", output: "15"},
		{provider: "gemini", model: "gemini-2.5-flash", input: "0.3", output: "2.5"},
		{provider: "gemini", model: "gemini-2.5-flash-audio", input: "1", output: "2.5"},
		{provider: "gemini", model: "gemini-2.5-flash-lite", input: "0.1", output: "0.4"},
		{provider: "gemini", model: "gemini-2.5-flash-lite-audio", input: "0.3", output: "0.4"},
		{provider: "gemini", model: "gemini-1.5-flash", input: "0.075", output: "0.3", over: 128000, inputAbove: "0.15",
			outputAbove: "0.6"},
		{provider: "gemini", model: "gemini-1.5-flash-large", input: "0.15", output: "0.6"},
		{provider: "gemini", model: "gemini-1.5-flash-8b", input: "0.0375", output: "0.15", over: 128000, inputAbove: "0.075",
			outputAbove: "0.3"},
		{provider: "gemini", model: "gemini-1.5-flash-8b-large", input: "0.075", output: "0.3"},
		{provider: "gemini", model: "gemini-1.5-pro", input: "1.25", output: "5", over: 128000, inputAbove: "2.5",
			outputAbove: "10"},
		{provider: "gemini", model: "gemini-1.5-pro-large", input: "2.5", output: "10"},
		{provider: "gemini", model: "gemini-embedding", input: "0.15"},
		{provider: "gemini", model: "gemini-grounding-search", request: "0.035"},
		{provider: "audio", model: "alwrity-ai/qwen3-tts/voice-clone", input: "10", request: "0.1"},
		{provider: "audio", model: "alwrity-ai/cosyvoice/voice-clone", input: "10", request: "0.15"},
		{provider: "openai", model: "gpt-4o", input: "2.5", output: "10"},
		{provider: "openai", model: "gpt-4o-mini", input: "0.15", output: "0.6"},
		{provider: "anthropic", model: "claude-3.5-sonnet", input: "3", output: "15", write: "3.75", writeHour: "6"},
		{provider: "huggingface", model: "openai/gpt-oss-120b:groq", input: "1", output: "3"},
		{provider: "huggingface", model: "gpt-oss-120b", input: "1", output: "3"},
		{provider: "huggingface", model: "default", input: "1", output: "3"},
		{provider: "tavily", model: "tavily-search", request: "0.001"},
		{provider: "serper", model: "serper-search", request: "0.001"},
		{provider: "metaphor", model: "metaphor-search", request: "0.003"},
		{provider: "firecrawl", model: "firecrawl-extract", page: "0.002"},
		{provider: "stability", model: "stable-diffusion", image: "0.04"},
		{provider: "stability", model: "qwen-image", image: "0.03"},
		{provider: "stability", model: "ideogram-v3-turbo", image: "0.05"},
		{provider: "image_edit", model: "qwen-edit", request: "0.02"},
		{provider: "image_edit", model: "qwen-edit-plus", request: "0.02"},
		{provider: "image_edit", model: "flux-kontext-pro", request: "0.04"},
		{provider: "exa", model: "exa-search", request: "0.005"},
		{provider: "video", model: "tencent/HunyuanVideo", request: "0.1"},
		{provider: "video", model: "default", request: "0.25"},
		{provider: "video", model: "kling-v2.5-turbo-std-5s", request: "0.21"},
		{provider: "video", model: "kling-v2.5-turbo-std-10s", request: "0.42"},
		{provider: "video", model: "wavespeed-ai/infinitetalk", request: "0.3"},
		{provider: "video", model: "wan-2.5", request: "0.25"},
		{provider: "video", model: "alibaba/wan-2.5", request: "0.25"},
		{provider: "video", model: "seedance-1.5-pro", request: "0.4"},
		{provider: "audio", model: "minimax/speech-02-hd", input: "50"},
		{provider: "audio", model: "minimax/voice-clone", request: "0.5"},
		{provider: "audio", model: "wavespeed-ai/qwen3-tts/voice-clone", input: "50", request: "0.005"},
		{provider: "audio", model: "wavespeed-ai/cosyvoice-tts/voice-clone", input: "50", request: "0.005"},
		{provider: "audio", model: "default", input: "50"},
		{provider: "wavespeed", model: "openai/gpt-oss-120b", input: "0.6", output: "0.6"},
		{provider: "wavespeed", model: "openai/gpt-oss-120b:cerebras", input: "0.6", output: "0.6"},
		{provider: "wavespeed", model: "openai/gpt-oss-20b", input: "0.2", output: "0.2"},
	}
}

// exactPico returns a decimal number of dollars for so many units as pico-dollars for one, calculated without package
// pricing.
func exactPico(t testing.TB, dollars string, units int64) *big.Rat {
	t.Helper()
	if dollars == "" {
		return new(big.Rat)
	}
	r, ok := new(big.Rat).SetString(dollars)
	if !ok {
		t.Fatalf("%q is no number", dollars)
	}
	return r.Mul(r, big.NewRat(1_000_000_000_000, units))
}

func defaultCatalogue(t testing.TB) pricing.Catalogue {
	t.Helper()
	c, err := pricing.DefaultCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func providersOf(c pricing.Catalogue) pricing.Providers {
	ps := pricing.Providers{}
	for _, p := range c.Providers {
		ps[p.Name] = p
	}
	return ps
}

func TestDefaultCatalogueHoldsTheGivenFigures(t *testing.T) {
	c := defaultCatalogue(t)
	given := givenFigures()
	if len(c.Prices) != len(given) {
		t.Errorf("the catalogue has %d prices, want %d", len(c.Prices), len(given))
	}
	book := pricing.NewBook(providersOf(c), c.Prices)
	for _, want := range given {
		t.Run(want.provider+" "+want.model, func(t *testing.T) {
			p, ok := book.InForce(want.provider, want.model, pricing.Beginning())
			if !ok {
				t.Fatal("it is missing")
			}
			same := func(what string, got pricing.USD, dollars string, units int64) {
				t.Helper()
				if w := exactPico(t, dollars, units); new(big.Rat).SetInt64(int64(got)).Cmp(w) != 0 {
					t.Errorf("%s costs %s, want %q for %d", what, got, dollars, units)
				}
			}
			same("an input token", p.Rates[pricing.InputTokens], want.input, 1e6)
			same("an output token", p.Rates[pricing.OutputTokens], want.output, 1e6)
			same("a token written to a cache", p.Rates[pricing.CacheWriteTokens], want.write, 1e6)
			same("a token written to a cache for an hour", p.Rates[pricing.CacheWrite1hTokens], want.writeHour, 1e6)
			same("a request", p.Rates[pricing.Requests], want.request, 1)
			same("an image", p.Rates[pricing.Images], want.image, 1)
			same("a page", p.Rates[pricing.Pages], want.page, 1)
			for _, q := range []pricing.Quantity{pricing.CachedInputTokens, pricing.Searches, pricing.Characters,
				pricing.Seconds} {
				same("one of "+q.String(), p.Rates[q], "", 1)
			}
			if p.Given&^pricing.SetOf(pricing.CacheWriteTokens, pricing.CacheWrite1hTokens) != 0 ||
				p.Source != pricing.FromCatalogue || p.ID != 0 {
				t.Errorf("got %+v", p)
			}
			if (p.Above != nil) != (want.over > 0) {
				t.Fatalf("its long-context price is %+v, want one above %d", p.Above, want.over)
			}
			if p.Above != nil {
				if p.Above.OverInputTokens != want.over {
					t.Errorf("the long context begins above %d, want %d", p.Above.OverInputTokens, want.over)
				}
				same("an input token of a long context", p.Above.InputToken, want.inputAbove, 1e6)
				same("an output token of a long context", p.Above.OutputToken, want.outputAbove, 1e6)
			}
		})
	}
}

func TestDefaultCatalogueRoundTrips(t *testing.T) {
	c := defaultCatalogue(t)
	text := c.YAML()
	again, err := pricing.ParseCatalogue("export", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	sameCatalogue(t, c, again)
	if again.YAML() != text {
		t.Error("the second export differs from the first")
	}
}

func sameCatalogue(t rapid.TB, want, got pricing.Catalogue) {
	t.Helper()
	if len(got.Providers) != len(want.Providers) || len(got.Prices) != len(want.Prices) {
		t.Fatalf("got %d providers and %d prices, want %d and %d", len(got.Providers), len(got.Prices), len(want.Providers),
			len(want.Prices))
	}
	for i := range want.Providers {
		if w, g := fmt.Sprintf("%q", fmt.Sprintf("%+v", want.Providers[i])),
			fmt.Sprintf("%q", fmt.Sprintf("%+v", got.Providers[i])); w != g {
			t.Fatalf("provider %d is\n%s, want\n%s", i, g, w)
		}
	}
	for i := range want.Prices {
		w, g := want.Prices[i], got.Prices[i]
		if w.Provider != g.Provider || w.Model != g.Model || !w.EffectiveFrom.Equal(g.EffectiveFrom) || !w.SameFigures(g) {
			t.Fatalf("price %d is\n%+v, want\n%+v", i, g, w)
		}
	}
}

// anyName draws what ValidateName takes, the names that YAML reads as something else among them.
func anyName() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"null", "true", "no", "-", "---", "...", ".", ".inf", "1.0", "1_0", "0x1f", "1e3", "00",
			"0o7", "2025-01-01", "-1", "a-", "nan"}),
		rapid.StringMatching(`[a-z0-9_.-]{1,64}`))
}

// anyText draws text that a model's name or a description may be. The YAML library replaces bytes that are no UTF-8.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringN(1, 20, -1), rapid.SampledFrom([]string{
		"null", "1.50", "~", "a: b", "# no comment", "'", `"`, `\`, `\x41`, "a\nb", "a\r\nb", "\t", " ", "é", "\u0085",
		"\u2028", "\ufeff", "\U0001F600", "{}", "*a", "&a", "!!str", "\x00", "\x7f", "%"}))
}

func anyPrice() *rapid.Generator[pricing.Price] {
	return rapid.Custom(func(t *rapid.T) pricing.Price {
		p := pricing.Price{Provider: "openai", Model: anyText().Draw(t, "model"), EffectiveFrom: pricing.Beginning(),
			Source: pricing.FromCatalogue}
		rate := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Min(0), rapid.Int64Range(0, 1e9))
		for i := range p.Rates {
			p.Rates[i] = pricing.USD(rate.Draw(t, pricing.Quantity(i).Unit()))
		}
		p.Rates[pricing.Seconds] -= p.Rates[pricing.Seconds] % 1000
		for q := range pricing.QuantityCount {
			if _, isPart := q.Total(); isPart && rapid.Bool().Draw(t, q.String()+" priced") {
				p.Given |= pricing.SetOf(q)
			} else if isPart {
				p.Rates[q] = 0
			}
		}
		if rapid.Bool().Draw(t, "dated") {
			p.EffectiveFrom = time.UnixMicro(rapid.Int64Range(1, 4e15).Draw(t, "from")).UTC()
		}
		if rapid.Bool().Draw(t, "long context") {
			p.Above = &pricing.LongContext{OverInputTokens: rapid.Int64Range(1, pricing.MaxQuantity).Draw(t, "over"),
				InputToken: pricing.USD(rate.Draw(t, "input above")), OutputToken: pricing.USD(rate.Draw(t, "output above"))}
		}
		return p
	})
}

func TestAnyCatalogueRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := pricing.Catalogue{Providers: []pricing.Provider{{Name: "openai", Vendor: "openai"}}}
		name := anyName().Draw(t, "provider")
		c.Providers = append(c.Providers, pricing.Provider{Name: name, Vendor: anyName().Draw(t, "vendor"),
			CharactersAreInputTokens: rapid.Bool().Draw(t, "characters"),
			VendorRules: []pricing.VendorRule{{Contains: anyText().Draw(t, "contains"),
				Vendor: anyName().Draw(t, "vendor of the rule")}}})
		p := anyPrice().Draw(t, "price")
		q := p
		q.Provider = name
		c.Prices = []pricing.Price{p, q}
		again, err := pricing.ParseCatalogue("export", []byte(c.YAML()))
		if err != nil {
			t.Fatalf("%v\n%s", err, c.YAML())
		}
		sameCatalogue(t, c, again)
	})
}

func TestParseCatalogueReads(t *testing.T) {
	const file = `
prices: # without providers: those of the built-in catalogue are known
  - provider: openai
    model: gpt-5
    effective_from: 2025-08-07
    input_token: "1.25/1M" # for a million
    output_token: '10/1M'
    cached_input_token: 0
    above: {input_tokens: 1000, output_token: 20/1M}
  - {provider: openai, model: gpt-5, effective_from: "2025-12-01T10:30:00.1234567+02:00", input_token: 1e-06,
     output_token: ~}
`
	c, err := pricing.ParseCatalogue("f.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	first, second := c.Prices[0], c.Prices[1]
	if first.Rates[pricing.InputTokens] != 1_250_000 || first.Rates[pricing.OutputTokens] != 10_000_000 ||
		!first.Given.Has(pricing.CachedInputTokens) {
		t.Errorf("the first price is %+v", first)
	}
	if want := (pricing.LongContext{OverInputTokens: 1000, InputToken: 1_250_000,
		OutputToken: 20_000_000}); *first.Above != want {
		t.Errorf("a long context costs %+v, want %+v: what isn't given stays as it is below", *first.Above, want)
	}
	if want := time.Date(2025, 8, 7, 0, 0, 0, 0, time.UTC); !first.EffectiveFrom.Equal(want) {
		t.Errorf("the first price holds from %s, want %s", first.EffectiveFrom, want)
	}
	if want := time.Date(2025, 12, 1, 8, 30, 0, 123456000, time.UTC); second.EffectiveFrom != want {
		t.Errorf("the second price holds from %s, want %s: UTC, in microseconds", second.EffectiveFrom, want)
	}
	if second.Rates[pricing.InputTokens] != 1_000_000 || second.Given != 0 {
		t.Errorf("the second price is %+v", second)
	}
}

func TestParseCatalogueRefuses(t *testing.T) {
	const known = "providers:\n  - {name: openai, vendor: openai}\nprices:\n  - {provider: openai, model: a, " +
		"input_token: 1/1M}\n"
	tests := []struct {
		name, file string
		want       []string // parts of the message or hint
	}{
		{"no YAML", "prices: [", []string{"f.yaml", "line 1,"}},
		{"a tab", known + "\t- x\n", []string{"f.yaml", "line 5, column 1"}},
		{"a list", "- a\n", []string{"f.yaml", "line 1,"}},
		{"unknown section", known + "price: []\n", []string{`line 5, column 1: unknown field "price"`}},
		{"unknown field", known + "  - {provider: openai, model: b, input_tokn: 1}\n",
			[]string{`line 5, column 34: unknown field "input_tokn"`}},
		{"field twice", known + "  - {provider: openai, model: b, page: 1, page: 2}\n",
			[]string{`"page" already defined`, "line 5,"}},
		{"NUL", "\x00", []string{"f.yaml"}},

		{"amount nan", known + "  - {provider: openai, model: b, output_token: nan}\n", []string{"f.yaml: price 2 (openai " +
			"b): output_token", `"nan" is not an amount`}},
		{"amount inf", known + "  - {provider: openai, model: b, page: .inf}\n",
			[]string{"price 2 (openai b): page", `".inf" is not an amount`}},
		{"amount empty", known + "  - {provider: openai, model: b, page: ''}\n",
			[]string{"price 2 (openai b): page", `"" is not an amount`}},
		{"amount with 13 decimals", known + "  - {provider: openai, model: b, image: 0.1234567890123}\n",
			[]string{"price 2 (openai b): image", "more than 12 decimals"}},
		{"inexact division", known + "  - {provider: openai, model: b, image: 0.1/3}\n",
			[]string{"price 2 (openai b): image", "never rounded"}},
		{"negative amount", known + "  - {provider: openai, model: b, search: -1}\n",
			[]string{"price 2 (openai b): search", "negative"}},
		{"amount too large", known + "  - {provider: openai, model: b, second: 1e7}\n",
			[]string{"price 2 (openai b): second", "too large"}},
		{"amount a mapping", known + "  - {provider: openai, model: b, second: {a: b}}\n",
			[]string{"price 2 (openai b): second", "not an amount"}},
		{"amount of a long context", known + "  - {provider: openai, model: b, above: {input_tokens: 5, input_token: x}}\n",
			[]string{"price 2 (openai b): above: input_token", `"x"`}},
		{"output of a long context", known + "  - {provider: openai, model: b, above: {input_tokens: 5, output_token: x}}\n",
			[]string{"price 2 (openai b): above: output_token", `"x"`}},
		{"long context without amount", known + "  - {provider: openai, model: b, above: {input_tokens: 5}}\n",
			[]string{"price 2", "above has no price"}},
		{"long context without length", known + "  - {provider: openai, model: b, above: {input_token: 5}}\n",
			[]string{"price 2", "above: input_tokens"}},
		{"long context of length 0", known + "  - {provider: openai, model: b, above: {input_tokens: 0, input_token: 5}}\n",
			[]string{"price 2", "above 0 input tokens"}},
		{"long context of fractional length", known + "  - {provider: openai, model: b, above: {input_tokens: 1.5, " +
			"input_token: 5}}\n", []string{"price 2", `above: input_tokens is "1.5"`}},
		{"long context of negative length", known + "  - {provider: openai, model: b, above: {input_tokens: -5, " +
			"input_token: 5}}\n", []string{"price 2", `above: input_tokens is "-5"`}},

		{"no model", known + "  - {provider: openai, input_token: 1}\n", []string{"price 2 (openai )", "must both be given"}},
		{"no provider", known + "  - {model: b, input_token: 1}\n", []string{"price 2 ( b)", "must both be given"}},
		{"empty price", known + "  -\n", []string{"price 2", "must both be given"}},
		{"price twice", known + "  - {provider: openai, model: a}\n", []string{"price 2 (openai a)",
			"two prices from the same moment"}},
		{"price twice in the same microsecond", known + "  - {provider: openai, model: b, effective_from: 2025-01-01}\n" +
			"  - {provider: openai, model: b, effective_from: '2025-01-01T00:00:00.0000001Z'}\n",
			[]string{"price 3 (openai b)", "two prices from the same moment"}},
		{"no time", known + "  - {provider: openai, model: b, effective_from: 2025-02-30}\n",
			[]string{"price 2", `effective_from is "2025-02-30"`}},
		{"provider twice", "providers:\n  - {name: a, vendor: v}\n  - {name: a, vendor: v}\n",
			[]string{"f.yaml: provider 2 (a)", "appears twice"}},
		{"provider without vendor", "providers:\n  - {name: a}\n", []string{"provider 1 (a)", "vendor is"}},
		{"provider in upper case", "providers:\n  - {name: OpenAI, vendor: v}\n",
			[]string{"provider 1 (OpenAI)", "lower-case"}},
		{"provider with a long name", "providers:\n  - {name: " + strings.Repeat("a", 65) + ", vendor: v}\n",
			[]string{"provider 1 (aaaa", "1 to 64"}},
		{"rule without text", "providers:\n  - {name: a, vendor: v, models: [{vendor: w}]}\n",
			[]string{"provider 1 (a)", "contains"}},
		{"rule without vendor", "providers:\n  - {name: a, vendor: v, models: [{contains: w}]}\n",
			[]string{"provider 1 (a)", "vendor is"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := pricing.ParseCatalogue("f.yaml", []byte(tt.file))
			if err == nil {
				t.Fatalf("it was read as %+v", c)
			}
			wantInvalid(t, err)
			var f *failure.Error
			if !asFailure(err, &f) {
				t.Fatal("it is no failure.Error")
			}
			for _, part := range tt.want {
				if !strings.Contains(f.Message+"\n"+f.Hint, part) {
					t.Errorf("%q is missing in:\n%s\nhint: %s", part, f.Message, f.Hint)
				}
			}
		})
	}
}

// hostile files must end in a failure, soon and without a long message.
func TestParseCatalogueSurvives(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 8), c-1)
	}
	tests := []struct{ name, file string }{
		{"billion laughs", bomb + "prices: *k\n"},
		{"anchor within itself", "prices: &a [*a]\n"},
		{"anchor within its mapping", "prices:\n  - &a {provider: *a, model: *a}\n"},
		{"amount that is its own alias", "prices:\n  - {provider: openai, model: m, page: &a *a}\n"},
		{"unknown alias", "prices: *nobody\n"},
		{"deep lists", "prices: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
		{"deep open lists", "prices: " + strings.Repeat("[", 5000)},
		{"deep mappings", "prices: " + strings.Repeat("{a: ", 5000) + strings.Repeat("}", 5000)},
		{"deep block lists", "prices:\n  " + strings.Repeat("- ", 5000) + "x\n"},
		{"a line of 100,000 characters", "providers: " + strings.Repeat("x", 100_000)},
		{"an amount of 100,000 digits", "prices: [{provider: openai, model: m, page: " + strings.Repeat("1", 100_000) + "}]"},
		{"a provider of 100,000 characters", "prices: [{provider: " + strings.Repeat("x", 100_000) + ", model: m}]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			c, err := pricing.ParseCatalogue("f.yaml", []byte(tt.file))
			if err == nil {
				t.Fatalf("it was read as %+v", c)
			}
			wantInvalid(t, err)
			// No slow machine takes as long, but work that grows with the square does.
			if took := time.Since(start); took > 5*time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func FuzzParseCatalogue(f *testing.F) {
	f.Add("providers:\n  - {name: openai, vendor: openai}\nprices:\n  - {provider: openai, model: a, input_token: 1/1M, " +
		"cached_input_token: 0}\n")
	f.Add("providers:\n  - name: a\n    vendor: b\n    models: &r\n      - {contains: x, vendor: y}\n  - {name: c, " +
		"vendor: d, models: *r}\n")
	f.Add("prices:\n  - {provider: video, model: \"a\\nb\", effective_from: 2025-01-01, above: {input_tokens: 5, " +
		"input_token: 1}}\n")
	f.Add("prices: [{provider: audio, model: m, page: nan}]")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := pricing.ParseCatalogue("f.yaml", []byte(text))
		if err != nil {
			if !failure.Is(err, failure.Invalid) {
				t.Errorf("got %v, want an invalid failure", err)
			}
			return
		}
		again, err := pricing.ParseCatalogue("export", []byte(c.YAML()))
		if err != nil {
			t.Fatalf("%v\n%s", err, c.YAML())
		}
		sameCatalogue(t, c, again)
	})
}

func TestValidateName(t *testing.T) {
	for _, name := range []string{"a", "gpt-4", "image_edit", "a.b", "0", strings.Repeat("z", 64)} {
		if err := pricing.ValidateName("name", name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", " ", "A", "a b", "é", "a\n", "a/b", "ａ", strings.Repeat("z", 65),
		strings.Repeat("z", 10_000)} {
		err := pricing.ValidateName("vendor", name)
		wantInvalid(t, err)
		if err != nil && !strings.HasPrefix(err.Error(), "vendor is ") {
			t.Errorf("%q does not name the field", err)
		}
	}
}
