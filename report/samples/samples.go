// Package samples has bills, revenue and pages for the tests of report and its rooms.
package samples

import (
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Hostile is a text that would do harm: to a terminal, to a spreadsheet, to a browser.
const Hostile = "=1+1\x1b[31m<b>\n\u202e"

// Wide takes two columns of a terminal a character.
const Wide = "田中太郎"

// At returns the moment of a time as RFC 3339 has it.
func At(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// USD reads an amount.
func USD(text string) pricing.USD {
	u, err := pricing.ParseUSD(text)
	if err != nil {
		panic(err)
	}
	return u
}

// Total reads an amount.
func Total(text string) pricing.Total { return pricing.TotalOf(USD(text)) }

// Now is when the samples are looked at.
func Now() time.Time { return At("2026-11-23T10:00:00Z") }

// November is the period that runs then.
func November() plan.Period { return plan.CalendarMonth(Now()) }

// ProPlan is a plan with a limit of each kind.
func ProPlan() plan.Plan {
	return plan.Plan{ID: 2, Name: "Pro", Tier: "pro", Figures: plan.Figures{Monthly: USD("79"), Yearly: USD("790"),
		Limits: []plan.Limit{
			{Name: "gemini_calls", Meter: plan.Calls, Scope: plan.Scope{Providers: []string{"gemini", "openai"}}, Max: 1000,
				Action: plan.Block},
			{Name: "gemini_tokens", Meter: plan.Tokens, Scope: plan.Scope{Providers: []string{"gemini"}}, Max: 2_000_000,
				Action: plan.Warn},
			{Name: "video_calls", Meter: plan.Calls, Scope: plan.Scope{Providers: []string{"video"}}, Action: plan.Block},
			{Name: "wavespeed_calls", Meter: plan.Calls, Scope: plan.Scope{Vendors: []string{"wavespeed"}}, Unlimited: true,
				Action: plan.Block},
			{Name: "monthly_cost", Meter: plan.Cost, Max: int64(USD("150")), Action: plan.Block},
		}}, Description: "For teams",
		Features: []string{"full_research", "priority_support"}, Source: pricing.FromAdmin}
}
