package alwrity

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/server/web"
)

type subscriptionShape struct {
	ID           int64  `json:"id"`
	BillingCycle string `json:"billing_cycle"`
	PeriodStart  string `json:"current_period_start"`
	PeriodEnd    string `json:"current_period_end"`
	Status       string `json:"status"`
	AutoRenew    bool   `json:"auto_renew"`
	CreatedAt    string `json:"created_at"`
}

type planBrief struct {
	ID           int64       `json:"id"`
	Name         string      `json:"name"`
	Tier         string      `json:"tier"`
	PriceMonthly json.Number `json:"price_monthly"`
	PriceYearly  json.Number `json:"price_yearly"`
	Description  string      `json:"description"`
	IsFree       bool        `json:"is_free"`
}

type subscriptionData struct {
	Subscription *subscriptionShape `json:"subscription"`
	Plan         planBrief          `json:"plan"`
	Limits       map[string]any     `json:"limits"`
	Status       string             `json:"status,omitempty"`
}

// standingOf asks where the user of a path stands.
func standingOf(c *web.Call) (billing.Standing, error) {
	in := inputOf(c)
	user := in.user(c)
	if err := in.err(); err != nil {
		return billing.Standing{}, err
	}
	return c.Billing.Standing(c.Context(), user, c.Now)
}

// subscription answers with a user's subscription, null where there is none, and plan.
func subscription(w http.ResponseWriter, c *web.Call) error {
	st, err := standingOf(c)
	if err != nil {
		return err
	}
	p := st.Plan
	data := subscriptionData{
		Plan: planBrief{p.ID, p.Name, tierOf(p, st.Account.Plans), dollars(p.Monthly), dollars(p.Yearly), p.Description,
			p.Monthly == 0 && p.Yearly == 0},
		Limits: explainedLimits(p),
	}
	if sub := st.Subscription; sub == nil {
		data.Status = "free"
	} else {
		running := paidPeriod(st, c)
		data.Subscription = &subscriptionShape{ID: st.Began.ID, BillingCycle: string(sub.Cycle),
			PeriodStart: stamp(running.Start), PeriodEnd: stamp(running.End), Status: subscriptionStatus(st),
			AutoRenew: sub.AutoRenew && sub.EndsAt.IsZero(), CreatedAt: stamp(st.Began.RecordedAt)}
	}
	return answer(w, data)
}

// paidPeriod is what a user has paid for, of one without a subscription the running month.
func paidPeriod(st billing.Standing, c *web.Call) plan.Period {
	if sub := st.Subscription; sub != nil {
		return sub.PaidPeriodAt(c.Now)
	}
	return plan.CalendarMonth(c.Now)
}

type statusShape struct {
	Active    bool           `json:"active"`
	Plan      string         `json:"plan"`
	Tier      string         `json:"tier"`
	CanUseAPI bool           `json:"can_use_api"`
	Limits    map[string]any `json:"limits"`
	Reason    string         `json:"reason,omitempty"`
}

// status answers whether a user may call at all: what the client asks first and every five minutes.
func status(w http.ResponseWriter, c *web.Call) error {
	st, err := standingOf(c)
	if err != nil {
		return err
	}
	runs := st.Status == plan.Active || st.Status == plan.Pending
	tier := tierOf(st.Plan, st.Account.Plans)
	return answer(w, statusShape{runs, tier, tier, runs, explainedLimits(st.Plan), reasonOf(st)})
}

type subscribed struct {
	SubscriptionID int64          `json:"subscription_id"`
	PlanName       string         `json:"plan_name"`
	BillingCycle   string         `json:"billing_cycle"`
	PeriodStart    string         `json:"current_period_start"`
	PeriodEnd      string         `json:"current_period_end"`
	Status         string         `json:"status"`
	Limits         map[string]any `json:"limits"`
}

// subscribe moves a user to a plan. A plan that costs something takes an admin, or a payment before.
func subscribe(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	user := in.user(c)
	choice, err := in.choice(c)
	if err != nil {
		return err
	}
	if err := c.Who.MustManage(user); err != nil {
		return err
	}
	choice.Paid = c.Who.May(access.ScopeAdmin)
	st, err := c.Billing.Choose(c.Context(), c.Audit("subscribe"), user, choice)
	switch {
	case failure.Is(err, failure.NotFound):
		return refuse(http.StatusNotFound, "Plan not found")
	case web.Reason(err) == billing.ReasonPaymentRequired:
		return refuse(http.StatusPaymentRequired, "This plan has to be paid for: choose it on the pricing page")
	case err != nil:
		return err
	}
	running, message := paidPeriod(st, c), "You are on the plan "+st.Plan.Name
	cycle := choice.Cycle
	if sub := st.Subscription; sub != nil {
		cycle = sub.Cycle
		if next, ok := st.Account.Plans.ByID(sub.NextPlanID); ok {
			message += "; from " + stamp(sub.NextAt) + " on it is " + next.Name
		}
	}
	return web.WriteJSON(w, http.StatusOK, enveloped{Success: true, Message: message, Data: subscribed{st.Began.ID,
		st.Plan.Name, string(cycle), stamp(running.Start), stamp(running.End), subscriptionStatus(st),
		explainedLimits(st.Plan)}})
}

// choice reads which plan is asked for.
func (in *input) choice(c *web.Call) (billing.Choice, error) {
	o, err := in.body(c)
	if err != nil {
		return billing.Choice{}, err
	}
	if _, given := o.given("plan_id"); !given {
		return billing.Choice{}, refuse(http.StatusBadRequest, "plan_id is required")
	}
	choice := billing.Choice{PlanID: o.number("plan_id", 1<<53), Cycle: plan.Monthly}
	if text := o.text("billing_cycle", false); text != "" {
		if choice.Cycle, err = plan.ParseCycle(strings.ToLower(text)); err != nil {
			o.wrong("enum", "It must be monthly or yearly", o.fields["billing_cycle"], "billing_cycle")
		}
	}
	return choice, in.err()
}
