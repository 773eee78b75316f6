package pricing

import (
	"math/big"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// Total is a sum of money that may exceed what a USD holds, as totals over a whole fleet can. The zero value is no
// money; a Total is never changed.
type Total struct {
	pico *big.Int // nil means 0
}

// TotalOf returns a single amount as a Total.
func TotalOf(u USD) Total { return Total{big.NewInt(int64(u))} }

// TotalFromParts returns high*1e6 + low pico-dollars: a database sums the two parts of many amounts apart, since their
// plain sum may not fit its integers.
func TotalFromParts(high, low int64) Total {
	n := new(big.Int).Mul(big.NewInt(high), big.NewInt(TotalPart))
	return Total{n.Add(n, big.NewInt(low))}
}

// TotalPart is the divisor with which an amount is split into its high and low part for TotalFromParts.
const TotalPart = 1_000_000

// ParseTotal reads what String writes. Anything else is an invalid failure.
func ParseTotal(text string) (Total, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.TrimPrefix(whole, "-") != "" && len(fraction) <= decimals {
		n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10)
		if ok {
			return Total{n}, nil
		}
	}
	return Total{}, failure.Invalidf("%q is no exact amount of dollars", failure.Shorten(text))
}

// Add returns t + v.
func (t Total) Add(v Total) Total { return Total{new(big.Int).Add(t.value(), v.value())} }

// Sub returns t - v.
func (t Total) Sub(v Total) Total { return Total{new(big.Int).Sub(t.value(), v.value())} }

// Cmp compares: -1 where t is less than v, 0 where equal, +1 where more.
func (t Total) Cmp(v Total) int { return t.value().Cmp(v.value()) }

// Scale returns t * numerator / denominator in whole pico-dollars, rounded toward zero. It is for estimates, such as
// the projection of a running month, and for nothing that is billed.
func (t Total) Scale(numerator, denominator int64) Total {
	n := new(big.Int).Mul(t.value(), big.NewInt(numerator))
	return Total{n.Quo(n, big.NewInt(denominator))}
}

// Cents returns t in whole cents, rounded toward zero, for estimates and charts.
func (t Total) Cents() Total {
	cent := big.NewInt(int64(Dollar) / 100)
	n := new(big.Int).Quo(t.value(), cent)
	return Total{n.Mul(n, cent)}
}

// Float returns the amount in dollars as a floating-point number: for drawing a chart and for nothing else.
func (t Total) Float() float64 {
	f, _ := new(big.Rat).SetFrac(t.value(), big.NewInt(int64(Dollar))).Float64()
	return f
}

// String returns the exact decimal text, as USD.String does.
func (t Total) String() string { return decimalText(t.value(), 0) }

// Display returns the amount for people, as USD.Display does.
func (t Total) Display() string { return displayText(t.value()) }

// MarshalText writes the amount as String does.
func (t Total) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t Total) value() *big.Int {
	if t.pico == nil {
		return new(big.Int)
	}
	return t.pico
}
