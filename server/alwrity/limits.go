package alwrity

import (
	"strings"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// limitKeys are the limits that the client reads, each of which must be there.
func limitKeys() []string {
	return []string{"ai_text_generation_calls", "gemini_calls", "openai_calls", "anthropic_calls", "mistral_calls",
		"huggingface_calls", "tavily_calls", "serper_calls", "metaphor_calls", "firecrawl_calls", "stability_calls",
		"exa_calls", "video_calls", "image_edit_calls", "audio_calls", "wavespeed_calls", "gemini_tokens", "openai_tokens",
		"anthropic_tokens", "mistral_tokens", "huggingface_tokens", costKey}
}

const costKey = "monthly_cost"

// limitNamed returns the limit of a plan that a key of theirs stands for. A plan without it does not limit that.
func limitNamed(limits []plan.Limit, key string) (plan.Limit, bool) {
	names := []string{key}
	for _, meter := range []string{"_calls", "_tokens"} {
		if key == mistral+meter || key == huggingface+meter {
			names = []string{huggingface + meter, mistral + meter}
		}
	}
	for _, name := range names {
		for _, l := range limits {
			if l.Name == name && strings.HasSuffix(key, "_"+string(l.Meter)) {
				return l, true
			}
		}
	}
	return plan.Limit{Name: key, Unlimited: true}, false
}

// limitsOf are the limits of a plan as numbers, in which 0 stands for unlimited and for not included alike.
func limitsOf(p plan.Plan) map[string]any {
	numbers := map[string]any{}
	for _, l := range p.Limits {
		numbers[l.Name] = limitNumber(l)
	}
	for _, key := range limitKeys() {
		l, _ := limitNamed(p.Limits, key)
		numbers[key] = limitNumber(l)
	}
	return numbers
}

func limitNumber(l plan.Limit) any {
	switch {
	case l.Unlimited:
		return 0
	case l.Meter == plan.Cost:
		return amountOf(l, l.Max)
	}
	return l.Max
}

// explainedLimits are limitsOf with what each 0 means.
func explainedLimits(p plan.Plan) map[string]any {
	numbers, meanings := limitsOf(p), map[string]string{}
	for _, key := range limitKeys() {
		switch l, _ := limitNamed(p.Limits, key); {
		case l.Unlimited:
			meanings[key] = "unlimited"
		case l.Max == 0:
			meanings[key] = "disabled"
		default:
			meanings[key] = "limited"
		}
	}
	numbers["_zero_means"] = meanings
	return numbers
}

// planLimits are a plan with its limits, as usage is shown against it.
type planLimits struct {
	PlanName string         `json:"plan_name"`
	Tier     string         `json:"tier"`
	Limits   map[string]any `json:"limits"`
	Features []string       `json:"features"`
}

func planLimitsOf(p plan.Plan, among plan.Plans) planLimits {
	return planLimits{p.Name, tierOf(p, among), limitsOf(p), featuresOf(p)}
}

func featuresOf(p plan.Plan) []string { return append([]string{}, p.Features...) }

// percentagesOf says how much of each limit is used. Of what is not limited it is 0: the client takes the number of
// calls for a percentage that is missing.
func percentagesOf(u usage.PeriodUsage) map[string]any {
	shares := map[string]any{"gemini_calls": 0, "huggingface_calls": 0, "cost": 0}
	limits := make([]plan.Limit, len(u.Limits))
	for i, v := range u.Limits {
		limits[i] = v.Limit
	}
	set := func(as, key string) {
		l, ok := limitNamed(limits, key)
		if !ok || l.Unlimited || l.Max == 0 {
			return
		}
		for _, v := range u.Limits {
			if share, has := v.PerMille(); v.Limit.Name == l.Name && has {
				shares[as] = percent(share)
			}
		}
	}
	for _, provider := range shownProviders() {
		set(provider+"_calls", provider+"_calls")
	}
	set("cost", costKey)
	return shares
}
