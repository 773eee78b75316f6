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

// Each price that was used stands once with what it came to, however many rows, tiers and times it stands for; of more
// than four the range, with all that was used at them.
func TestChargedFor(t *testing.T) {
	const million = pricing.Dollar / 1_000_000
	at := func(rate pricing.USD, amount int64, change ...func(*billing.Charge)) billing.Charge {
		c := billing.Charge{ChargeKey: billing.ChargeKey{Unit: "input_token", Rate: rate, Basis: pricing.Exact},
			Amount: amount, Cost: rate * pricing.USD(amount)}
		for _, change := range change {
			change(&c)
		}
		return c
	}
	batch := func(c *billing.Charge) { c.Tier = "batch" }
	night := func(c *billing.Charge) { c.Band = "16:30-00:30 UTC" }
	long := func(c *billing.Charge) { c.Over = 200_000 }
	later := func(c *billing.Charge) { c.From = time.Date(2026, 10, 2, 0, 0, 0, 0, time.UTC) }
	told := billing.Charge{ChargeKey: billing.ChargeKey{Basis: pricing.Reported}, Amount: 3, Cost: pricing.Dollar}
	output := at(9*million, 1)
	output.Unit = "output_token"
	five := []billing.Charge{at(1*million, 1), at(2*million, 1), at(3*million, 1), at(4*million, 1), at(5*million, 10)}
	for _, test := range []struct {
		charges []billing.Charge
		q       pricing.Quantity
		want    string
	}{
		{nil, pricing.InputTokens, "[]"},
		{[]billing.Charge{at(million, 7), output}, pricing.InputTokens, "[{$1.00 per 1M 7 0.000007}]"},
		{[]billing.Charge{at(million, 7), output}, pricing.OutputTokens, "[{$9.00 per 1M 1 0.000009}]"},
		{[]billing.Charge{at(million, 7, batch)}, pricing.InputTokens, "[{$1.00 per 1M, batch 7 0.000007}]"},
		{[]billing.Charge{at(million, 7, long, batch)}, pricing.InputTokens,
			"[{$1.00 per 1M, over 200,000 input tokens a call, batch 7 0.000007}]"},
		{[]billing.Charge{at(million, 7, later)}, pricing.InputTokens, "[{$1.00 per 1M, from 2 Oct 7 0.000007}]"},
		{[]billing.Charge{at(million, 7, night), at(million, 1, night)}, pricing.InputTokens,
			"[{$1.00 per 1M, 16:30-00:30 UTC 8 0.000008}]"},
		{[]billing.Charge{at(million, 7, night), at(million, 1, batch)}, pricing.InputTokens,
			"[{$1.00 per 1M 8 0.000008}]"},
		{five, pricing.InputTokens,
			"[{$1.00 per 1M to $5.00 per 1M, in 5 different prices that an export lists 14 0.00006}]"},
		{append(five[:4:4], told), pricing.Requests, "[{as the vendor reported 3 1}]"},
		{[]billing.Charge{{Amount: 2, Cost: 5}}, pricing.Requests, "[{by prices no longer known 2 0.000000000005}]"},
	} {
		if got := fmt.Sprint(report.ChargedFor(test.charges, test.q)); got != test.want {
			t.Errorf("%s of %+v: got %s, want %s", test.q, test.charges, got, test.want)
		}
	}
}
