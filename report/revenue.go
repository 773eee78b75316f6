package report

import (
	"cmp"
	"encoding/json"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Revenue shows what was billed, what it cost and what is left, in a table with so many users at most.
func Revenue(r billing.Revenue, top int) Document {
	return Document{JSON: revenueFields(r), CSV: revenueRows(r), Text: func(t *Text) {
		t.Title("revenue, cost and margin of %s", Month(r.Month))
		t.Gap()
		if r.Sum.Bills == 0 {
			t.Note("no bill has a period that ended in this month")
		} else {
			t.revenue(r, top)
		}
		t.unpaid(r.Unpaid)
		t.near(r.Near, top)
		t.idle(r.Idle, top)
	}}
}

func revenueFields(r billing.Revenue) fields {
	return fields{
		{"month", "", Month(r.Month)}, {"from", "", r.Month}, {"to", "", r.Month.AddDate(0, 1, 0)},
		{"as_of", "", r.AsOf}, {"total", "", moneyFields(r.Sum)}, {"unpriced_calls", "", r.Sum.Unpriced},
		{"estimated_calls", "", r.Sum.Estimated}, {"estimated_cost", "", r.Sum.EstimatedCost},
		{"by_plan", "", shareRows(r.Plans, "plan", "PLAN", words)},
		{"by_user", "", shareRows(r.Users, "user_id", "USER", names)}, {"by_provider", "", providerRows(r)},
		{"months", "", listOf(r.Months, func(m billing.MonthSums) fields {
			return append(fields{{"month", "", Month(m.Month)}}, resultFields(m.Bills, m.Revenue, m.Cost, nil)...)
		})},
		{"near_limit", "", nearRows(r.Near)}, {"never_used", "", idleRows(r.Idle)},
		{"unpaid", "", fields{
			{"bills", "", r.Unpaid.Sum.Bills}, {"amount", "", r.Unpaid.Sum.Amount}, {"by_age", "", ageRows(r.Unpaid)},
			{"list", "", listOf(r.Unpaid.Bills, func(b billing.Bill) fields {
				return fields{{"number", "", b.Number}, {"user_id", "", b.UserID}, {"email", "", orNull(b.Email)},
					{"status", "", b.Status},
					{"due_at", "", b.DueAt}, {"days_overdue", "", billing.DaysOverdue(b, r.Unpaid.AsOf)}, {"total", "", b.Total}}
			})},
		}},
	}
}

// moneyFields are the figures of one row of a report of revenue.
func moneyFields(s billing.Sums) fields {
	return resultFields(s.Bills, s.Revenue(), s.Cost, fields{
		{"fees", "FEES", s.Fees},
		{"overage", "OVERAGE", s.Overage},
		{"adjustments", "ADJUSTED", s.Adjustments},
		{"credits", "CREDITS", s.Credits},
		{"rounding", "ROUNDING", s.Rounding},
	})
}

// resultFields are a number of bills, the parts of their revenue, and what is left of it.
func resultFields(bills int, revenue, cost pricing.Total, parts fields) fields {
	margin := revenue.Sub(cost)
	left := valueOf(margin)
	if margin.Cmp(pricing.Total{}) < 0 {
		left = shown(margin, bad.of(margin.Display()))
	}
	return append(append(fields{{"bills", "BILLS", bills}}, parts...), fields{
		{"revenue", "REVENUE", revenue},
		{"cost", "COST", cost},
		{"margin", "MARGIN", left},
		{"margin_percent", "%", jsonOnly(percentOf(margin, revenue))},
	}...)
}

// percentOf is which part of a whole something is, null where the whole is nothing.
func percentOf(part, whole pricing.Total) value {
	percent, ok := PercentOf(part, whole)
	return shown(nullUnless(ok, json.Number(percent)), text(cmp.Or(percent, Dash)))
}

// revenueRows have a row for the total and for each plan, user and provider, told apart by their first two columns.
func revenueRows(r billing.Revenue) rows {
	type share struct {
		by string
		billing.Share
	}
	all := []share{{"total", billing.Share{Key: Month(r.Month), Sums: r.Sum}}}
	add := func(by string, shares []billing.Share) {
		for _, s := range shares {
			all = append(all, share{by, s})
		}
	}
	add("plan", r.Plans)
	add("user", r.Users)
	add("provider", r.Providers)
	return rowsOf(all, func(s share) fields {
		return append(fields{{"by", "", s.by}, {"key", "", s.Key}}, moneyFields(s.Sums)...)
	})
}

func shareRows(shares []billing.Share, key, title string, kind columnKind) rows {
	return rowsOf(shares, func(s billing.Share) fields {
		return append(fields{{key, title, shownAs(kind, s.Key, text(s.Key))}}, moneyFields(s.Sums)...)
	})
}

// providerRows are what each provider cost, and what was billed for it beyond fees.
func providerRows(r billing.Revenue) rows {
	return rowsOf(r.Providers, func(s billing.Share) fields {
		provider := orNull(s.Key)
		if s.Key == "" {
			provider = shown(provider, dim.of("fees, credits, rounding"))
		}
		return append(append(fields{{"provider", "PROVIDER", provider}}, moneyFields(s.Sums)...), costShare(s.Sums, r))
	})
}

func costShare(s billing.Sums, r billing.Revenue) field {
	return field{"cost_percent", "% OF COST", peopleOnly(percentOf(s.Cost, r.Sum.Cost))}
}

// revenue writes the tables of money.
func (t *Text) revenue(r billing.Revenue, top int) {
	columns := " bills " + partsOf(r.Sum) + "revenue cost margin margin_percent"
	total := func(columns string, more ...field) []span {
		return inBold(append([]span{text("TOTAL")}, append(moneyFields(r.Sum), more...).pick(columns).spans()...))
	}
	t.table(shareRows(r.Plans, "plan", "PLAN", words).table("plan" + columns).total(total(columns)...))
	t.Gap()
	shown := r.Users[:min(top, len(r.Users))]
	t.table(shareRows(shown, "user", "USER", names).table("user" + columns).total(total(columns)...))
	if more := len(r.Users) - len(shown); more > 0 {
		t.Note("and %s more; the total counts them too", failure.Counted(more, "user"))
	}
	t.Gap()
	columns = " bills revenue cost cost_percent"
	t.table(providerRows(r).table("provider" + columns).total(total(columns, costShare(r.Sum, r))...))
	noteUnpriced(t, r.Sum.Unpriced)
	noteEstimated(t, r.Sum.Estimated, r.Sum.Calls, r.Sum.EstimatedCost)
	t.Gap()
}

// partsOf names the parts that a revenue has: of those that are nothing a table has no
// column, nor of a single one, which is the revenue.
func partsOf(sum billing.Sums) string {
	var parts string
	found := 0
	for _, f := range moneyFields(sum).pick("fees overage adjustments credits rounding") {
		if f.value.(pricing.Total).Cmp(pricing.Total{}) != 0 {
			parts, found = parts+f.name+" ", found+1
		}
	}
	if found == 1 {
		return ""
	}
	return parts
}

func ageRows(a billing.Ageing) rows {
	ages := []billing.Age{billing.NotDue}
	for len(ages) < int(billing.AgeCount) {
		ages = append(ages, ages[len(ages)-1]+1)
	}
	said := [billing.AgeCount]string{"not due yet", "1 to 30 days", "31 to 60 days", "61 to 90 days", "more than 90 days"}
	return rowsOf(ages, func(age billing.Age) fields {
		return fields{
			{"age", "UNPAID", shown(age.String(), text(said[age]))},
			{"bills", "BILLS", a.Ages[age].Bills},
			{"amount", "AMOUNT", a.Ages[age].Amount},
		}
	})
}

func (t *Text) unpaid(a billing.Ageing) {
	if a.Sum.Bills == 0 {
		t.Note("no bill is unpaid")
		return
	}
	t.table(ageRows(a).table("").total(inBold([]span{text("TOTAL"), text(Count(int64(a.Sum.Bills))),
		text(a.Sum.Amount.Display())})...))
}

func nearRows(near []usage.Near) rows {
	return rowsOf(near, func(n usage.Near) fields {
		return fields{
			{"user_id", "NEAR A LIMIT", name(n.UserID)},
			{"plan", "PLAN", n.PlanName},
			{"until", "UNTIL", peopleOnly(day(n.Period.End))},
			{"period", "", n.Period},
			{"limit", "LIMIT", n.Limit.Name},
			{"meter", "", n.Limit.Meter},
			{"used", "USED", measure{n.Limit.Meter, n.Used}},
			{"max", "MAXIMUM", maximum(n.Limit)},
			{"percent", "", shownAs(words, percent(n.LimitUse), limitBar(n.LimitUse))},
			{"action", "", n.Limit.Action},
		}
	})
}

func (t *Text) near(near []usage.Near, top int) {
	t.Gap()
	t.list(nearRows(near[:min(top, len(near))]), "user_id plan limit used max percent until",
		"nobody has used 80 percent of a limit in the running period")
	t.more(len(near)-top, "limit")
}

func idleRows(idle []billing.Idle) rows {
	return rowsOf(idle, func(i billing.Idle) fields {
		return fields{
			{"user_id", "PAID, NEVER USED", name(i.UserID)},
			{"email", "", orNull(i.Email)},
			{"plan", "PLAN", i.PlanName},
			{"cycle", "", shown(orNull(i.Cycle), text(PerYear(i.Cycle)))},
			{"period", "PERIOD", i.Period},
			{"fee", "FEE", i.Fee},
		}
	})
}

func (t *Text) idle(idle []billing.Idle, top int) {
	if len(idle) == 0 {
		return
	}
	t.Gap()
	t.table(idleRows(idle[:min(top, len(idle))]).table("user_id plan period fee cycle"))
	t.more(len(idle)-top, "user")
}

// more says how many are not shown.
func (t *Text) more(n int, thing string) {
	if n > 0 {
		t.Note("and %s more", failure.Counted(n, thing))
	}
}
