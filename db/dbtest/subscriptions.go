package dbtest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func subscriptionTests() []test {
	return []test{
		{"subscriptions/a whole life and its history", subscriptionLife},
		{"subscriptions/everything comes back", subscriptionRoundTrip},
		{"subscriptions/one that began in the past moves the log to its periods", subscriptionMovesLog},
		{"subscriptions/a plan change moves later events to the new plan", planChangeMovesLog},
		{"subscriptions/a failing change keeps everything", subscriptionChangeFails},
		{"subscriptions/moving leaves other users alone", movingLeavesOthers},
	}
}

func subscriptionLife(t *testing.T, p Place) {
	f := seeded(t, p)
	start := date(2026, 1, 31)
	f.subscribe("alice", "Pro", start, start)
	e := call("e1", "alice", date(2026, 2, 10), 10, 5)
	f.record(e)
	steps := []struct {
		at     time.Time
		change func(plan.Account, time.Time) (plan.Change, error)
		status plan.Status
	}{
		{date(2026, 2, 11), func(a plan.Account, at time.Time) (plan.Change,
			error) {
			return a.ChangePlan(f.plan("Open"), at)
		}, plan.Active},
		{date(2026, 2, 12), func(a plan.Account, at time.Time) (plan.Change,
			error) {
			return a.ChangePlan(f.plan("Pro"), at)
		}, plan.Active},
		{date(2026, 2, 13), plan.Account.Suspend, plan.Suspended},
		{date(2026, 2, 14), plan.Account.Resume, plan.Active},
		{date(2026, 2, 15), plan.Account.Renew, plan.Active},
		{date(2026, 2, 16), func(a plan.Account, at time.Time) (plan.Change, error) { return a.Cancel(true, at) },
			plan.Active},
		{date(2026, 2, 17), func(a plan.Account, at time.Time) (plan.Change, error) { return a.Cancel(false, at) },
			plan.Cancelled},
		{date(2026, 2, 18), plan.Account.Renew, plan.Active},
	}
	for _, step := range steps {
		after := f.change("alice", step.at, func(a plan.Account) (plan.Change, error) { return step.change(a, step.at) })
		stored := f.account("alice")
		wantEqual(t, "the account that is returned", fmt.Sprintf("%+v %+v", *after.Subscription, after.Segments),
			fmt.Sprintf("%+v %+v", *stored.Subscription, stored.Segments))
		if got := stored.StatusAt(step.at); got != step.status {
			t.Errorf("on %s the status is %s, want %s", step.at.Format(time.DateOnly), got, step.status)
		}
	}
	history, err := f.db.History(f.ctx, "alice")
	f.must(err)
	var actions []string
	for _, h := range history {
		actions = append(actions, fmt.Sprint(h.Action, " ", h.PlanBefore, ">", h.PlanAfter, " ", h.CallsBefore, "/",
			h.TokensBefore, "/", h.CostBefore))
	}
	cost := f.logs()[0].Cost
	wantEqual(t, "history", actions, []string{
		"new >Pro 0/0/0", fmt.Sprint("upgrade Pro>Open 1/15/", cost), fmt.Sprint("downgrade Open>Pro 1/15/", cost),
		fmt.Sprint("suspend Pro>Pro 1/15/", cost), fmt.Sprint("resume Pro>Pro 1/15/", cost),
		fmt.Sprint("renewal Pro>Pro 1/15/", cost),
		fmt.Sprint("cancel Pro>Pro 1/15/", cost), fmt.Sprint("cancel Pro>Pro 1/15/", cost),
		fmt.Sprint("renewal Pro>Pro 1/15/", cost)})
	last := history[len(history)-1]
	wantEqual(t, "the period before", last.PeriodBefore, plan.Period{Start: start, End: date(2026, 2, 28)})
	wantEqual(t, "the period after", last.PeriodAfter, plan.Period{Start: date(2026, 2, 18), End: date(2026, 3, 18)})
	if last.Actor != "tester" || !last.RecordedAt.Equal(date(2026, 2, 18)) {
		t.Errorf("the last entry is %+v", last)
	}
	f.mustAgree()
}

func subscriptionRoundTrip(t *testing.T, p Place) {
	f := seeded(t, p)
	want := plan.Subscription{PlanID: f.plan("Pro").ID, Cycle: plan.Yearly, Anchor: now(),
		PaidUntil: now().AddDate(1, 0, 0),
		AutoRenew: false, Suspended: true, EndsAt: now().AddDate(0, 6, 0)}
	user := "zoë ☕ 'or 1=1; --"
	f.change(user, now(), func(plan.Account) (plan.Change, error) {
		return plan.Change{Action: plan.New, EffectiveAt: now(), Subscription: want, Email: "zoë@exämple.org"}, nil
	})
	account := f.account(user)
	wantEqual(t, "the subscription", *account.Subscription, want)
	f.change(user, now(), func(a plan.Account) (plan.Change, error) { // without an email the old one stays
		return plan.Change{Action: plan.Resume, EffectiveAt: now(), Subscription: want}, nil
	})
	users, err := f.db.Users(f.ctx, usage.UserQuery{Limit: usage.PageSize})
	f.must(err)
	if len(users) != 1 || users[0].Email != "zoë@exämple.org" || users[0].UserID != user || users[0].PlanName != "Pro" ||
		users[0].Subscription == nil || !users[0].CreatedAt.Equal(now()) {
		t.Errorf("the users are %+v", users)
	}
}

// A user of the default plan, whose periods are calendar months, turns out to have
// had a subscription since some weeks ago.
func subscriptionMovesLog(t *testing.T, p Place) {
	f := seeded(t, p)
	at := []time.Time{
		date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 14), date(2026, 10, 15).Add(-time.Microsecond),
		date(2026, 10, 15), date(2026, 10, 31), date(2026, 11, 14), date(2026, 11, 15), now(),
	}
	for i, when := range at {
		f.record(call(fmt.Sprint("e", i), "alice", when, int64(100+i), int64(i)))
	}
	f.subscribe("alice", "Pro", date(2026, 10, 15), now())
	f.mustAgree()
	account := f.account("alice")
	for _, e := range f.logs() {
		current, err := account.PlanAt(e.Time)
		f.must(err)
		if want := account.PeriodAt(e.Time).Start; !e.PeriodStart.Equal(want) || e.PlanID != current.ID {
			t.Errorf("the event of %s stands in the period %s and plan %d, want %s and %d", e.Time, e.PeriodStart, e.PlanID,
				want, current.ID)
		}
	}
	st, err := f.service.Show(f.ctx, "alice", now(), now())
	f.must(err)
	if st.Sum.Calls != 2 || st.Sum.InputTokens != 107+108 || st.Plan.Name != "Pro" {
		t.Errorf("the running period has %+v on %s", st.Sum, st.Plan.Name)
	}
	st, err = f.service.Show(f.ctx, "alice", date(2026, 10, 14), now())
	f.must(err)
	if st.Sum.Calls != 3 || st.Plan.Name != "Free" {
		t.Errorf("the period before the subscription has %+v on %s", st.Sum, st.Plan.Name)
	}
	// A late event goes to the period of its own time.
	if o := f.record(call("late", "alice", date(2026, 10, 20), 1, 1)); !o.Entry.PeriodStart.Equal(date(2026, 10, 15)) {
		t.Errorf("the late event stands in the period %s", o.Entry.PeriodStart)
	}
	f.mustAgree()
}

func planChangeMovesLog(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", date(2026, 11, 1), date(2026, 11, 1))
	for i := range 6 {
		f.record(call(fmt.Sprint("e", i), "alice", date(2026, 11, 10+i), 1, 1))
	}
	// Backdated, as --now allows: events that are recorded already belong to it.
	f.change("alice", date(2026, 11, 13), func(a plan.Account) (plan.Change, error) {
		return a.ChangePlan(f.plan("Open"), date(2026, 11, 13))
	})
	counts := map[int64]int{}
	for _, e := range f.logs() {
		counts[e.PlanID]++
	}
	if counts[f.plan("Pro").ID] != 3 || counts[f.plan("Open").ID] != 3 {
		t.Errorf("events by plan: %v", counts)
	}
	f.mustAgree()
}

func subscriptionChangeFails(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("alice", "Pro", now(), now())
	boom := errors.New("boom")
	_, err := f.billing(f.db).ChangeSubscription(f.ctx, f.audit("test"), "alice",
		func(a plan.Account) (plan.Change, error) { return plan.Change{}, boom })
	if !errors.Is(err, boom) {
		t.Errorf("got %v, want the error of the function", err)
	}
	_, err = f.billing(f.db).ChangeSubscription(f.ctx, f.audit("test"), "nobody",
		func(a plan.Account) (plan.Change, error) { return a.Renew(now()) })
	wantFailure(t, err, "not_found", "nobody has no subscription")
	users, err := f.db.Users(f.ctx, usage.UserQuery{Limit: usage.PageSize})
	f.must(err)
	if len(users) != 1 {
		t.Errorf("a change that failed has made a user: %+v", users)
	}
	if history, err := f.db.History(f.ctx, "alice"); err != nil || len(history) != 1 {
		t.Errorf("the history is %+v, %v", history, err)
	}
}

func movingLeavesOthers(t *testing.T, p Place) {
	f := seeded(t, p)
	for _, user := range []string{"alice", "bob"} {
		for i := range 3 {
			f.record(call(fmt.Sprint(user, i), user, date(2026, 11, 2+7*i), 1, 1))
		}
	}
	f.subscribe("alice", "Pro", date(2026, 11, 5), now())
	var bobs []usage.Entry
	for _, e := range f.logs() {
		if e.UserID == "bob" {
			bobs = append(bobs, e)
		}
	}
	for _, e := range bobs {
		if !e.PeriodStart.Equal(date(2026, 11, 1)) || e.PlanID != f.plan("Free").ID {
			t.Errorf("an event of bob moved: %+v", e)
		}
	}
	if len(bobs) != 3 {
		t.Errorf("bob has %d events", len(bobs))
	}
	f.mustAgree()
}

func callOf(e usage.Event) usage.Call {
	return usage.Call{UserID: e.UserID, Provider: e.Provider, Model: e.Model, Vendor: e.Vendor, Quantities: e.Quantities,
		ServiceTier: e.ServiceTier, TokenID: e.TokenID}
}

// tokens returns quantities of one request with input tokens.
func tokens(n int64) pricing.Quantities {
	return pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: n}
}
