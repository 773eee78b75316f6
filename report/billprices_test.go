package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

// Each price of a thing stands once, however often it came again, and of more than four the range.
func TestUnitPricesStandOnce(t *testing.T) {
	of := func(rates ...pricing.USD) (prices []billing.UnitPrice) {
		for i, rate := range rates {
			prices = append(prices, billing.UnitPrice{From: time.Date(2026, 10, 1+i, 0, 0, 0, 0, time.UTC),
				Rates: map[string]pricing.USD{"request": rate}})
		}
		return prices
	}
	const cent = pricing.Dollar / 100
	var hourly []pricing.USD
	for i := range 83 {
		hourly = append(hourly, pricing.USD(1+i%2)*cent)
	}
	for want, prices := range map[string][]billing.UnitPrice{
		"$0.01 each":                                      of(cent, cent),
		"$0.01 each; from 2 Oct $0.02 each":               of(cent, 2*cent),
		"$0.01 each; $0.02 each":                          of(hourly...),
		"$0.01 each to $0.05 each, in 5 different prices": of(cent, 2*cent, 5*cent, 3*cent, 4*cent, cent),
		"": nil,
	} {
		got := strings.Join(report.UnitPrices(prices, pricing.Requests), "; ")
		if got, _, _ = strings.Cut(got, " that an export lists"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if n := len(fmt.Sprint(report.UnitPrices(of(hourly...), pricing.Requests))); n > 60 {
		t.Errorf("hourly prices take %d characters", n)
	}
}
