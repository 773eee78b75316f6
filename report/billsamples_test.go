package report_test

import (
	"math/big"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// someBills draws bills as closing makes them, and the credit notes of some.
func someBills(rt *rapid.T) []billing.Bill {
	var bills []billing.Bill
	for range rapid.IntRange(0, 6).Draw(rt, "bills") {
		b := someBill(rt, int64(len(bills)+1))
		bills = append(bills, b)
		if rapid.Bool().Draw(rt, "void") {
			bills[len(bills)-1].Status = billing.Void
			bills = append(bills, creditNote(b, int64(len(bills)+1)))
		}
	}
	return bills
}

func someBill(rt *rapid.T, number int64) billing.Bill {
	start := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(rt, "month")), rapid.IntRange(1, 28).Draw(rt, "day"), 0,
		0, 0, rapid.IntRange(0, 999_999).Draw(rt, "µs")*1000, time.UTC)
	b := billing.Bill{Number: number, Kind: billing.Invoice, UserID: someText(rt, "user"),
		Email: rapid.SampledFrom([]string{"", "a@b.c"}).Draw(rt, "email"),
		Contact: usage.Contact{Name: rapid.SampledFrom([]string{"", "Ann & Co", "=1"}).Draw(rt, "name"),
			Address: rapid.SampledFrom([]string{"", "1 High St\nLeeds"}).Draw(rt, "address")},
		PlanID: 2, PlanName: someText(rt, "plan"), Cycle: rapid.SampledFrom([]plan.Cycle{"", plan.Monthly, plan.Yearly}).
			Draw(rt, "cycle"),
		Period: plan.Period{Start: start, End: plan.AddMonths(start, 1)}, IssuedAt: plan.AddMonths(start, 1),
		DueAt: plan.AddMonths(start, 1).AddDate(0, 0, 14), Status: billing.Open}
	if rapid.Bool().Draw(rt, "overage") {
		b.Terms = &billing.Terms{MarkupMillionths: rapid.Int64Range(0, 2_000_000).Draw(rt, "mark-up"),
			Limits: []plan.Limit{{Name: "calls", Meter: plan.Calls, Max: 7, Action: plan.Block},
				{Name: "cost", Meter: plan.Cost, Max: int64(pricing.Dollar) / 3, Action: plan.Block,
					Scope: plan.Scope{Providers: []string{"openai"}}},
				{Name: "all", Meter: plan.Tokens, Unlimited: true, Action: plan.Warn}}}
		for i := range rapid.SampledFrom([]int{0, 2}).Draw(rt, "parts") {
			b.Terms.Parts = append(b.Terms.Parts, billing.PartTerms{PlanID: int64(i + 1), Microseconds: int64(i*1e11 + 1),
				Overage: i == 0, Limits: b.Terms.Limits, MarkupMillionths: b.Terms.MarkupMillionths})
		}
	}
	add := func(l billing.Line) { b.Lines = append(b.Lines, l) }
	if b.Cycle != "" {
		fee := billing.Line{Kind: billing.Fee, Description: "Pro plan, fee",
			Period: plan.Period{Start: b.Period.End, End: plan.AddMonths(start, 2)}, Amount: someAmount(rt, 0)}
		if b.Cycle == plan.Yearly && rapid.Bool().Draw(rt, "within a year") {
			fee = billing.Line{Kind: billing.Fee, Description: "Pro plan, within the yearly fee", Period: b.Period}
		}
		add(fee)
		add(billing.Line{Kind: billing.Proration, Description: "Pro plan, unused", Period: b.Period,
			Amount: -someAmount(rt, 0)})
		add(billing.Line{Kind: billing.Proration, Description: "Basic plan, from then on", Period: b.Period,
			Amount: someAmount(rt, 0)})
	}
	for i := range rapid.IntRange(0, 4).Draw(rt, "models") {
		l := billing.Line{Kind: billing.Usage, Description: someText(rt, "what"), Period: b.Period,
			Provider: []string{"openai", "exa", "firecrawl", "audio"}[i],
			Vendor:   rapid.SampledFrom([]string{"", "google"}).Draw(rt, "vendor"), Model: someText(rt, "model"),
			Usage: someUsage(rt, i), Prices: somePrices(start)}
		l.Charges = someCharges(rt, start, l.Usage)
		add(l)
		if b.Terms != nil {
			beyond := l
			beyond.Kind, beyond.Prices, beyond.Charges = billing.Overage, nil, nil
			beyond.Usage.Cost = l.Usage.Cost / 3
			for q := range beyond.Usage.Quantities {
				beyond.Usage.Quantities[q] /= 3
			}
			beyond.Usage.Calls = beyond.Usage.Quantities[pricing.Requests]
			beyond.Amount = markedUp(beyond.Usage.Cost, b.Terms.MarkupMillionths)
			add(beyond)
		}
	}
	if rapid.Bool().Draw(rt, "late") {
		add(billing.Line{Kind: billing.Adjustment, Description: "late",
			Period: plan.Period{Start: plan.AddMonths(start, -1), End: start}, Provider: "openai", Model: "gpt",
			Usage: usage.Amounts{Calls: -1, Quantities: pricing.Quantities{pricing.Requests: -1, pricing.InputTokens: -7},
				Cost: -someAmount(rt, 0)}, Amount: someAmount(rt, -5)})
	}
	if b.Cycle == "" && rapid.Bool().Draw(rt, "bare adjustment") {
		add(billing.Line{Kind: billing.Adjustment, Description: "late", Period: b.Period, Amount: someAmount(rt, -5)})
	}
	settled(rt, &b)
	return b
}

// settled adds what closes a bill: credit, and the rounding.
func settled(rt *rapid.T, b *billing.Bill) {
	sum := pricing.USD(0)
	for _, l := range b.Lines {
		sum += l.Amount
		if l.Kind == billing.Usage || l.Kind == billing.Adjustment {
			b.Cost += l.Usage.Cost
		}
	}
	switch {
	case sum < 0:
		b.Lines = append(b.Lines, billing.Line{Kind: billing.Carried, Description: "carried over", Period: b.Period,
			Amount: -sum})
		sum = 0
	case sum > 0 && rapid.Bool().Draw(rt, "credit"):
		used := sum / 2
		b.Lines = append(b.Lines, billing.Line{Kind: billing.Credit, Description: "from your credit", Period: b.Period,
			Amount: -used})
		sum -= used
	}
	cent := pricing.Dollar / 100
	b.Subtotal, b.Rounding = sum, -(sum % cent)
	b.Total = b.Subtotal + b.Rounding
	if b.Rounding != 0 {
		b.Lines = append(b.Lines, billing.Line{Kind: billing.Rounding, Description: "rounding", Period: b.Period,
			Amount: b.Rounding})
	}
}

// creditNote takes a bill back as voiding does.
func creditNote(b billing.Bill, number int64) billing.Bill {
	note := b
	note.Number, note.Kind, note.RefersTo, note.Terms, note.Lines = number, billing.CreditNote, b.Number, nil, nil
	note.IssuedAt, note.SettledAt, note.Status, note.Reference = b.IssuedAt.AddDate(0, 2, 0), b.IssuedAt.AddDate(0, 2, 0),
		billing.Paid, "=wrong"
	note.Subtotal, note.Rounding, note.Total, note.Cost = -b.Subtotal, -b.Rounding, -b.Total, 0
	for _, l := range b.Lines {
		if l.Amount != 0 {
			l.Amount, l.Usage, l.Prices, l.Charges = -l.Amount, usage.Amounts{}, nil, nil
			note.Lines = append(note.Lines, l)
		}
	}
	return note
}

// someText draws a text that is not empty, and may be a formula.
func someText(rt *rapid.T, label string) string {
	return rapid.StringMatching(`[=+@'a-z,"é€\n-][a-z0-9 /."]{0,8}[a-z0-9]`).Draw(rt, label)
}

func someAmount(rt *rapid.T, from int64) pricing.USD {
	return pricing.USD(rapid.Int64Range(from*int64(pricing.Dollar), 500*int64(pricing.Dollar)).Draw(rt, "amount"))
}

func someUsage(rt *rapid.T, i int) usage.Amounts {
	kinds := [][]pricing.Quantity{{pricing.InputTokens, pricing.OutputTokens, pricing.CachedInputTokens},
		{pricing.Searches}, {pricing.Pages}, {pricing.Seconds, pricing.Characters, pricing.Images}}
	calls := rapid.Int64Range(0, 1_000_000).Draw(rt, "calls")
	a := usage.Amounts{Calls: calls, Errors: calls / 7, Unpriced: calls / 9, Cost: someAmount(rt, 0)}
	a.Quantities[pricing.Requests], a.Estimated, a.EstimatedCost = calls, calls/3, a.Cost/4
	for _, q := range kinds[i] {
		a.Quantities[q] = rapid.Int64Range(0, 1_000_000_000).Draw(rt, q.String())
	}
	return a
}

// someCharges are what usage came to, as far as it is known.
func someCharges(rt *rapid.T, start time.Time, used usage.Amounts) []billing.Charge {
	known := someAmount(rt, 0)
	if rapid.Bool().Draw(rt, "uncharged") || known == 0 || used.Cost == known {
		return nil
	}
	return []billing.Charge{
		{ChargeKey: billing.ChargeKey{Unit: "input_token", Rate: 1, Basis: pricing.Exact, Model: "m", Tier: "batch",
			Band: "16:30-00:30 UTC", Over: 7}, From: start, Amount: int64(known), Cost: known},
		{ChargeKey: billing.ChargeKey{Basis: pricing.Reported}, Amount: used.Calls, Cost: used.Cost - known}}
}

func somePrices(start time.Time) []billing.UnitPrice {
	return []billing.UnitPrice{{From: start.AddDate(-1, 0, 0), Basis: pricing.Exact,
		Rates: map[string]pricing.USD{"input_token": 1, "output_token": 37_500}},
		{From: start.AddDate(0, 0, 3), Basis: pricing.Default, Rates: map[string]pricing.USD{"request": pricing.Dollar},
			Above: &pricing.LongContext{OverInputTokens: 200_000, InputToken: 2, OutputToken: 3}}}
}

// markedUp adds a mark-up to a cost and rounds half to even.
func markedUp(cost pricing.USD, markup int64) pricing.USD {
	exact := new(big.Rat).Mul(big.NewRat(int64(cost), 1), big.NewRat(1_000_000+markup, 1_000_000))
	whole := new(big.Int).Div(exact.Num(), exact.Denom())
	rest := new(big.Rat).Sub(exact, new(big.Rat).SetInt(whole))
	if c := rest.Cmp(big.NewRat(1, 2)); c > 0 || c == 0 && whole.Bit(0) == 1 {
		whole.Add(whole, big.NewInt(1))
	}
	return pricing.USD(whole.Int64())
}
