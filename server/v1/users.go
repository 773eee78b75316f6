package v1

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// users lists every user that was ever seen, for who acts for them.
func users(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	after, limit := q.Text("after"), q.Page()
	if err := q.Err(); err != nil {
		return err
	}
	if !c.ActsForAll() {
		return access.Forbidden("access denied: %s may not list users", c.Who.Name)
	}
	page, err := c.Lists.Users(c.Context(), after, limit)
	if err != nil {
		return err
	}
	if page.More {
		c.Next(w, page.Rows[len(page.Rows)-1].UserID)
	}
	return c.Document(w, http.StatusOK, report.Users(page.Rows, c.Now))
}

// user answers with a user's subscription.
func user(w http.ResponseWriter, c *web.Call) error {
	if err := c.Query().Err(); err != nil {
		return err
	}
	return answerUser(w, c)
}

func answerUser(w http.ResponseWriter, c *web.Call) error {
	subscriber, err := c.Billing.Subscriber(c.Context(), c.PathValue("user"))
	if err != nil {
		return err
	}
	doc, err := report.User(subscriber, c.Now)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, doc)
}

// setProfile changes who a user is, as bills say it. What is not named stays, and "" takes it away.
func setProfile(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		Email   *string `json:"email"`
		Name    *string `json:"name"`
		Address *string `json:"address"`
		Country *string `json:"country"`
		TaxID   *string `json:"tax_id"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	change := usage.ProfileChange(body)
	if change.IsEmpty() {
		return failure.Invalidf("there is nothing to set: name email, name, address, country or tax_id")
	}
	if err := c.Billing.SetProfile(c.Context(), c.Audit("users set"), c.PathValue("user"), change); err != nil {
		return err
	}
	return answerUser(w, c)
}

// history lists every change of a user's subscription.
func history(w http.ResponseWriter, c *web.Call) error {
	if err := c.Query().Err(); err != nil {
		return err
	}
	entries, err := c.Billing.History(c.Context(), c.PathValue("user"))
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.History(entries))
}

// subscribe begins a subscription.
func subscribe(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		Plan      string `json:"plan"`
		Cycle     string `json:"cycle"`
		Start     string `json:"start"`
		Email     string `json:"email"`
		AutoRenew *bool  `json:"auto_renew"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	order := billing.Order{Plan: body.Plan, Cycle: plan.Monthly, Email: body.Email,
		AutoRenew: body.AutoRenew == nil || *body.AutoRenew}
	if body.Plan == "" {
		return failure.Invalidf("plan is empty: it must be given")
	}
	var err error
	if body.Cycle != "" {
		if order.Cycle, err = plan.ParseCycle(body.Cycle); err != nil {
			return err
		}
	}
	if order.Start, err = optionalTime("start", body.Start); err != nil {
		return err
	}
	return changeSubscription(w, c, "users subscribe", func(b *billing.Service, ctx context.Context, a usage.Audit,
		user string) (billing.SubscriptionResult, error) {
		return b.Subscribe(ctx, a, user, order)
	})
}

// optionalTime reads a moment of a body; "" is the zero time.
func optionalTime(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return usage.ParseTime(name, text)
}

// subscriptionChange is an operation on a user's subscription.
type subscriptionChange func(
	b *billing.Service, ctx context.Context, audit usage.Audit, user string) (billing.SubscriptionResult, error)

// changeSubscription changes a user's subscription, and answers with the user.
func changeSubscription(w http.ResponseWriter, c *web.Call, action string, change subscriptionChange) error {
	if _, err := change(c.Billing, c.Context(), c.Audit(action), c.PathValue("user")); err != nil {
		return err
	}
	return answerUser(w, c)
}

// changePlan moves a subscription to another plan, now or at the end of what is paid.
func changePlan(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		Plan        string `json:"plan"`
		AtPeriodEnd bool   `json:"at_period_end"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	if body.Plan == "" {
		return failure.Invalidf("plan is empty: it must be given")
	}
	return changeSubscription(w, c, "users change-plan", func(b *billing.Service, ctx context.Context, a usage.Audit,
		user string) (billing.SubscriptionResult, error) {
		return b.ChangePlan(ctx, a, user, body.Plan, body.AtPeriodEnd)
	})
}

// cancel ends a subscription, now or at the end of what is paid.
func cancel(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		AtPeriodEnd bool `json:"at_period_end"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadOptionalJSON(&body)); err != nil {
		return err
	}
	return changeSubscription(w, c, "users cancel", func(b *billing.Service, ctx context.Context, a usage.Audit,
		user string) (billing.SubscriptionResult, error) {
		return b.Cancel(ctx, a, user, body.AtPeriodEnd)
	})
}

func renew(w http.ResponseWriter, c *web.Call) error {
	return changePlainly(w, c, "users renew", (*billing.Service).Renew)
}

func suspend(w http.ResponseWriter, c *web.Call) error {
	return changePlainly(w, c, "users suspend", (*billing.Service).Suspend)
}

func resume(w http.ResponseWriter, c *web.Call) error {
	return changePlainly(w, c, "users resume", (*billing.Service).Resume)
}

// changePlainly is changeSubscription for what needs no more to be said.
func changePlainly(w http.ResponseWriter, c *web.Call, action string, change subscriptionChange) error {
	if err := cmp.Or(c.Query().Err(), c.ReadOptionalJSON(&struct{}{})); err != nil {
		return err
	}
	return changeSubscription(w, c, action, change)
}
