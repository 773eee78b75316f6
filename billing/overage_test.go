package billing_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func amounts(calls, input, output int64, cost pricing.USD) usage.Amounts {
	a := usage.Amounts{Calls: calls, Cost: cost}
	a.Quantities[pricing.Requests], a.Quantities[pricing.InputTokens], a.Quantities[pricing.OutputTokens] = calls,
		input, output
	return a
}

func limitOf(meter plan.Meter, max int64, providers ...string) plan.Limit {
	return plan.Limit{Name: "l", Meter: meter, Max: max, Action: plan.Block, Scope: plan.Scope{Providers: providers}}
}

func TestOverage(t *testing.T) {
	warns, open, none := limitOf(plan.Calls, 1), limitOf(plan.Calls, 1), limitOf(plan.Calls, 0)
	warns.Action, open.Unlimited = plan.Warn, true
	vendor := limitOf(plan.Calls, 10)
	vendor.Scope = plan.Scope{Vendors: []string{"google"}}
	gemini := billing.Series{Provider: "gemini", Vendor: "google", Model: "m", Usage: amounts(20, 600, 400, 1000)}
	openai := billing.Series{Provider: "openai", Vendor: "openai", Model: "n", Usage: amounts(5, 100, 0, 300)}
	for name, c := range map[string]struct {
		limits []plan.Limit
		markup int64
		series []billing.Series
		want   string
	}{
		"nothing was used": {[]plan.Limit{limitOf(plan.Calls, 10)}, 0, nil, "[]"},
		"no limits":        {nil, 500_000, []billing.Series{gemini}, "[0]"},
		"exactly what is included": {[]plan.Limit{limitOf(plan.Calls, 20), limitOf(plan.Tokens, 1000),
			limitOf(plan.Cost, 1000)}, 500_000, []billing.Series{gemini}, "[0]"},
		"half of the calls": {[]plan.Limit{limitOf(plan.Calls, 10)}, 0,
			[]billing.Series{gemini}, "[500]"},
		"a tenth of the tokens": {[]plan.Limit{limitOf(plan.Tokens, 900)}, 0,
			[]billing.Series{gemini}, "[100]"},
		"with a mark-up of a fifth": {[]plan.Limit{limitOf(plan.Calls, 10)}, 200_000,
			[]billing.Series{gemini}, "[600]"},
		"with the largest mark-up": {[]plan.Limit{limitOf(plan.Calls, 10)}, 100_000_000,
			[]billing.Series{gemini}, "[50500]"},
		"the largest share counts, and once": {[]plan.Limit{limitOf(plan.Tokens, 900), limitOf(plan.Calls, 10),
			limitOf(plan.Cost, 900)}, 0, []billing.Series{gemini}, "[500]"},
		"of its scope alone": {[]plan.Limit{limitOf(plan.Calls, 10, "gemini")}, 0,
			[]billing.Series{gemini, openai}, "[500 0]"},
		"of a vendor": {[]plan.Limit{vendor}, 0, []billing.Series{openai, gemini},
			"[0 500]"},
		"shared by what it covers": {[]plan.Limit{limitOf(plan.Calls, 20)}, 0,
			[]billing.Series{gemini, openai}, "[200 60]"},
		"shares of its own for each series": {[]plan.Limit{limitOf(plan.Calls, 20),
			limitOf(plan.Calls, 10, "gemini")}, 0, []billing.Series{gemini, openai}, "[500 60]"},
		"what warns, is unlimited, or not in it": {[]plan.Limit{warns, open, none}, 0, []billing.Series{gemini},
			"[0]"},
		"rounded half to even: 2.5 is 2": {[]plan.Limit{limitOf(plan.Calls, 1)}, 0,
			[]billing.Series{{Provider: "p", Usage: amounts(2, 0, 0, 5)}}, "[2]"},
		"rounded half to even: 3.5 is 4": {[]plan.Limit{limitOf(plan.Calls, 1)}, 0,
			[]billing.Series{{Provider: "p", Usage: amounts(2, 0, 0, 7)}}, "[4]"},
		"rounded once: 2.5 times 1.2 is 3": {[]plan.Limit{limitOf(plan.Calls, 1)}, 200_000,
			[]billing.Series{{Provider: "p", Usage: amounts(2, 0, 0, 5)}}, "[3]"},
		"sums beyond an integer": {[]plan.Limit{limitOf(plan.Cost, math.MaxInt64)}, 0,
			[]billing.Series{{Usage: amounts(1, 0, 0, math.MaxInt64)}, {Usage: amounts(1, 0, 0, math.MaxInt64)}},
			fmt.Sprint([]int64{1 << 62, 1 << 62})},
		"a series that costs nothing is billed none": {[]plan.Limit{limitOf(plan.Calls, 1)}, 0,
			[]billing.Series{{Usage: amounts(9, 0, 0, 0)}}, "[0]"},
	} {
		terms := billing.Terms{Limits: c.limits, MarkupMillionths: c.markup}
		got, err := terms.Overage(c.series, nil)
		if err != nil || fmt.Sprint(inPico(got)) != c.want {
			t.Errorf("%s: %v, %v, want %s", name, inPico(got), err, c.want)
		}
	}
	terms := billing.Terms{Limits: []plan.Limit{limitOf(plan.Calls, 1)}, MarkupMillionths: 2_000_000}
	_, err := terms.Overage([]billing.Series{{Provider: "gemini", Usage: amounts(9, 0, 0, math.MaxInt64)}}, nil)
	if !failure.Is(err, failure.Invalid) {
		t.Errorf("an amount that does not fit: %v", err)
	}
}

func inPico(amounts []pricing.USD) []int64 {
	pico := make([]int64, len(amounts))
	for i, a := range amounts {
		pico[i] = int64(a)
	}
	return pico
}

func anySeries() *rapid.Generator[[]billing.Series] {
	most := rapid.OneOf(rapid.Int64Range(0, 20), rapid.Int64Range(0, 1e15))
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) billing.Series {
		return billing.Series{Provider: rapid.SampledFrom([]string{"gemini", "openai", "exa"}).Draw(t, "provider"),
			Vendor: rapid.SampledFrom([]string{"google", "x"}).Draw(t, "vendor"),
			Usage: amounts(most.Draw(t, "calls"), most.Draw(t, "input"), most.Draw(t, "output"),
				pricing.USD(most.Draw(t, "cost")))}
	}), 0, 6)
}

func anyTerms() *rapid.Generator[billing.Terms] {
	return rapid.Custom(func(t *rapid.T) billing.Terms {
		limits := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) plan.Limit {
			l := limitOf(rapid.SampledFrom([]plan.Meter{plan.Calls, plan.Tokens, plan.Cost}).Draw(t, "meter"),
				rapid.OneOf(rapid.Int64Range(0, 30), rapid.Int64Range(0, 1e15)).Draw(t, "max"),
				rapid.SliceOfN(rapid.SampledFrom([]string{"gemini", "openai"}), 0, 2).Draw(t, "providers")...)
			l.Scope.Vendors = rapid.SliceOfN(rapid.Just("google"), 0, 1).Draw(t, "vendors")
			l.Unlimited = rapid.IntRange(0, 4).Draw(t, "unlimited") == 0
			l.Action = rapid.SampledFrom([]plan.Action{plan.Block, plan.Block, plan.Warn}).Draw(t, "action")
			return l
		}), 0, 4).Draw(t, "limits")
		return billing.Terms{Limits: limits,
			MarkupMillionths: rapid.SampledFrom([]int64{0, 1, 125_000, 200_000, 100_000_000}).Draw(t, "mark-up")}
	})
}

func overage(t *rapid.T, terms billing.Terms, series []billing.Series) []pricing.USD {
	got, err := terms.Overage(series, nil)
	if err != nil || len(got) != len(series) {
		t.Fatalf("%v, %v", got, err)
	}
	return got
}

// exceeded tells whether a limit is exceeded that covers a series and can be overrun.
func exceeded(terms billing.Terms, all []billing.Series, s billing.Series) bool {
	return slices.ContainsFunc(terms.Limits, func(l plan.Limit) bool {
		used := int64(0)
		for _, other := range all {
			if l.Scope.Covers(other.Provider, other.Vendor) {
				used += other.Usage.Of(l.Meter)
			}
		}
		return l.Action == plan.Block && !l.Unlimited && l.Max > 0 && used > l.Max &&
			l.Scope.Covers(s.Provider, s.Vendor)
	})
}

func TestOverageHasBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms, series := anyTerms().Draw(t, "terms"), anySeries().Draw(t, "series")
		for i, got := range overage(t, terms, series) {
			most := new(big.Rat).Mul(new(big.Rat).SetInt64(int64(series[i].Usage.Cost)),
				big.NewRat(1_000_000+terms.MarkupMillionths, 1_000_000))
			if got < 0 || new(big.Rat).SetInt64(int64(got)).Cmp(most) > 0 &&
				new(big.Rat).Sub(new(big.Rat).SetInt64(int64(got)), most).Cmp(big.NewRat(1, 2)) > 0 {
				t.Fatalf("series %d is billed %s for a cost of %s", i, got, series[i].Usage.Cost)
			}
			if terms.MarkupMillionths == 0 && got > series[i].Usage.Cost {
				t.Fatalf("series %d is billed %s, more than its cost of %s", i, got, series[i].Usage.Cost)
			}
			if got != 0 && !exceeded(terms, series, series[i]) {
				t.Fatalf("series %d is billed %s, and no limit is exceeded", i, got)
			}
		}
	})
}

// More usage is never billed less: neither of the series that grows, nor of another.
func TestOverageGrowsWithUsage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms, series := anyTerms().Draw(t, "terms"), anySeries().Draw(t, "series")
		more := slices.Clone(series)
		for _, added := range anySeries().Draw(t, "added") {
			if len(series) > 0 && rapid.Bool().Draw(t, "to one that is there") {
				i := rapid.IntRange(0, len(series)-1).Draw(t, "which")
				sum, err := more[i].Usage.Add(added.Usage)
				if err != nil {
					t.Fatal(err)
				}
				more[i].Usage = sum
			} else {
				more = append(more, added)
			}
		}
		before, after := overage(t, terms, series), overage(t, terms, more)
		for i := range before {
			if after[i] < before[i] {
				t.Fatalf("series %d was billed %s, and with more usage %s", i, before[i], after[i])
			}
		}
	})
}

// What is beyond a sum of dollars is billed as it is.
func TestOverageOfALimitOfCostIsWhatIsBeyondIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		series := anySeries().Draw(t, "series")
		l := limitOf(plan.Cost, rapid.Int64Range(1, 1e15).Draw(t, "max"))
		used, billed := int64(0), int64(0)
		for i, got := range overage(t, billing.Terms{Limits: []plan.Limit{l}}, series) {
			used, billed = used+int64(series[i].Usage.Cost), billed+int64(got)
		}
		if difference := billed - max(used-l.Max, 0); difference > int64(len(series)) ||
			-difference > int64(len(series)) {
			t.Fatalf("%d was used of %d, and %d is billed", used, l.Max, billed)
		}
	})
}
