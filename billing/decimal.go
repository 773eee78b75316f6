package billing

import (
	"math/big"
	"strings"

	"github.com/alwrity/alwrity-sub/pricing"
)

// Decimal is an exact decimal number with up to 18 decimals: those of money and those of a mark-up. The zero value is
// no number at all, and its text is empty.
type Decimal struct {
	atto *big.Int // 1e-18; nil where there is no number
}

const (
	millionths    = 1_000_000
	attoOfPico    = millionths
	decimalPlaces = 18
)

// DecimalOf returns an amount of dollars.
func DecimalOf(u pricing.USD) Decimal {
	return Decimal{new(big.Int).Mul(big.NewInt(int64(u)), big.NewInt(attoOfPico))}
}

// WholeDecimal returns a whole number.
func WholeDecimal(n int64) Decimal {
	one := new(big.Int).Exp(big.NewInt(10), big.NewInt(decimalPlaces), nil)
	return Decimal{one.Mul(one, big.NewInt(n))}
}

// scaled returns an amount times a factor in millionths. It never rounds.
func scaled(u pricing.USD, factor int64) Decimal {
	return Decimal{new(big.Int).Mul(big.NewInt(int64(u)), big.NewInt(factor))}
}

// less returns d - e.
func (d Decimal) less(e Decimal) Decimal { return Decimal{new(big.Int).Sub(d.atto, e.atto)} }

// String returns the number without exponent and trailing zeros, or "".
func (d Decimal) String() string {
	if d.atto == nil {
		return ""
	}
	s := new(big.Int).Abs(d.atto).String()
	if len(s) <= decimalPlaces {
		s = strings.Repeat("0", decimalPlaces+1-len(s)) + s
	}
	whole, fraction := s[:len(s)-decimalPlaces], strings.TrimRight(s[len(s)-decimalPlaces:], "0")
	if fraction != "" {
		whole += "." + fraction
	}
	if d.atto.Sign() < 0 {
		return "-" + whole
	}
	return whole
}
