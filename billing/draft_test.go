package billing

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

func TestWholeCents(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "0.004999999999": "0", "0.005": "0", "0.005000000001": "0.01", "0.015": "0.02", "0.025": "0.02",
		"0.035": "0.04", "-0.005": "0",
		"-0.015": "-0.02", "-0.025": "-0.02", "-0.014999999999": "-0.01", "104.806451612903": "104.81",
		"9223372.03": "9223372.03", "1.2345": "1.23",
	} {
		amount, err := pricing.ParseUSD(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wholeCents(amount)
		if err != nil || got.String() != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	if _, err := wholeCents(math.MaxInt64); !failure.Is(err, failure.Invalid) {
		t.Errorf("the largest amount is rounded up to one that does not fit: %v", err)
	}
}

func TestShareIsTheNearest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		amount := rapid.Int64().Draw(rt, "amount")
		whole := rapid.Int64Range(1, 1<<40).Draw(rt, "whole")
		part := rapid.Int64Range(-whole, whole).Draw(rt, "part")
		got, err := share(pricing.USD(amount), part, whole)
		if err != nil { // -(the least number) alone does not fit
			if amount != math.MinInt64 || part != -whole {
				rt.Fatal(err)
			}
			return
		}
		exact := new(big.Rat).Mul(new(big.Rat).SetInt64(amount), big.NewRat(part, whole))
		off := exact.Sub(exact, new(big.Rat).SetInt64(int64(got)))
		switch off.Abs(off).Cmp(big.NewRat(1, 2)) {
		case 1:
			rt.Errorf("%d * %d / %d is %d", amount, part, whole, got)
		case 0:
			if got%2 != 0 {
				rt.Errorf("%d * %d / %d is %d, an odd number", amount, part, whole, got)
			}
		}
	})
}

// A line says whose price its model got, and since when, also where an alias has changed.
func TestPricesWithinAnAliasThatChanges(t *testing.T) {
	period := plan.Period{Start: day(t, "2026-11-01"), End: day(t, "2026-12-01")}
	price := func(id int64, model string) pricing.Price {
		return pricing.Price{ID: id, Provider: "p", Model: model, EffectiveFrom: pricing.Beginning(),
			Rates: pricing.Rates{pricing.InputTokens: pricing.USD(id)}}
	}
	alias := func(model string, from time.Time) pricing.Alias {
		return pricing.Alias{Provider: "p", Name: "best", Model: model, EffectiveFrom: from}
	}
	book := pricing.NewBook(pricing.Providers{"p": {Name: "p"}}, []pricing.Price{price(1, "a"), price(2, "b")},
		alias("a", pricing.Beginning()), alias("b", day(t, "2026-11-10")), alias("", day(t, "2026-11-20")))
	var got []string
	for _, u := range pricesWithin(book, Series{Provider: "p", Model: "best@1"}, period) {
		got = append(got, fmt.Sprint(u.From.Format(time.DateOnly), " ", u.Basis, " ", u.Model, " ", u.Rates))
	}
	want := "1970-01-01 alias a map[input_token:0.000000000001]|2026-11-10 alias b map[input_token:0.000000000002]"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
}
