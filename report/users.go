package report

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// subscription is a user's subscription; without one the status is active, on the default plan, and the rest is null.
func subscription(user, email, planName string, sub *plan.Subscription, now time.Time) fields {
	var s plan.Subscription
	status, paidUntil := plan.Active, time.Time{}
	if sub != nil {
		s, status, paidUntil = *sub, sub.StatusAt(now), sub.PaidAt(now)
	}
	return fields{
		{"user_id", "USER", name(user)},
		{"email", "EMAIL", orNull(name(email))},
		{"plan", "PLAN", planName},
		{"cycle", "CYCLE", orNull(s.Cycle)},
		{"status", "STATUS", shown(status, statusSpan(status))},
		{"auto_renew", "RENEWS", shown(s.AutoRenew, text(renewal(s)))},
		{"anchor", "SINCE", s.Anchor},
		{"paid_until", "PAID UNTIL", paidUntil},
		{"ends_at", "", s.EndsAt},
	}
}

// contactFields are who a user is, as bills say it; null where that is not known.
func contactFields(c usage.Contact) fields {
	return fields{{"name", "NAME", orNull(name(c.Name))}, {"address", "ADDRESS", orNull(name(c.Address))},
		{"country", "COUNTRY", orNull(c.Country)}, {"tax_id", "TAX ID", orNull(name(c.TaxID))}}
}

// known returns the fields that are not null.
func (fs fields) known() fields {
	return slices.DeleteFunc(slices.Clone(fs), func(f field) bool { return valueOf(f.value).json == nil })
}

// Users shows a list of users.
func Users(users []usage.User, now time.Time) Document {
	list := rowsOf(users, func(u usage.User) fields {
		name := u.PlanName
		if u.Subscription != nil && u.Subscription.PlanIDAt(now) != u.Subscription.PlanID {
			name = u.NextPlanName
		}
		return slices.Concat(subscription(u.UserID, u.Email, name, u.Subscription, now),
			fields{{"created_at", "", u.CreatedAt}}, contactFields(u.Contact))
	})
	return Document{JSON: list, CSV: list, Text: func(t *Text) {
		t.list(list, "user_id email plan cycle status auto_renew anchor", "no users")
		if len(users) > 0 {
			t.Note("%s", failure.Counted(len(users), "user"))
		}
	}}
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
func renewal(s plan.Subscription) string {
	switch {
	case s.Cycle == "":
		return Dash
	case !s.EndsAt.IsZero():
		return "ends " + s.EndsAt.UTC().Format(time.DateOnly)
	case s.AutoRenew:
		return "yes"
	}
	return "no"
}

// User shows where one user stands.
func User(a billing.Subscriber, now time.Time) (Document, error) {
	current, err := a.PlanAt(now)
	if err != nil {
		return Document{}, err
	}
	next, nextAt := nextPlan(a.Account)
	contact := contactFields(a.Profile.Contact)
	all := append(subscription(a.UserID, a.Profile.Email, current.Name, a.Subscription, now), fields{
		{"period", "", csvOnly(a.PeriodAt(now))}, {"next_plan", "", orNull(next)}, {"next_plan_at", "", nextAt},
	}...)
	period := field{"period", "PERIOD", jsonOnly(a.PeriodAt(now))}
	all = slices.Concat(all, fields{period}, contact)
	return all.document(func(t *Text) {
		t.Title("%s", a.UserID)
		t.facts(slices.Concat(contact.known(), all.pick("email plan status cycle auto_renew anchor paid_until"),
			fields{period}))
		if next != "" {
			t.Note("changes to the plan %s at %s", next, Time(nextAt))
		}
		if a.Subscription == nil {
			t.Note("no subscription: on the default plan, by calendar months")
		}
	}), nil
}

// nextPlan returns the plan that a subscription changes to, and when; "" for none.
func nextPlan(a plan.Account) (string, time.Time) {
	if a.Subscription == nil || a.Subscription.NextPlanID == 0 {
		return "", time.Time{}
	}
	p, _ := a.Plans.ByID(a.Subscription.NextPlanID)
	return p.Name, a.Subscription.NextAt
}

// History shows the steps in a subscription's life.
func History(entries []plan.HistoryEntry) Document {
	return rowsOf(entries, func(h plan.HistoryEntry) fields {
		return fields{
			{"user_id", "", h.UserID},
			{"action", "ACTION", h.Action},
			{"recorded_at", "", h.RecordedAt},
			{"effective_at", "EFFECTIVE", h.EffectiveAt},
			{"plan_before", "FROM", orNull(h.PlanBefore)},
			{"plan_after", "TO", orNull(h.PlanAfter)},
			{"cycle", "CYCLE", h.Cycle},
			{"period_before", "", orNull(h.PeriodBefore)}, {"period_after", "", orNull(h.PeriodAfter)},
			{"calls_before", "CALLS BEFORE", h.CallsBefore},
			{"tokens_before", "TOKENS BEFORE", h.TokensBefore},
			{"cost_before", "COST BEFORE", h.CostBefore},
			{"actor", "BY", name(h.Actor)},
		}
	}).document("effective_at action plan_before plan_after cycle calls_before tokens_before cost_before actor",
		"no history")
}
