package pricing_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/pricing"
)

func TestPerMilleOf(t *testing.T) {
	for _, c := range []struct {
		part, whole string
		want        int64
		ok          bool
	}{
		{"1", "3", 333, true}, {"2", "3", 667, true}, {"-1", "3", -333, true}, {"-2", "3", -667, true},
		{"5", "5", 1000, true}, {"0", "5", 0, true},
		{"0.0005", "1", 0, true}, {"0.0015", "1", 2, true}, {"0.0025", "1", 2, true}, {"-0.0005", "1", 0, true},
		{"-0.0015", "1", -2, true},
		{"12", "0", 0, false}, {"12", "-4", 0, false}, {"99999999999999999999999", "0.000000000001", 0, false},
	} {
		part, err := pricing.ParseTotal(c.part)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := pricing.ParseTotal(c.whole)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := part.PerMilleOf(whole); got != c.want || ok != c.ok {
			t.Errorf("%s of %s is %d, %v; want %d, %v", c.part, c.whole, got, ok, c.want, c.ok)
		}
	}
	if _, ok := (pricing.Total{}).PerMilleOf(pricing.Total{}); ok {
		t.Error("nothing is a part of nothing")
	}
}

func TestNearestCent(t *testing.T) {
	for text, want := range map[string]string{"0": "0", "1.004999": "1", "1.005": "1", "1.015": "1.02",
		"1.015000000001": "1.02", "-1.005": "-1", "-1.015": "-1.02",
		"-0.004": "0", "99999999999999999999.999": "100000000000000000000"} {
		total, err := pricing.ParseTotal(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := total.NearestCent().String(); got != want {
			t.Errorf("%s in whole cents is %s, want %s", text, got, want)
		}
	}
}

// Nothing is nearer, and of two that are as near it is the even one.
func TestHalfEven(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n, by := big.NewInt(rapid.Int64().Draw(rt, "n")), big.NewInt(rapid.Int64Range(1,
			1<<rapid.IntRange(1, 62).Draw(rt, "bits")).Draw(rt, "by"))
		got := pricing.HalfEven(n, by)
		off := new(big.Int).Sub(n, new(big.Int).Mul(got, by))
		if c := off.Lsh(off.Abs(off), 1).Cmp(by); c > 0 || c == 0 && got.Bit(0) == 1 {
			rt.Errorf("%s / %s is %s", n, by, got)
		}
	})
}

func TestRounded(t *testing.T) {
	for _, c := range []struct{ used, allowed, want, of string }{
		{"3.4278", "3.333333333333", "$3.43", "$3.33"},
		{"0", "5", "$0.00", "$5.00"},
		{"0.0012", "5", "$0.0012", "$5.00"},
		{"24.9999", "25", "$24.9999", "$25.00"},
		{"25.000000000012", "25", "$25.00", "$25.00"},
		{"1234.565", "0.0005", "$1,234.56", "$0.0005"},
		{"-0.125", "1", "-$0.12", "$1.00"},
	} {
		used, err := pricing.ParseUSD(c.used)
		if err != nil {
			t.Fatal(err)
		}
		allowed, err := pricing.ParseUSD(c.allowed)
		if err != nil {
			t.Fatal(err)
		}
		if got, of := used.RoundedOf(allowed); got != c.want || of != c.of {
			t.Errorf("%s of %s is %s of %s, want %s of %s", c.used, c.allowed, got, of, c.want, c.of)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, test := range []struct {
		number pricing.Decimal
		want   string
	}{
		{pricing.Decimal{}, ""},
		{pricing.WholeDecimal(0), "0"},
		{pricing.WholeDecimal(-1), "-1"},
		{pricing.WholeDecimal(math.MaxInt64), "9223372036854775807"},
		{pricing.DecimalOf(0), "0"},
		{pricing.DecimalOf(-1), "-0.000000000001"},
		{pricing.DecimalOf(12 * pricing.Dollar / 10), "1.2"},
		{pricing.DecimalOf(math.MinInt64), "-9223372.036854775808"},
	} {
		if got := test.number.String(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
