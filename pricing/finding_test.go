package pricing_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/pricing"
)

// namedBook has prices whose input token costs one more pico-dollar each, from the beginning on, and aliases.
func namedBook(models []string, aliases ...pricing.Alias) *pricing.Book {
	var prices []pricing.Price
	for i, model := range models {
		prices = append(prices, pricing.Price{ID: int64(i + 1), Provider: "p", Model: model,
			EffectiveFrom: pricing.Beginning(), Rates: pricing.Rates{pricing.InputTokens: pricing.USD(i + 1)}})
	}
	return pricing.NewBook(pricing.Providers{"p": {Name: "p"}}, prices, aliases...)
}

func alias(name, model string) pricing.Alias {
	return pricing.Alias{Provider: "p", Name: name, Model: model, EffectiveFrom: pricing.Beginning()}
}

func TestFindByName(t *testing.T) {
	book := namedBook([]string{"gpt-4o", "gpt-4o-2024-05-13", "claude-3.5-sonnet", "gemini-2.5-pro", "maker/llama",
		"ft:gpt-4o", "llama3", "snap-2024-01-01"},
		alias("claude-3-5-sonnet", "claude-3.5-sonnet"), alias("sonnet", "claude-3-5-sonnet-20241022"),
		alias("newest", "gpt-4o-2024-08-06"), alias("old", "gpt-4o-2024-05-13"), alias("gpt-4o-2024-09-09", "gemini-2.5-pro"),
		alias("gpt-4o", "gemini-2.5-pro"))
	tests := []struct {
		model string
		basis pricing.Basis
		found string
		way   string
	}{
		{"gpt-4o", pricing.Exact, "gpt-4o", ""}, // whatever alias there is
		{"gpt-4o-2024-08-06", pricing.Snapshot, "gpt-4o", "gpt-4o-2024-08-06 is priced as gpt-4o, its name without the date"},
		{"gpt-4o-2024-05-13", pricing.Exact, "gpt-4o-2024-05-13", ""},
		{"openai/gpt-4o-2024-05-13", pricing.Prefixed, "gpt-4o-2024-05-13",
			"openai/gpt-4o-2024-05-13 is priced as gpt-4o-2024-05-13, its name without openai/"},
		{"openai/gpt-4o-2024-08-06", pricing.Snapshot, "gpt-4o",
			"openai/gpt-4o-2024-08-06 is priced as gpt-4o, its name without the date and openai/"},
		{"openrouter/openai/gpt-4o", pricing.Prefixed, "gpt-4o",
			"openrouter/openai/gpt-4o is priced as gpt-4o, its name without openrouter/ and openai/"},
		{"gpt-4o-20240806", pricing.Snapshot, "gpt-4o", "gpt-4o-20240806 is priced as gpt-4o, its name without the date"},
		{"gemini-2.5-pro-preview-06-05", pricing.Snapshot, "gemini-2.5-pro",
			"gemini-2.5-pro-preview-06-05 is priced as gemini-2.5-pro, its name without the preview's date"},
		{"gemini-2.5-pro-preview-06-2025", pricing.Snapshot, "gemini-2.5-pro",
			"gemini-2.5-pro-preview-06-2025 is priced as gemini-2.5-pro, its name without the preview's date"},
		{"gemini-2.5-pro@001", pricing.Snapshot, "gemini-2.5-pro",
			"gemini-2.5-pro@001 is priced as gemini-2.5-pro, its name without @001"},
		{"llama3:latest", pricing.Snapshot, "llama3", "llama3:latest is priced as llama3, its name without :latest"},
		{"maker/llama@default", pricing.Snapshot, "maker/llama",
			"maker/llama@default is priced as maker/llama, its name without @default"},
		{"claude-3-5-sonnet", pricing.Aliased, "claude-3.5-sonnet",
			"claude-3-5-sonnet is priced as claude-3.5-sonnet, which it is an alias of"},
		{"anthropic/claude-3-5-sonnet@20240620", pricing.Aliased, "claude-3.5-sonnet",
			"anthropic/claude-3-5-sonnet@20240620 is priced as claude-3.5-sonnet: " +
				"claude-3-5-sonnet is anthropic/claude-3-5-sonnet@20240620 without @20240620 and anthropic/; " +
				"claude-3-5-sonnet is an alias of claude-3.5-sonnet"},
		{"sonnet", pricing.Aliased, "claude-3.5-sonnet", "sonnet is priced as claude-3.5-sonnet: " +
			"sonnet is an alias of claude-3-5-sonnet-20241022; " +
			"claude-3-5-sonnet is claude-3-5-sonnet-20241022 without the date; " +
			"claude-3-5-sonnet is an alias of claude-3.5-sonnet"},
		{"newest", pricing.Aliased, "gpt-4o", "newest is priced as gpt-4o: newest is an alias of gpt-4o-2024-08-06; " +
			"gpt-4o is gpt-4o-2024-08-06 without the date"},
		{"old", pricing.Aliased, "gpt-4o-2024-05-13", "old is priced as gpt-4o-2024-05-13, which it is an alias of"},
		{"gpt-4o-2024-09-09", pricing.Aliased, "gemini-2.5-pro",
			"gpt-4o-2024-09-09 is priced as gemini-2.5-pro, which it is an alias of"},
		{"ft:gpt-4o-2024-08-06:acme::9x", pricing.FineTuned, "ft:gpt-4o",
			"ft:gpt-4o-2024-08-06:acme::9x is priced as ft:gpt-4o, its name without its owner and the date"},

		{"1/2/3/4/5/gpt-4o@1@2@3@4@5", pricing.Snapshot, "gpt-4o", "1/2/3/4/5/gpt-4o@1@2@3@4@5 is priced as gpt-4o, " +
			"its name without @5, @4, @3, @2, @1, 1/, 2/, 3/, 4/ and 5/"},

		// no price
		{strings.Repeat("1/", 60) + "gpt-4o" + strings.Repeat("@1", 60), pricing.Unpriced, "", ""},
		{"ft:gemini-2.5-pro:acme::9x", pricing.Unpriced, "", ""},
		{"ft:gemini-2.5-pro", pricing.Unpriced, "", ""},
		{"snap", pricing.Unpriced, "", ""},
		{"snap-2024-01-02", pricing.Unpriced, "", ""},
		{"llama", pricing.Unpriced, "", ""}, // nothing is put in front
		{"GPT-4o-2024-08-06", pricing.Unpriced, "", ""},
		{"gpt-4o-latest", pricing.Unpriced, "", ""},
		{"gpt-4o-2024-13-06", pricing.Unpriced, "", ""}, // no date
		{"gpt-4o-2024-02-30", pricing.Unpriced, "", ""},
		{"gpt-4o-12345678", pricing.Unpriced, "", ""},
		{"gpt-4o-0806", pricing.Unpriced, "", ""},
		{"gpt-4o2024-08-06", pricing.Unpriced, "", ""},
		{"gpt-4o@", pricing.Unpriced, "", ""},
		{"gpt-4o:free", pricing.Unpriced, "", ""},
		{"/gpt-4o", pricing.Unpriced, "", ""},
		{"gpt-4o/", pricing.Unpriced, "", ""},
		{"@gpt-4o", pricing.Unpriced, "", ""},
		{"-2024-08-06", pricing.Unpriced, "", ""},
		{":latest", pricing.Unpriced, "", ""},
		{"ft:", pricing.Unpriced, "", ""},
		{"ft::", pricing.Unpriced, "", ""},
		{"x/default", pricing.Unpriced, "", ""},
		{"", pricing.Unpriced, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.model, func(t *testing.T) {
			r, err := book.Rate(pricing.Call{Provider: "p", Model: tt.model, At: noon,
				Used: pricing.Quantities{pricing.InputTokens: 1}})
			if err != nil || r.Basis != tt.basis || r.Price.Model != tt.found || r.Way.String() != tt.way {
				t.Errorf("got %s %q, %v: %s\nwant %s %q: %s", r.Basis, r.Price.Model, err, r.Way, tt.basis, tt.found, tt.way)
			}
		})
	}
}

// Where the provider's entry says so, a fine-tuned model costs what the model does that was tuned.
func TestFindFineTunedAsBase(t *testing.T) {
	price := func(model string) pricing.Price {
		return pricing.Price{ID: 1, Provider: "p", Model: model, EffectiveFrom: pricing.Beginning()}
	}
	book := pricing.NewBook(pricing.Providers{"p": {Name: "p", FineTunedAsBase: true}},
		[]pricing.Price{price("gpt-4o"), price("ft:mini"), price("mini"), price("dated-2024-07-18"), price("dated")})
	for model, want := range map[string]string{
		"ft:gpt-4o-2024-08-06:acme::9x":         "gpt-4o",
		"ft:gpt-4o:acme:suffix:9x:ckpt-step-80": "gpt-4o",
		"openai/ft:gpt-4o:acme::9x":             "gpt-4o",
		"ft:mini-2024-07-18:acme::9x":           "ft:mini",
		"ft:dated-2024-07-18:acme::9x":          "dated-2024-07-18",
		"ft:dated-2024-07-19:acme::9x":          "dated",
	} {
		if p, basis := book.Find("p", model, noon); p == nil || p.Model != want || basis != pricing.FineTuned {
			t.Errorf("%s is priced %s as %+v, want %s", model, basis, p, want)
		}
	}
	if _, basis := book.Find("p", "ft:other:acme::9x", noon); basis != pricing.Unpriced {
		t.Errorf("one of a model without a price is %s", basis)
	}
}

// Prices and aliases have times, and a step counts only while there is a price.
func TestFindByNameInTime(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	price := func(id int64, model string, from time.Time) pricing.Price {
		return pricing.Price{ID: id, Provider: "p", Model: model, EffectiveFrom: from}
	}
	named := func(name, model string, from time.Time) pricing.Alias {
		return pricing.Alias{Provider: "p", Name: name, Model: model, EffectiveFrom: from}
	}
	book := pricing.NewBook(pricing.Providers{"p": {Name: "p"}},
		[]pricing.Price{price(1, "m", day(2)), price(2, "m-2026-01-01", day(4)), price(3, "m", day(6)),
			price(4, "default", day(8)), price(5, "n", day(3))},
		named("a", "m", day(1)), named("a", "n", day(5)), named("a", "", day(7)))
	for _, tt := range []struct{ model, want string }{
		{"m", "unpriced 1exact 1exact 1exact 1exact 3exact 3exact 3exact 3exact"},
		{"m-2026-01-01", "unpriced 1snapshot 1snapshot 2exact 2exact 2exact 2exact 2exact 2exact"},
		{"a", "unpriced 1alias 1alias 1alias 5alias 5alias unpriced 4default 4default"},
		{"x/a@1", "unpriced 1alias 1alias 1alias 5alias 5alias unpriced 4default 4default"},
		{"other", "unpriced unpriced unpriced unpriced unpriced unpriced unpriced 4default 4default"},
	} {
		var got []string
		for n := 1; n <= 9; n++ {
			found := ""
			p, basis := book.Find("p", tt.model, day(n))
			if p != nil {
				found = fmt.Sprint(p.ID)
			}
			got = append(got, found+string(basis))
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.model, text, tt.want)
		}
	}
}

// The book remembers what it has found: whoever asks first, or at once with others, gets the same.
func TestFindAtOnce(t *testing.T) {
	book := namedBook([]string{"m"}, alias("a", "m"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 500 {
				if p, basis := book.Find("p", fmt.Sprintf("v%d/a@%d", (n+i)%50, n%7), noon); p == nil || basis != pricing.Aliased {
					t.Errorf("it is %s", basis)
				}
			}
		})
	}
	wg.Wait()
}

// Many made-up names do not stay in memory, and what is found stays right.
func TestFindManyNames(t *testing.T) {
	book := namedBook([]string{"m"})
	for n := range 25_000 {
		if _, basis := book.Find("p", fmt.Sprintf("v%d/m", n), noon); basis != pricing.Prefixed {
			t.Fatalf("%d is %s", n, basis)
		}
	}
}

// nameOfParts makes names of few parts, so that many lead to each other.
func nameOfParts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		prefix := rapid.SampledFrom([]string{"", "", "v/", "v/w/", "ft:"}).Draw(t, "prefix")
		suffix := rapid.SampledFrom([]string{"", "", "-2024-08-06", "-20240806", "@1", ":latest", "-preview-05-06", ":o::i",
			"-2024-08-06:o::i", "-2024-08-06:latest"}).Draw(t, "suffix")
		return prefix + rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "model") + suffix
	})
}

// Whatever the names, a price of its own is never overridden, a price is found if it is in force, what was found does
// not depend on what was asked for before, and an alias that the check lets pass leads to a price.
func TestFindIsDetermined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := rapid.Custom(func(t *rapid.T) time.Time {
			return pricing.Beginning().Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "hour")) * time.Hour)
		})
		var prices []pricing.Price
		for i, model := range rapid.SliceOfNDistinct(nameOfParts(), 1, 5, rapid.ID).Draw(t, "prices") {
			prices = append(prices, pricing.Price{ID: int64(i + 1), Provider: "p", Model: model,
				EffectiveFrom: moment.Draw(t, "from")})
		}
		aliases := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pricing.Alias {
			return pricing.Alias{Provider: "p", Name: nameOfParts().Draw(t, "name"), Model: nameOfParts().Draw(t, "stands for"),
				EffectiveFrom: moment.Draw(t, "from")}
		}), 0, 6).Draw(t, "aliases")
		providers := pricing.Providers{"p": {Name: "p", FineTunedAsBase: rapid.Bool().Draw(t, "base")}}
		book := pricing.NewBook(providers, prices, aliases...)
		other := pricing.NewBook(providers, backwards(prices), aliases...)
		for _, name := range rapid.SliceOfN(nameOfParts(), 1, 10).Draw(t, "asked for") {
			at := moment.Draw(t, "at")
			p, basis := book.Find("p", name, at)
			if own, ok := book.InForce("p", name, at); ok && (p == nil || p.ID != own.ID || basis != pricing.Exact) {
				t.Fatalf("%s has a price of its own and is priced %s as %+v", name, basis, p)
			}
			if p != nil && p.EffectiveFrom.After(at) {
				t.Fatalf("%s is priced as what has no price yet: %+v", name, p)
			}
			if q, again := other.Find("p", name, at); again != basis || (p == nil) != (q == nil) || p != nil && p.ID != q.ID {
				t.Fatalf("%s is priced %s as %+v, and then %s as %+v", name, basis, p, again, q)
			}
		}
		for _, a := range aliases {
			if book.CheckAliases([]pricing.Alias{a}) != nil {
				continue
			}
			if current, ok := book.Alias("p", a.Name, a.EffectiveFrom); !ok || current.Model != a.Model {
				continue // another of that moment
			}
			found := false
			for hour := range 6 {
				at := pricing.Beginning().Add(time.Duration(hour) * time.Hour)
				_, basis := book.Find("p", a.Name, at)
				found = found || basis != pricing.Unpriced
			}
			if !found {
				t.Fatalf("%+v passes the check and has never a price", a)
			}
		}
	})
}

func TestCheckAliases(t *testing.T) {
	base := []pricing.Alias{alias("a", "m"), alias("b", "a")}
	for _, tt := range []struct {
		name  string
		added pricing.Alias
		want  string
	}{
		{"good", alias("c", "m-2024-08-06"), ""},
		{"of an alias", alias("c", "b"), ""},
		{"to no price", alias("c", "nothing"), "p has no price for nothing, which c is to be an alias of"},
		{"a circle", alias("a", "b"), "lead in a circle: a → b → a"},
		{"a circle later", pricing.Alias{Provider: "p", Name: "a", Model: "b", EffectiveFrom: noon},
			"lead in a circle: a → b → a"},
		{"by way of a snapshot", alias("x", "x-2024-08-06"), "has no price for x-2024-08-06"},
		{"another provider", pricing.Alias{Provider: "q", Name: "a", Model: "m"}, `no provider "q"`},
		{"removed", pricing.Alias{Provider: "p", Name: "b", EffectiveFrom: noon}, ""},
		{"removed though needed", pricing.Alias{Provider: "p", Name: "a", EffectiveFrom: noon}, "b is an alias of it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			book := namedBook([]string{"m"}, append(slices.Clone(base), tt.added)...)
			err := book.CheckAliases([]pricing.Alias{tt.added})
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
	for _, bad := range []pricing.Alias{alias("m", "m"), alias("", "m"), alias("default", "m"), alias("m", "default"),
		{Provider: "P", Name: "a", Model: "m"}} {
		wantInvalid(t, bad.Validate())
	}
}

func backwards[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
