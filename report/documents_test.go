package report_test

import (
	"testing"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/billing/simulate"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/samples"
	"github.com/alwrity/alwrity-sub/usage"
)

type named struct {
	name string
	doc  report.Document
}

// documents returns one of every kind, and those kinds that look different in
// another state twice.
func documents(t *testing.T) []named {
	before := geminiPrice()
	after := geminiPrice()
	after.Rates[pricing.InputTokens], after.EffectiveFrom = samples.USD("0.000002"), samples.Now()
	over := outcome()
	over.OverLimit, over.Note, over.Entry.Basis, over.Entry.Cost = []string{"gemini_calls"},
		"the reservation res-1 had been released", pricing.Unpriced, 0
	again := outcome()
	again.Status = usage.Duplicate
	beyond := outcome()
	beyond.OverLimit, beyond.Overage = []string{"gemini_calls"}, true
	released := reservations()[0]
	released.Status, released.ClosedAt = usage.Released, samples.Now()
	repaired := reconciliation()
	repaired.Repaired = true
	planName := func(int64) string { return "Pro" }
	return []named{
		{"plans", report.Plans(plan.Plans{freePlan(), samples.ProPlan()}, map[int64]int{2: 1234})},
		{"plans-none", report.Plans(nil, nil)},
		{"plan", report.Plan(samples.ProPlan(), 1234, samples.Now())},
		{"plan-overage", report.Plan(billed().Plan, 0, samples.Now())},
		{"plan-past", report.Plan(changedPlan(), 1234, samples.Now().AddDate(-1, 0, 0))},
		{"plan-changes", report.PlanChanges([]plan.Difference{{Plan: "Pro", Field: "monthly", Before: "79", After: "89"},
			{Plan: "Max", Field: "plan", After: "new"}}, false)},
		{"plan-changes-none", report.PlanChanges(nil, true)},
		{"simulation", report.Simulation(simulation())},
		{"simulation-none", report.Simulation(simulate.Result{Month: 202610})},
		{"simulation-refused", report.SimulatedRefusals(simulation())},
		{"simulation-refused-none", report.SimulatedRefusals(simulate.Result{Month: 202610})},
		{"prices", report.Prices([]pricing.Price{geminiPrice(), videoPrice()}, aliases())},
		{"prices-none", report.Prices(nil, nil)},
		{"price-set", report.PriceChanges(catalogue.Changes{
			Prices: []catalogue.PriceChange{{Before: &before, After: after, Status: catalogue.Added}}})},
		{"price-changes", report.PriceChanges(catalogue.Changes{
			Prices: []catalogue.PriceChange{{After: videoPrice(), Status: catalogue.Added},
				{Before: &before, After: before, Status: catalogue.Unchanged}},
			Aliases: []catalogue.AliasChange{aliasChange()}})},
		{"litellm", report.LiteLLMImport(liteLLM(), true)},
		{"litellm-none", report.LiteLLMImport(catalogue.LiteLLMImport{Unchanged: 3}, false)},
		{"aliases", report.Aliases(aliases())},
		{"aliases-none", report.Aliases(nil)},
		{"alias", report.AliasChange(aliasChange())},
		{"alias-removed", report.AliasChange(catalogue.AliasChange{Before: &aliases()[0], Status: catalogue.Removed,
			After: pricing.Alias{Provider: "gemini", Name: "gemini-pro", EffectiveFrom: samples.Now(),
				Source: pricing.FromAdmin}})},
		{"quote-alias", report.Quote("gemini", "gemini-pro", aliasRating())},
		{"quote", report.Quote("gemini", "gemini-2.5-pro", rating())},
		{"quote-unpriced", report.Quote("gemini", samples.Hostile, pricing.Rating{Basis: pricing.Unpriced})},
		{"rerating", report.Rerating(usage.RerateResult{Read: 12_000, Changed: 12, Priced: 4, Before: samples.Total("1.5"),
			After: samples.Total("1234.00155"),
			Users: []usage.UserDifference{{UserID: "alice", Events: 12, Before: samples.Total("1.5"),
				After: samples.Total("1234.00155")}}},
			false)},
		{"rerating-none", report.Rerating(usage.RerateResult{Read: 12_000}, true)},
		{"users", report.Users(users(), samples.Now())},
		{"users-none", report.Users(nil, samples.Now())},
		{"user", userDocument(t, yearly())},
		{"user-default", userDocument(t, nil)},
		{"history", report.History([]plan.HistoryEntry{
			{UserID: "alice", Action: plan.New, RecordedAt: samples.Now(), EffectiveAt: yearly().Anchor, PlanAfter: "Free",
				Cycle: plan.Yearly, PeriodAfter: samples.November(), Actor: "root"},
			{UserID: "alice", Action: plan.Upgrade, RecordedAt: samples.Now(), EffectiveAt: samples.Now(), PlanBefore: "Free",
				PlanAfter:    "Pro",
				Cycle:        plan.Yearly,
				PeriodBefore: samples.November(), PeriodAfter: samples.November(), CallsBefore: 1234, TokensBefore: 1_000_000,
				CostBefore: samples.USD("1.5"), Actor: "root"}})},
		{"history-none", report.History(nil)},
		{"recorded", report.Recorded(outcome())},
		{"recorded-over", report.Recorded(over)},
		{"recorded-overage", report.Recorded(beyond)},
		{"recorded-again", report.Recorded(again)},
		{"import", report.Import(importResult())},
		{"import-nothing", report.Import(usage.ImportResult{})},
		{"archived", report.Archived(archives(), "/srv/archive")},
		{"archived-none", report.Archived(nil, "")},
		{"archivable", report.Archivable([]usage.LogMonth{archives()[0].LogMonth}, "")},
		{"archives", report.Archives(archives())},
		{"archives-none", report.Archives(nil)},
		{"restored", report.Restored(archives()[0])},
		{"reconciliation-archived", reconciled(usage.Reconciliation{LogRows: 12, ArchivedRows: 34_567, Summaries: 4,
			Daily: 31})},
		{"rerating-archived", report.Rerating(usage.RerateResult{Read: 12_000, Archived: 2}, true)},
		{"logs", report.Logs([]usage.Entry{entry(), hostileEntry()}, planName)},
		{"logs-none", report.Logs(nil, planName)},
		{"usage", report.Usage(usageStatement())},
		{"usage-none", report.Usage(usage.PeriodUsage{UserID: "guest", Plan: freePlan(), Status: plan.Active,
			LimitStatus: usage.LimitsActive, Period: samples.November()})},
		{"report", report.Report(byModel(), true)},
		{"report-none", report.Report(usage.Report{Query: byModel().Query}, true)},
		{"report-days", report.Report(byDay(14), true)},
		{"trend", report.Trend(trend("80", "95.5", "0", "120.25", "140", "130"))},
		{"trend-one", report.Trend(trend("130"))},
		{"allowed", report.Decision(allowed())},
		{"refused", report.Decision(refused())},
		{"allowed-overage", report.Decision(billed())},
		{"explanation", report.Explanation(refused())},
		{"reservations", report.Reservations(reservations(), samples.Now())},
		{"reservations-none", report.Reservations(nil, samples.Now())},
		{"released", report.Released(released)},
		{"alerts", report.Alerts(alerts())},
		{"alerts-none", report.Alerts(nil)},
		{"alerts-checked", report.AlertsChecked(1200, 1)},
		{"alerts-read", report.AlertsRead(2)},
		{"checks", report.Checks(checks())},
		{"checks-good", report.Checks(checks()[:1])},
		{"reconciliation", reconciled(reconciliation())},
		{"reconciliation-repaired", reconciled(repaired)},
		{"init", report.Init(report.InitSummary{Location: "sqlite:///./alwrity.db", SchemaAfter: 3,
			Seeded: catalogue.Seeded{PlansAdded: 4, PricesAdded: 120, PricesKept: []string{"gemini gemini-2.5-pro"},
				Providers: 15}})},
		{"status", report.Status(usage.StorageStatus{Kind: "sqlite", Version: "3.50.4", Location: "./alwrity.db",
			SchemaVersion: 2, SchemaNeeded: 3, SizeBytes: 5_000_000,
			Tables: []usage.TableStatus{{Name: "api_usage_logs", Rows: 1_000_000}, {Name: "usage_alerts", Rows: 2}}})},
		{"backup", report.Backup("/var/backups/alwrity.db", 5_000_000)},
		{"version", report.Version(report.VersionInfo{Version: "v1.2.3", Go: "go1.26.0", Platform: "linux/amd64",
			SQLite: "3.50.4"})},
		{"audit", report.Audit([]usage.AuditEntry{{At: samples.Now(), Actor: "root", Action: "pricing set",
			Subject: "gemini default",
			After:   `{"request_cost": "0.01"}`},
			{At: samples.Now(), Actor: samples.Hostile, Action: "plans apply", Subject: "Pro", Before: "old text",
				After: "{}"}})},
		{"audit-none", report.Audit(nil)},
		{"revenue", report.Revenue(samples.Revenue(), 3)},
		{"revenue-none", report.Revenue(samples.RevenueOf(nil), 10)},
		{"written", report.Written("october.html", 39_909)},
		{"bill", report.Bill(samples.ProBill())},
		{"bill-hostile", report.Bill(samples.HostileBill())},
		{"bill-preview", report.Preview([]billing.Bill{samples.ProBill()}, samples.HostileBill())},
		{"bills", report.Bills(append(samples.Aged(), samples.ProBill(), creditNote(samples.ProBill(), 18)))},
		{"bills-none", report.Bills(nil)},
		{"closing", report.Closing(closing(), false, nil)},
		{"closing-dry", report.Closing(closing(), true, []billing.Bill{samples.ProBill(), samples.HostileBill()})},
		{"credit", report.Credit(billing.Credited{Balance: samples.USD("12.5"), CreditEntry: billing.CreditEntry{
			UserID: "alice", Amount: samples.USD("5"), Reason: "outage", Key: "ticket-1", Reference: "May 3"}})},
		{"credit-again", report.Credit(billing.Credited{Balance: samples.USD("12.5"), Duplicate: true,
			CreditEntry: billing.CreditEntry{UserID: "alice", Amount: samples.USD("5"), Reason: "outage", At: samples.Now()}})},
		{"credit-back", report.Credit(billing.Credited{Balance: samples.USD("2.5"),
			CreditEntry: billing.CreditEntry{UserID: "alice", Amount: samples.USD("-5"), Reason: "outage"}})},
		{"paid", report.PaidBill(billing.PaidBill{Bill: samples.ProBill(), Balance: samples.USD("12.5")})},
		{"credits", report.Credits([]billing.CreditEntry{{UserID: "alice", At: samples.Now(), Amount: samples.USD("20"),
			Reason: "sorry",
			Actor:  "root"},
			{UserID: samples.Hostile, At: samples.Now(), Amount: samples.USD("-7.5"), Number: 1234, Reason: samples.Hostile,
				Actor: "billing close"}})},
		{"credits-none", report.Credits(nil)},
		{"deliveries", report.Deliveries(deliveries())},
		{"deliveries-none", report.Deliveries(nil)},
		{"deliveries-moved", report.DeliveriesMoved(1, "put back")},
		{"messages-sent", report.MessagesSent(notify.Summary{Sent: 1, Retrying: 2, Waiting: 12, Dead: 1, Unconfirmed: 3,
			Problems: []notify.Problem{
				{Delivery: 7, Channel: notify.Email, Recipient: samples.Hostile, Status: notify.Dead,
					Reason: "550 no such user"}}})},
		{"templates-written", report.TemplatesWritten(4, 1)},
	}
}

func userDocument(t *testing.T, sub *plan.Subscription) report.Document {
	t.Helper()
	a := billing.Subscriber{Account: account(sub)}
	if a.Profile.Email = a.Email; sub != nil {
		a.Profile.Contact = usage.Contact{Name: samples.Hostile, Address: "1 High Street\nLeeds", Country: "GB"}
	}
	doc, err := report.User(a, samples.Now())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
