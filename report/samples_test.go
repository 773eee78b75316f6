package report_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/samples"
	"github.com/alwrity/alwrity-sub/usage"
)

func freePlan() plan.Plan {
	return plan.Plan{ID: 1, Name: "Free", Tier: plan.DefaultTier, Description: "Perfect for trying out",
		Source: pricing.FromCatalogue,
		Figures: plan.Figures{Limits: []plan.Limit{{Name: "gemini_calls", Meter: plan.Calls,
			Scope: plan.Scope{Providers: []string{"gemini"}},
			Max:   50, Action: plan.Block}}}}
}

func geminiPrice() pricing.Price {
	p := pricing.Price{ID: 7, Provider: "gemini", Model: "gemini-2.5-pro", EffectiveFrom: pricing.Beginning(),
		Given: pricing.SetOf(pricing.CachedInputTokens), Source: pricing.FromCatalogue,
		Above: &pricing.LongContext{OverInputTokens: 200_000, InputToken: samples.USD("0.0000025"),
			OutputToken: samples.USD("0.000015")}}
	p.Rates[pricing.InputTokens], p.Rates[pricing.OutputTokens],
		p.Rates[pricing.CachedInputTokens] = samples.USD("0.00000125"),
		samples.USD("0.00001"), samples.USD("0.0000000375")
	return p
}

func videoPrice() pricing.Price {
	p := pricing.Price{Provider: "video", Model: "kling-v2.5", EffectiveFrom: samples.At("2026-11-01T00:00:00Z"),
		Source: pricing.FromAdmin}
	p.Rates[pricing.Requests], p.Rates[pricing.Seconds] = samples.USD("0.21"), samples.USD("0.035")
	return p
}

func aliases() []pricing.Alias {
	return []pricing.Alias{
		{Provider: "gemini", Name: "gemini-pro", Model: "gemini-2.5-pro", EffectiveFrom: pricing.Beginning(),
			Source: pricing.FromCatalogue},
		{Provider: "video", Name: samples.Hostile, Model: "default", EffectiveFrom: samples.Now(), Source: pricing.FromAdmin},
	}
}

func aliasChange() catalogue.AliasChange {
	before := aliases()[0]
	before.Model = "gemini-1.5-pro"
	return catalogue.AliasChange{Before: &before, After: aliases()[0], Status: catalogue.Added}
}

func liteLLM() catalogue.LiteLLMImport {
	return catalogue.LiteLLMImport{Unchanged: 1200,
		Changes: catalogue.Changes{Prices: []catalogue.PriceChange{{After: videoPrice(), Status: catalogue.Added}}},
		LiteLLM: pricing.LiteLLM{
			Skipped: []pricing.SkippedModel{{Provider: "openai", Model: samples.Hostile,
				Reason: "input_cost_per_pixel can't be said by a price"}},
			LeftOut: map[string]int{"provider_specific_entry": 3, "search_context_cost_per_query": 1200},
			Others:  map[string]int{"bedrock": 400, "azure": 200},
		}}
}

func aliasRating() pricing.Rating {
	r := rating()
	r.Basis, r.Way = pricing.Aliased, pricing.Way{{From: "gemini-pro", To: "gemini-2.5-pro", Alias: true}}
	return r
}

func rating() pricing.Rating {
	return pricing.Rating{Cost: samples.USD("0.00155"), Basis: pricing.Exact, Price: geminiPrice(),
		Components: []pricing.Component{
			{Quantity: pricing.InputTokens, Amount: 1000, UnitPrice: samples.USD("0.00000125"), Cost: samples.USD("0.00125")},
			{Quantity: pricing.OutputTokens, Amount: 30, UnitPrice: samples.USD("0.00001"), Cost: samples.USD("0.0003")},
		}}
}

func yearly() *plan.Subscription {
	return &plan.Subscription{PlanID: 2, Cycle: plan.Yearly, Anchor: samples.At("2026-01-31T08:30:00Z"),
		PaidUntil: samples.At("2027-01-31T08:30:00Z"), AutoRenew: true}
}

func account(sub *plan.Subscription) plan.Account {
	a := plan.Account{UserID: "alice", Subscription: sub, Plans: plan.Plans{freePlan(), samples.ProPlan()}}
	if sub != nil {
		a.Email = "alice@example.com"
		a.Segments = []plan.Segment{{From: sub.Anchor, Anchor: sub.Anchor, PlanID: sub.PlanID}}
	}
	return a
}

func users() []usage.User {
	ending := *yearly()
	ending.Cycle, ending.EndsAt = plan.Monthly, samples.At("2026-12-01T00:00:00Z")
	suspended := *yearly()
	suspended.Suspended, suspended.AutoRenew = true, false
	return []usage.User{
		{UserID: "alice", Email: "alice@example.com", PlanName: "Pro", Subscription: yearly(),
			CreatedAt: samples.At("2026-01-31T08:30:00Z")},
		{UserID: samples.Wide, Email: "tanaka@example.jp", PlanName: "Pro", Subscription: &ending,
			CreatedAt: samples.At("2026-02-01T00:00:00.5Z")},
		{UserID: samples.Hostile, PlanName: "Pro", Subscription: &suspended, CreatedAt: samples.At("2026-03-01T00:00:00Z")},
		{UserID: "guest", PlanName: "Free", CreatedAt: samples.At("2026-11-02T07:00:00Z")},
	}
}

func entry() usage.Entry {
	e := usage.Entry{Event: usage.Event{ID: "019ab1c0-0000-7000-8000-000000000001", UserID: "alice", Provider: "gemini",
		Model:  "gemini-2.5-pro",
		Vendor: "google", Time: samples.At("2026-11-20T12:00:00.25Z"), Endpoint: "/v1/generate", Method: "POST",
		StatusCode:     200,
		ResponseTimeMS: 1250},
		PeriodStart: samples.November().Start, PlanID: 2, Cost: samples.USD("0.00155"), Basis: pricing.Exact, PriceID: 7,
		RecordedAt: samples.Now()}
	e.Quantities[pricing.Requests], e.Quantities[pricing.InputTokens], e.Quantities[pricing.OutputTokens] = 1, 1000, 30
	return e
}

func hostileEntry() usage.Entry {
	e := entry()
	e.ID, e.UserID, e.Model, e.StatusCode, e.ErrorMessage = "-2", samples.Wide, samples.Hostile, 503,
		"@upstream \"down\",\nretry"
	e.Cost, e.Basis, e.RetryCount = 0, pricing.Unpriced, 2
	return e
}

func outcome() usage.Outcome {
	return usage.Outcome{Status: usage.Recorded, Entry: entry(), Period: samples.November()}
}

func importResult() usage.ImportResult {
	return usage.ImportResult{Read: 12_000, Recorded: 11_990, Duplicates: 7, Rejected: 2, Conflicts: 1, Unpriced: 4,
		OverLimit: 3,
		Cost:      samples.Total("1234.5"), Elapsed: 1_250 * time.Millisecond,
		Problems: []usage.ImportProblem{{Line: 17, Reason: "input_tokens is \"1.5\": it must be a whole number"},
			{Line: 10_250, Reason: "user_id is " + samples.Hostile}},
		Reasons: []usage.ImportReason{{Rows: 2, Reason: "user_id is …"}, {Rows: 1, Reason: "input_tokens is …"}},
		Unread:  []usage.UnreadField{{Name: "colour", Rows: 12_000}}}
}

func archives() []usage.Archive {
	month := func(m plan.Month, rows int64, cost string) usage.Archive {
		return usage.Archive{LogMonth: usage.LogMonth{Month: m, Rows: rows, Cost: samples.Total(cost)},
			File:   usage.ArchiveFile(m),
			SHA256: strings.Repeat("0123abcd", 8), At: samples.Now()}
	}
	return []usage.Archive{month(202607, 1_234_567, "1234.5"), month(202608, 1, "0.0000375")}
}

func verdicts() []usage.LimitVerdict {
	limits := samples.ProPlan().Limits
	return []usage.LimitVerdict{
		{LimitUse: usage.LimitUse{Limit: limits[0], Used: 660}, OK: true},
		{LimitUse: usage.LimitUse{Limit: limits[1], Used: 1_700_000}, OK: true},
		{LimitUse: usage.LimitUse{Limit: limits[2]}},
		{LimitUse: usage.LimitUse{Limit: limits[3], Used: 12}, OK: true},
		{LimitUse: usage.LimitUse{Limit: limits[4], Used: int64(samples.USD("150.0000375"))}},
	}
}

func usageStatement() usage.PeriodUsage {
	return usage.PeriodUsage{UserID: "alice", Plan: samples.ProPlan(), Status: plan.Active,
		LimitStatus: usage.LimitsReached,
		Period:      samples.November(),
		Sum: usage.ProviderUsage{Calls: 672, Errors: 3, Unpriced: 1, InputTokens: 1_500_000, OutputTokens: 200_000,
			Cost: samples.USD("150.0000375"), Estimated: 60, EstimatedCost: samples.USD("1.25")},
		Providers: []usage.ProviderUsage{
			{Provider: "gemini", Calls: 660, Errors: 3, InputTokens: 1_500_000, OutputTokens: 200_000, Cost: samples.USD("150"),
				Estimated: 60, EstimatedCost: samples.USD("1.25")},
			{Provider: "video", Calls: 12, Unpriced: 1, Cost: samples.USD("0.0000375")},
		},
		Limits: verdicts()}
}

func allowed() usage.Decision {
	limits := samples.ProPlan().Limits
	return usage.Decision{
		Verdict: usage.Verdict{Allowed: true, Message: "allowed", Limits: []usage.LimitVerdict{
			{LimitUse: usage.LimitUse{Limit: limits[0], Used: 660, Reserved: 2, Requested: 1}, OK: true},
			{LimitUse: usage.LimitUse{Limit: limits[4], Used: int64(samples.USD("12.5")), Reserved: int64(samples.USD("0.25")),
				Requested: int64(samples.USD("0.00155"))}, OK: true},
		}},
		Call: usage.Call{UserID: "alice", Provider: "gemini", Model: "gemini-2.5-pro", Vendor: "google",
			Quantities: entry().Quantities},
		Plan: samples.ProPlan(), Status: plan.Active, Period: samples.November(), EstimatedCost: samples.USD("0.00155"),
		Basis: pricing.Exact,
		Reservation: &usage.Reservation{ID: "019ab1c0-0000-7000-8000-00000000000a",
			ExpiresAt: samples.Now().Add(5 * time.Minute)},
	}
}

// billed is a call that passes since the plan allows overage.
func billed() usage.Decision {
	j := refused()
	j.Plan.Overage, j.Plan.MarkupMillionths = plan.OverageAllow, 125_000
	j.Verdict = usage.Decide(plan.Active, j.Plan.Overage, []usage.LimitUse{j.Limits[0].LimitUse})
	return j
}

func refused() usage.Decision {
	j := allowed()
	j.Reservation = nil
	j.Limits = []usage.LimitVerdict{{LimitUse: usage.LimitUse{Limit: samples.ProPlan().Limits[0], Used: 1000,
		Requested: 1}}}
	j.Allowed, j.Reason, j.Message = false, usage.LimitExceeded, "gemini_calls is used up: 1000 of 1000 calls"
	return j
}

func reservations() []usage.Reservation {
	r := usage.Reservation{ID: "res-1", UserID: "alice", Provider: "gemini", Vendor: "google", Model: "gemini-2.5-pro",
		PeriodStart: samples.November().Start,
		Calls:       1, Tokens: 1030, Cost: samples.USD("0.00155"), Status: usage.Held, CreatedAt: samples.Now().
				Add(-time.Minute),
		ExpiresAt: samples.Now().Add(4 * time.Minute)}
	gone := r
	gone.ID, gone.ExpiresAt = "res-2", samples.Now()
	return []usage.Reservation{r, gone}
}

func alerts() []usage.Alert {
	limits := samples.ProPlan().Limits
	return []usage.Alert{
		{ID: 1041, UserID: "alice", PeriodStart: samples.November().Start, Limit: limits[1], Threshold: 80, Used: 1_600_050,
			EventID: entry().ID, CreatedAt: samples.Now()},
		{ID: 1042, UserID: samples.Wide, PeriodStart: samples.November().Start, Limit: limits[4], Threshold: 100,
			Used:      int64(samples.USD("150.0000375")),
			CreatedAt: samples.Now(), ReadAt: samples.Now().Add(time.Hour)},
	}
}

// reconciled is the document of a reconciliation, with hints as a terminal gets them.
func reconciled(r usage.Reconciliation) report.Document {
	checks := health.TotalsChecks(r)
	for i := range checks {
		if checks[i].Reason != "" {
			checks[i].Hint = "to rebuild them from the log: alwrity-sub reconcile --repair"
		}
	}
	return report.Reconciliation(r, checks)
}

func checks() []health.Check {
	return []health.Check{
		{Name: "database", OK: true, Detail: "sqlite:///./alwrity.db, schema 3"},
		{Name: "unpriced usage", Detail: "4 calls of " + samples.Hostile,
			Hint: "set a price: alwrity-sub pricing set gemini"},
	}
}

func reconciliation() usage.Reconciliation {
	return usage.Reconciliation{LogRows: 12_000, Summaries: 40, Daily: 310, Discrepancies: []usage.Discrepancy{
		{Table: "usage_daily", Key: "alice 2026-11-20 gemini google gemini-2.5-pro", Field: "cost_pico", Log: "1550000000",
			Stored: "0"}}}
}

func monthRow(month, cost string, calls int64) usage.ReportRow {
	return usage.ReportRow{Keys: []string{month}, Calls: calls, Errors: calls / 50, InputTokens: calls * 1200,
		OutputTokens: calls * 300, Cost: samples.Total(cost)}
}

func byModel() usage.Report {
	r := usage.Report{Query: usage.ReportQuery{From: samples.November().Start, To: samples.November().End,
		By: []usage.Dimension{usage.ByUser, usage.ByModel}}, Left: 3}
	r.Rows = []usage.ReportRow{
		{Keys: []string{"alice", "gemini-2.5-pro"}, Calls: 12_345, Errors: 17, InputTokens: 9_876_543,
			OutputTokens: 1_234_567, Cost: samples.Total("1234.5")},
		{Keys: []string{samples.Wide, samples.Hostile}, Calls: 5, InputTokens: 100, Unpriced: 2,
			Cost: samples.Total("0.0000375")},
		{Keys: []string{"guest", ""}, Calls: 1},
	}
	r.Sum = usage.ReportRow{Calls: 12_400, Errors: 17, InputTokens: 9_900_000, OutputTokens: 1_240_000, Unpriced: 2,
		Cost: samples.Total("1240.0000375")}
	return r
}

// byDay has so many days of usage; every seventh day nothing was used.
func byDay(days int) usage.Report {
	from := samples.At("2026-01-01T00:00:00Z")
	r := usage.Report{Query: usage.ReportQuery{From: from, To: from.AddDate(0, 0, days),
		By: []usage.Dimension{usage.ByDay}}}
	for i := range days {
		if i%7 == 6 {
			continue
		}
		row := usage.ReportRow{Keys: []string{from.AddDate(0, 0, i).Format(time.DateOnly)}, Calls: int64(10 + i%5),
			Cost: samples.Total(fmt.Sprintf("%d.%02d", 3+i%7+i/40, i%90))}
		r.Rows = append(r.Rows, row)
		r.Sum.Calls += row.Calls
		r.Sum.Cost = r.Sum.Cost.Add(row.Cost)
	}
	return r
}

func trend(costs ...string) usage.Trend {
	t := usage.Trend{Projected: samples.Total("171.234567")}
	for i, cost := range costs {
		month := plan.AddMonths(samples.November().Start, i+1-len(costs)).Format("2006-01")
		t.Months = append(t.Months, usage.TrendMonth{Month: month, ReportRow: monthRow(month, cost, int64(100*i))})
	}
	return t
}

func simulation() simulate.Result {
	free := simulate.PlanResult{Plan: "Free", Tier: "free", PlanNow: "Free", Users: 1_200, RefusedUsers: 12,
		RefusedCalls: 1_234, RefusedCost: samples.Total("12.5"),
		Then: simulate.Figures{Cost: samples.Total("150.00155")}, Now: simulate.Figures{Cost: samples.Total("137.50155")}}
	pro := simulate.PlanResult{Plan: "Pro", Tier: "pro", PlanNow: "Pro Plus", Users: 34,
		Then: simulate.Figures{Fees: samples.Total("2686"), Cost: samples.Total("1000")},
		Now: simulate.Figures{Fees: samples.Total("3026"), Overage: samples.Total("0.600000000001"),
			Cost: samples.Total("1000")}}
	s := simulate.Result{Month: 202610, Events: 12_345, Plans: []simulate.PlanResult{free, pro}, Gone: []string{"pro"},
		Total: simulate.PlanResult{
			Users: 1_234, RefusedUsers: 12, RefusedCalls: 1_234, RefusedCost: samples.Total("12.5"),
			Then: simulate.Figures{Fees: samples.Total("2686"), Cost: samples.Total("1150.00155")},
			Now: simulate.Figures{Fees: samples.Total("3026"), Overage: samples.Total("0.600000000001"),
				Cost: samples.Total("1137.50155")}}}
	for i := range 12 {
		s.Refused = append(s.Refused, simulate.UserResult{UserID: fmt.Sprint("user-", i), Plan: "Free", PlanNow: "Free",
			Calls: int64(1_000 - i), Cost: samples.Total("1.5"),
			Limit: "gemini_calls", Reason: usage.LimitExceeded, At: samples.At("2026-10-03T12:00:00.5Z")})
	}
	s.Refused[3].UserID = samples.Hostile
	return s
}

// changedPlan has cost another price until now.
func changedPlan() plan.Plan {
	p := samples.ProPlan()
	p.Past = []plan.Version{{Until: samples.Now(), Figures: p.Figures}}
	p.Monthly = samples.USD("99")
	return p
}

func closing() billing.Closing {
	return billing.Closing{Users: 1200, Bills: 2, Billed: samples.Total("89.12"), Renewed: 1, Changed: 2, PastDue: 3,
		Suspended: 1,
		Failures: []billing.UserFailure{{UserID: samples.Hostile, Err: failure.NotFoundf("there is no plan 7")},
			{UserID: "bob", Err: errors.New("no")}}}
}

func deliveries() []notify.Delivery {
	message, digest := notify.Message{ID: 3}, notify.Message{ID: 4}
	message.Kind, message.UserID, message.At = "limit_reached", "alice", samples.Now()
	digest.Kind, digest.At = "digest", samples.Now()
	return []notify.Delivery{
		{ID: 1041, Message: message, Channel: notify.Email, Recipient: "alice@example.com", Audience: notify.ToUser,
			Status: notify.Waiting, Attempts: 2, NextAttempt: samples.Now(), LastError: samples.Hostile},
		{ID: 1042, Message: digest, Channel: notify.Webhook, Urgent: true, Status: notify.Sent, Attempts: 1,
			NextAttempt: samples.Now(), Digest: 1041, SentAt: samples.Now()},
		{ID: 1043, Message: message, Channel: notify.Email, Status: notify.Dead},
		{ID: 1044, Message: message, Channel: notify.Email, Status: notify.Unconfirmed},
	}
}
