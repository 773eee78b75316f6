package billing_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// partOf is a part of so many days in which a plan held that has some limits.
func partOf(id int64, days int, overage plan.Overage, markup int64, limits ...plan.Limit) plan.Part {
	return plan.Part{Plan: plan.Plan{ID: id, Name: fmt.Sprint("plan ", id), Figures: plan.Figures{Overage: overage,
		MarkupMillionths: markup, Limits: limits}}, Length: time.Duration(days) * 24 * time.Hour}
}

// calls is a series of so many calls of gemini that cost 100 each.
func calls(n int64) []billing.Series {
	return []billing.Series{{Provider: "gemini", Vendor: "google", Model: "m",
		Usage: amounts(n, 0, 0, pricing.USD(100*n))}}
}

func TestOverageOfParts(t *testing.T) {
	const allow, block = plan.OverageAllow, plan.OverageBlock
	hundred, thousand, open := limitOf(plan.Calls, 100), limitOf(plan.Calls, 1000), limitOf(plan.Calls, 0)
	warns, gemini := hundred, limitOf(plan.Calls, 100, "gemini")
	open.Unlimited, warns.Action = true, plan.Warn
	tenMinutes := partOf(2, 0, allow, 0, thousand)
	tenMinutes.Length = 10 * time.Minute
	month := partOf(1, 30, allow, 0, hundred)
	month.Length -= tenMinutes.Length
	for name, c := range map[string]struct {
		parts []plan.Part
		used  billing.ByPlan
		owed  string
		most  int64 // included as the bill shows it; 0 where there are no terms
	}{
		"a change of ten minutes gives ten minutes": {[]plan.Part{month, tenMinutes},
			billing.ByPlan{1: calls(600)}, "49900", 101}, // 99.97 + 0.23
		"and no more for what is used within them": {[]plan.Part{month, tenMinutes},
			billing.ByPlan{1: calls(50), 2: calls(900)}, "84900", 101},
		"an upgrade in the middle includes half of each": {[]plan.Part{partOf(1, 15, allow, 0, hundred),
			partOf(2, 15, allow, 0, thousand)}, billing.ByPlan{1: calls(300), 2: calls(300)}, "5000", 550},
		"the same under another name gives nothing": {[]plan.Part{partOf(1, 15, allow, 0, hundred),
			partOf(2, 15, allow, 0, hundred)}, billing.ByPlan{1: calls(100)}, "0", 100},
		"each part has its mark-up": {[]plan.Part{partOf(1, 15, allow, 0, hundred),
			partOf(2, 15, allow, 1_000_000, hundred)}, billing.ByPlan{1: calls(100), 2: calls(100)}, "15000", 100},
		"of a plan that blocks nothing is billed": {[]plan.Part{partOf(1, 15, block, 0, hundred),
			partOf(2, 15, allow, 0, hundred)}, billing.ByPlan{1: calls(100), 2: calls(60)}, "1000", 150},
		"and what it has left is there for others": {[]plan.Part{partOf(1, 15, block, 0, hundred),
			partOf(2, 15, allow, 0, hundred)}, billing.ByPlan{1: calls(40), 2: calls(65)}, "500", 100},
		"also where it comes last": {[]plan.Part{partOf(2, 29, allow, 0, hundred),
			partOf(1, 1, block, 0, thousand)}, billing.ByPlan{2: calls(600)}, "47000", 130},
		"without a limit nothing counts": {[]plan.Part{partOf(1, 15, allow, 0, open),
			partOf(2, 15, allow, 0, hundred)}, billing.ByPlan{1: calls(900), 2: calls(60)}, "1000", 950},
		"nor where it only warns, or is not in the plan": {[]plan.Part{partOf(1, 10, allow, 0, warns),
			partOf(3, 10, allow, 0, limitOf(plan.Calls, 0)), partOf(2, 10, allow, 0, hundred)},
			billing.ByPlan{1: calls(900), 2: calls(44), 3: calls(5)}, "1000", 939},
		"limits of other scopes are apart": {[]plan.Part{partOf(1, 15, allow, 0, gemini),
			partOf(2, 15, allow, 0, hundred)}, billing.ByPlan{1: calls(60), 2: calls(40)}, "1000", 110},
		"no plan bills it": {[]plan.Part{partOf(1, 15, block, 0, hundred), partOf(2, 15, block, 0, hundred)},
			billing.ByPlan{1: calls(900)}, "", 0},
	} {
		var all int64
		for _, s := range c.used {
			all += s[0].Usage.Calls
		}
		terms, owed, most := billing.TermsOf(c.parts, c.used), "", int64(0)
		if terms != nil {
			got, err := terms.Overage(calls(all), c.used)
			if err != nil {
				t.Fatal(err)
			}
			owed, most = fmt.Sprint(int64(got[0])), terms.Limits[0].Max
		}
		if owed != c.owed || most != c.most {
			t.Errorf("%s: %s beyond %d, want %s beyond %d", name, owed, most, c.owed, c.most)
		}
	}
}

// anyParts draws how a period with some terms in each part was used: the series of each part, and of all of it.
func anyParts(t *rapid.T, terms func(i int) billing.Terms) (billing.Terms, []billing.Series, billing.ByPlan) {
	var whole billing.Terms
	used, sums := billing.ByPlan{}, map[billing.SeriesKey]billing.Series{}
	for i := range rapid.IntRange(2, 4).Draw(t, "parts") {
		id := int64(i + 1)
		of := terms(i)
		whole.Parts = append(whole.Parts, billing.PartTerms{PlanID: id, Overage: true, Limits: of.Limits,
			Microseconds:     rapid.Int64Range(1, 1e12).Draw(t, "length"),
			MarkupMillionths: of.MarkupMillionths})
		for _, s := range anySeries().Draw(t, "series") {
			if slices.ContainsFunc(used[id], func(other billing.Series) bool { return other.Key() == s.Key() }) {
				continue
			}
			used[id] = append(used[id], s)
			sum := sums[s.Key()]
			sum.Provider, sum.Vendor = s.Provider, s.Vendor
			sum.Usage, _ = sum.Usage.Add(s.Usage)
			sums[s.Key()] = sum
		}
	}
	var series []billing.Series
	for _, s := range sums {
		series = append(series, s)
	}
	return whole, series, used
}

func overageOfParts(t *rapid.T, terms billing.Terms, series []billing.Series, used billing.ByPlan) []pricing.USD {
	got, err := terms.Overage(series, used)
	if err != nil || len(got) != len(series) {
		t.Fatalf("%v, %v", got, err)
	}
	return got
}

// A change of plan that gives nothing changes nothing, to the pico-dollar.
func TestOverageDoesNotDependOnAChangeThatGivesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		same := anyTerms().Draw(t, "terms")
		parts, series, used := anyParts(t, func(int) billing.Terms { return same })
		if got, want := overageOfParts(t, parts, series, used), overage(t, same, series); !slices.Equal(got, want) {
			t.Fatalf("in parts %v is billed, in one %v", got, want)
		}
	})
}

// A limit includes what its parts give by their lengths: the mean of the plans, and so never more for who changes for a
// moment.
func TestOverageOfPartsIsThatOfTheirMeanLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		meter := rapid.SampledFrom([]plan.Meter{plan.Calls, plan.Tokens, plan.Cost}).Draw(t, "meter")
		markup := rapid.SampledFrom([]int64{0, 200_000}).Draw(t, "mark-up")
		parts, series, used := anyParts(t, func(int) billing.Terms {
			return billing.Terms{Limits: []plan.Limit{limitOf(meter, rapid.Int64Range(1, 1e15).Draw(t, "max"))},
				MarkupMillionths: markup}
		})
		given, length := new(big.Int), new(big.Int)
		for _, p := range parts.Parts {
			micro := big.NewInt(p.Microseconds)
			length.Add(length, micro)
			given.Add(given, micro.Mul(micro, big.NewInt(p.Limits[0].Max)))
		}
		mean, rest := new(big.Int).QuoRem(given, length, new(big.Int))
		if rest.Sign() > 0 {
			mean.Add(mean, big.NewInt(1)) // in the customer's favour
		}
		want := overage(t, billing.Terms{Limits: []plan.Limit{limitOf(meter, mean.Int64())}, MarkupMillionths: markup},
			series)
		if got := overageOfParts(t, parts, series, used); !slices.Equal(got, want) {
			t.Fatalf("%v is billed, want %v with %s included", got, want, mean)
		}
	})
}

// More usage is never billed less, in whatever part it lies, and what is billed is at most what was used in parts that
// bill it.
func TestOverageOfPartsGrowsWithUsage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts, series, used := anyParts(t, func(int) billing.Terms { return anyTerms().Draw(t, "terms") })
		for i := range parts.Parts {
			parts.Parts[i].Overage = rapid.Bool().Draw(t, "overage")
		}
		before := overageOfParts(t, parts, series, used)
		if len(series) == 0 {
			return
		}
		grown := rapid.IntRange(0, len(series)-1).Draw(t, "which")
		more := amounts(rapid.Int64Range(0, 50).Draw(t, "calls"), rapid.Int64Range(0, 50).Draw(t, "input"), 0,
			pricing.USD(rapid.Int64Range(0, 1e12).Draw(t, "cost")))
		for id, of := range used {
			of = slices.Clone(of)
			if n := slices.IndexFunc(of, func(s billing.Series) bool { return s.Key() == series[grown].Key() }); n >= 0 {
				of[n].Usage, _ = of[n].Usage.Add(more)
				used[id] = of
				break
			}
		}
		series[grown].Usage, _ = series[grown].Usage.Add(more)
		for i, after := range overageOfParts(t, parts, series, used) {
			if after < before[i] {
				t.Fatalf("series %d was billed %s, and with more usage %s", i, before[i], after)
			}
		}
	})
}
