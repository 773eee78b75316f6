package alwrity

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

type renewalShape struct {
	ID            int64        `json:"id"`
	PlanName      string       `json:"plan_name"`
	PlanTier      string       `json:"plan_tier"`
	PreviousStart *string      `json:"previous_period_start"`
	PreviousEnd   *string      `json:"previous_period_end"`
	NewStart      string       `json:"new_period_start"`
	NewEnd        string       `json:"new_period_end"`
	BillingCycle  string       `json:"billing_cycle"`
	RenewalType   string       `json:"renewal_type"`
	RenewalCount  int          `json:"renewal_count"`
	PreviousPlan  *string      `json:"previous_plan_name"`
	PreviousTier  *string      `json:"previous_plan_tier"`
	UsageBefore   *usageBefore `json:"usage_before_renewal"`
	PaymentAmount json.Number  `json:"payment_amount"`
	PaymentStatus string       `json:"payment_status"`
	PaymentDate   *string      `json:"payment_date"`
	CreatedAt     string       `json:"created_at"`
}

// usageBefore is what was used in the period before a renewal.
type usageBefore struct {
	Calls        int64       `json:"total_calls"`
	Tokens       int64       `json:"total_tokens"`
	Cost         json.Number `json:"total_cost"`
	GeminiCalls  int64       `json:"gemini_calls"`
	MistralCalls int64       `json:"mistral_calls"`
	UsageStatus  string      `json:"usage_status"`
}

type renewalPage struct {
	Renewals   []renewalShape `json:"renewals"`
	TotalCount int            `json:"total_count"`
	Limit      int            `json:"limit"`
	Offset     int            `json:"offset"`
	HasMore    bool           `json:"has_more"`
}

// renewals answers with a page of a user's renewals, the newest first.
func renewals(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	user, limit, offset := in.user(c), in.number("limit", 50, 1, 100), in.number("offset", 0, 0, farthest)
	if err := in.err(); err != nil {
		return err
	}
	all, err := c.Billing.Renewals(c.Context(), user)
	if err != nil {
		return err
	}
	h, err := c.Usage.History(c.Context(), user, c.Now)
	if err != nil {
		return err
	}
	first := min(offset, len(all))
	page := all[first:min(first+limit, len(all))]
	body := renewalPage{Renewals: []renewalShape{}, TotalCount: len(all), Limit: limit, Offset: offset,
		HasMore: first+len(page) < len(all)}
	for _, r := range page {
		body.Renewals = append(body.Renewals, renewalOf(r, h))
	}
	return answer(w, body)
}

func renewalOf(r billing.Renewal, h usage.UserHistory) renewalShape {
	cycle := r.PaidCycle()
	s := renewalShape{
		ID: r.ID, PlanName: r.PlanAfter, PlanTier: tierNamed(r.PlanAfter, h), NewStart: stamp(cycle.Start),
		NewEnd: stamp(cycle.End), BillingCycle: string(r.Cycle), RenewalType: string(r.Action), RenewalCount: r.Count,
		PaymentAmount: dollars(r.Amount), PaymentStatus: paymentStatus(r.Status), PaymentDate: stampOrNull(r.PaidAt),
		CreatedAt: stamp(r.RecordedAt),
	}
	if r.Before != nil {
		before := r.Before.PaidCycleBefore(r.EffectiveAt)
		tier := tierNamed(r.PlanBefore, h)
		s.PreviousStart, s.PreviousEnd = stampOrNull(before.Start), stampOrNull(before.End)
		s.PreviousPlan, s.PreviousTier = textOrNull(r.PlanBefore), &tier
		s.UsageBefore = usageBeforeOf(r, h)
	}
	return s
}

// tierNamed returns the tier of a plan by its name.
func tierNamed(name string, h usage.UserHistory) string {
	for _, p := range h.Account.Plans {
		if p.Name == name {
			return tierOf(p, h.Account.Plans)
		}
	}
	return tiers()[0]
}

func usageBeforeOf(r billing.Renewal, h usage.UserHistory) *usageBefore {
	u := &usageBefore{Calls: r.CallsBefore, Tokens: r.TokensBefore, Cost: dollars(r.CostBefore),
		UsageStatus: string(usage.LimitsActive)}
	for _, p := range h.Periods {
		if !p.Period.Start.Equal(r.PeriodBefore.Start) {
			continue
		}
		u.UsageStatus = string(p.LimitStatus)
		for _, used := range p.Providers { // of the whole period: at most what was used until then
			switch shownAs(used.Provider) {
			case "gemini":
				u.GeminiCalls = min(used.Calls, r.CallsBefore)
			case huggingface:
				u.MistralCalls = min(u.MistralCalls+used.Calls, r.CallsBefore)
			}
		}
	}
	return u
}

func paymentStatus(s billing.Status) string {
	switch s {
	case billing.Paid:
		return "paid"
	case billing.PastDue:
		return "failed"
	}
	return "pending"
}

// The ages at which the original thins out its history, in days. Here all of it stays as it is.
const (
	compressAfter  = 365
	summarizeAfter = 730
	archiveAfter   = 2555
)

// retention answers how old a user's renewals are.
func retention(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	user := in.user(c)
	if err := in.err(); err != nil {
		return err
	}
	all, err := c.Billing.Renewals(c.Context(), user)
	if err != nil {
		return err
	}
	var recent, compress, summarize, archive int
	for _, r := range all {
		switch days := int(c.Now.Sub(r.RecordedAt) / (24 * time.Hour)); {
		case days >= archiveAfter:
			archive++
		case days >= summarizeAfter:
			summarize++
		case days >= compressAfter:
			compress++
		default:
			recent++
		}
	}
	return answer(w, map[string]any{
		"total_records": len(all), "recent_records": recent, "records_to_compress": compress,
		"records_to_summarize": summarize, "records_to_archive": archive,
		"retention_policy": map[string]int{"compress_after_days": compressAfter, "summarize_after_days": summarizeAfter,
			"archive_after_days": archiveAfter},
	})
}
