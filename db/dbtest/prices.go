package dbtest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func priceTests() []test {
	return []test{
		{"prices/every figure comes back", pricesRoundTrip},
		{"prices/the default catalogue comes back", catalogueRoundTrip},
		{"prices/history and the price in force", priceHistory},
		{"prices/a taken moment is a conflict and adds nothing", priceConflict},
		{"prices/a failing change adds nothing", priceChangeFails},
		{"prices/an unknown provider adds nothing", priceOfUnknownProvider},
		{"prices/changes wait for each other", priceChangesWait},
		{"prices/providers change and come back", providersRoundTrip},
		{"prices/aliases change in time and come back", aliasesRoundTrip},
		{"prices/an alias counts for the next call of a running recorder", aliasIsHeardOf},
	}
}

func pricesRoundTrip(t *testing.T, p Place) {
	f := empty(t, p)
	full := pricing.Price{Provider: "gemini", Model: "模型 x/1", EffectiveFrom: now(),
		Given: 1<<pricing.QuantityCount - 1, Source: pricing.FromFile, Reported: true,
		Above: &pricing.LongContext{OverInputTokens: pricing.MaxQuantity, InputToken: 1<<63 - 1, OutputToken: 0},
		Bands: []pricing.Band{{From: 990, To: 30, Days: 1<<1 | 1<<5, Tariff: pricing.Tariff{
			Given: pricing.SetOf(pricing.CachedInputTokens, pricing.Pages), Rates: pricing.Rates{pricing.Pages: 7}}}},
		Tiers: []pricing.Tier{{Name: "batch", Factor: 500_000}, {Name: "flex", Tariff: pricing.Tariff{
			Above: &pricing.LongContext{OverInputTokens: 1, OutputToken: 9, Given: pricing.SetOf(pricing.ReasoningTokens)}}}}}
	for i := range full.Rates {
		full.Rates[i] = pricing.USD(1<<63 - 1 - int64(i))
	}
	bare := pricing.Price{Provider: "gemini", Model: pricing.DefaultModel, EffectiveFrom: pricing.Beginning(),
		Source: pricing.FromEnvironment}
	freeCache := bare
	freeCache.Model, freeCache.Given = "free-cache", pricing.SetOf(pricing.CachedInputTokens)
	want := []pricing.Price{bare, freeCache, full}
	f.must(f.db.ChangePrices(f.ctx, f.audit("test"), func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Providers: []pricing.Provider{{Name: "gemini", Vendor: "google"}}, Prices: want}, nil
	}))
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	got := book.All(now())
	if len(got) != len(want) {
		t.Fatalf("%d prices came back of %d", len(got), len(want))
	}
	for i, g := range got {
		if g.ID == 0 {
			t.Errorf("the price of %s has no id", g.Model)
		}
		g.ID = 0
		if !g.SameFigures(want[i]) || g.Model != want[i].Model || !g.EffectiveFrom.Equal(want[i].EffectiveFrom) ||
			g.Source != want[i].Source {
			t.Errorf("got  %+v\nwant %+v", g, want[i])
		}
	}
}

func catalogueRoundTrip(t *testing.T, p Place) {
	f := seeded(t, p)
	catalogue, err := pricing.DefaultCatalogue()
	f.must(err)
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	for _, want := range catalogue.Prices {
		got, ok := book.InForce(want.Provider, want.Model, want.EffectiveFrom)
		if !ok || !got.SameFigures(want) || got.Source != pricing.FromCatalogue {
			t.Errorf("%s %s: got %+v, want %+v", want.Provider, want.Model, got, want)
		}
	}
	seeding := pricing.Seed(catalogue, pricing.FromCatalogue, book, pricing.EnvironmentRates{}, now())
	if len(seeding.Add) != 0 {
		t.Errorf("seeding again would add %+v", seeding.Add)
	}
}

func priceHistory(t *testing.T, p Place) {
	f := seeded(t, p)
	for i := range 3 { // added newest first: their order is that of their moments
		f.must(f.addPrice("openai", "gpt-history", now().AddDate(0, 0, -i), pricing.USD(3-i), 0, 0))
	}
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	var costs []pricing.USD
	for _, h := range book.History("openai", "gpt-history") {
		costs = append(costs, h.Rates[pricing.Requests])
	}
	wantEqual(t, "history", fmt.Sprintf("%d", costs), "[1 2 3]")
	for at, want := range map[time.Time]int64{
		now().AddDate(0, 0, -2): 1, now().AddDate(0, 0, -1).Add(-time.Microsecond): 1, now().AddDate(0, 0, -1): 2, now(): 3,
	} {
		if got, ok := book.InForce("openai", "gpt-history", at); !ok || int64(got.Rates[pricing.Requests]) != want {
			t.Errorf("at %s a request costs %d, want %d", at, int64(got.Rates[pricing.Requests]), want)
		}
	}
}

func priceConflict(t *testing.T, p Place) {
	f := seeded(t, p)
	f.must(f.addPrice("openai", "gpt-x", now(), 1, 0, 0))
	prices, audits := f.count("api_provider_pricing"), f.count("audit_log")
	err := f.db.ChangePrices(f.ctx, f.audit("test"), func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Prices: []pricing.Price{price("openai", "gpt-y", now(), 1, 0, 0),
			price("openai", "gpt-x", now(), 2, 0, 0)}}, nil
	})
	wantFailure(t, err, failure.Conflict, "openai gpt-x", "never edited")
	if f.count("api_provider_pricing") != prices || f.count("audit_log") != audits {
		t.Error("the change that failed has left rows")
	}
}

func priceChangeFails(t *testing.T, p Place) {
	f := seeded(t, p)
	prices := f.count("api_provider_pricing")
	boom := errors.New("boom")
	err := f.db.ChangePrices(f.ctx, f.audit("test"), func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Prices: []pricing.Price{price("openai", "gpt-x", now(), 1, 0, 0)}}, boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v, want the error of the function", err)
	}
	if f.count("api_provider_pricing") != prices {
		t.Error("a price was added")
	}
}

func priceOfUnknownProvider(t *testing.T, p Place) {
	f := seeded(t, p)
	prices := f.count("api_provider_pricing")
	if err := f.addPrice("nobody", "x", now(), 1, 0, 0); err == nil {
		t.Error("a price of an unknown provider was added")
	}
	if f.count("api_provider_pricing") != prices {
		t.Error("a price was added")
	}
}

// Two admins who set a price from what they read never both start from the same.
func priceChangesWait(t *testing.T, p Place) {
	f := seeded(t, p)
	f.must(f.addPrice("openai", "counter", now(), 0, 0, 0))
	var wg sync.WaitGroup
	for range 8 {
		d := p.Open(t)
		wg.Go(func() {
			err := d.ChangePrices(f.ctx, f.audit("test"), func(book *pricing.Book) (pricing.Catalogue, error) {
				history := book.History("openai", "counter")
				last := history[len(history)-1]
				last.EffectiveFrom = last.EffectiveFrom.Add(time.Microsecond)
				last.Rates[pricing.Requests]++
				return pricing.Catalogue{Prices: []pricing.Price{last}}, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	for i, h := range book.History("openai", "counter") {
		if h.Rates[pricing.Requests] != pricing.USD(i) {
			t.Fatalf("the price %d is %d", i, int64(h.Rates[pricing.Requests]))
		}
	}
	if n := len(book.History("openai", "counter")); n != 9 {
		t.Errorf("%d prices, want 9", n)
	}
}

func providersRoundTrip(t *testing.T, p Place) {
	f := empty(t, p)
	save := func(p pricing.Provider) {
		f.must(f.db.ChangePrices(f.ctx, f.audit("test"), func(*pricing.Book) (pricing.Catalogue, error) {
			return pricing.Catalogue{Providers: []pricing.Provider{p}}, nil
		}))
	}
	first := pricing.Provider{Name: "video", Vendor: "wavespeed", CharactersAreInputTokens: true,
		VendorRules: []pricing.VendorRule{{Contains: "Hunyuan \"1\"", Vendor: "huggingface"},
			{Contains: "ü", Vendor: "other"}}}
	save(first)
	save(first) // unchanged: no audit row
	second := pricing.Provider{Name: "video", Vendor: "tencent"}
	for i, want := range []pricing.Provider{first, second} {
		if i == 1 {
			save(second)
		}
		book, err := f.db.Catalogue(f.ctx)
		f.must(err)
		wantEqual(t, "provider", book.Providers["video"], want)
	}
	entries, err := f.db.Audit(f.ctx, 0, 100)
	f.must(err)
	if len(entries) != 2 || !strings.Contains(entries[0].Subject, "video") || entries[0].Before == "" ||
		entries[1].Before != "" {
		t.Errorf("the audit log has %+v", entries)
	}
}

func (f *fixture) setAlias(a pricing.Alias) {
	f.Helper()
	f.must(f.db.ChangePrices(f.ctx, f.audit("pricing alias"), func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Aliases: []pricing.Alias{a}}, nil
	}))
}

func aliasesRoundTrip(t *testing.T, p Place) {
	f := seeded(t, p)
	first := pricing.Alias{Provider: "openai", Name: "best \"ü\"", Model: "gpt-4o", EffectiveFrom: pricing.Beginning(),
		Source: pricing.FromAdmin}
	later, removed, instead := first, first, first
	later.Model, later.EffectiveFrom = "gpt-4o-mini", now().Add(time.Microsecond)
	removed.Model, removed.EffectiveFrom = "", now().Add(time.Hour)
	instead.Model, instead.Source = "gpt-4o-mini", pricing.FromFile
	for _, a := range []pricing.Alias{first, removed, later, instead} { // the last takes the place of the first
		f.setAlias(a)
	}
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	wantEqual(t, "aliases", fmt.Sprintf("%+v", book.AliasHistory("openai", first.Name)),
		fmt.Sprintf("%+v", []pricing.Alias{instead, later, removed}))
	entries, err := f.db.Audit(f.ctx, 0, 4)
	f.must(err)
	for i, want := range []string{`gpt-4o-mini`, `gpt-4o-mini`, `removed_from`, `"gpt-4o"`} {
		if e := entries[i]; e.Subject != `alias openai best "ü"` || !strings.Contains(e.After, want) ||
			(e.Before == "") != (i == 3) {
			t.Errorf("the audit log has %+v, want %s", e, want)
		}
	}
}

func aliasIsHeardOf(t *testing.T, p Place) {
	f := seeded(t, p)
	other := &fixture{t, f.ctx, p, p.Open(t), nil}
	for i, want := range []pricing.Basis{pricing.Unpriced, pricing.Aliased} {
		if i == 1 {
			other.setAlias(pricing.Alias{Provider: "openai", Name: "best", Model: "gpt-4o", EffectiveFrom: pricing.Beginning(),
				Source: pricing.FromAdmin})
		}
		outcome, err := f.service.Record(f.ctx, now(), usage.Event{ID: fmt.Sprint("e", i), UserID: "alice",
			Provider: "openai", Model: "best", StatusCode: 200}, usage.RecordOptions{})
		f.must(err)
		if outcome.Entry.Basis != want {
			t.Errorf("the call %d is priced %s, want %s", i, outcome.Entry.Basis, want)
		}
	}
}
