package pricing_test

import (
	"testing"

	"github.com/alwrity/alwrity-sub/pricing"
)

func TestRoundly(t *testing.T) {
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
		if got, of := used.RoundlyOf(allowed); got != c.want || of != c.of {
			t.Errorf("%s of %s is %s of %s, want %s of %s", c.used, c.allowed, got, of, c.want, c.of)
		}
	}
}
