package db

import (
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// state is what the audit log keeps of a thing: names and texts that people read
// and that do not change when the code does.
type state map[string]any

func planState(p plan.Plan) state {
	limits := map[string]string{}
	for _, l := range p.Limits {
		limits[l.Name] = l.MaxText() + " (" + string(l.Action) + ")"
	}
	return state{
		"name": p.Name, "tier": p.Tier, "monthly": p.Monthly, "yearly": p.Yearly, "description": p.Description,
		"features": append([]string{}, p.Features...), "overage": p.Overage.String(), "overage_markup": p.MarkupText(),
		"limits": limits, "source": p.Source,
	}
}

func priceState(p pricing.Price) state {
	s := state{"effective_from": p.EffectiveFrom, "source": p.Source}
	for i, rate := range p.Rates {
		if rate != 0 || pricing.Quantity(i) == pricing.CachedInputTokens && p.CachedPriced {
			s[pricing.Quantity(i).Unit()+"_cost"] = rate
		}
	}
	if p.Above != nil {
		s["above_input_tokens"] = p.Above.OverInputTokens
		s["above_input_token_cost"], s["above_output_token_cost"] = p.Above.InputToken, p.Above.OutputToken
	}
	return s
}

func providerState(p pricing.Provider) state {
	models := map[string]string{}
	for _, r := range p.VendorRules {
		models[r.Contains] = r.Vendor
	}
	return state{"vendor": p.Vendor, "models": models, "characters_are_input_tokens": p.CharactersAreInputTokens}
}
