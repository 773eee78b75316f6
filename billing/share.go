package billing

import (
	"math/big"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// cent is one cent.
const cent = pricing.Dollar / 100

// share returns amount * part / whole, rounded half to even to a pico-dollar: a share of time, or of a quantity. It is
// an invalid failure where the result does not fit.
func share(amount pricing.USD, part, whole int64) (pricing.USD, error) {
	n := new(big.Int).Mul(big.NewInt(int64(amount)), big.NewInt(part))
	return halfEven(n, big.NewInt(whole))
}

// wholeCents rounds an amount half to even to whole cents.
func wholeCents(amount pricing.USD) (pricing.USD, error) {
	cents, err := halfEven(big.NewInt(int64(amount)), big.NewInt(int64(cent)))
	if err != nil {
		return 0, err
	}
	return cents.Times(int64(cent))
}

// halfEven returns n / by as an amount, rounded half to even: see pricing.HalfEven.
func halfEven(n, by *big.Int) (pricing.USD, error) {
	quotient := pricing.HalfEven(n, by)
	if !quotient.IsInt64() {
		return 0, failure.Invalidf("an amount of a bill is too large: it is at most %s dollars", pricing.USD(1<<63-1))
	}
	return pricing.USD(quotient.Int64()), nil
}
