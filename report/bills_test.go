package report_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func october() plan.Period { return plan.CalendarMonth(at("2026-10-15T00:00:00Z")) }

func revenueOf(bills []billing.Bill) billing.Revenue {
	plans := plan.Plans{{ID: 2, Name: "Basic", Figures: plan.Figures{Yearly: 290 * pricing.Dollar}}}
	r := billing.NewRevenueBuilder(october().Start, now(), 12, plans)
	for _, b := range bills {
		r.Add(b)
	}
	return r.Revenue()
}

// used returns a line of usage.
func used(provider, vendor, model string, calls, in, out int64, cost string) billing.Line {
	l := billing.Line{Kind: billing.Usage, Description: provider + " " + model, Period: october(), Provider: provider,
		Vendor: vendor, Model: model}
	l.Usage.Calls, l.Usage.Cost = calls, usd(cost)
	l.Usage.Quantities[pricing.Requests], l.Usage.Quantities[pricing.InputTokens],
		l.Usage.Quantities[pricing.OutputTokens] = calls, in, out
	if in > 0 {
		l.Prices = []billing.UnitPrice{{From: pricing.Beginning(), Basis: pricing.Exact,
			Rates: map[string]pricing.USD{"input_token": usd("0.00000125"), "output_token": usd("0.00001")}}}
	} else {
		l.Prices = []billing.UnitPrice{{From: pricing.Beginning(), Basis: pricing.Default,
			Rates: map[string]pricing.USD{"request": usd("0.001")}}}
	}
	return l
}

func line(kind billing.LineKind, description, amount string) billing.Line {
	return billing.Line{Kind: kind, Description: description, Period: october(), Amount: usd(amount)}
}

// bill completes a bill: its sums, its rounding.
func bill(number int64, user, planName string, lines ...billing.Line) billing.Bill {
	b := billing.Bill{Number: number, Kind: billing.Invoice, UserID: user, Email: user + "@example.com", PlanID: 2,
		PlanName: planName, Cycle: plan.Monthly,
		Period: october(), IssuedAt: at("2026-11-01T02:00:00Z"), DueAt: at("2026-11-15T02:00:00Z"), Status: billing.Open,
		Lines: lines}
	for _, l := range lines {
		b.Subtotal += l.Amount
		if l.Kind == billing.Usage || l.Kind == billing.Adjustment {
			b.Cost += l.Usage.Cost
		}
	}
	const cent = pricing.Dollar / 100
	b.Total = b.Subtotal
	if b.Subtotal > 0 {
		b.Total = (b.Subtotal + cent/2) / cent * cent
	}
	if b.Rounding = b.Total - b.Subtotal; b.Rounding != 0 {
		b.Lines = append(b.Lines, billing.Line{Kind: billing.Rounding, Description: "rounding to whole cents",
			Period: b.Period, Amount: b.Rounding})
	}
	return b
}

// proBill has something of everything.
func proBill() billing.Bill {
	overage := line(billing.Overage, "gemini gemini-2.5-pro beyond the plan's limits", "1.604928")
	overage.Provider, overage.Vendor, overage.Model = "gemini", "google", "gemini-2.5-pro"
	late := used("exa", "exa", "exa-search", 2, 0, 0, "0.01")
	late.Kind, late.Description, late.Amount, late.Prices = billing.Adjustment, "exa exa-search, 2026-09-01 to 2026-10-01",
		usd("0.013"), nil
	late.Period = plan.CalendarMonth(at("2026-09-15T00:00:00Z"))
	dear := used("gemini", "google", "gemini-2.5-pro", 660, 2_400_000, 150_000, "4.5000000375")
	dear.Prices = append(dear.Prices, billing.UnitPrice{From: at("2026-10-15T00:00:00Z"), Basis: pricing.Exact,
		Rates: map[string]pricing.USD{"input_token": usd("0.000001"), "output_token": usd("0.000008"),
			"cached_input_token": usd("0.0000000375")},
		Above: &pricing.LongContext{OverInputTokens: 200_000, InputToken: usd("0.0000025"), OutputToken: usd("0.000015")}})
	video := used("video", "wavespeed", "kling-v2.5", 3, 0, 0, "0.63")
	video.Usage.Quantities[pricing.Seconds] = 18
	b := bill(17, "alice", "Pro",
		line(billing.Fee, "Pro plan, monthly fee", "79"),
		line(billing.Proration, "Pro plan, unused from 2026-10-20 on", "-30.580645161290"),
		line(billing.Proration, "Max plan, from 2026-10-20 on", "57.677419354839"),
		dear, used("tavily", "tavily", "tavily-search", 412, 0, 0, "0.412"), video, overage, late,
		line(billing.Credit, "from your credit", "-5"))
	b.Terms = &billing.Terms{Limits: proPlan().Limits, MarkupMillionths: 300_000}
	return b
}

// hostileBill is of someone whose name is an attack.
func hostileBill() billing.Bill {
	b := bill(18, hostile, "Pro", line(billing.Fee, "Pro plan, <script>alert(1)</script> fee", "79"))
	b.Email = `"><img src=x onerror=alert(1)>@example.com`
	return b
}

func monthsOf(revenues ...string) []billing.MonthSums {
	months := billing.NewRevenueBuilder(october().Start, now(), len(revenues), nil).Revenue().Months
	for i, text := range revenues {
		if text != "" {
			months[i].Bills, months[i].Revenue = 40+3*i, total(text)
			months[i].Cost = months[i].Revenue.Scale(int64(38+i%5*7), 100)
		}
	}
	return months
}

func year() []billing.MonthSums {
	return monthsOf("1204.5", "1391", "1480.2", "1466", "1710.75", "1903.1", "2240", "2198.4", "2660", "3105.25", "3390",
		"3811.4")
}

func near() []usage.Near {
	limits := proPlan().Limits
	return []usage.Near{
		{UserID: "carol", PlanName: "Pro", Period: november(), LimitUse: usage.LimitUse{Limit: limits[0], Used: 1200}},
		{UserID: hostile, PlanName: "Pro", Period: november(),
			LimitUse: usage.LimitUse{Limit: limits[4], Used: int64(usd("128.25"))}},
	}
}

// aged returns bills of every age, and one that is paid.
func aged() []billing.Bill {
	var bills []billing.Bill
	for i, due := range []string{"2026-11-29T00:00:00Z", "2026-11-20T00:00:00Z", "2026-10-10T00:00:00Z",
		"2026-09-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-11-01T00:00:00Z"} {
		b := bill(int64(i+1), "alice", "Pro", line(billing.Fee, "Pro plan, monthly fee", fmt.Sprint(79-3*i)))
		b.DueAt, b.Status = at(due), billing.PastDue
		if i == 0 {
			b.Status = billing.Open
		}
		if i == 5 {
			b.Status = billing.Paid
		}
		bills = append(bills, b)
	}
	return bills
}

// unpriced is of calls whose price nobody knows yet.
func unpriced() billing.Bill {
	l := used("video", "wavespeed", "kling-v9", 3, 0, 0, "0")
	l.Usage.Unpriced, l.Prices = 3, nil
	return bill(22, "guest", "Free", l)
}

func revenue() billing.Revenue {
	idle := bill(19, "dora", "Basic", line(billing.Fee, "Basic plan, monthly fee", "29"))
	byYear := bill(23, "erik", "Basic", line(billing.Fee, "Basic plan, within the yearly fee", "0"))
	byYear.Cycle = plan.Yearly
	r := revenueOf([]billing.Bill{proBill(), hostileBill(), idle, byYear,
		bill(20, "guest", "Free", used("gemini", "google", "gemini-2.5-flash", 40, 90_000, 20_000, "0.0795")),
		bill(21, wide, "Basic", line(billing.Fee, "Basic plan, monthly fee", "29"),
			used("stability", "stability", "sd3-large", 910, 0, 0, "36.4")), unpriced()})
	r.Months, r.Near, r.Unpaid = year(), near(), billing.AgeingOf(aged(), now())
	return r
}

// manyUsers is a month of a fleet: the same one every time.
func manyUsers(n int) billing.Revenue {
	random := rand.New(rand.NewPCG(1, 2))
	plans := []string{"Free", "Basic", "Pro", "Max"}
	fees := []string{"0", "29", "79", "249"}
	providers := []string{"gemini", "openai", "anthropic", "mistral", "tavily", "exa", "stability", "video", "audio"}
	var bills []billing.Bill
	for i := range n {
		p := min(random.IntN(6), 3)
		var lines []billing.Line
		if p > 0 {
			lines = append(lines, line(billing.Fee, plans[p]+" plan, monthly fee", fees[p]))
		}
		for k := range random.IntN(4) {
			provider := providers[(i+k*k)%len(providers)]
			lines = append(lines, used(provider, provider, "large", int64(1+random.IntN(500)), 0, 0,
				fmt.Sprintf("%d.%09d", random.IntN(1+20*p), random.IntN(999_999_999))))
		}
		b := bill(int64(i+1), fmt.Sprintf("user-%05d", i), plans[p], lines...)
		b.DueAt = now().Add(time.Duration(random.IntN(120)-100) * 24 * time.Hour)
		if random.IntN(10) > 0 {
			b.Status = billing.Paid
		}
		bills = append(bills, b)
	}
	r := revenueOf(bills)
	r.Months, r.Near, r.Unpaid = year(), near(), billing.AgeingOf(bills, now())
	for i := range r.Months {
		r.Months[i].Revenue, r.Months[i].Cost = r.Months[i].Revenue.Scale(180_000, 3811),
			r.Months[i].Cost.Scale(180_000, 3811)
	}
	r.Months[len(r.Months)-1].Revenue, r.Months[len(r.Months)-1].Cost = r.Sum.Revenue(), r.Sum.Cost
	return r
}
