package alwrity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// dollars writes money as the client reads it: a JSON number, with every decimal that it has.
func dollars(u pricing.USD) json.Number { return json.Number(u.String()) }

// money is an amount that is written so.
type money struct{ pricing.Total }

// MarshalJSON implements json.Marshaler.
func (m money) MarshalJSON() ([]byte, error) { return []byte(m.String()), nil }

// percent writes thousandths as percent.
func percent(perMille int64) json.Number {
	return json.Number(fmt.Sprintf("%d.%d", perMille/10, perMille%10))
}

// seconds writes milliseconds as seconds.
func seconds(ms int64) json.Number { return json.Number(fmt.Sprintf("%d.%03d", ms/1000, ms%1000)) }

// stamp writes a moment, with the Z without which a browser takes it for local time.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// stampOrNull is stamp, and null for no moment.
func stampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := stamp(t)
	return &text
}

// textOrNull is null for a text that is not given.
func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// periodName is a billing_period: the month in which a period began.
func periodName(p plan.Period) string { return plan.MonthOf(p.Start).String() }

// tiers are those that the client knows, the smallest first.
func tiers() []string { return []string{plan.DefaultTier, "basic", "pro", "enterprise"} }

// tierOf returns the tier that the client is told of a plan. A tier that it does not know would break its pages: such a
// plan is free where it costs nothing, else of the dearest known tier that does not cost more.
func tierOf(p plan.Plan, among plan.Plans) string {
	if tier := strings.ToLower(p.Tier); slices.Contains(tiers(), tier) {
		return tier
	}
	if p.Monthly == 0 && p.Yearly == 0 {
		return plan.DefaultTier
	}
	mapped := tiers()[1]
	for _, tier := range tiers()[1:] {
		for _, known := range among {
			if !known.Withdrawn && known.Tier == tier && known.Monthly <= p.Monthly {
				mapped = tier
			}
		}
	}
	return mapped
}

// The providers that are known by another name here. What ALwrity calls mistral is Hugging Face, and its client shows
// it under that name.
const (
	huggingface = "huggingface"
	mistral     = "mistral"
)

// shownProviders are the providers that the client has a place for.
func shownProviders() []string {
	return []string{"gemini", "openai", "anthropic", huggingface, "wavespeed", "exa", "tavily", "serper", "firecrawl",
		"metaphor", "stability", "video", "image_edit", "audio"}
}

// shownAs returns the name under which the client shows a provider.
func shownAs(provider string) string {
	if provider == mistral {
		return huggingface
	}
	return provider
}

// ours returns the providers that are meant by a name of theirs.
func ours(name string) []string {
	switch name = strings.ToLower(strings.TrimSpace(name)); name {
	case "":
		return nil
	case mistral, huggingface:
		return []string{huggingface, mistral}
	case "fal", "fal-ai":
		return []string{"video"}
	}
	return []string{name}
}

// subscriptionStatus says in their words how a subscription does.
func subscriptionStatus(st billing.Standing) string {
	switch {
	case st.Status == plan.Suspended:
		return "suspended"
	case st.Status.Ended():
		return "cancelled"
	case st.PastDue:
		return "past_due"
	}
	return "active"
}

// reasonOf says why a user may not call the API, or what is to be done; "" for nothing.
func reasonOf(st billing.Standing) string {
	switch {
	case st.Status == plan.Suspended && st.SuspendedUnpaid:
		return "Subscription suspended: a bill was not paid"
	case st.Status == plan.Suspended:
		return "Subscription suspended"
	case st.Status == plan.Cancelled:
		return "Subscription cancelled"
	case st.Status == plan.Expired:
		return "Subscription expired"
	case st.PastDue:
		return "A bill is past due"
	}
	return ""
}
