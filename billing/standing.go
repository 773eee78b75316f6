package billing

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Standing is where a user stands.
type Standing struct {
	Account      plan.Account
	Subscription *plan.Subscription // that has begun; nil for none
	Plan         plan.Plan          // in force now, with the figures of now
	Status       plan.Status
	// PastDue says that a bill was due and is not paid; SuspendedUnpaid that the subscription was suspended for it.
	PastDue, SuspendedUnpaid bool
	// Began is the step of the history that began the subscription, empty for none.
	Began plan.HistoryEntry
}

// Standing returns where a user stands now. One who was never seen is on the default plan.
func (s *Service) Standing(ctx context.Context, user string, now time.Time) (Standing, error) {
	if err := usage.ValidateUser(user); err != nil {
		return Standing{}, err
	}
	var st Standing
	err := s.Store.ViewBilling(ctx, func(r Reader) error {
		accounts, err := r.BillingAccounts(ctx, []string{user})
		if err != nil {
			return err
		}
		unpaid, err := r.UnpaidBills(ctx, user)
		if err != nil {
			return err
		}
		a := accounts[user]
		st = Standing{Account: a.Account, Subscription: a.Account.Begun(now), Status: a.Account.StatusAt(now),
			SuspendedUnpaid: a.SuspendedUnpaid}
		for _, b := range unpaid {
			st.PastDue = st.PastDue || b.Status == PastDue || b.DueAt.Before(now)
		}
		st.Plan, err = a.Account.PlanThen(now)
		return err
	})
	if err != nil || st.Subscription == nil {
		return st, err
	}
	history, err := s.Store.History(ctx, user)
	for _, h := range history {
		if h.Anchor.Equal(st.Subscription.Anchor) {
			st.Began = h
			break
		}
	}
	return st, err
}

// ReasonPaymentRequired is the reason of the denied failure for a plan that has to be paid first.
const ReasonPaymentRequired = "payment_required"

// Choice is the plan that a user asks for.
type Choice struct {
	PlanID int64
	Cycle  plan.Cycle
	// Paid says that the plan is paid for, or that somebody asks who may give it away.
	Paid bool
}

// Choose moves a user to a plan. Without a payment that can be the default plan alone: from the end of what is paid on.
// Another plan is a denied failure with the reason payment_required then, and a plan that is not there a not_found one.
// Who is on the plan already stays as they are, and a change from it that lies ahead is taken back. Usage is left as it
// is.
func (s *Service) Choose(ctx context.Context, audit usage.Audit, user string, c Choice) (Standing, error) {
	st, err := s.Standing(ctx, user, audit.At)
	if err != nil {
		return st, err
	}
	wanted, ok := st.Account.Plans.ByID(c.PlanID)
	if !ok || wanted.Withdrawn {
		return st, failure.NotFoundf("there is no plan %d", c.PlanID).WithReason("unknown_plan")
	}
	if st.has(wanted) {
		return st, nil
	}
	if st.mayStay(wanted) {
		if err := s.stay(ctx, audit, user, wanted); err != nil {
			return st, err
		}
		return s.Standing(ctx, user, audit.At)
	}
	if wanted.Tier != plan.DefaultTier && !c.Paid {
		return st, failure.New(failure.Denied, "the plan %s has to be paid for first", wanted.Name).
			WithReason(ReasonPaymentRequired, "user", user, "plan", wanted.Name)
	}
	switch sub := st.Account.Subscription; {
	case sub == nil || st.Status.Ended():
		_, err = s.Subscribe(ctx, audit, user, Order{Plan: wanted.Tier, Cycle: c.Cycle, AutoRenew: true})
	default:
		_, err = s.ChangePlan(ctx, audit, user, wanted.Tier, !c.Paid)
	}
	if err != nil {
		return st, err
	}
	return s.Standing(ctx, user, audit.At)
}

// has tells whether the user is on a plan to stay, or will change to it.
func (s Standing) has(wanted plan.Plan) bool {
	if s.Status != plan.Active && s.Status != plan.Pending {
		return false
	}
	if sub := s.Account.Subscription; sub != nil && sub.NextPlanID != 0 {
		return sub.NextPlanID == wanted.ID
	}
	return s.Plan.ID == wanted.ID
}

// mayStay tells whether the user is on a plan that a change lies ahead from.
func (s Standing) mayStay(wanted plan.Plan) bool {
	sub := s.Account.Subscription
	return s.Status == plan.Active && sub != nil && sub.NextPlanID != 0 && s.Plan.ID == wanted.ID
}

// stay takes back the change from a plan that lies ahead. It moves nobody to the plan: it may have to be paid.
func (s *Service) stay(ctx context.Context, audit usage.Audit, user string, on plan.Plan) error {
	_, err := s.ChangeSubscription(ctx, audit, user, func(a plan.Account) (plan.Change, error) {
		if a.Subscription == nil || a.Subscription.PlanID != on.ID {
			return plan.Change{}, failure.Conflictf("%s is not on the plan %s any more", user, on.Name)
		}
		return a.ChangePlan(on, audit.At)
	})
	return err
}
