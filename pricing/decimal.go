package pricing

import (
	"math/big"
	"strings"
)

// PerMilleOf returns which part of a whole t is, in thousandths rounded half to even. It returns false if the whole is
// not above 0 or the result does not fit an int64. It is for what people read: nothing is billed by it.
func (t Total) PerMilleOf(whole Total) (int64, bool) {
	if whole.value().Sign() <= 0 {
		return 0, false
	}
	n := HalfEven(new(big.Int).Mul(t.value(), big.NewInt(1000)), whole.value())
	if !n.IsInt64() {
		return 0, false
	}
	return n.Int64(), true
}

// NearestCent returns t in whole cents, rounded half to even, for pages on which more decimals would only be in the
// way.
func (t Total) NearestCent() Total {
	cent := big.NewInt(int64(Dollar) / 100)
	n := HalfEven(t.value(), cent)
	return Total{n.Mul(n, cent)}
}

// HalfEven returns n / by, for by above 0, rounded to the nearest whole number or, halfway between two, to the even
// one. Wherever money is rounded, it is rounded like this.
func HalfEven(n, by *big.Int) *big.Int {
	quotient, rest := new(big.Int).DivMod(n, by, new(big.Int)) // rest is 0 or more
	if c := rest.Lsh(rest, 1).Cmp(by); c > 0 || c == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return quotient
}

// Rounded returns the amount for people who need no more than whole cents: "$3.43". What would be shown as $0.00 and is
// not 0 is shown exactly.
func (u USD) Rounded() string {
	cents := TotalOf(u).NearestCent()
	if u != 0 && cents.value().Sign() == 0 {
		return u.Display()
	}
	return cents.Display()
}

// RoundedOf returns how much is used of an allowance, both as Rounded returns them. If that would make less than all of
// it look like all of it, the first is exact.
func (u USD) RoundedOf(allowed USD) (used, of string) {
	used, of = u.Rounded(), allowed.Rounded()
	if used == of && u < allowed {
		used = u.Display()
	}
	return used, of
}

// Decimal is an exact number in an export: of dollars or of something else. The zero value is no number at all, and its
// text is empty.
type Decimal struct{ exact *big.Rat }

// WholeDecimal returns a whole number.
func WholeDecimal(n int64) Decimal { return Decimal{new(big.Rat).SetInt64(n)} }

// DecimalOfParts returns so many parts of a unit that has a number of them.
func DecimalOfParts(n, ofUnit int64) Decimal { return Decimal{big.NewRat(n, ofUnit)} }

// DecimalOf returns an amount in dollars.
func DecimalOf(u USD) Decimal { return DollarsOf(new(big.Rat).SetInt64(int64(u))) }

// DollarsOf returns in dollars what is given in pico-dollars, of which there may be parts.
func DollarsOf(pico *big.Rat) Decimal {
	return Decimal{new(big.Rat).Quo(pico, new(big.Rat).SetInt64(int64(Dollar)))}
}

// String returns the number without exponent and trailing zeros, or "". Beyond 18 decimals, those of money and of a
// mark-up together, it is rounded.
func (d Decimal) String() string {
	if d.exact == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimRight(d.exact.FloatString(18), "0"), ".")
}
