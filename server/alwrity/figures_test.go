package alwrity_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

func TestPreflight(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		d := newTown(t, f)
		image := `{"provider":"stability","operation_type":"image_generation"}`
		text := `{"provider":"gemini","operation_type":"text_generation","model":"gemini-2.5-flash","tokens_requested":1000}`
		ask := func(user, operations string) document {
			t.Helper()
			a := d.ask(user, "POST", "/preflight-check", `{"operations":[`+operations+`]}`)
			if a.StatusCode != 200 {
				t.Fatalf("%s: %s %s", user, a.Status, a.Text)
			}
			return d.read(a)
		}
		// 24 of 25 images are used: one more passes, and a second one beside it does not.
		ask(full, image).want("data.can_proceed", "true", "data.operations.0.limit_info",
			`{"current_usage":24,"limit":25,"remaining":1}`)
		two := ask(full, text+","+image+","+image)
		two.want("data.can_proceed", "false", "data.operations.0.allowed", "true", "data.operations.1.allowed", "true",
			"data.operations.2.allowed", "false", "data.operations.2.limit_info.remaining", "0",
			"data.usage_summary", `{"current_calls":10,"limit":10,"remaining":0}`)
		if reason := two.at("data.operations.0.message"); reason != two.at("data.operations.2.message") {
			t.Errorf("the client would show %s", reason)
		}
		ask(full, `{"provider":"fal","operation_type":"video_generation"}`).want("data.can_proceed", "false",
			"data.operations.0.limit_info", `{"current_usage":10,"limit":10,"remaining":0}`)

		// A limit of 0 refuses, and nothing is divided by it. What is not limited has no figures.
		ask(free, `{"provider":"openai","operation_type":"text_generation"}`).want("data.can_proceed", "false",
			"data.operations.0.limit_info", "null")
		ask(oddFree, text).want("data.can_proceed", "true", "data.operations.0.limit_info", "null", "data.usage_summary",
			"null")
		// What Hugging Face serves is called mistral there.
		ask(paid, `{"provider":"mistral","operation_type":"text","actual_provider_name":"huggingface",
			"tokens_requested":100001}`).want("data.can_proceed", "false")
		for _, user := range []string{suspended, cancelled, expired} {
			ask(user, text).want("data.can_proceed", "false")
		}
		ask(paid, text).want("data.operations.0.cost", "0.0014", "data.total_cost", "0.0014", "data.cached", "false")
	})
}

// What was used is told of its period, the projection of the running one, and trends step by months of the calendar.
func TestFigures(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		d := town{f, map[string]string{paid: f.Token(paid), free: f.Token(free)}}
		f.Wait(time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC).Sub(f.Now()))
		d.subscribe(paid, "basic", plan.Monthly, true)
		d.useOne(paid, pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1_000_000}, 200) // $0.30
		f.Wait(20 * 24 * time.Hour)                                                                  // February 20
		d.useOne(paid, pricing.Quantities{pricing.Requests: 3}, 500)
		f.Wait(22 * 24 * time.Hour)                                                                  // March 14
		d.useOne(paid, pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 2_000_000}, 200) // $0.60

		board := d.get(paid, "/dashboard/USER")
		board.want("data.total_usage.billing_period", `"all"`, "data.total_usage.total_cost", "0.9",
			"data.total_usage.total_calls", "2", "data.total_usage.error_rate", "60.0",
			"data.current_period_usage.billing_period", `"2026-02"`, "data.current_period_usage.total_cost", "0.6",
			"data.current_period_usage.total_tokens", "2000000", "data.current_period_usage.error_rate", "0.0",
			"data.current_period_usage.usage_percentages.gemini_calls", "0.1",
			"data.current_period_usage.usage_percentages.cost", "2.4",
			"data.current_usage.billing_period", `"2026-02"`, "data.current_usage.total_cost", "0.6",
			// 14 of the 31 days from February 28 to March 31 are over
			"data.projections.projected_monthly_cost", "1.328571428571", "data.projections.cost_limit", "25",
			"data.projections.projected_usage_percentage", "5.31", "data.summary.total_api_calls_this_month", "1")
		board.want("data.trends.periods", `["2025-10","2025-11","2025-12","2026-01","2026-02","2026-03"]`,
			"data.trends.total_calls", "[0,0,0,1,0,1]", "data.trends.total_cost", "[0,0,0,0.3,0,0.6]",
			"data.trends.provider_trends.gemini.tokens", "[0,0,0,1000000,0,2000000]")
		d.get(paid, "/usage/USER").want("data.billing_period", `"2026-02"`, "data.total_calls", "1")
		d.get(paid, "/usage/USER?billing_period=2026-01").want("data.total_cost", "0.3", "data.error_rate", "75.0")
		d.get(paid, "/usage/USER?billing_period=2026-03").want("data.billing_period", `"2026-02"`, "data.total_cost", "0.6")
		d.get(paid, "/usage/USER?billing_period=all").want("data.historical_breakdown.0.billing_period", `"2026-02"`,
			"data.historical_breakdown.1.billing_period", `"2026-01"`, "data.historical_breakdown.1.total_cost", "0.3",
			"data.usage_percentages.gemini_calls", "0")

		d.get(paid, "/usage-logs?billing_period=2026-02").want("total_count", "1", "logs.0.status", `"failed"`,
			"logs.0.status_code", "500", "logs.0.billing_period", `"2026-02"`)
		d.get(paid, "/usage-logs?status_code=400").want("total_count", "1", "logs.0.status_code", "500")
		d.get(paid, "/usage-logs?status_code=500").want("total_count", "1")
		d.get(paid, "/usage-logs?status_code=429").want("total_count", "0", "logs", "[]")
		d.get(paid, "/usage-logs?status_code=200&limit=1").want("total_count", "2", "has_more", "true", "logs.0.cost_input",
			"0.6", "logs.0.cost_output", "0", "logs.0.cost_total", "0.6", "logs.0.response_time", "1.500")
		d.get(paid, "/usage-logs?status_code=200&limit=1&offset=1").want("has_more", "false", "logs.0.cost_total", "0.3")
		d.get(paid, "/usage-logs?provider=serper").want("total_count", "0", "has_more", "false")
	})
}

func (d town) useOne(user string, q pricing.Quantities, code int) {
	_, err := d.Usage.Record(d.Context(), d.Now(), usage.Event{UserID: user, Provider: "gemini",
		Model: "gemini-2.5-flash", Quantities: q, StatusCode: code, ResponseTimeMS: 1500}, usage.RecordOptions{})
	d.Must(err)
}

func TestRenewals(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		d := town{f, map[string]string{paid: f.Token(paid)}}
		f.Wait(time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC).Sub(f.Now()))
		d.subscribe(paid, "basic", plan.Monthly, true)
		d.useOne(paid, pricing.Quantities{pricing.Requests: 2, pricing.InputTokens: 1_000_000}, 200)
		f.Wait(30 * 24 * time.Hour) // March 2
		_, err := f.Billing.Close(f.Context(), f.Now(), billing.CloseOptions{})
		f.Must(err)
		_, err = f.Billing.ChangePlan(f.Context(), usage.Audit{At: f.Now(), Actor: "test", Action: "t"}, paid, "pro", false)
		f.Must(err)
		_, err = f.Billing.Suspend(f.Context(), usage.Audit{At: f.Now(), Actor: "test", Action: "t"}, paid)
		f.Must(err)
		all := d.get(paid, "/renewal-history/USER")
		all.want("data.total_count", "3", "data.has_more", "false",
			"data.renewals.0.renewal_type", `"upgrade"`, "data.renewals.0.previous_plan_tier", `"basic"`,
			"data.renewals.0.plan_tier", `"pro"`, "data.renewals.0.payment_status", `"pending"`,
			"data.renewals.1.renewal_type", `"renewal"`, "data.renewals.1.renewal_count", "1",
			"data.renewals.1.previous_period_start", `"2026-01-31T00:00:00Z"`,
			"data.renewals.1.previous_period_end", `"2026-02-28T00:00:00Z"`,
			"data.renewals.1.new_period_start", `"2026-02-28T00:00:00Z"`,
			"data.renewals.1.new_period_end", `"2026-03-31T00:00:00Z"`,
			"data.renewals.1.usage_before_renewal", `{"gemini_calls":2,"mistral_calls":0,"total_calls":2,"total_cost":0.3,`+
				`"total_tokens":1000000,"usage_status":"limit_reached"}`,
			"data.renewals.2.renewal_type", `"new"`, "data.renewals.2.payment_amount", "29",
			"data.renewals.2.usage_before_renewal", "null", "data.renewals.2.previous_period_start", "null")
		d.get(paid, "/renewal-history/USER?limit=1&offset=1").want("data.renewals.0.renewal_type", `"renewal"`,
			"data.has_more", "true")
		_, err = f.Billing.MarkPaid(f.Context(), usage.Audit{At: f.Now(), Actor: "test", Action: "t"}, 1,
			billing.Payment{Reference: "cash"})
		f.Must(err)
		d.get(paid, "/renewal-history/USER").want("data.renewals.2.payment_status", `"paid"`,
			"data.renewals.2.payment_date", fmt.Sprintf("%q", f.Now().Format(time.RFC3339)))
		d.get(paid, "/renewal-history/USER/retention-stats").want("data.total_records", "3", "data.recent_records", "3")
		f.Wait(400 * 24 * time.Hour)
		d.get(paid, "/renewal-history/USER/retention-stats").want("data.records_to_compress", "3")
	})
}

func TestAlerts(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		d := newTown(t, f)
		unread := d.get(full, "/alerts/USER?unread_only=true&limit=1")
		unread.want("data.alerts.0.is_read", "false", "data.alerts.0.billing_period", `"2026-11"`)
		total := unread.at("data.unread_count")
		d.get(full, "/dashboard/USER").want("data.summary.unread_alerts", fmt.Sprint(total))
		id := fmt.Sprint(unread.at("data.alerts.0.id"))
		if a := d.ask(paid, "POST", "/alerts/"+id+"/mark-read", ""); a.StatusCode != 403 {
			t.Errorf("another marks it: %s %s", a.Status, a.Text)
		}
		for range 2 {
			d.read(d.ask(full, "POST", "/alerts/"+id+"/mark-read", "")).want("success", "true")
		}
		after := d.get(full, "/alerts/USER")
		after.want("data.total", fmt.Sprint(total))
		if fmt.Sprint(after.at("data.unread_count")) == fmt.Sprint(total) {
			t.Error("it counts as unread")
		}
		for i := range 2 { // one of 80, one of 100 percent
			severity := after.at(fmt.Sprintf("data.alerts.%d.severity", i))
			threshold := fmt.Sprint(after.at(fmt.Sprintf("data.alerts.%d.threshold_percentage", i)))
			if want := map[string]string{"80": "info", "90": "warning", "100": "error"}[threshold]; severity != want {
				t.Errorf("%s percent is %s", threshold, severity)
			}
		}
	})
}

// The client's pricing page shows of each tier the last plan alone: it must be the one that is really of that tier.
func TestPricingPage(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	d := town{f, map[string]string{"": ""}}
	d.addPlans(oddPlans + `
  - name: Team
    tier: team
    monthly: 59
    yearly: 590
    description: For ten
    features: []
    limits:
      gemini_calls: 10
`)
	document := d.get("", "/plans")
	var order []string
	for i := range document.at("data.plans").([]any) {
		order = append(order, fmt.Sprint(document.at(fmt.Sprintf("data.plans.%d.tier", i)), " ",
			document.at(fmt.Sprintf("data.plans.%d.name", i))))
	}
	want := []string{"free Staff", "free Free", "basic Starter", "basic Team", "basic Basic", "pro Pro",
		"enterprise Enterprise"}
	if !slices.Equal(order, want) {
		t.Errorf("plans are %q, want %q", order, want)
	}
}

func TestMonitoring(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	token := f.Token(paid)
	health := func() document {
		return town{Fixture: f}.read(f.Ask("GET", "/api/content-planning/monitoring/health", token, ""))
	}
	health().want("data.system_health", `"healthy"`, "data.api_performance.recent_errors", "0")
	for range 10 {
		f.Recent.Note(f.Now(), 503)
	}
	health().want("data.system_health", `"critical"`, "data.api_performance.recent_errors", "10")
	f.Wait(5 * time.Minute)
	health().want("data.system_health", `"healthy"`, "data.api_performance.recent_requests", "0")
	stats := town{Fixture: f}.read(f.Ask("GET", "/api/content-planning/monitoring/api-stats", token, ""))
	// Every page's head reads these without looking whether they are there.
	stats.want("status", `"success"`, "success", "true", "data.overview.recent_errors", "0",
		"data.overview.total_errors", "0", "data.system_health.error_rate", "0.0", "data.cache_performance.hit_rate", "0",
		"data.top_endpoints", "[]", "data.recent_errors", "[]")
	for _, path := range []string{"lightweight-stats", "api-stats?minutes=5", "cache-stats"} {
		if a := f.Ask("GET", "/api/content-planning/monitoring/"+path, token, ""); a.StatusCode != 200 {
			t.Errorf("%s: %s %s", path, a.Status, a.Text)
		}
		if a := f.Ask("GET", "/api/content-planning/monitoring/"+path, "", ""); a.StatusCode != 401 {
			t.Errorf("%s of nobody: %s", path, a.Status)
		}
	}
}
