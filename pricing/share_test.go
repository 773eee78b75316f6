package pricing_test

import (
	"testing"

	"github.com/alwrity/alwrity-sub/pricing"
)

func TestPerMilleOf(t *testing.T) {
	for _, c := range []struct {
		part, whole string
		want        int64
		ok          bool
	}{
		{"1", "3", 333, true}, {"2", "3", 667, true}, {"-1", "3", -333, true}, {"-2", "3", -667, true}, {"5", "5", 1000, true}, {"0", "5", 0, true},
		{"0.0005", "1", 0, true}, {"0.0015", "1", 2, true}, {"0.0025", "1", 2, true}, {"-0.0005", "1", 0, true}, {"-0.0015", "1", -2, true},
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
	for text, want := range map[string]string{"0": "0", "1.004999": "1", "1.005": "1", "1.015": "1.02", "1.015000000001": "1.02", "-1.005": "-1", "-1.015": "-1.02",
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
