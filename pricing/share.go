package pricing

import "math/big"

// PerMilleOf returns which part of a whole t is, in thousandths rounded half to even,
// and false where the whole is not above 0 or the part is beyond all sense. It is for
// what people read: nothing is billed by it.
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

// NearestCent returns t in whole cents, rounded half to even, for pages on which more
// decimals would only be in the way. What is exact stands elsewhere.
func (t Total) NearestCent() Total {
	cent := big.NewInt(int64(Dollar) / 100)
	n := HalfEven(t.value(), cent)
	return Total{n.Mul(n, cent)}
}

// HalfEven returns n / by, by being above 0, rounded to the nearest whole number and, in
// the middle between two, to the even one. It is how all money is rounded, where it is.
func HalfEven(n, by *big.Int) *big.Int {
	quotient, rest := new(big.Int).DivMod(n, by, new(big.Int)) // rest is 0 or more
	if c := rest.Lsh(rest, 1).Cmp(by); c > 0 || c == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return quotient
}
