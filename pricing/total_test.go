package pricing

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
)

func TestParseTotal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		high, low := rapid.Int64().Draw(rt, "high"), rapid.Int64Range(0, TotalPart-1).Draw(rt, "low")
		want := Total{new(big.Int).Mul(TotalFromParts(high, low).value(), big.NewInt(rapid.Int64Range(1, 1_000_000).Draw(rt,
			"times")))}
		got, err := ParseTotal(want.String())
		if err != nil || got.Cmp(want) != 0 {
			rt.Fatalf("%s is read as %s, %v", want, got, err)
		}
	})
	for _, text := range []string{"", ".", "-", "-.5", "x", "1.2.3", "1e3", "0.1234567890123", " 1", "1_0", "--1",
		"1.-5"} {
		if got, err := ParseTotal(text); !failure.Is(err, failure.Invalid) {
			t.Errorf("%q is read as %s, %v", text, got, err)
		}
	}
}
