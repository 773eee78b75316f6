package pages

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
)

func (p *pages) planRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /billing/plan", Scope: access.ScopeRead, Do: p.plans},
		{Pattern: "POST /billing/plan", Scope: access.ScopeRead, Do: p.choosePlan},
	}
}

// plansData is the page of the plan: what it is, and what others there are.
type plansData struct {
	Terms  []fact
	Plans  []planCard
	Rows   []planLimitRow // what each plan includes
	Email  string         // whom to ask for a plan that has to be paid
	Ask    bool           // there is such a plan
	Locked string         // why no plan can be chosen; "" where it can
}

type planCard struct {
	ID, Name, Description string
	Monthly, Yearly       string
	Current               bool
	Next                  bool // it is what the subscription changes to
	Default               bool
	Choose                bool   // it can be chosen here
	Stay                  bool   // the change from it that lies ahead can be taken back here
	From                  string // when it would begin; "" for at once
}

// planLimitRow is a limit in each of the plans.
type planLimitRow struct {
	Name  string
	Cells []string
}

func (p *pages) plans(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	subscriber, err := c.Billing.Subscriber(c.Context(), user)
	known := !failure.Is(err, failure.NotFound)
	if err != nil && known {
		return err
	}
	offered, _, err := c.Catalogue.Plans(c.Context(), c.Now, c.Now)
	if err != nil {
		return err
	}
	if !known {
		subscriber.Account = plan.Account{UserID: user, Plans: offered}
	}
	current, err := subscriber.PlanThen(c.Now)
	if err != nil {
		return err
	}
	d := plansData{Terms: termsOf(subscriber.Account, current, c.Now), Email: c.Sender.Email}
	for _, of := range offered {
		d.Plans = append(d.Plans, planCardOf(of, current, subscriber.Account))
		d.Ask = d.Ask || of.Monthly > 0 && of.ID != current.ID
	}
	if c.Who.MayManage(user) {
		d.choices(subscriber.Account, current, c.Now)
	}
	d.Rows = p.planRows(offered)
	return p.show(w, c, http.StatusOK, page{template: "plan", title: "Plan", section: "/billing/plan", data: d})
}

// choices says which plans can be chosen here: the default one, which costs nothing, from the end of what is paid on.
func (d *plansData) choices(a plan.Account, current plan.Plan, now time.Time) {
	status := a.StatusAt(now)
	if status == plan.Suspended {
		d.Locked = "Your subscription is suspended, so its plan can't be changed here."
		return
	}
	for i := range d.Plans {
		card := &d.Plans[i]
		card.Stay = card.Current && status == plan.Active && a.Subscription != nil && a.Subscription.NextPlanID != 0
		card.Choose = card.Default && !card.Next && (status.Ended() || !card.Current)
		if card.Choose && !status.Ended() && a.Subscription != nil {
			card.From = moment(a.Subscription.PaidAt(now))
		}
	}
}

// choosePlan changes the plan of a user.
func (p *pages) choosePlan(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	if err := c.Who.MustManage(user); err != nil {
		return err
	}
	if err := readForm(c); err != nil {
		return err
	}
	ids, err := idsOf(c.PostForm.Get("plan"))
	if err != nil || len(ids) != 1 {
		return cmp.Or(err, error(failure.Invalidf("no plan is named")))
	}
	choice := billing.Choice{PlanID: ids[0], Cycle: plan.Monthly}
	if _, err := c.Billing.Choose(c.Context(), c.Audit("users change-plan"), user, choice); err != nil {
		return err
	}
	back(w, c, "/billing/plan", "plan")
	return nil
}

func planCardOf(of, current plan.Plan, a plan.Account) planCard {
	card := planCard{ID: strconv.FormatInt(of.ID, 10), Name: report.Visible(of.Name),
		Description: report.Visible(of.Description), Monthly: "Free", Current: of.ID == current.ID,
		Default: of.Tier == plan.DefaultTier}
	if of.Monthly > 0 {
		card.Monthly = of.Monthly.Display()
	}
	if of.Yearly > 0 {
		card.Yearly = of.Yearly.Display()
	}
	card.Next = a.Subscription != nil && a.Subscription.NextPlanID == of.ID
	return card
}

// planRows compares what plans include: a row for each limit that one of them has.
func (p *pages) planRows(plans plan.Plans) (rows []planLimitRow) {
	at := map[string]int{}
	for i, of := range plans {
		for _, l := range of.Limits {
			if p.hidden(l) {
				continue
			}
			n, ok := at[l.Name]
			if !ok {
				n = len(rows)
				at[l.Name] = n
				rows = append(rows, planLimitRow{Name: title(l.Name), Cells: make([]string, len(plans))})
			}
			rows[n].Cells[i] = maximum(l)
		}
		for _, rate := range of.Rates.List() {
			if rate.Max == 0 {
				continue
			}
			n, ok := at[rate.Name]
			if !ok {
				n = len(rows)
				at[rate.Name] = n
				rows = append(rows, planLimitRow{Name: title(rate.Name), Cells: make([]string, len(plans))})
			}
			rows[n].Cells[i] = report.Count(rate.Max)
		}
	}
	for _, row := range rows {
		for i := range row.Cells {
			if row.Cells[i] == "" {
				row.Cells[i] = "unlimited"
			}
		}
	}
	return rows
}

func maximum(l plan.Limit) string {
	text := report.Maximum(l)
	if l.Action == plan.Warn && !l.Unlimited && l.Max > 0 {
		text += " (warns)"
	}
	if l.Max == 0 && !l.Unlimited {
		return report.Dash
	}
	return text
}

// priceOf returns what the plan costs in the subscription's cycle.
func priceOf(a plan.Account, current plan.Plan) (price pricing.USD, each string) {
	if a.Subscription == nil {
		return 0, ""
	}
	if a.Subscription.Cycle == plan.Yearly {
		return current.Yearly, "a year"
	}
	return current.Monthly, "a month"
}

// termsOf are the facts about a subscription.
func termsOf(a plan.Account, current plan.Plan, now time.Time) []fact {
	price, each := priceOf(a, current)
	facts := []fact{{Name: "Plan", Value: current.Name, Note: report.Visible(current.Description)}}
	if price == 0 {
		facts = append(facts, fact{Name: "Price", Value: "Free"})
	} else {
		facts = append(facts, fact{Name: "Price", Value: price.Display() + " " + each})
	}
	s := a.Subscription
	if s == nil {
		return facts
	}
	facts = append(facts, fact{Name: "Status", Value: string(a.StatusAt(now))})
	switch {
	case !s.EndsAt.IsZero() && s.EndsAt.After(now):
		facts = append(facts, fact{Name: "Ends", Value: moment(s.EndsAt)})
	case s.NextPlanID != 0:
		next, _ := a.Plans.ByID(s.NextPlanID)
		facts = append(facts, fact{Name: "Changes to " + next.Name, Value: moment(s.NextAt)})
	case s.AutoRenew:
		facts = append(facts, fact{Name: "Renews", Value: moment(s.PaidAt(now))})
	case s.PaidUntil.After(now):
		facts = append(facts, fact{Name: "Paid until", Value: moment(s.PaidUntil), Note: "it does not renew by itself"})
	}
	if current.Overage == plan.OverageAllow {
		facts = append(facts, fact{Name: "Beyond the limits", Value: "calls go on, and are billed"})
	}
	return facts
}
