package report

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// moneyView are the figures of one row of a report of revenue.
type moneyView struct {
	Bills         int           `json:"bills"`
	Fees          pricing.Total `json:"fees"`
	Overage       pricing.Total `json:"overage"`
	Adjustments   pricing.Total `json:"adjustments"`
	Credits       pricing.Total `json:"credits"`
	Rounding      pricing.Total `json:"rounding"`
	Revenue       pricing.Total `json:"revenue"`
	Cost          pricing.Total `json:"cost"`
	Margin        pricing.Total `json:"margin"`
	MarginPercent *json.Number  `json:"margin_percent"`
}

func viewMoney(s billing.Sums) moneyView {
	return moneyView{s.Bills, s.Fees, s.Overage, s.Adjustments, s.Credits, s.Rounding, s.Revenue(), s.Cost, s.Margin(), marginPercent(s.Revenue(), s.Margin())}
}

// marginPercent returns which part of the revenue is left, in percent with one decimal;
// nil where there is no revenue.
func marginPercent(revenue, margin pricing.Total) *json.Number {
	text, ok := PercentOf(margin, revenue)
	if !ok {
		return nil
	}
	n := json.Number(text)
	return &n
}

// PercentOf writes which part of a whole something is: "-12.5".
func PercentOf(part, whole pricing.Total) (string, bool) {
	perMille, ok := part.PerMilleOf(whole)
	if !ok {
		return "", false
	}
	sign := ""
	if perMille < 0 {
		sign, perMille = "-", -perMille
	}
	return fmt.Sprintf("%s%d.%d", sign, perMille/10, perMille%10), true
}

type planRevenueView struct {
	Plan string `json:"plan"`
	moneyView
}

type userRevenueView struct {
	UserID string `json:"user_id"`
	moneyView
}

type providerRevenueView struct {
	Provider *string `json:"provider"`
	moneyView
}

type monthRevenueView struct {
	Month         string        `json:"month"`
	Bills         int           `json:"bills"`
	Revenue       pricing.Total `json:"revenue"`
	Cost          pricing.Total `json:"cost"`
	Margin        pricing.Total `json:"margin"`
	MarginPercent *json.Number  `json:"margin_percent"`
}

type nearView struct {
	UserID  string       `json:"user_id"`
	Plan    string       `json:"plan"`
	Period  periodView   `json:"period"`
	Limit   string       `json:"limit"`
	Meter   plan.Meter   `json:"meter"`
	Used    measure      `json:"used"`
	Max     *measure     `json:"max"`
	Percent *json.Number `json:"percent"`
	Action  plan.Action  `json:"action"`
}

func viewNear(n usage.Near) nearView {
	l := n.Limit
	return nearView{n.UserID, n.PlanName, viewPeriod(n.Period), l.Name, l.Meter, measure{l.Meter, n.Used}, maximum(l), percentOf(n.LimitUse), l.Action}
}

type idleView struct {
	UserID string        `json:"user_id"`
	Email  *string       `json:"email"`
	Plan   string        `json:"plan"`
	Cycle  *string       `json:"cycle"`
	Period periodView    `json:"period"`
	Fee    pricing.Total `json:"fee"`
}

type ageView struct {
	Age    string        `json:"age"`
	Bills  int           `json:"bills"`
	Amount pricing.Total `json:"amount"`
}

type unpaidBillView struct {
	Number      int64          `json:"number"`
	UserID      string         `json:"user_id"`
	Email       *string        `json:"email"`
	Status      billing.Status `json:"status"`
	DueAt       moment         `json:"due_at"`
	DaysOverdue int            `json:"days_overdue"`
	Total       pricing.USD    `json:"total"`
}

type unpaidView struct {
	Bills  int              `json:"bills"`
	Amount pricing.Total    `json:"amount"`
	ByAge  []ageView        `json:"by_age"`
	List   []unpaidBillView `json:"list"`
}

type revenueView struct {
	Month      string                `json:"month"`
	From       moment                `json:"from"`
	To         moment                `json:"to"`
	AsOf       moment                `json:"as_of"`
	Total      moneyView             `json:"total"`
	Unpriced   int64                 `json:"unpriced_calls"`
	ByPlan     []planRevenueView     `json:"by_plan"`
	ByUser     []userRevenueView     `json:"by_user"`
	ByProvider []providerRevenueView `json:"by_provider"`
	Months     []monthRevenueView    `json:"months"`
	NearLimit  []nearView            `json:"near_limit"`
	NeverUsed  []idleView            `json:"never_used"`
	Unpaid     unpaidView            `json:"unpaid"`
}

func viewRevenue(r billing.Revenue) revenueView {
	return revenueView{Month(r.Month), moment(r.Month), moment(r.Month.AddDate(0, 1, 0)), moment(r.AsOf), viewMoney(r.Sum), r.Sum.Unpriced,
		listOf(r.Plans, func(s billing.Share) planRevenueView { return planRevenueView{s.Key, viewMoney(s.Sums)} }),
		listOf(r.Users, func(s billing.Share) userRevenueView { return userRevenueView{s.Key, viewMoney(s.Sums)} }),
		listOf(r.Providers, func(s billing.Share) providerRevenueView {
			return providerRevenueView{orNull(s.Key), viewMoney(s.Sums)}
		}),
		listOf(r.Months, func(m billing.MonthSums) monthRevenueView {
			return monthRevenueView{Month(m.Month), m.Bills, m.Revenue, m.Cost, m.Margin(), marginPercent(m.Revenue, m.Margin())}
		}),
		listOf(r.Near, viewNear),
		listOf(r.Idle, func(i billing.Idle) idleView {
			return idleView{i.UserID, orNull(i.Email), i.PlanName, orNull(i.Cycle), viewPeriod(i.Period), i.Fee}
		}),
		viewUnpaid(r.Unpaid)}
}

func viewUnpaid(a billing.Ageing) unpaidView {
	v := unpaidView{Bills: a.Sum.Bills, Amount: a.Sum.Amount, List: listOf(a.Bills, func(b billing.Bill) unpaidBillView {
		return unpaidBillView{b.Number, b.UserID, orNull(b.Email), b.Status, moment(b.DueAt), billing.DaysOverdue(b, a.AsOf), b.Total}
	})}
	for age, sum := range a.Ages {
		v.ByAge = append(v.ByAge, ageView{billing.Age(age).String(), sum.Bills, sum.Amount})
	}
	return v
}

// Month writes a month: "2026-10".
func Month(month time.Time) string { return month.Format("2006-01") }
