// Package pricing holds exact money, prices, the price book, rating and the default price catalogue. It does no I/O and
// reads no clock.
package pricing

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// USD is an amount of money in pico-dollars (1e-12 USD). Every price of the catalogue is a whole number of them, so
// rating never rounds. The largest amount is about 9.2 million dollars; sums that may be larger are a Total.
type USD int64

const (
	// Dollar is one US dollar.
	Dollar USD = 1_000_000_000_000
	// Cent is what bills, credits and payments are counted in.
	Cent = Dollar / 100
	// decimals is how many decimal places a USD has.
	decimals = 12
	// longestAmount bounds what ParseUSD reads: no amount that fits needs more.
	longestAmount = 64
)

// ParseUSD reads an exact decimal amount of dollars: "3", "$0.035", "0.0000000375", "1e-06", "-$2.50". It never rounds:
// more than 12 decimals, or an amount beyond what a USD holds (±9,223,372 dollars and a bit), is an invalid failure,
// and so is everything that is no decimal number (NaN, Inf, hexadecimal, separators).
func ParseUSD(text string) (USD, error) {
	s := strings.TrimSpace(text)
	if len(s) > longestAmount {
		return 0, failure.Invalidf("%q… is not an amount: it is longer than %d characters", s[:20], longestAmount)
	}
	text, sign := s, ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	digits, exponent, ok := scanDecimal(strings.TrimPrefix(s, "$"))
	if !ok {
		return 0, failure.Invalidf("%q is not an amount: write a decimal number of dollars such as 0.000001, 1e-06 or $3",
			text)
	}
	digits, exponent = normalise(digits, exponent+decimals)
	if exponent < 0 {
		return 0, failure.Invalidf("%q has more than %d decimals: amounts are exact to 0.000000000001 dollars and are "+
			"never rounded", text, decimals)
	}
	tooLarge := failure.Invalidf("%q is too large: an amount is at most %s dollars", text, USD(math.MaxInt64))
	if len(digits)+exponent > 19 {
		return 0, tooLarge
	}
	n, err := strconv.ParseInt(sign+digits+strings.Repeat("0", exponent), 10, 64)
	if err != nil {
		return 0, tooLarge
	}
	return USD(n), nil
}

// scanDecimal splits digits[.digits][e[±]digits] into its digits without the point and the power of ten that the last
// digit stands for.
func scanDecimal(s string) (digits string, exponent int, ok bool) {
	mantissa, power, hasPower := strings.Cut(strings.ToLower(s), "e")
	if hasPower {
		n, err := strconv.Atoi(power)
		if err != nil || n > 1000 || n < -1000 {
			return "", 0, false
		}
		exponent = n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", 0, false
	}
	return digits, exponent - len(fraction), true
}

// normalise drops zeros that carry no value from both ends of digits.
func normalise(digits string, exponent int) (string, int) {
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return "0", 0
	}
	trimmed := strings.TrimRight(digits, "0")
	return trimmed, exponent + len(digits) - len(trimmed)
}

// ParseUnitPrice reads a price for one unit: an amount as ParseUSD takes it, or an amount for many units such as
// "3/1M", "1.5/1K" or "2/1000". The division must come out exact, and a price is never negative.
func ParseUnitPrice(text string) (USD, error) {
	amount, per, divided := strings.Cut(text, "/")
	text = failure.Shorten(text)
	price, err := ParseUSD(amount)
	if err != nil {
		return 0, err
	}
	if price < 0 {
		return 0, failure.Invalidf("%q is negative: a price is 0 or more", text)
	}
	if !divided {
		return price, nil
	}
	units, ok := parseUnits(strings.TrimSpace(per))
	if !ok {
		return 0, failure.Invalidf("%q is not a price: after the / write how many units it is for, such as 1M, 1K or 1000",
			text)
	}
	if int64(price)%units != 0 {
		return 0, failure.Invalidf("%q has more than %d decimals for one unit: prices are exact and are never rounded", text,
			decimals)
	}
	return price / USD(units), nil
}

func parseUnits(s string) (int64, bool) {
	factor := int64(1)
	switch {
	case strings.HasSuffix(s, "M"), strings.HasSuffix(s, "m"):
		factor, s = 1_000_000, s[:len(s)-1]
	case strings.HasSuffix(s, "K"), strings.HasSuffix(s, "k"):
		factor, s = 1_000, s[:len(s)-1]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/factor {
		return 0, false
	}
	return n * factor, true
}

// String returns the exact decimal text, as short as it can be: "3", "0.00155".
func (u USD) String() string { return decimalText(big.NewInt(int64(u)), 0) }

// Display returns the amount for people: with $, thousands separators, at least two decimals and as many more as the
// number needs: "$1,234.50", "$0.00155".
func (u USD) Display() string { return displayText(big.NewInt(int64(u))) }

// MarshalText writes the amount as String does, so that JSON carries a string.
func (u USD) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what ParseUSD takes.
func (u *USD) UnmarshalText(text []byte) error {
	parsed, err := ParseUSD(string(text))
	*u = parsed
	return err
}

// Add returns u + v, or an invalid failure where the sum does not fit.
func (u USD) Add(v USD) (USD, error) {
	sum := u + v
	if (sum > u) != (v > 0) {
		return 0, failure.Invalidf("the sum of %s and %s dollars is too large: an amount is at most %s dollars", u, v,
			USD(math.MaxInt64))
	}
	return sum, nil
}

// Split returns the whole dollars of an amount, rounded down, and the rest, which is never negative.
func (u USD) Split() (dollars int64, rest USD) {
	dollars, rest = int64(u/Dollar), u%Dollar
	if rest < 0 {
		return dollars - 1, rest + Dollar
	}
	return dollars, rest
}

// Times returns u * n for an n of 0 or more, or an invalid failure where the product does not fit.
func (u USD) Times(n int64) (USD, error) {
	magnitude, most := uint64(u), uint64(math.MaxInt64)
	if u < 0 {
		magnitude, most = -magnitude, most+1
	}
	hi, lo := bits.Mul64(magnitude, uint64(n))
	if n < 0 || hi != 0 || lo > most {
		return 0, failure.Invalidf("%d units of %s dollars are too much: an amount is at most %s dollars", n, u,
			USD(math.MaxInt64))
	}
	if u < 0 {
		return -USD(lo), nil
	}
	return USD(lo), nil
}

// decimalText writes pico-dollars as dollars with at least so many decimals.
func decimalText(pico *big.Int, atLeast int) string {
	s := new(big.Int).Abs(pico).String()
	if len(s) <= decimals {
		s = strings.Repeat("0", decimals+1-len(s)) + s
	}
	whole, fraction := s[:len(s)-decimals], strings.TrimRight(s[len(s)-decimals:], "0")
	if len(fraction) < atLeast {
		fraction += strings.Repeat("0", atLeast-len(fraction))
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if pico.Sign() < 0 {
		return "-" + whole
	}
	return whole
}

func displayText(pico *big.Int) string {
	s := decimalText(new(big.Int).Abs(pico), 2)
	point := strings.IndexByte(s, '.')
	for i := point - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if pico.Sign() < 0 {
		return "-$" + s
	}
	return "$" + s
}
