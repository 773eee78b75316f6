package report

import (
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// subscriptionView is a user's subscription; without one the status is active,
// on the default plan, and the rest is null.
type subscriptionView struct {
	UserID    string      `json:"user_id"`
	Email     *string     `json:"email"`
	Plan      string      `json:"plan"`
	Cycle     *string     `json:"cycle"`
	Status    plan.Status `json:"status"`
	AutoRenew bool        `json:"auto_renew"`
	Anchor    moment      `json:"anchor"`
	PaidUntil moment      `json:"paid_until"`
	EndsAt    moment      `json:"ends_at"`
}

func viewSubscription(user, email, planName string, sub *plan.Subscription, now time.Time) subscriptionView {
	v := subscriptionView{UserID: user, Email: orNull(email), Plan: planName, Status: plan.Active}
	if sub != nil {
		v.Cycle, v.Status, v.AutoRenew = orNull(sub.Cycle), sub.StatusAt(now), sub.AutoRenew
		v.Anchor, v.PaidUntil, v.EndsAt = moment(sub.Anchor), moment(sub.PaidAt(now)), moment(sub.EndsAt)
	}
	return v
}

func subscriptionHeader() []string {
	return []string{"user_id", "email", "plan", "cycle", "status", "auto_renew", "anchor", "paid_until", "ends_at"}
}

func (v subscriptionView) cells() []Cell {
	return []Cell{TextCell(v.UserID), TextCell(orEmpty(v.Email)), TextCell(v.Plan), TextCell(orEmpty(v.Cycle)), TextCell(string(v.Status)),
		BoolCell(v.AutoRenew), TimeCell(time.Time(v.Anchor)), TimeCell(time.Time(v.PaidUntil)), TimeCell(time.Time(v.EndsAt))}
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

type userView struct {
	subscriptionView
	CreatedAt moment `json:"created_at"`
}

// Users shows a list of users.
func Users(users []usage.User, now time.Time) Document {
	views := listOf(users, func(u usage.User) userView {
		name := u.PlanName
		if u.Subscription != nil && u.Subscription.PlanIDAt(now) != u.Subscription.PlanID {
			name = u.NextPlanName
		}
		return userView{viewSubscription(u.UserID, u.Email, name, u.Subscription, now), moment(u.CreatedAt)}
	})
	grid := gridOf(append(subscriptionHeader(), "created_at"), views, func(v userView) []Cell {
		return append(v.cells(), TimeCell(time.Time(v.CreatedAt)))
	})
	return listDocument(views, grid, func(t *Text) error {
		if len(views) == 0 {
			t.Note("no users")
			return nil
		}
		columns := []column{{"USER", names}, {"EMAIL", names}, {"PLAN", words}, {"CYCLE", words}, {"STATUS", words}, {"RENEWS", words}, {"SINCE", words}}
		err := t.table(tableOf(columns, views, func(v userView) []span {
			return []span{text(v.UserID), orNone(orEmpty(v.Email)), text(v.Plan), orNone(orEmpty(v.Cycle)), statusSpan(v.Status),
				text(v.renewal()), text(Time(time.Time(v.Anchor)))}
		}))
		t.Note("%s", Counted(len(views), "user"))
		return err
	})
}

func statusSpan(s plan.Status) span {
	switch s {
	case plan.Active:
		return good.of(string(s))
	case plan.Pending:
		return caution.of(string(s))
	}
	return bad.of(string(s))
}

// renewal says whether a subscription goes on by itself.
func (v subscriptionView) renewal() string {
	switch {
	case v.Cycle == nil:
		return Dash
	case !time.Time(v.EndsAt).IsZero():
		return "ends " + time.Time(v.EndsAt).UTC().Format(time.DateOnly)
	case v.AutoRenew:
		return "yes"
	}
	return "no"
}

type accountView struct {
	subscriptionView
	NextPlan   *string    `json:"next_plan"`
	NextPlanAt moment     `json:"next_plan_at"`
	Period     periodView `json:"period"`
}

// User shows where one user stands.
func User(a plan.Account, now time.Time) (Document, error) {
	current, err := a.PlanAt(now)
	if err != nil {
		return Document{}, err
	}
	period := a.PeriodAt(now)
	next, nextAt := nextPlan(a)
	view := accountView{viewSubscription(a.UserID, a.Email, current.Name, a.Subscription, now), orNull(next), moment(nextAt), viewPeriod(period)}
	grid := Grid{
		Header: append(subscriptionHeader(), "period_start", "period_end", "next_plan", "next_plan_at"),
		Rows:   [][]Cell{append(view.cells(), TimeCell(period.Start), TimeCell(period.End), TextCell(next), TimeCell(nextAt))},
	}
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
		t.Title("%s", a.UserID)
		t.facts(
			fact{"email", orNone(a.Email)},
			factOf("plan", current.Name),
			fact{"status", statusSpan(view.Status)},
			fact{"cycle", orNone(orEmpty(view.Cycle))},
			factOf("renews", view.renewal()),
			factOf("since", Time(time.Time(view.Anchor))),
			factOf("paid until", Time(time.Time(view.PaidUntil))),
			factOf("period", periodForPeople(period)),
		)
		if next != "" {
			t.Note("changes to the plan %s at %s", next, Time(nextAt))
		}
		if a.Subscription == nil {
			t.Note("no subscription: on the default plan, by calendar months")
		}
		return nil
	}}, nil
}

// nextPlan returns the plan that a subscription changes to, and when; "" for none.
func nextPlan(a plan.Account) (string, time.Time) {
	if a.Subscription == nil || a.Subscription.NextPlanID == 0 {
		return "", time.Time{}
	}
	p, _ := a.Plans.ByID(a.Subscription.NextPlanID)
	return p.Name, a.Subscription.NextAt
}
