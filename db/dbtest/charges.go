package dbtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// chargesAreExact records calls of every kind, closes their period, records more and takes some back, and closes again:
// what is charged at each price, over all lines, is what the calls that stand were charged at it one after the other.
func chargesAreExact(t *testing.T, p Place) {
	f := seeded(t, p)
	random := rand.New(rand.NewPCG(12, 15))
	prices := intricatePrices()
	f.must(f.db.ChangePrices(f.ctx, f.audit("pricing set"), func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Prices: prices}, nil
	}))
	book, err := f.db.Catalogue(f.ctx)
	f.must(err)
	want := map[string]int64{}
	note := func(e usage.Event, sign int64) {
		if e.StatusCode >= 400 {
			return
		}
		rating, err := book.Rate(pricing.Call{Provider: e.Provider, Model: e.Model, At: e.Time, Tier: e.ServiceTier,
			Used: e.Quantities})
		f.must(err)
		for _, c := range rating.Components {
			want[fmt.Sprint(e.Model, " ", c.Quantity, " ", c.UnitPrice)] += sign * c.Amount
		}
	}
	var events []usage.Event
	more := func() {
		for range 150 {
			e := intricateCall(random, fmt.Sprint("e", len(events)))
			events = append(events, e)
			f.record(e)
			note(e, 1)
		}
	}
	more()
	f.close(date(2026, 11, 1))
	f.chargesAre(want)
	more()
	for i := 0; i < len(events); i += 7 {
		_, err := f.corrections().Void(f.ctx, f.because(now()), []string{events[i].ID})
		f.must(err)
		note(events[i], -1)
	}
	f.close(date(2026, 12, 1))
	f.chargesAre(want)
}

// chargesAre compares what is charged at each price with what is wanted, and each line's charges with its cost.
func (f *fixture) chargesAre(want map[string]int64) {
	f.Helper()
	got := map[string]int64{}
	for key := range want {
		got[key] = 0
	}
	for _, b := range f.bills(billing.Query{}) {
		for _, l := range b.Lines {
			sum := pricing.USD(0)
			for _, c := range l.Charges {
				sum += c.Cost
				got[fmt.Sprint(l.Model, " ", c.Quantity(), " ", c.Rate)] += c.Amount
			}
			if sum != l.Usage.Cost {
				f.Errorf("bill %d: %s costs %s, and its charges %s", b.Number, l.Description, l.Usage.Cost, sum)
			}
		}
	}
	wantEqual(f, "the charges", got, want)
}

// intricatePrices are of models that charge by length, hour, tier and what calls count as one of.
func intricatePrices() []pricing.Price {
	base := price("openai", "plain", pricing.Beginning(), 8, 2_000_000, 9_000_000)
	parts := base
	parts.Model = "parts"
	parts.Given = pricing.SetOf(pricing.CachedInputTokens, pricing.ReasoningTokens, pricing.AudioInputTokens)
	parts.Rates[pricing.CachedInputTokens], parts.Rates[pricing.AudioInputTokens] = 500_000, 11_000_000
	long := parts
	long.Model, long.Above = "long", &pricing.LongContext{OverInputTokens: 1000, InputToken: 4_000_000, OutputToken: 2}
	hours := long
	hours.Model, hours.Tiers = "hours", []pricing.Tier{{Name: "batch", Factor: 500_000}, {Name: "flex",
		Tariff: pricing.Tariff{Above: &pricing.LongContext{OverInputTokens: 500, InputToken: 8, OutputToken: 8}}}}
	hours.Bands = []pricing.Band{{From: 990, To: 30, Days: 1<<1 | 1<<5, Tariff: pricing.Tariff{
		Rates: pricing.Rates{pricing.InputTokens: 1_000_000}, Given: pricing.SetOf(pricing.InputTokens)}}}
	each := base
	each.Model, each.Rates[pricing.Images], each.Rates[pricing.Seconds] = "each", 30_000_000, 5_000_000
	changed := hours
	changed.EffectiveFrom, changed.Rates[pricing.InputTokens] = date(2026, 10, 12), 3_000_000
	return []pricing.Price{base, parts, long, hours, each, changed}
}

func intricateCall(random *rand.Rand, id string) usage.Event {
	at := date(2026, 10, 1).Add(time.Duration(random.Int64N(31*24*60)) * time.Minute)
	e := call(id, "alice", at, random.Int64N(3000), random.Int64N(50))
	e.Provider, e.Model = "openai", []string{"plain", "parts", "long", "hours", "each"}[random.IntN(5)]
	e.ServiceTier = []string{"", "batch", "flex", "priority"}[random.IntN(4)]
	e.Quantities[pricing.Requests] = 1 + random.Int64N(4)
	e.Quantities[pricing.CachedInputTokens] = random.Int64N(1 + e.Quantities[pricing.InputTokens]/2)
	e.Quantities[pricing.AudioInputTokens] = random.Int64N(1 + e.Quantities[pricing.InputTokens]/2)
	e.Quantities[pricing.ReasoningTokens] = random.Int64N(1 + e.Quantities[pricing.OutputTokens])
	e.Quantities[pricing.Images], e.Quantities[pricing.Seconds] = random.Int64N(3), random.Int64N(4000)
	if random.IntN(9) == 0 { // a failed call that costs nothing
		e.StatusCode = 500
	}
	return e
}
