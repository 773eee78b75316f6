package samples

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// October is the period of the bills.
func October() plan.Period { return plan.CalendarMonth(At("2026-10-15T00:00:00Z")) }

// RevenueOf returns the revenue of some bills.
func RevenueOf(bills []billing.Bill) billing.Revenue {
	plans := plan.Plans{{ID: 2, Name: "Basic", Figures: plan.Figures{Yearly: 290 * pricing.Dollar}}}
	r := billing.NewRevenueBuilder(October().Start, Now(), 12, plans)
	for _, b := range bills {
		r.Add(b)
	}
	return r.Revenue()
}

// UsageLine returns a line of usage.
func UsageLine(provider, vendor, model string, calls, in, out int64, cost string) billing.Line {
	l := billing.Line{Kind: billing.Usage, Description: provider + " " + model, Period: October(), Provider: provider,
		Vendor: vendor, Model: model}
	l.Usage.Calls, l.Usage.Cost = calls, USD(cost)
	l.Usage.Quantities[pricing.Requests], l.Usage.Quantities[pricing.InputTokens],
		l.Usage.Quantities[pricing.OutputTokens] = calls, in, out
	if in > 0 {
		l.Prices = []billing.UnitPrice{{From: pricing.Beginning(), Basis: pricing.Exact,
			Rates: map[string]pricing.USD{"input_token": USD("0.00000125"), "output_token": USD("0.00001")}}}
	} else {
		l.Prices = []billing.UnitPrice{{From: pricing.Beginning(), Basis: pricing.Default,
			Rates: map[string]pricing.USD{"request": USD("0.001")}}}
	}
	return l
}

// Line returns a line of a bill without usage.
func Line(kind billing.LineKind, description, amount string) billing.Line {
	return billing.Line{Kind: kind, Description: description, Period: October(), Amount: USD(amount)}
}

// Bill completes a bill: its sums, its rounding.
func Bill(number int64, user, planName string, lines ...billing.Line) billing.Bill {
	b := billing.Bill{Number: number, Kind: billing.Invoice, UserID: user, Email: user + "@example.com", PlanID: 2,
		PlanName: planName, Cycle: plan.Monthly,
		Period: October(), IssuedAt: At("2026-11-01T02:00:00Z"), DueAt: At("2026-11-15T02:00:00Z"), Status: billing.Open,
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

// ProBill has something of everything.
func ProBill() billing.Bill {
	overage := Line(billing.Overage, "gemini gemini-2.5-pro beyond the plan's limits", "1.604928")
	overage.Provider, overage.Vendor, overage.Model = "gemini", "google", "gemini-2.5-pro"
	late := UsageLine("exa", "exa", "exa-search", 2, 0, 0, "0.01")
	late.Kind, late.Description, late.Amount, late.Prices = billing.Adjustment, "exa exa-search, 2026-09-01 to 2026-10-01",
		USD("0.013"), nil
	late.Period = plan.CalendarMonth(At("2026-09-15T00:00:00Z"))
	dear := UsageLine("gemini", "google", "gemini-2.5-pro", 660, 2_400_000, 150_000, "4.5000000375")
	dear.Prices = append(dear.Prices, billing.UnitPrice{From: At("2026-10-15T00:00:00Z"), Basis: pricing.Exact,
		Rates: map[string]pricing.USD{"input_token": USD("0.000001"), "output_token": USD("0.000008"),
			"cached_input_token": USD("0.0000000375")},
		Above: &pricing.LongContext{OverInputTokens: 200_000, InputToken: USD("0.0000025"), OutputToken: USD("0.000015")}})
	video := UsageLine("video", "wavespeed", "kling-v2.5", 3, 0, 0, "0.63")
	video.Usage.Quantities[pricing.Seconds] = 18_000
	second := billing.ChargeKey{Unit: "second", Rate: USD("0.035"), Basis: pricing.Default}
	video.Charges = []billing.Charge{{ChargeKey: second, Amount: 18_000, Cost: USD("0.63")}}
	b := Bill(17, "alice", "Pro", Line(billing.Fee, "Pro plan, monthly fee", "79"),
		Line(billing.Proration, "Pro plan, unused from 2026-10-20 on", "-30.580645161290"),
		Line(billing.Proration, "Max plan, from 2026-10-20 on", "57.677419354839"),
		dear, UsageLine("tavily", "tavily", "tavily-search", 412, 0, 0, "0.412"), video, overage, late,
		Line(billing.Credit, "from your credit", "-5"))
	b.Terms = &billing.Terms{Limits: ProPlan().Limits, MarkupMillionths: 300_000}
	return b
}

// HostileBill is of someone whose name is an attack.
func HostileBill() billing.Bill {
	b := Bill(18, Hostile, "Pro", Line(billing.Fee, "Pro plan, <script>alert(1)</script> fee", "79"))
	b.Email = `"><img src=x onerror=alert(1)>@example.com`
	return b
}

// MonthsOf returns months with these revenues; "" is a month without bills.
func MonthsOf(revenues ...string) []billing.MonthSums {
	months := billing.NewRevenueBuilder(October().Start, Now(), len(revenues), nil).Revenue().Months
	for i, text := range revenues {
		if text != "" {
			months[i].Bills, months[i].Revenue = 40+3*i, Total(text)
			months[i].Cost = months[i].Revenue.Scale(int64(38+i%5*7), 100)
		}
	}
	return months
}

// Year is the revenue of a year.
func Year() []billing.MonthSums {
	return MonthsOf("1204.5", "1391", "1480.2", "1466", "1710.75", "1903.1", "2240", "2198.4", "2660", "3105.25", "3390",
		"3811.4")
}

// Near are users who are near a limit.
func Near() []usage.Near {
	limits := ProPlan().Limits
	return []usage.Near{
		{UserID: "carol", PlanName: "Pro", Period: November(), LimitUse: usage.LimitUse{Limit: limits[0], Used: 1200}},
		{UserID: Hostile, PlanName: "Pro", Period: November(),
			LimitUse: usage.LimitUse{Limit: limits[4], Used: int64(USD("128.25"))}},
	}
}

// Aged returns bills of every age, and one that is paid.
func Aged() []billing.Bill {
	var bills []billing.Bill
	for i, due := range []string{"2026-11-29T00:00:00Z", "2026-11-20T00:00:00Z", "2026-10-10T00:00:00Z",
		"2026-09-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-11-01T00:00:00Z"} {
		b := Bill(int64(i+1), "alice", "Pro", Line(billing.Fee, "Pro plan, monthly fee", fmt.Sprint(79-3*i)))
		b.DueAt, b.Status = At(due), billing.PastDue
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

// Unpriced is of calls whose price nobody knows yet.
func Unpriced() billing.Bill {
	l := UsageLine("video", "wavespeed", "kling-v9", 3, 0, 0, "0")
	l.Usage.Unpriced, l.Prices = 3, nil
	return Bill(22, "guest", "Free", l)
}

// Revenue is a month with something of everything.
func Revenue() billing.Revenue {
	idle := Bill(19, "dora", "Basic", Line(billing.Fee, "Basic plan, monthly fee", "29"))
	byYear := Bill(23, "erik", "Basic", Line(billing.Fee, "Basic plan, within the yearly fee", "0"))
	byYear.Cycle = plan.Yearly
	r := RevenueOf([]billing.Bill{ProBill(), HostileBill(), idle, byYear,
		Bill(20, "guest", "Free", UsageLine("gemini", "google", "gemini-2.5-flash", 40, 90_000, 20_000, "0.0795")),
		Bill(21, Wide, "Basic", Line(billing.Fee, "Basic plan, monthly fee", "29"),
			UsageLine("stability", "stability", "sd3-large", 910, 0, 0, "36.4")), Unpriced()})
	r.Months, r.Near, r.Unpaid = Year(), Near(), billing.AgeingOf(Aged(), Now())
	return r
}

// ManyUsers is a month of a fleet: the same one every time.
func ManyUsers(n int) billing.Revenue {
	random := rand.New(rand.NewPCG(1, 2))
	plans := []string{"Free", "Basic", "Pro", "Max"}
	fees := []string{"0", "29", "79", "249"}
	providers := []string{"gemini", "openai", "anthropic", "mistral", "tavily", "exa", "stability", "video", "audio"}
	var bills []billing.Bill
	for i := range n {
		p := min(random.IntN(6), 3)
		var lines []billing.Line
		if p > 0 {
			lines = append(lines, Line(billing.Fee, plans[p]+" plan, monthly fee", fees[p]))
		}
		for k := range random.IntN(4) {
			provider := providers[(i+k*k)%len(providers)]
			lines = append(lines, UsageLine(provider, provider, "large", int64(1+random.IntN(500)), 0, 0,
				fmt.Sprintf("%d.%09d", random.IntN(1+20*p), random.IntN(999_999_999))))
		}
		b := Bill(int64(i+1), fmt.Sprintf("user-%05d", i), plans[p], lines...)
		b.DueAt = Now().Add(time.Duration(random.IntN(120)-100) * 24 * time.Hour)
		if random.IntN(10) > 0 {
			b.Status = billing.Paid
		}
		bills = append(bills, b)
	}
	r := RevenueOf(bills)
	r.Months, r.Near, r.Unpaid = Year(), Near(), billing.AgeingOf(bills, Now())
	for i := range r.Months {
		r.Months[i].Revenue, r.Months[i].Cost = r.Months[i].Revenue.Scale(180_000, 3811),
			r.Months[i].Cost.Scale(180_000, 3811)
	}
	r.Months[len(r.Months)-1].Revenue, r.Months[len(r.Months)-1].Cost = r.Sum.Revenue(), r.Sum.Cost
	return r
}
