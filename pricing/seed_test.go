package pricing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// shop is a book that lives on over several seedings, as a database does.
type shop struct {
	t      *testing.T
	prices []pricing.Price
	now    time.Time
}

func newShop(t *testing.T) *shop {
	return &shop{t: t, now: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (s *shop) book() *pricing.Book { return pricing.NewBook(nil, s.prices) }

// seed applies one seeding, an hour after the last step. Two prices of a model must not begin at one moment: the
// database refuses them.
func (s *shop) seed(c pricing.Catalogue, source pricing.Source, env pricing.EnvironmentRates) pricing.Seeding {
	s.t.Helper()
	s.now = s.now.Add(time.Hour)
	seeding := pricing.Seed(c, source, s.book(), env, s.now)
	s.add(seeding.Add...)
	if n := len(seeding.Add) + len(seeding.Kept) + seeding.Unchanged; n < len(c.Prices) {
		s.t.Errorf("the seeding tells of %d prices of %d", n, len(c.Prices))
	}
	return seeding
}

func (s *shop) add(prices ...pricing.Price) {
	s.t.Helper()
	for _, p := range prices {
		for _, q := range s.prices {
			if p.Provider == q.Provider && p.Model == q.Model && p.EffectiveFrom.Equal(q.EffectiveFrom) {
				s.t.Errorf("%s %s has two prices from %s on", p.Provider, p.Model, p.EffectiveFrom)
			}
		}
		if p.ID != 0 {
			s.t.Errorf("%s %s is new and has the ID %d", p.Provider, p.Model, p.ID)
		}
		p.ID = int64(len(s.prices) + 1)
		s.prices = append(s.prices, p)
	}
}

// set is what an admin does.
func (s *shop) set(provider, model string, input pricing.USD) {
	s.t.Helper()
	s.now = s.now.Add(time.Hour)
	p, _ := s.book().InForce(provider, model, s.now)
	p.ID, p.Provider, p.Model, p.EffectiveFrom, p.Source = 0, provider, model, s.now, pricing.FromAdmin
	p.Rates[pricing.InputTokens] = input
	s.add(p)
}

// wantSeeding checks how many prices were added and kept.
func wantSeeding(t *testing.T, step string, got pricing.Seeding, added, kept int) {
	t.Helper()
	if len(got.Add) != added || len(got.Kept) != kept {
		t.Errorf("%s: %d added and %d kept, want %d and %d: %+v", step, len(got.Add), len(got.Kept), added, kept, got)
	}
}

// wantInput checks what a million input and output tokens of a model cost.
func (s *shop) wantTokens(step, provider, model string, at time.Time, input, output string) {
	s.t.Helper()
	p, ok := s.book().InForce(provider, model, at)
	if !ok {
		s.t.Errorf("%s: %s %s has no price", step, provider, model)
		return
	}
	in, errIn := p.Rates[pricing.InputTokens].Times(1e6)
	out, errOut := p.Rates[pricing.OutputTokens].Times(1e6)
	if errIn != nil || errOut != nil || in.String() != input || out.String() != output {
		s.t.Errorf("%s: %s %s costs %s and %s, want %s and %s", step, provider, model, in, out, input, output)
	}
}

func environment(t *testing.T, input, output string) pricing.EnvironmentRates {
	t.Helper()
	env, err := pricing.ParseEnvironmentRates(func(name string) string {
		return map[string]string{"HUGGINGFACE_INPUT_TOKEN_COST": input, "HUGGINGFACE_OUTPUT_TOKEN_COST": output}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func priceFile(t *testing.T, prices ...string) pricing.Catalogue {
	t.Helper()
	c, err := pricing.ParseCatalogue("f.yaml", []byte("prices:\n  - {"+strings.Join(prices, "}\n  - {")+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSecondSeedChangesNothing(t *testing.T) {
	for name, env := range map[string]pricing.EnvironmentRates{"without environment": {},
		"with environment": environment(t, "2/1M", "4/1M"), "with half an environment": environment(t, "", "4/1M")} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			first := s.seed(defaultCatalogue(t), pricing.FromCatalogue, env)
			wantSeeding(t, "first", first, len(givenFigures()), 0)
			for _, p := range first.Add {
				if !p.EffectiveFrom.Equal(pricing.Beginning()) {
					t.Errorf("%s %s holds from %s", p.Provider, p.Model, p.EffectiveFrom)
				}
			}
			for range 3 {
				again := s.seed(defaultCatalogue(t), pricing.FromCatalogue, env)
				wantSeeding(t, "again", again, 0, 0)
				if again.Unchanged != len(givenFigures()) {
					t.Errorf("%d are unchanged", again.Unchanged)
				}
			}
		})
	}
}

func TestSeedKeepsWhatAnAdminSet(t *testing.T) {
	s := newShop(t)
	s.seed(defaultCatalogue(t), pricing.FromCatalogue, pricing.EnvironmentRates{})
	s.set("openai", "gpt-4o", usd(t, "7/1M"))
	for range 2 {
		again := s.seed(defaultCatalogue(t), pricing.FromCatalogue, pricing.EnvironmentRates{})
		wantSeeding(t, "again", again, 0, 1)
	}
	file := priceFile(t, "provider: openai, model: gpt-4o, input_token: 1/1M, output_token: 1/1M",
		"provider: openai, model: gpt-4o-mini, input_token: 1/1M, output_token: 1/1M")
	wantSeeding(t, "a file", s.seed(file, pricing.FromFile, pricing.EnvironmentRates{}), 1, 1)
	s.wantTokens("the admin's", "openai", "gpt-4o", s.now, "7", "10")
	s.wantTokens("the file's", "openai", "gpt-4o-mini", s.now, "1", "1")
	wantSeeding(t, "the catalogue after the file", s.seed(defaultCatalogue(t), pricing.FromCatalogue,
		pricing.EnvironmentRates{}), 0, 2)
	s.wantTokens("still the file's", "openai", "gpt-4o-mini", s.now, "1", "1")
	wantSeeding(t, "the file again", s.seed(file, pricing.FromFile, pricing.EnvironmentRates{}), 0, 1)
}

func TestSeedKeepsTheOldPriceForOldEvents(t *testing.T) {
	s := newShop(t)
	s.seed(priceFile(t, "provider: openai, model: m, input_token: 1/1M"), pricing.FromCatalogue,
		pricing.EnvironmentRates{})
	before := s.now
	changed := s.seed(priceFile(t, "provider: openai, model: m, input_token: 2/1M"), pricing.FromCatalogue,
		pricing.EnvironmentRates{})
	wantSeeding(t, "a new catalogue", changed, 1, 0)
	s.wantTokens("an old event", "openai", "m", before, "1", "0")
	s.wantTokens("a microsecond before", "openai", "m", s.now.Add(-time.Microsecond), "1", "0")
	s.wantTokens("now", "openai", "m", s.now, "2", "0")
}

func TestSeedWithDatedPrices(t *testing.T) {
	const first = "provider: openai, model: m, input_token: 1/1M"
	const past = "provider: openai, model: m, effective_from: 2024-06-01, input_token: 2/1M"
	const future = "provider: openai, model: m, effective_from: 2030-01-01, input_token: 3/1M"
	none := pricing.EnvironmentRates{}

	t.Run("the second seed changes nothing", func(t *testing.T) {
		s := newShop(t)
		file := priceFile(t, first, past, future)
		wantSeeding(t, "first", s.seed(file, pricing.FromFile, none), 3, 0)
		for range 3 {
			wantSeeding(t, "again", s.seed(file, pricing.FromFile, none), 0, 0)
		}
		s.wantTokens("before", "openai", "m", time.Date(2024, 5, 31, 0, 0, 0, 0, time.UTC), "1", "0")
		s.wantTokens("now", "openai", "m", s.now, "2", "0")
		s.wantTokens("from 2030 on", "openai", "m", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), "3", "0")
	})
	t.Run("a date ahead does not push away what an admin set", func(t *testing.T) {
		s := newShop(t)
		s.seed(priceFile(t, first), pricing.FromCatalogue, none)
		s.set("openai", "m", usd(t, "7/1M"))
		wantSeeding(t, "new catalogue", s.seed(priceFile(t, first, future), pricing.FromCatalogue, none), 0, 2)
		s.wantTokens("in 2031", "openai", "m", time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), "7", "0")
	})
	t.Run("other figures at a moment that is taken", func(t *testing.T) {
		s := newShop(t)
		s.seed(priceFile(t, first, past), pricing.FromFile, none)
		corrected := priceFile(t, first, "provider: openai, model: m, effective_from: 2024-06-01, input_token: 5/1M")
		wantSeeding(t, "correction", s.seed(corrected, pricing.FromFile, none), 0, 1)
	})
	t.Run("every price lies ahead", func(t *testing.T) {
		s := newShop(t)
		s.seed(priceFile(t, future), pricing.FromFile, none)
		wantSeeding(t, "again", s.seed(priceFile(t, future), pricing.FromFile, none), 0, 0)
		wantSeeding(t, "undated", s.seed(priceFile(t, first), pricing.FromFile, none), 0, 0)
	})
	t.Run("the environment changes while a dated price is new", func(t *testing.T) {
		s := newShop(t)
		s.seed(priceFile(t, "provider: huggingface, model: default, input_token: 1/1M, output_token: 3/1M"),
			pricing.FromCatalogue, none)
		dated := priceFile(t, "provider: huggingface, model: default, effective_from: 2024-06-01, input_token: 2/1M, "+
			"output_token: 5/1M")
		env := environment(t, "9/1M", "")
		wantSeeding(t, "both", s.seed(dated, pricing.FromFile, env), 2, 0)
		s.wantTokens("both", "huggingface", "default", s.now, "9", "5")
		wantSeeding(t, "again", s.seed(dated, pricing.FromFile, env), 0, 0)
	})
	t.Run("the environment goes over what holds now", func(t *testing.T) {
		const hfNow, hfAhead = "provider: huggingface, model: default, effective_from: 2024-06-01, input_token: 2/1M, " +
			"output_token: 2/1M",
			"provider: huggingface, model: default, effective_from: 2030-01-01, input_token: 3/1M, output_token: 3/1M"
		s := newShop(t)
		file := priceFile(t, hfNow, hfAhead)
		wantSeeding(t, "first", s.seed(file, pricing.FromFile, environment(t, "9/1M", "")), 2, 0)
		s.wantTokens("first", "huggingface", "default", s.now, "9", "2")
		wantSeeding(t, "again", s.seed(file, pricing.FromFile, environment(t, "9/1M", "")), 0, 1)
		changed := environment(t, "8/1M", "")
		wantSeeding(t, "changed", s.seed(file, pricing.FromFile, changed), 1, 1)
		s.wantTokens("changed", "huggingface", "default", s.now, "8", "2")
		wantSeeding(t, "again", s.seed(file, pricing.FromFile, changed), 0, 1)
	})
}

func TestSeedWithTheEnvironment(t *testing.T) {
	models := []string{"openai/gpt-oss-120b:groq", "gpt-oss-120b", "default"}
	// A step is a seeding with an environment, or an admin's price.
	type step struct {
		name          string
		in, out       string
		admin         string // for every model, in place of a seeding
		added, kept   int
		input, output string // what holds afterwards
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"set from the first", []step{
			{name: "set", in: "0.000002", out: "0.000004", added: 49, input: "2", output: "4"},
			{name: "unchanged", in: "2e-06", out: "4/1M", input: "2", output: "4"},
			{name: "changed", in: "0.000005", out: "0.000004", added: 3, input: "5", output: "4"},
			{name: "unchanged again", in: "0.000005", out: "0.000004", input: "5", output: "4"},
			{name: "changed back", in: "0.000002", out: "0.000004", added: 3, input: "2", output: "4"},
			{name: "removed", kept: 3, input: "2", output: "4"},
			{name: "set again as it was", in: "0.000002", out: "0.000004", input: "2", output: "4"},
		}},
		{"set later", []step{
			{name: "not set", added: 49, input: "1", output: "3"},
			{name: "set", in: "0.000002", out: "0.000004", added: 3, input: "2", output: "4"},
			{name: "unchanged", in: "0.000002", out: "0.000004", input: "2", output: "4"},
		}},
		{"only the input", []step{
			{name: "set", in: "0.000002", added: 49, input: "2", output: "3"},
			{name: "unchanged", in: "0.000002", input: "2", output: "3"},
			{name: "the output as well", in: "0.000002", out: "0.000009", added: 3, input: "2", output: "9"},
			{name: "the input is gone", out: "0.000009", kept: 3, input: "2", output: "9"},
		}},
		{"only the output", []step{
			{name: "set", out: "0.000002", added: 49, input: "1", output: "2"},
			{name: "changed", out: "0.000003", added: 3, input: "1", output: "3"},
		}},
		{"an admin after it", []step{
			{name: "set", in: "0.000002", out: "0.000004", added: 49, input: "2", output: "4"},
			{name: "admin", admin: "7/1M", input: "7", output: "4"},
			{name: "unchanged", in: "0.000002", out: "0.000004", kept: 3, input: "7", output: "4"},
			{name: "changed", in: "0.000005", out: "0.000004", added: 3, input: "5", output: "4"},
			{name: "unchanged again", in: "0.000005", out: "0.000004", input: "5", output: "4"},
		}},
		{"an admin before it", []step{
			{name: "not set", added: 49, input: "1", output: "3"},
			{name: "admin", admin: "7/1M", input: "7", output: "3"},
			{name: "set", in: "0.000002", out: "0.000004", added: 3, input: "2", output: "4"},
		}},
		{"set to what holds already, then an admin", []step{
			{name: "not set", added: 49, input: "1", output: "3"},
			{name: "set to the same", in: "0.000001", out: "0.000003", input: "1", output: "3"},
			{name: "unchanged", in: "0.000001", out: "0.000003", input: "1", output: "3"},
			{name: "admin", admin: "7/1M", input: "7", output: "3"},
			{name: "still unchanged", in: "0.000001", out: "0.000003", kept: 3, input: "7", output: "3"},
		}},
		{"set to nothing", []step{
			{name: "set", in: "0", out: "0", added: 49, input: "0", output: "0"},
			{name: "unchanged", in: "0.000", out: "0e5", input: "0", output: "0"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t)
			for _, step := range tt.steps {
				before := s.now
				old := s.book()
				if step.admin != "" {
					for _, model := range models {
						s.set("huggingface", model, usd(t, step.admin))
					}
				} else {
					seeding := s.seed(defaultCatalogue(t), pricing.FromCatalogue, environment(t, step.in, step.out))
					wantSeeding(t, step.name, seeding, step.added, step.kept)
				}
				for _, model := range models {
					s.wantTokens(step.name, "huggingface", model, s.now, step.input, step.output)
					if was, ok := old.InForce("huggingface", model, before); ok {
						if is, _ := s.book().InForce("huggingface", model, before); !is.SameFigures(was) {
							t.Errorf("%s: it changed what an event before it costs", step.name)
						}
					}
				}
				s.wantTokens(step.name, "wavespeed", "openai/gpt-oss-120b", s.now, "0.6", "0.6")
			}
		})
	}
}

func TestEnvironmentFromNow(t *testing.T) {
	s := newShop(t)
	s.seed(defaultCatalogue(t), pricing.FromCatalogue, pricing.EnvironmentRates{})
	take := func(in, out string) int {
		s.now = s.now.Add(time.Hour)
		changed := environment(t, in, out).FromNow(s.book(), s.now)
		s.add(changed...)
		return len(changed)
	}
	for _, step := range []struct {
		name, in, out string
		want          int
	}{
		{"not set", "", "", 0},
		{"set to what holds already", "1/1M", "3/1M", 0},
		{"half of it is gone", "1/1M", "", 0},
		{"set", "2/1M", "", 3},
		{"unchanged", "2/1M", "", 0},
		{"changed", "2/1M", "5/1M", 3},
		{"unchanged again", "2/1M", "5/1M", 0},
	} {
		if got := take(step.in, step.out); got != step.want {
			t.Errorf("%s: %d prices, want %d", step.name, got, step.want)
		}
	}
	s.wantTokens("at last", "huggingface", "default", s.now, "2", "5")

	s.set("huggingface", "default", usd(t, "7/1M"))
	if got := take("2/1M", "5/1M"); got != 1 {
		t.Errorf("asked for, it takes the environment's price again: %d, want 1", got)
	}
	if got := (pricing.EnvironmentRates{}).FromNow(pricing.NewBook(nil, nil), s.now); got != nil {
		t.Errorf("an environment that sets nothing makes the prices %v", got)
	}
	for _, p := range environment(t, "2/1M", "5/1M").FromNow(pricing.NewBook(nil, nil), s.now) {
		if p.Provider != "huggingface" || p.Source != pricing.FromEnvironment || !p.EffectiveFrom.Equal(s.now) {
			t.Errorf("got %+v", p)
		}
	}
}

func TestParseEnvironmentRatesRefuses(t *testing.T) {
	for _, name := range []string{pricing.HuggingFaceInputVariable, pricing.HuggingFaceOutputVariable} {
		for _, text := range []string{"nan", "cheap", " ", "-0.1", "1e-13", "1,5", "$"} {
			_, err := pricing.ParseEnvironmentRates(func(n string) string {
				if n == name {
					return text
				}
				return ""
			})
			wantInvalid(t, err)
			if err == nil || !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("%s=%q: got %v", name, text, err)
			}
		}
	}
	_, err := pricing.ParseEnvironmentRates(func(string) string { return "nan" })
	if err == nil || !strings.HasPrefix(err.Error(), pricing.HuggingFaceInputVariable) {
		t.Errorf("of two wrong ones the first is named every time, got %v", err)
	}
}

func TestMayReplace(t *testing.T) {
	order := []pricing.Source{pricing.FromCatalogue, pricing.FromFile, pricing.FromEnvironment, pricing.FromAdmin}
	for i, s := range order {
		for j, old := range order {
			if got := s.MayReplace(old); got != (i >= j) {
				t.Errorf("%s may replace %s: %t", s, old, got)
			}
		}
	}
}
