package pricing_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/pricing"
)

var noon = time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)

func usd(t testing.TB, text string) pricing.USD {
	t.Helper()
	u, err := pricing.ParseUnitPrice(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func defaultBook(t testing.TB) *pricing.Book {
	c := defaultCatalogue(t)
	return pricing.NewBook(providersOf(c), c.Prices)
}

// cost calculates what a call costs from the given figures, without package pricing.
func (f figures) cost(t testing.TB, used pricing.Quantities) *big.Rat {
	input, output := f.input, f.output
	tokens, images, pages := used[pricing.InputTokens], used[pricing.Images], used[pricing.Pages]
	if f.provider == "audio" && tokens == 0 {
		tokens = used[pricing.Characters]
	}
	if f.over > 0 && tokens > f.over*max(used[pricing.Requests], 1) {
		input, output = f.inputAbove, f.outputAbove
	}
	if images == 0 {
		images = used[pricing.Requests]
	}
	if pages == 0 {
		pages = used[pricing.Requests]
	}
	sum := new(big.Rat)
	add := func(dollars string, units, amount int64) {
		part := exactPico(t, dollars, units)
		sum.Add(sum, part.Mul(part, new(big.Rat).SetInt64(amount)))
	}
	if f.write != "" {
		add(f.write, 1e6, used[pricing.CacheWriteTokens])
		add(f.writeHour, 1e6, used[pricing.CacheWrite1hTokens])
		tokens -= used[pricing.CacheWriteTokens] + used[pricing.CacheWrite1hTokens]
	}
	add(input, 1e6, tokens)
	add(output, 1e6, used[pricing.OutputTokens])
	add(f.request, 1, used[pricing.Requests])
	add(f.image, 1, images)
	add(f.page, 1, pages)
	return sum
}

func anyUsage() *rapid.Generator[pricing.Quantities] {
	return rapid.Custom(func(t *rapid.T) pricing.Quantities {
		var used pricing.Quantities
		for i := range used {
			used[i] = rapid.OneOf(rapid.Just(int64(0)), rapid.Just(int64(1)), rapid.Int64Range(0, 300_000),
				rapid.SampledFrom([]int64{128_000, 128_001, 200_000, 200_001})).
				Draw(t, pricing.Quantity(i).String())
		}
		left := pricing.Quantities{pricing.InputTokens: used[pricing.InputTokens],
			pricing.OutputTokens: used[pricing.OutputTokens]}
		for q := range pricing.QuantityCount {
			if total, isPart := q.Total(); isPart {
				used[q] = min(used[q], left[total])
				left[total] -= used[q]
			}
		}
		return used
	})
}

func TestRateEveryModelAgreesWithRationals(t *testing.T) {
	book := defaultBook(t)
	for _, f := range givenFigures() {
		t.Run(f.provider+" "+f.model, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				used := anyUsage().Draw(rt, "used")
				r, err := book.Rate(pricing.Call{Provider: f.provider, Model: f.model, At: noon, Used: used})
				if err != nil {
					rt.Fatal(err)
				}
				if want := f.cost(t, used); new(big.Rat).SetInt64(int64(r.Cost)).Cmp(want) != 0 {
					rt.Fatalf("it costs %s, independently %s pico-dollars", r.Cost, want.FloatString(3))
				}
				wantBasis := pricing.Exact
				if f.model == pricing.DefaultModel {
					wantBasis = pricing.Default
				}
				if r.Basis != wantBasis || r.Price.Model != f.model {
					rt.Fatalf("it is rated %s by the price of %s", r.Basis, r.Price.Model)
				}
				checkComponents(rt, r)
			})
		})
	}
}

func checkComponents(t rapid.TB, r pricing.Rating) {
	t.Helper()
	var sum pricing.Total
	for _, c := range r.Components {
		cost, err := c.UnitPrice.Times(c.Amount)
		if err != nil || cost != c.Cost*pricing.USD(c.Quantity.PerUnit()) || c.Cost == 0 {
			t.Fatalf("component %+v", c)
		}
		sum = sum.Add(pricing.TotalOf(c.Cost))
	}
	if sum.Cmp(pricing.TotalOf(r.Cost)) != 0 {
		t.Fatalf("the components make %s, the cost is %s", sum, r.Cost)
	}
}

func TestRateBasis(t *testing.T) {
	book := defaultBook(t)
	one := pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1000, pricing.OutputTokens: 1000}
	tests := []struct {
		name, provider, model string
		basis                 pricing.Basis
		cost                  string
	}{
		{"own price", "openai", "gpt-4o", pricing.Exact, "0.0125"},
		{"price of the default model", "huggingface", "llama-3", pricing.Default, "0.004"},
		{"no model named", "video", "", pricing.Default, "0.25"},
		{"the default model named", "video", "default", pricing.Default, "0.25"},
		{"no price", "openai", "gpt-9", pricing.Unpriced, "0"},
		{"another letter case is another model", "openai", "GPT-4o", pricing.Unpriced, "0"},
		{"no model named and no default", "openai", "", pricing.Unpriced, "0"},
		{"provider without prices", "mistral", "mistral-large", pricing.Unpriced, "0"},
		{"unknown provider", "nobody", "gpt-4o", pricing.Unpriced, "0"},
		{"model of another provider", "wavespeed", "gpt-4o", pricing.Unpriced, "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := book.Rate(pricing.Call{Provider: tt.provider, Model: tt.model, At: noon, Used: one})
			if err != nil || r.Basis != tt.basis || r.Cost.String() != tt.cost {
				t.Errorf("got %s %s, %v, want %s %s", r.Basis, r.Cost, err, tt.basis, tt.cost)
			}
			if tt.basis == pricing.Unpriced && (r.Components != nil || r.Price.Model != "") {
				t.Errorf("an unpriced rating has %+v", r)
			}
		})
	}
}

func TestRateRules(t *testing.T) {
	const model = "m"
	long := &pricing.LongContext{OverInputTokens: 100, InputToken: usd(t, "2"), OutputToken: usd(t, "5")}
	characters := pricing.Provider{Name: "p", CharactersAreInputTokens: true}
	type rates = pricing.Rates
	tests := []struct {
		name     string
		provider pricing.Provider
		price    pricing.Price
		used     pricing.Quantities
		want     string
	}{
		{"nothing used", pricing.Provider{}, pricing.Price{Rates: rates{pricing.Requests: 7}}, pricing.Quantities{}, "0"},
		{"nothing priced", pricing.Provider{}, pricing.Price{}, pricing.Quantities{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "0"},
		{"input exactly at the boundary", pricing.Provider{}, pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1"),
			pricing.OutputTokens: usd(t, "3")}, Above: long},
			pricing.Quantities{pricing.InputTokens: 100, pricing.OutputTokens: 10}, "130"},
		{"one token more: the whole call is dearer", pricing.Provider{},
			pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1"), pricing.OutputTokens: usd(t, "3")}, Above: long},
			pricing.Quantities{pricing.InputTokens: 101, pricing.OutputTokens: 10}, "252"},
		{"long output is no long context", pricing.Provider{}, pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1"),
			pricing.OutputTokens: usd(t, "3")}, Above: long},
			pricing.Quantities{pricing.InputTokens: 1, pricing.OutputTokens: 1000}, "3001"},
		{"cached tokens count towards the boundary", pricing.Provider{},
			pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1"), pricing.CachedInputTokens: usd(t, "0.1")},
				Given: pricing.SetOf(pricing.CachedInputTokens), Above: long},
			pricing.Quantities{pricing.InputTokens: 101, pricing.CachedInputTokens: 100}, "12"},
		{"cached tokens with a price", pricing.Provider{}, pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1"),
			pricing.CachedInputTokens: usd(t, "0.1")}, Given: pricing.SetOf(pricing.CachedInputTokens)},
			pricing.Quantities{pricing.InputTokens: 50, pricing.CachedInputTokens: 40}, "14"},
		{"cached tokens that are free", pricing.Provider{}, pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1")},
			Given: pricing.SetOf(pricing.CachedInputTokens)},
			pricing.Quantities{pricing.InputTokens: 50, pricing.CachedInputTokens: 40}, "10"},
		{"cached tokens without a price", pricing.Provider{}, pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1")}},
			pricing.Quantities{pricing.InputTokens: 50, pricing.CachedInputTokens: 40}, "50"},
		{"a cached rate that is not marked as a price", pricing.Provider{},
			pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1"), pricing.CachedInputTokens: usd(t, "0.1")}},
			pricing.Quantities{pricing.InputTokens: 50, pricing.CachedInputTokens: 40}, "50"},
		{"all tokens cached", pricing.Provider{}, pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1"),
			pricing.CachedInputTokens: usd(t, "0.1")}, Given: pricing.SetOf(pricing.CachedInputTokens)},
			pricing.Quantities{pricing.InputTokens: 50, pricing.CachedInputTokens: 50}, "5"},
		{"images are counted", pricing.Provider{}, pricing.Price{Rates: rates{pricing.Images: usd(t, "0.04")}},
			pricing.Quantities{pricing.Requests: 2, pricing.Images: 5}, "0.2"},
		{"no images: one for each request", pricing.Provider{}, pricing.Price{Rates: rates{pricing.Images: usd(t, "0.04")}},
			pricing.Quantities{pricing.Requests: 2}, "0.08"},
		{"no searches: one for each request", pricing.Provider{}, pricing.Price{Rates: rates{pricing.Searches: usd(t,
			"0.04")}}, pricing.Quantities{pricing.Requests: 1}, "0.04"},
		{"no pages: one for each request", pricing.Provider{}, pricing.Price{Rates: rates{pricing.Pages: usd(t, "0.04")}},
			pricing.Quantities{pricing.Requests: 3}, "0.12"},
		{"no seconds: none", pricing.Provider{}, pricing.Price{Rates: rates{pricing.Seconds: usd(t, "0.04")}},
			pricing.Quantities{pricing.Requests: 3}, "0"},
		{"no requests and no images", pricing.Provider{}, pricing.Price{Rates: rates{pricing.Images: usd(t, "0.04")}},
			pricing.Quantities{pricing.InputTokens: 3}, "0"},
		{"request and image both priced", pricing.Provider{}, pricing.Price{Rates: rates{pricing.Requests: usd(t, "1"),
			pricing.Images: usd(t, "0.5")}}, pricing.Quantities{pricing.Requests: 2}, "3"},
		{"characters are input tokens", characters, pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "50/1M")}},
			pricing.Quantities{pricing.Characters: 1000}, "0.05"},
		{"tokens given: characters are only counted", characters, pricing.Price{Rates: rates{pricing.InputTokens: usd(t,
			"50/1M")}},
			pricing.Quantities{pricing.Characters: 1000, pricing.InputTokens: 10}, "0.0005"},
		{"characters with a price of their own", characters, pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "50/1M"),
			pricing.Characters: usd(t, "1")}},
			pricing.Quantities{pricing.Characters: 3}, "3"},
		{"characters make a long context", characters, pricing.Price{Rates: rates{pricing.InputTokens: usd(t, "1")},
			Above: long}, pricing.Quantities{pricing.Characters: 101}, "202"},
		{"characters elsewhere cost nothing", pricing.Provider{}, pricing.Price{Rates: rates{pricing.InputTokens: usd(t,
			"1")}}, pricing.Quantities{pricing.Characters: 1000}, "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.price.Provider, tt.price.Model, tt.price.EffectiveFrom = "p", model, pricing.Beginning()
			before := tt.used
			r, err := pricing.NewBook(pricing.Providers{"p": tt.provider}, []pricing.Price{tt.price}).
				Rate(pricing.Call{Provider: "p", Model: model, At: noon, Used: tt.used})
			if err != nil || r.Cost.String() != tt.want {
				t.Errorf("it costs %s, %v, want %s", r.Cost, err, tt.want)
			}
			checkComponents(t, r)
			if tt.used != before {
				t.Error("the quantities were changed")
			}
		})
	}
}

func TestRateRefusesWhatDoesNotFit(t *testing.T) {
	tests := []struct {
		name  string
		rates pricing.Rates
		used  pricing.Quantities
	}{
		{"product", pricing.Rates{pricing.InputTokens: pricing.Dollar},
			pricing.Quantities{pricing.InputTokens: pricing.MaxQuantity}},
		{"sum", pricing.Rates{pricing.Requests: math.MaxInt64, pricing.Pages: 1}, pricing.Quantities{pricing.Requests: 1}},
		{"negative amount", pricing.Rates{pricing.Requests: 1}, pricing.Quantities{pricing.Requests: -1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			book := pricing.NewBook(nil, []pricing.Price{{Provider: "p", Model: "m", Rates: tt.rates}})
			r, err := book.Rate(pricing.Call{Provider: "p", Model: "m", At: noon, Used: tt.used})
			wantInvalid(t, err)
			if r.Cost != 0 || r.Components != nil {
				t.Errorf("beside the failure it costs %s", r.Cost)
			}
		})
	}
}

func TestPriceHistoryBoundaries(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2025, 1, day, 0, 0, 0, 0, time.UTC) }
	price := func(model string, day int, cost string) pricing.Price {
		return pricing.Price{Provider: "p", Model: model, EffectiveFrom: at(day),
			Rates: pricing.Rates{pricing.Requests: usd(t, cost)}}
	}
	book := pricing.NewBook(nil, []pricing.Price{price("m", 20, "2"), price("m", 10, "1"), price("default", 5, "9")})
	tests := []struct {
		name  string
		at    time.Time
		basis pricing.Basis
		cost  string
	}{
		{"before every price", at(5).Add(-time.Microsecond), pricing.Unpriced, "0"},
		{"at the default's first price", at(5), pricing.Default, "9"},
		{"a microsecond before the first own price", at(10).Add(-time.Microsecond), pricing.Default, "9"},
		{"at the first own price", at(10), pricing.Exact, "1"},
		{"a microsecond before the second", at(20).Add(-time.Microsecond), pricing.Exact, "1"},
		{"at the second", at(20), pricing.Exact, "2"},
		{"long after", at(20).AddDate(100, 0, 0), pricing.Exact, "2"},
		{"another time zone, the same moment", at(20).In(time.FixedZone("", 7*3600)), pricing.Exact, "2"},
		{"the zero time", time.Time{}, pricing.Unpriced, "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := book.Rate(pricing.Call{Provider: "p", Model: "m", At: tt.at,
				Used: pricing.Quantities{pricing.Requests: 1}})
			if err != nil || r.Basis != tt.basis || r.Cost.String() != tt.cost {
				t.Errorf("got %s %s, %v, want %s %s", r.Basis, r.Cost, err, tt.basis, tt.cost)
			}
		})
	}

	history := book.History("p", "m")
	if len(history) != 2 || !history[0].EffectiveFrom.Equal(at(10)) {
		t.Errorf("the history is %v", history)
	}
	history[0].Rates = pricing.Rates{}
	if p, _ := book.InForce("p", "m", at(10)); p.Rates[pricing.Requests] == 0 {
		t.Error("a history that is changed changes the book")
	}
	if got := len(book.All(at(9))); got != 1 {
		t.Errorf("on the 9th %d prices are in force, want 1", got)
	}
	all := book.All(at(25))
	if len(all) != 2 || all[0].Model != "default" || all[1].Model != "m" {
		t.Errorf("on the 25th there are %v", all)
	}
	if got := strings.Join(book.Models("p"), " "); got != "default m" {
		t.Errorf("the models are %s", got)
	}
}

func TestAllIsSorted(t *testing.T) {
	all := defaultBook(t).All(noon)
	for i := 1; i < len(all); i++ {
		if all[i-1].Provider+"\x00"+all[i-1].Model >= all[i].Provider+"\x00"+all[i].Model {
			t.Errorf("%s %s stands before %s %s", all[i-1].Provider, all[i-1].Model, all[i].Provider, all[i].Model)
		}
	}
	if len(all) != len(givenFigures()) {
		t.Errorf("there are %d prices", len(all))
	}
}

func TestAdvice(t *testing.T) {
	book := defaultBook(t)
	tests := []struct{ name, provider, model, want string }{
		{"near miss", "openai", "gpt4o", "unpriced_near [{provider openai} {model gpt4o} {near gpt-4o}]"},
		{"no model", "anthropic", "", "unpriced_without_model [{provider anthropic} {models claude-3.5-sonnet"},
		{"nothing like it", "anthropic", "opus", "unpriced [{provider anthropic} {model opus}]"},
		{"provider without prices", "mistral", "", "unpriced [{provider mistral} {model default}]"},
		{"many models", "gemini", "", "unpriced [{provider gemini} {model default}]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reason, args := book.Advice(tt.provider, tt.model)
			if got := fmt.Sprint(reason, " ", args); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q…", got, tt.want)
			}
		})
	}
}

func TestPriceValidate(t *testing.T) {
	tests := []struct {
		name  string
		price pricing.Price
		want  string
	}{
		{"free", pricing.Price{}, ""},
		{"negative", pricing.Price{Provider: "p", Model: "m", Rates: pricing.Rates{pricing.Seconds: -1}},
			"second of p m is -0.000000000001"},
		{"too fine for milliseconds", pricing.Price{Rates: pricing.Rates{pricing.Seconds: 1_500}}, "9 decimals"},
		{"long context above 0", pricing.Price{Above: &pricing.LongContext{}}, "above 0 input tokens"},
		{"long context above too much", pricing.Price{Above: &pricing.LongContext{OverInputTokens: pricing.MaxQuantity + 1}},
			"input tokens"},
		{"negative long context", pricing.Price{Above: &pricing.LongContext{OverInputTokens: 1, OutputToken: -1}},
			"output_token of   of a long call is -0.000000000001: a price is 0 or more"},
		{"long context", pricing.Price{Above: &pricing.LongContext{OverInputTokens: 1}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.price.Validate()
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantInvalid(t, err)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestRoundReportedCost rounds what a floating-point number has beyond the decimals that we keep.
func TestRoundReportedCost(t *testing.T) {
	for text, want := range map[string]string{
		"0.5": "0.5", "$0.5": "0.5", "0.00014499999999999998": "0.000145", "0.0000000000001234": "0",
		"1.2345e-12": "0.000000000001", "1.5e-12": "0.000000000002", "2.5e-12": "0.000000000002",
		"-1.5e-12": "-0.000000000002",
		"1e-300":   "0", "": "-", "x": "-", "1e30": "-", "0x1": "-", "--1e-13": "-",
	} {
		cost, err := pricing.RoundReportedCost(text)
		got := cost.USD.String()
		if err != nil {
			got = "-"
		}
		if got != want || cost.Given != (err == nil) {
			t.Errorf("%q is %s, want %s (%v)", text, got, want, err)
		}
	}
}
