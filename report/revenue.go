package report

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Revenue shows what was billed, what it cost and what is left, in a table with so many
// users at most.
func Revenue(r billing.Revenue, top int) Document {
	return Document{JSON: viewRevenue(r), CSV: revenueGrid(r), Text: func(t *Text) error {
		t.Title("revenue, cost and margin of %s", Month(r.Month))
		t.Gap()
		if r.Sum.Bills == 0 {
			t.Note("no bill has a period that ended in this month")
		} else if err := t.revenue(r, top); err != nil {
			return err
		}
		return t.attention(r, top)
	}}
}

// revenueGrid has a row for the total and for each plan, user and provider, told apart by
// its first two columns.
func revenueGrid(r billing.Revenue) Grid {
	g := Grid{Header: []string{"by", "key", "bills", "fees", "overage", "adjustments", "credits", "rounding", "revenue", "cost", "margin"}}
	add := func(by, key string, s billing.Sums) {
		g.Rows = append(g.Rows, []Cell{TextCell(by), TextCell(key), NumberCell(int64(s.Bills)), MoneyCell(s.Fees), MoneyCell(s.Overage), MoneyCell(s.Adjustments),
			MoneyCell(s.Credits), MoneyCell(s.Rounding), MoneyCell(s.Revenue()), MoneyCell(s.Cost), MoneyCell(s.Margin())})
	}
	add("total", Month(r.Month), r.Sum)
	for _, group := range []struct {
		by     string
		shares []billing.Share
	}{{"plan", r.Plans}, {"user", r.Users}, {"provider", r.Providers}} {
		for _, s := range group.shares {
			add(group.by, s.Key, s.Sums)
		}
	}
	return g
}

// revenue writes the tables of money.
func (t *Text) revenue(r billing.Revenue, top int) error {
	if err := t.shares("PLAN", words, r.Plans, r.Sum); err != nil {
		return err
	}
	t.Gap()
	shown := r.Users[:min(top, len(r.Users))]
	if err := t.shares("USER", names, shown, r.Sum); err != nil {
		return err
	}
	if more := len(r.Users) - len(shown); more > 0 {
		t.Note("and %s more; the total counts them too", Counted(more, "user"))
	}
	t.Gap()
	if err := t.providers(r); err != nil {
		return err
	}
	noteUnpriced(t, r.Sum.Unpriced)
	t.Gap()
	return nil
}

// shares writes a table of plans or users.
func (t *Text) shares(title string, kind columnKind, shares []billing.Share, sum billing.Sums) error {
	parts := partsIn(sum)
	columns := []column{{title, kind}, {"BILLS", number}}
	for _, p := range parts {
		columns = append(columns, column{p.title, money})
	}
	columns = append(columns, column{"REVENUE", money}, column{"COST", money}, column{"MARGIN", money}, column{"%", number})
	tb := tableOf(columns, shares, func(s billing.Share) []span { return append([]span{text(s.Key)}, moneySpans(parts, s.Sums)...) })
	tb.footer = append([]span{strong.of("TOTAL")}, inBold(moneySpans(parts, sum))...)
	return t.table(tb)
}

// part is one part of the revenue.
type part struct {
	title string
	of    func(billing.Sums) pricing.Total
}

// partsIn returns the parts that a revenue has: of those that are nothing a table has no
// column.
func partsIn(sum billing.Sums) []part {
	all := []part{
		{"FEES", func(s billing.Sums) pricing.Total { return s.Fees }},
		{"OVERAGE", func(s billing.Sums) pricing.Total { return s.Overage }},
		{"ADJUSTED", func(s billing.Sums) pricing.Total { return s.Adjustments }},
		{"CREDITS", func(s billing.Sums) pricing.Total { return s.Credits }},
		{"ROUNDING", func(s billing.Sums) pricing.Total { return s.Rounding }},
	}
	parts := slices.DeleteFunc(all, func(p part) bool { return p.of(sum).Cmp(pricing.Total{}) == 0 })
	if len(parts) == 1 { // it is the revenue
		return nil
	}
	return parts
}

// providers writes what each provider cost, and what was billed for it beyond fees.
func (t *Text) providers(r billing.Revenue) error {
	columns := []column{{"PROVIDER", words}, {"BILLS", number}, {"REVENUE", money}, {"COST", money}, {"% OF COST", number}}
	spans := func(s billing.Sums) []span {
		percent := Dash
		if p, ok := PercentOf(s.Cost, r.Sum.Cost); ok {
			percent = p
		}
		return []span{text(Count(int64(s.Bills))), text(s.Revenue().Display()), text(s.Cost.Display()), text(percent)}
	}
	tb := tableOf(columns, r.Providers, func(s billing.Share) []span {
		name := text(s.Key)
		if s.Key == "" {
			name = dim.of("fees, credits, rounding")
		}
		return append([]span{name}, spans(s.Sums)...)
	})
	tb.footer = append([]span{strong.of("TOTAL")}, inBold(spans(r.Sum))...)
	return t.table(tb)
}

func moneySpans(parts []part, s billing.Sums) []span {
	spans := []span{text(Count(int64(s.Bills)))}
	for _, p := range parts {
		spans = append(spans, text(p.of(s).Display()))
	}
	left := text(s.Margin().Display())
	if s.Margin().Cmp(pricing.Total{}) < 0 {
		left = bad.of(left.text)
	}
	percent := Dash
	if p, ok := PercentOf(s.Margin(), s.Revenue()); ok {
		percent = p
	}
	return append(spans, text(s.Revenue().Display()), text(s.Cost.Display()), left, text(percent))
}

// attention writes what someone should look at: limits, customers who use nothing, and
// what is unpaid.
func (t *Text) attention(r billing.Revenue, top int) error {
	for _, section := range []func(billing.Revenue, int) error{t.unpaid, t.near, t.idle} {
		if err := section(r, top); err != nil {
			return err
		}
	}
	return nil
}

func (t *Text) unpaid(r billing.Revenue, _ int) error {
	if r.Unpaid.Sum.Bills == 0 {
		t.Note("no bill is unpaid")
		return nil
	}
	ages := make([]billing.Age, billing.AgeCount)
	for i := range ages {
		ages[i] = billing.Age(i)
	}
	tb := tableOf([]column{{"UNPAID", words}, {"BILLS", number}, {"AMOUNT", money}}, ages, func(a billing.Age) []span {
		sum := r.Unpaid.Ages[a]
		return []span{text(ageForPeople(a)), text(Count(int64(sum.Bills))), text(sum.Amount.Display())}
	})
	tb.footer = []span{strong.of("TOTAL"), strong.of(Count(int64(r.Unpaid.Sum.Bills))), strong.of(r.Unpaid.Sum.Amount.Display())}
	return t.table(tb)
}

func ageForPeople(a billing.Age) string {
	return [billing.AgeCount]string{"not due yet", "1 to 30 days", "31 to 60 days", "61 to 90 days", "more than 90 days"}[a]
}

func (t *Text) near(r billing.Revenue, top int) error {
	t.Gap()
	if len(r.Near) == 0 {
		t.Note("nobody has used 80 percent of a limit in the running period")
		return nil
	}
	shown := r.Near[:min(top, len(r.Near))]
	columns := []column{{"NEAR A LIMIT", names}, {"PLAN", words}, {"LIMIT", words}, {"USED", number}, {"MAXIMUM", number}, {"", words}, {"UNTIL", words}}
	err := t.table(tableOf(columns, shown, func(n usage.Near) []span {
		return []span{text(n.UserID), text(n.PlanName), text(n.Limit.Name), text(Amount(n.Limit.Meter, n.Used)), maximumSpan(n.Limit),
			limitBar(n.LimitUse), text(n.Period.End.UTC().Format(time.DateOnly))}
	}))
	t.more(len(r.Near)-len(shown), "limit")
	return err
}

func (t *Text) idle(r billing.Revenue, top int) error {
	if len(r.Idle) == 0 {
		return nil
	}
	t.Gap()
	shown := r.Idle[:min(top, len(r.Idle))]
	columns := []column{{"PAID, NEVER USED", names}, {"PLAN", words}, {"PERIOD", words}, {"FEE", money}, {"", words}}
	err := t.table(tableOf(columns, shown, func(i billing.Idle) []span {
		return []span{text(i.UserID), text(i.PlanName), text(periodForPeople(i.Period)), text(i.Fee.Display()), text(PerYear(i.Cycle))}
	}))
	t.more(len(r.Idle)-len(shown), "user")
	return err
}

// PerYear stands behind a price of a year, which is the dearer one in a list of months.
func PerYear(c plan.Cycle) string {
	if c == plan.Yearly {
		return "a year"
	}
	return ""
}

// more says how many are not shown.
func (t *Text) more(n int, thing string) {
	if n > 0 {
		t.Note("and %s more", Counted(n, thing))
	}
}
