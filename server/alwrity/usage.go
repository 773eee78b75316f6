package alwrity

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageStats struct {
	BillingPeriod    string                   `json:"billing_period"`
	UsageStatus      string                   `json:"usage_status"`
	TotalCalls       int64                    `json:"total_calls"`
	TotalTokens      int64                    `json:"total_tokens"`
	TotalCost        json.Number              `json:"total_cost"`
	AvgResponseTime  json.Number              `json:"avg_response_time"`
	ErrorRate        json.Number              `json:"error_rate"`
	LastUpdated      string                   `json:"last_updated"`
	Limits           planLimits               `json:"limits"`
	Providers        map[string]providerShape `json:"provider_breakdown"`
	UsagePercentages map[string]any           `json:"usage_percentages"`
	Alerts           []alertShape             `json:"alerts"`
	History          []periodShape            `json:"historical_breakdown"`
}

type providerShape struct {
	Calls  int64       `json:"calls"`
	Tokens int64       `json:"tokens"`
	Cost   json.Number `json:"cost"`
}

type periodShape struct {
	BillingPeriod string      `json:"billing_period"`
	TotalCalls    int64       `json:"total_calls"`
	TotalTokens   int64       `json:"total_tokens"`
	TotalCost     json.Number `json:"total_cost"`
	UsageStatus   string      `json:"usage_status"`
	UpdatedAt     string      `json:"updated_at"`
}

// statsOf are the figures of a period, beside how the latest calls went.
func statsOf(u usage.PeriodUsage, latest usage.Latest, among plan.Plans, now time.Time) usageStats {
	s := usageStats{
		BillingPeriod: periodName(u.Period), UsageStatus: string(u.LimitStatus), Limits: planLimitsOf(u.Plan, among),
		UsagePercentages: percentagesOf(u), Alerts: []alertShape{}, History: []periodShape{},
	}
	s.sum(u.Sum, u.Providers, latest, now)
	return s
}

// sum fills in what was used.
func (s *usageStats) sum(sum usage.ProviderUsage, providers []usage.ProviderUsage, latest usage.Latest, now time.Time) {
	s.TotalCalls, s.TotalTokens, s.TotalCost = sum.Calls, sum.Tokens(), dollars(sum.Cost)
	s.ErrorRate = percent(shareOf(sum.Errors, usage.AtMost(sum.Calls, sum.Errors)))
	s.AvgResponseTime, s.LastUpdated = seconds(latest.ResponseTimeMS), stamp(now)
	if !latest.At.IsZero() {
		s.LastUpdated = stamp(latest.At)
	}
	s.Providers = breakdownOf(providers)
}

// shareOf returns which part of a whole something is, in thousandths.
func shareOf(part, whole int64) int64 {
	share, _ := usage.LimitUse{Used: part, Limit: plan.Limit{Max: whole}}.PerMille()
	return share
}

// breakdownOf says what was used by provider. Where there was any use, every provider is in it that the client shows.
func breakdownOf(providers []usage.ProviderUsage) map[string]providerShape {
	sums := map[string]usage.ProviderUsage{}
	for _, p := range providers {
		sum := sums[shownAs(p.Provider)]
		sum.Calls, sum.InputTokens = usage.AtMost(sum.Calls, p.Calls), usage.AtMost(sum.InputTokens, p.Tokens())
		sum.Cost = pricing.USD(usage.AtMost(int64(sum.Cost), int64(p.Cost)))
		sums[shownAs(p.Provider)] = sum
	}
	if len(sums) > 0 {
		for _, name := range shownProviders() {
			if _, used := sums[name]; !used {
				sums[name] = usage.ProviderUsage{}
			}
		}
	}
	shapes := map[string]providerShape{}
	for name, sum := range sums {
		shapes[name] = providerShape{sum.Calls, sum.Tokens(), dollars(sum.Cost)}
	}
	return shapes
}

// allTimeOf are the figures of all periods.
func allTimeOf(h usage.UserHistory, latest usage.Latest, now time.Time) usageStats {
	s := statsOf(h.Running, latest, h.Account.Plans, now)
	s.BillingPeriod = allTime
	s.UsagePercentages = map[string]any{"gemini_calls": 0, "huggingface_calls": 0, "cost": 0}
	sum, providers := h.Total()
	s.sum(sum, providers, latest, now)
	for _, p := range h.Periods {
		updated := p.Period.End
		if updated.After(now) {
			updated = now
		}
		s.History = append(s.History, periodShape{periodName(p.Period), p.Sum.Calls, p.Sum.Tokens(), dollars(p.Sum.Cost),
			string(p.LimitStatus), stamp(updated)})
	}
	return s
}

// monthStats are the figures of the period that began in a month.
func monthStats(c *web.Call, user string, month plan.Month) (usageStats, error) {
	used, err := c.Usage.ShowMonth(c.Context(), user, month, c.Now)
	if err != nil {
		return usageStats{}, err
	}
	all, _, err := c.Catalogue.Plans(c.Context(), c.Now, c.Now)
	if err != nil {
		return usageStats{}, err
	}
	latest, err := c.Reports.Latest(c.Context(), user, used.Period.Start, used.Period.End)
	return statsOf(used, latest, all, c.Now), err
}

// showUsage answers with what a user has used: in the running period, in that of a month, or, asked for all, at all
// times.
func showUsage(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	user := in.user(c)
	month, all := in.month()
	if err := in.err(); err != nil {
		return err
	}
	if month != 0 {
		stats, err := monthStats(c, user, month)
		if err != nil {
			return err
		}
		return answer(w, stats)
	}
	h, err := c.Usage.History(c.Context(), user, c.Now)
	if err != nil {
		return err
	}
	var from time.Time
	if !all {
		from = h.Running.Period.Start
	}
	latest, err := c.Reports.Latest(c.Context(), user, from, time.Time{})
	if err != nil {
		return err
	}
	if all {
		return answer(w, allTimeOf(h, latest, c.Now))
	}
	return answer(w, statsOf(h.Running, latest, h.Account.Plans, c.Now))
}
