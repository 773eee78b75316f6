package pricing_test

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// anyUSD draws from the whole range, its ends included.
func anyUSD() *rapid.Generator[pricing.USD] {
	return rapid.Custom(func(t *rapid.T) pricing.USD { return pricing.USD(rapid.Int64().Draw(t, "pico")) })
}

// wantInvalid checks that err is a failure for people: invalid, and not too long to be read.
func wantInvalid(t testing.TB, err error) {
	t.Helper()
	if !failure.Is(err, failure.Invalid) {
		t.Errorf("got %v, want an invalid failure", err)
	} else if len(err.Error()) > 5000 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}

func TestParseUSDAccepts(t *testing.T) {
	tests := []struct {
		text string
		want pricing.USD
	}{
		{"0", 0}, {"-0", 0}, {"0.0", 0}, {"0e99", 0}, {"$0", 0}, {"0.0000000000000000000", 0},
		{"3", 3 * pricing.Dollar}, {"$3", 3 * pricing.Dollar}, {"-3", -3 * pricing.Dollar},
		{"-$2.50", -5 * pricing.Dollar / 2},
		{" 3 ", 3 * pricing.Dollar}, {"\t3\n", 3 * pricing.Dollar}, {".5", pricing.Dollar / 2}, {"$.5", pricing.Dollar / 2},
		{"5.", 5 * pricing.Dollar}, {"000.5", pricing.Dollar / 2}, {"0.50", pricing.Dollar / 2},
		{"0.0000000375", 37_500}, {"0.00155", 1_550_000_000}, {"0.000000000001", 1}, {"-0.000000000001", -1},
		{"0.0000000000010", 1}, // 13 decimals, and none of them is lost
		{"1e-06", 1_000_000}, {"1E-06", 1_000_000}, {"1e-12", 1}, {"10e-13", 1}, {"1E+3", 1000 * pricing.Dollar},
		{"1e3", 1000 * pricing.Dollar},
		{"3.75e-08", 37_500}, {"0.000001e6", pricing.Dollar}, {"1500e-3", 3 * pricing.Dollar / 2},
		{".5e1", 5 * pricing.Dollar},
		{"0.000000000000000000000001e12", 1},
		{"9223372.036854775807", math.MaxInt64}, {"-9223372.036854775808", math.MinInt64},
		{"9223372036854775807e-12", math.MaxInt64},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := pricing.ParseUSD(tt.text)
			if err != nil || got != tt.want {
				t.Errorf("ParseUSD(%q) = %d, %v, want %d", tt.text, int64(got), err, int64(tt.want))
			}
		})
	}
}

// notAmounts are refused wherever money is read.
func notAmounts() []string {
	return []string{
		"", " ", "$", "-", "-$", ".", "$.", "e", "1e", "1e+", "e5", ".e1", "1e1e1", "1e1.5", "1e+-3", "1e 3",
		"NaN", "nan", "Inf", "-Inf", "+Inf", "infinity", "null", "true", "0x1p3", "0x10", "0b1", "1p3", "1_000", "1,000",
		"1 000", "1'000", "1,5",
		"+3", "--3", "$-3", "$$3", "3$", "€3", "3 USD", "1.2.3", "1..2",
		"0.0000000000001", "1e-13", "0.1234567890123", "1e-999", "1e-1001", "1e-999999999999999999999",
		"9223372.036854775808", "-9223372.036854775809", "9223373", "1e7", "1e18", "1e1000", "1e1001", "1e999999999",
		"1e99999999999999999999",
		"１２３", "٣", "1٫5", "½", "1\x00", "\x00", "3\n4", "\xff", "−3", "3\u200b", "\ufeff3",
		strings.Repeat("9", 65), strings.Repeat("0", 65), "0." + strings.Repeat("0", 10_000) + "1",
		strings.Repeat("é", 10_000),
	}
}

func TestParseUSDRefuses(t *testing.T) {
	for _, text := range notAmounts() {
		got, err := pricing.ParseUSD(text)
		if err == nil {
			t.Errorf("ParseUSD(%q) = %s, want a failure", failure.Shorten(text), got)
			continue
		}
		wantInvalid(t, err)
		if got != 0 {
			t.Errorf("ParseUSD(%q) = %s beside its failure", failure.Shorten(text), got)
		}
	}
}

// decimal is the grammar of an amount, written a second time.
var decimal = regexp.MustCompile(`^-?\$?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)

// pico calculates an amount independently; ok is false where it is not exact, or does not fit.
func pico(text string) (n int64, ok bool) {
	r, ok := new(big.Rat).SetString(strings.Replace(text, "$", "", 1))
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(1_000_000_000_000))
	return r.Num().Int64(), r.IsInt() && r.Num().IsInt64()
}

func TestParseUSDAgreesWithRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?\$?[0-9]{0,8}\.?[0-9]{0,14}([eE][+-]?[0-9]{1,2})?`).Draw(t, "text")
		checkParse(t, text)
	})
}

func checkParse(t rapid.TB, text string) {
	t.Helper()
	got, err := pricing.ParseUSD(text)
	text = strings.TrimSpace(text)
	var want int64
	ok := len(text) <= 64 && decimal.MatchString(text)
	if ok {
		// Rationals with such exponents take for ever; amounts have none.
		if _, power, found := strings.Cut(strings.ToLower(text), "e"); found && len(strings.TrimLeft(power, "+-0")) > 3 {
			return
		}
		want, ok = pico(text)
	}
	switch {
	case ok != (err == nil):
		t.Fatalf("ParseUSD(%q) = %s, %v; independently %d, %t", text, got, err, want, ok)
	case ok && int64(got) != want:
		t.Fatalf("ParseUSD(%q) = %d, independently %d", text, int64(got), want)
	case err != nil && !failure.Is(err, failure.Invalid):
		t.Fatalf("ParseUSD(%q) failed with %v, which is not an invalid failure", text, err)
	}
}

func FuzzParseUSD(f *testing.F) {
	for _, text := range append(notAmounts(), "3", "$0.035", "1e-06", "-$2.50", " .5 ", "9223372.036854775807",
		"-9223372.036854775808") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkParse(t, text)
		u, err := pricing.ParseUSD(text)
		if shown := strings.TrimSpace(text); err != nil && len(shown) <= 64 &&
			!strings.Contains(err.Error(), strconv.Quote(shown)) {
			t.Errorf("%q does not name %q", err, shown)
		}
		if err == nil {
			if again, err := pricing.ParseUSD(u.String()); err != nil || again != u {
				t.Errorf("%q is written %s and read back as %s, %v", text, u, again, err)
			}
		}
	})
}

func TestUSDRoundTrips(t *testing.T) {
	check := func(t rapid.TB, u pricing.USD) {
		for _, text := range []string{u.String(), " " + u.String() + "\n", u.String() + "e0",
			strings.ReplaceAll(u.Display(), ",", "")} {
			if got, err := pricing.ParseUSD(text); err != nil || got != u {
				t.Fatalf("%d is written %q and read back as %d, %v", int64(u), text, int64(got), err)
			}
		}
		encoded, err := json.Marshal(u)
		if err != nil || string(encoded) != `"`+u.String()+`"` {
			t.Fatalf("JSON of %s is %s, %v", u, encoded, err)
		}
		var decoded pricing.USD
		if err := json.Unmarshal(encoded, &decoded); err != nil || decoded != u {
			t.Fatalf("JSON %s is read back as %s, %v", encoded, decoded, err)
		}
		if want := new(big.Rat).SetFrac64(int64(u), int64(pricing.Dollar)); mustRat(u.String()).Cmp(want) != 0 {
			t.Fatalf("%d is written %s", int64(u), u)
		}
	}
	for _, u := range []pricing.USD{0, 1, -1, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, pricing.Dollar,
		-pricing.Dollar} {
		check(t, u)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, anyUSD().Draw(t, "u")) })
}

func mustRat(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("no number: " + text)
	}
	return r
}

func TestDisplay(t *testing.T) {
	tests := []struct {
		amount, plain, shown string
	}{
		{"0", "0", "$0.00"},
		{"3", "3", "$3.00"},
		{"3.5", "3.5", "$3.50"},
		{"-3.5", "-3.5", "-$3.50"},
		{"0.00155", "0.00155", "$0.00155"},
		{"0.000000000001", "0.000000000001", "$0.000000000001"},
		{"999.99", "999.99", "$999.99"},
		{"1000", "1000", "$1,000.00"},
		{"-1000", "-1000", "-$1,000.00"},
		{"1234.5", "1234.5", "$1,234.50"},
		{"123456.789", "123456.789", "$123,456.789"},
		{"9223372.036854775807", "9223372.036854775807", "$9,223,372.036854775807"},
		{"-9223372.036854775808", "-9223372.036854775808", "-$9,223,372.036854775808"},
	}
	for _, tt := range tests {
		t.Run(tt.amount, func(t *testing.T) {
			u, err := pricing.ParseUSD(tt.amount)
			if err != nil {
				t.Fatal(err)
			}
			if u.String() != tt.plain || u.Display() != tt.shown {
				t.Errorf("got %s and %s, want %s and %s", u, u.Display(), tt.plain, tt.shown)
			}
			if total := pricing.TotalOf(u); total.String() != tt.plain || total.Display() != tt.shown {
				t.Errorf("as a total %s and %s, want %s and %s", total, total.Display(), tt.plain, tt.shown)
			}
		})
	}
}

func TestParseUnitPrice(t *testing.T) {
	tests := []struct {
		text string
		want pricing.USD
	}{
		{"3/1M", 3_000_000}, {"3/1m", 3_000_000}, {"3 / 1M", 3_000_000}, {"$3/1000000", 3_000_000}, {"1.5/1K", 1_500_000_000},
		{"1.5/1k", 1_500_000_000},
		{"2/1000", 2_000_000_000}, {"0.0375/1M", 37_500}, {"0.000001", 1_000_000}, {"1e-06", 1_000_000},
		{"$3", 3 * pricing.Dollar},
		{"0/7", 0}, {"0", 0}, {"0.3/3", pricing.Dollar / 10}, {"1e-12/1", 1}, {" 5/10 ", pricing.Dollar / 2},
		{"0.000001/1M", 1},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			if got, err := pricing.ParseUnitPrice(tt.text); err != nil || got != tt.want {
				t.Errorf("ParseUnitPrice(%q) = %d, %v, want %d", tt.text, int64(got), err, int64(tt.want))
			}
		})
	}
	refused := append(notAmounts(), "0.1/3", "0.0000001/1M", "1/0", "1/-1", "1/0M", "1/M", "1/", "/1M", "/", "1/1M/1M",
		"1/1.5K", "1/1e6", "1/1G", "1/1 000",
		"-1", "-1/1M", "-0.000000000001", "1/9223372036854775808", "1/9223372036854775807K", "1/1MM", "1/0x10",
		"1/"+strings.Repeat("1", 10_000))
	for _, text := range refused {
		if got, err := pricing.ParseUnitPrice(text); err == nil {
			t.Errorf("ParseUnitPrice(%q) = %s, want a failure", failure.Shorten(text), got)
		} else {
			wantInvalid(t, err)
		}
	}
}

func FuzzParseUnitPrice(f *testing.F) {
	for _, text := range []string{"3/1M", "1.5/1K", "0.1/3", "2/1000", "1/0", "1/-1", "1e-06", "/", "$3/7m"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		price, err := pricing.ParseUnitPrice(text)
		if err != nil {
			wantInvalid(t, err)
			return
		}
		if price < 0 {
			t.Errorf("%q is a price of %s", text, price)
		}
		if again, err := pricing.ParseUnitPrice(price.String()); err != nil || again != price {
			t.Errorf("%q is written %s and read back as %s, %v", text, price, again, err)
		}
	})
}

func TestAddAndTimesAgreeWithIntegers(t *testing.T) {
	check := func(t rapid.TB, name string, got pricing.USD, err error, want *big.Int) {
		t.Helper()
		if want.IsInt64() != (err == nil) || err == nil && int64(got) != want.Int64() {
			t.Fatalf("%s = %d, %v, want %s", name, int64(got), err, want)
		}
		if err != nil && (!failure.Is(err, failure.Invalid) || got != 0) {
			t.Fatalf("%s = %d, %v", name, int64(got), err)
		}
	}
	add := func(t rapid.TB, u, v pricing.USD) {
		t.Helper()
		got, err := u.Add(v)
		check(t, "Add", got, err, new(big.Int).Add(big.NewInt(int64(u)), big.NewInt(int64(v))))
	}
	times := func(t rapid.TB, u pricing.USD, n int64) {
		t.Helper()
		got, err := u.Times(n)
		check(t, "Times", got, err, new(big.Int).Mul(big.NewInt(int64(u)), big.NewInt(n)))
	}
	ends := []pricing.USD{math.MinInt64, math.MinInt64 + 1, -2, -1, 0, 1, 2, math.MaxInt64 - 1, math.MaxInt64}
	for _, u := range ends {
		for _, v := range ends {
			add(t, u, v)
			if v >= 0 {
				times(t, u, int64(v))
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		u, v := anyUSD().Draw(t, "u"), anyUSD().Draw(t, "v")
		add(t, u, v)
		times(t, u, rapid.Int64Min(0).Draw(t, "n"))
		times(t, pricing.USD(rapid.Int64Range(-1e9, 1e9).Draw(t, "rate")), rapid.Int64Range(0, 1e10).Draw(t, "amount"))
	})
	for _, u := range ends {
		if got, err := u.Times(-1); err == nil {
			t.Errorf("a negative amount of units of %s makes %s", u, got)
		}
	}
}

func TestTotal(t *testing.T) {
	var zero pricing.Total
	if zero.String() != "0" || zero.Display() != "$0.00" || zero.Float() != 0 || zero.Cmp(pricing.TotalOf(0)) != 0 {
		t.Errorf("the zero total is %s, %s, %g", zero, zero.Display(), zero.Float())
	}
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOf(rapid.Int64()).Draw(t, "amounts")
		var sum pricing.Total
		want := new(big.Int)
		high, low := int64(0), int64(0)
		for _, n := range amounts {
			sum = sum.Add(pricing.TotalOf(pricing.USD(n)))
			want.Add(want, big.NewInt(n))
			high, low = high+n/pricing.TotalPart, low+n%pricing.TotalPart
		}
		exact := new(big.Rat).SetFrac(want, big.NewInt(int64(pricing.Dollar)))
		if mustRat(sum.String()).Cmp(exact) != 0 {
			t.Fatalf("the sum is %s, want %s", sum, exact.FloatString(12))
		}
		if parts := pricing.TotalFromParts(high, low); parts.Cmp(sum) != 0 {
			t.Fatalf("from parts it is %s, want %s", parts, sum)
		}
		if text, err := json.Marshal(sum); err != nil || string(text) != `"`+sum.String()+`"` {
			t.Fatalf("JSON is %s, %v", text, err)
		}
		if back := sum.Sub(sum); back.Cmp(pricing.Total{}) != 0 {
			t.Fatalf("%s less itself is %s", sum, back)
		}
		if f, _ := exact.Float64(); f != sum.Float() {
			t.Fatalf("as a float %g, want %g", sum.Float(), f)
		}
		over, under := rapid.Int64Range(0, 1e6).Draw(t, "numerator"), rapid.Int64Range(1, 1e6).Draw(t, "denominator")
		scaled := new(big.Int).Mul(want, big.NewInt(over))
		scaled.Quo(scaled, big.NewInt(under))
		if got := sum.Scale(over, under); mustRat(got.String()).Cmp(new(big.Rat).SetFrac(scaled,
			big.NewInt(int64(pricing.Dollar)))) != 0 {
			t.Fatalf("%s * %d / %d = %s", sum, over, under, got)
		}
	})
}

func TestTotalBeyondAnAmount(t *testing.T) {
	var sum pricing.Total
	for range 1000 {
		sum = sum.Add(pricing.TotalOf(math.MaxInt64))
	}
	if got := sum.Display(); got != "$9,223,372,036.854775807" {
		t.Errorf("got %s", got)
	}
}

func TestTotalCentsRoundTowardZero(t *testing.T) {
	for text, want := range map[string]string{"1.239": "1.23", "-1.239": "-1.23", "0.009": "0", "-0.009": "0", "2": "2"} {
		u, err := pricing.ParseUSD(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := pricing.TotalOf(u).Cents().String(); got != want {
			t.Errorf("%s in cents is %s, want %s", text, got, want)
		}
	}
}
