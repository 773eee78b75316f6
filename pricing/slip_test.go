package pricing_test

import (
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/pricing"
)

func TestCheckSlip(t *testing.T) {
	const perMillion = pricing.Dollar / 1_000_000
	price := func(q pricing.Quantity, rate pricing.USD) pricing.Price {
		p := pricing.Price{Provider: "openai", Model: "m"}
		p.Rates[q] = rate
		return p
	}
	for _, c := range []struct {
		name   string
		before *pricing.Price
		p      pricing.Price
		want   string // in the message; "": it passes
	}{
		{"a new price", nil, price(pricing.InputTokens, 3*perMillion), ""},
		{"without /1M", nil, price(pricing.InputTokens, 3*pricing.Dollar), "one input_token of openai m would cost $3"},
		{"a dollar exactly", nil, price(pricing.OutputTokens, pricing.Dollar), ""},
		{"a dear image", nil, price(pricing.Images, 3*pricing.Dollar), ""},
		{"20 times", new(price(pricing.InputTokens, perMillion)), price(pricing.InputTokens, 20*perMillion), ""},
		{"a little more", new(price(pricing.InputTokens, perMillion)), price(pricing.InputTokens, 20*perMillion+1),
			"20 times the $0.000001"},
		{"1000 times", new(price(pricing.Images, pricing.Dollar/1000)), price(pricing.Images, pricing.Dollar),
			"1000 times the $0.001"},
		{"a twentieth", new(price(pricing.InputTokens, 20*perMillion)), price(pricing.InputTokens, perMillion), ""},
		{"less", new(price(pricing.InputTokens, 20*perMillion)), price(pricing.InputTokens, perMillion-1), "1/20 of the"},
		{"free from now on", new(price(pricing.InputTokens, 20*perMillion)), price(pricing.InputTokens, 0), ""},
		{"free until now", new(price(pricing.InputTokens, 0)), price(pricing.InputTokens, 20*perMillion), ""},
		{"a part at first", new(price(pricing.InputTokens, perMillion)), price(pricing.CachedInputTokens, 20*perMillion), ""},
		{"a part far off", new(price(pricing.InputTokens, perMillion)), price(pricing.CachedInputTokens, 21*perMillion),
			"21 times the $0.000001"},
		{"a part for nearly nothing", new(price(pricing.InputTokens, 50*perMillion)),
			price(pricing.CachedInputTokens, perMillion),
			""},
		{"audio", new(price(pricing.InputTokens, perMillion)), price(pricing.AudioInputTokens, 60*perMillion), ""},
		{"another thing", new(price(pricing.Requests, 1)), price(pricing.InputTokens, 20*perMillion), ""},
	} {
		err := c.p.CheckSlip(c.before)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	long := price(pricing.InputTokens, perMillion)
	long.Above = &pricing.LongContext{OverInputTokens: 200_000, InputToken: 2 * pricing.Dollar}
	if err := long.CheckSlip(nil); err == nil || !strings.Contains(err.Error(), "of a long call") {
		t.Errorf("a long call: %v", err)
	}
}
