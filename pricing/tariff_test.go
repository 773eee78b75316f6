package pricing_test

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/pricing"
)

// anyVariant draws what a band or a tier charges otherwise.
func anyVariant(t *rapid.T) (v pricing.Tariff) {
	for q := range pricing.QuantityCount {
		if rapid.IntRange(0, 3).Draw(t, "names "+q.String()) == 0 {
			v.Given |= pricing.SetOf(q)
			v.Rates[q] = pricing.USD(rapid.Int64Range(0, 1e6).Draw(t, q.Unit())) * 2000
		}
	}
	return v
}

// exactCost calculates what a call costs in rationals, from the rules of docs alone.
func exactCost(p pricing.Price, c pricing.Call) *big.Rat {
	rates, given, above := map[pricing.Quantity]*big.Rat{}, map[pricing.Quantity]bool{}, p.Above
	take := func(all pricing.Rates, which func(pricing.Quantity) bool) {
		for q := range pricing.QuantityCount {
			if which(q) {
				rates[q], given[q] = new(big.Rat).SetInt64(int64(all[q])), true
			}
		}
	}
	parts := map[pricing.Quantity]pricing.Quantity{pricing.CachedInputTokens: pricing.InputTokens,
		pricing.CacheWriteTokens: pricing.InputTokens, pricing.CacheWrite1hTokens: pricing.InputTokens,
		pricing.AudioInputTokens: pricing.InputTokens, pricing.ImageInputTokens: pricing.InputTokens,
		pricing.AudioOutputTokens: pricing.OutputTokens, pricing.ReasoningTokens: pricing.OutputTokens}
	take(p.Rates, func(q pricing.Quantity) bool { _, is := parts[q]; return !is || p.Given.Has(q) })
	minute := c.At.Hour()*60 + c.At.Minute()
	for _, b := range p.Bands { // of one hour, within a day
		if minute >= b.From && minute < b.To && (b.Days == 0 || b.Days&(1<<c.At.Weekday()) != 0) {
			take(b.Rates, b.Tariff.Given.Has)
		}
	}
	factor := big.NewRat(1, 1)
	for _, tier := range p.Tiers {
		if tier.Name != c.Tier {
			continue
		}
		if take(tier.Rates, tier.Tariff.Given.Has); tier.Factor != 0 {
			factor = big.NewRat(int64(tier.Factor), 1_000_000)
		}
	}
	average := big.NewRat(c.Used[pricing.InputTokens], max(c.Used[pricing.Requests], 1))
	if above != nil && average.Cmp(new(big.Rat).SetInt64(above.OverInputTokens)) > 0 {
		rates[pricing.InputTokens] = new(big.Rat).SetInt64(int64(above.InputToken))
		rates[pricing.OutputTokens] = new(big.Rat).SetInt64(int64(above.OutputToken))
	}
	sum := new(big.Rat)
	for q, n := range c.Used {
		amount, q := big.NewRat(n, 1), pricing.Quantity(q)
		if q == pricing.Seconds {
			amount.SetFrac64(n, 1000)
		}
		if n == 0 && (q == pricing.Images || q == pricing.Searches || q == pricing.Pages) {
			amount.SetInt64(c.Used[pricing.Requests])
		}
		rate := rates[q]
		if total, is := parts[q]; is && !given[q] {
			rate = rates[total]
		}
		for part, total := range parts {
			if total == q {
				amount.Sub(amount, new(big.Rat).SetInt64(c.Used[part]))
			}
		}
		sum.Add(sum, new(big.Rat).Mul(amount, rate))
	}
	return sum.Mul(sum, factor)
}

// Every quantity, band, tier and long context agrees with rationals; and a price comes back from a file and from what a
// database keeps.
func TestAnyPriceAgreesWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pricing.Price{Provider: "p", Model: "m", EffectiveFrom: pricing.Beginning(), Source: pricing.FromCatalogue}
		for q := range pricing.QuantityCount {
			p.Rates[q] = pricing.USD(rapid.Int64Range(0, 1e6).Draw(t, q.Unit())) * 2000
			if _, isPart := q.Total(); isPart && rapid.Bool().Draw(t, q.String()+" priced") {
				p.Given |= pricing.SetOf(q)
			} else if isPart {
				p.Rates[q] = 0
			}
		}
		if rapid.Bool().Draw(t, "long") {
			p.Above = &pricing.LongContext{OverInputTokens: 1000, InputToken: 4000, OutputToken: 6000}
		}
		if rapid.Bool().Draw(t, "bands") {
			from := rapid.IntRange(0, 22).Draw(t, "from") * 60
			p.Bands = []pricing.Band{{From: from, To: from + 60,
				Days: pricing.DaySet(rapid.IntRange(0, 126).Draw(t, "days")), Tariff: anyVariant(t)}}
			p.Bands[0].Tariff.Given |= pricing.SetOf(pricing.InputTokens)
		}
		p.Tiers = []pricing.Tier{{Name: "batch", Factor: 500_000}, {Name: "flex", Tariff: anyVariant(t)}}
		p.Tiers[1].Tariff.Given |= pricing.SetOf(pricing.OutputTokens)
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		c := pricing.Call{Provider: "p", Model: "m", Used: anyUsage().Draw(t, "used"),
			At:   time.Unix(rapid.Int64Range(1.7e9, 1.8e9).Draw(t, "at"), 0).UTC(),
			Tier: rapid.SampledFrom([]string{"", "batch", "flex", "other"}).Draw(t, "tier")}
		again := p
		again.Given, again.Bands, again.Tiers = p.Given&pricing.SetOf(pricing.CachedInputTokens), nil, nil
		for q := range pricing.QuantityCount {
			if q.Rare() {
				again.Rates[q] = 0
			}
		}
		if err := again.SetTerms(p.Terms()); err != nil || !again.SameFigures(p) {
			t.Fatalf("%v: %s\ncomes back as %+v", err, p.Terms(), again)
		}
		file := pricing.Catalogue{Providers: []pricing.Provider{{Name: "p", Vendor: "v"}}, Prices: []pricing.Price{p}}
		read, err := pricing.ParseCatalogue("export", []byte(file.YAML()))
		if err != nil || !read.Prices[0].SameFigures(p) {
			t.Fatalf("%v\n%s", err, file.YAML())
		}
		for _, price := range []pricing.Price{p, again, read.Prices[0]} {
			r, err := pricing.NewBook(nil, []pricing.Price{price}).Rate(c)
			if err != nil {
				t.Fatal(err)
			}
			if want := exactCost(p, c); new(big.Rat).SetInt64(int64(r.Cost)).Cmp(want) != 0 {
				t.Fatalf("%+v costs %d, independently %s", c, r.Cost, want.FloatString(3))
			}
			checkComponents(t, r)
		}
	})
}
