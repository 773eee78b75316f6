package billing

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// Order is what a new subscription asks for.
type Order struct {
	Plan      string // its name or tier
	Cycle     plan.Cycle
	Start     time.Time // zero for now
	AutoRenew bool
	Email     string // the user's address; "" leaves it as it is
}

// SubscriptionResult is a user's account as a change of the subscription has left it.
type SubscriptionResult struct {
	Account plan.Account
	// TakenBack is the change of plan that was set for later and will not come; nil for none.
	TakenBack *PlannedChange
}

// PlannedChange is a change of plan that lies ahead.
type PlannedChange struct {
	PlanName string
	At       time.Time
}

// Subscribe begins a subscription. A subscription that runs already is a conflict failure; a bad address, a plan that
// is not there and a start before the end of the last subscription are failures too.
func (s *Service) Subscribe(ctx context.Context, audit usage.Audit, user string, o Order) (SubscriptionResult, error) {
	if err := usage.ValidateEmail(o.Email); err != nil {
		return SubscriptionResult{}, err
	}
	return s.ChangeSubscription(ctx, audit, user, func(a plan.Account) (plan.Change, error) {
		wanted, err := a.Plans.Find(o.Plan)
		if err != nil {
			return plan.Change{}, err
		}
		start := cmp.Or(o.Start, audit.At)
		order := plan.Order{Plan: wanted, Cycle: o.Cycle, Start: start, AutoRenew: o.AutoRenew, Email: o.Email}
		return a.Subscribe(order, audit.At)
	})
}

// ChangePlan moves a subscription to another plan, by its name or tier: now, or at the end of the paid cycle.
func (s *Service) ChangePlan(
	ctx context.Context, audit usage.Audit, user, planName string, atPeriodEnd bool,
) (SubscriptionResult, error) {
	return s.ChangeSubscription(ctx, audit, user, func(a plan.Account) (plan.Change, error) {
		wanted, err := a.Plans.Find(planName)
		if err != nil {
			return plan.Change{}, err
		}
		if atPeriodEnd {
			return a.ChangePlanAtEnd(wanted, audit.At)
		}
		return a.ChangePlan(wanted, audit.At)
	})
}

// Cancel ends a subscription: now, or at the end of the paid cycle.
func (s *Service) Cancel(
	ctx context.Context, audit usage.Audit, user string, atPeriodEnd bool,
) (SubscriptionResult, error) {
	return s.ChangeSubscription(ctx, audit, user, func(a plan.Account) (plan.Change, error) {
		return a.Cancel(atPeriodEnd, audit.At)
	})
}

// Renew pays for one more cycle of a subscription, or begins one that has ended anew.
func (s *Service) Renew(ctx context.Context, audit usage.Audit, user string) (SubscriptionResult, error) {
	return s.ChangeSubscription(ctx, audit, user, func(a plan.Account) (plan.Change, error) { return a.Renew(audit.At) })
}

// Suspend refuses a subscription's calls until it is resumed.
func (s *Service) Suspend(ctx context.Context, audit usage.Audit, user string) (SubscriptionResult, error) {
	return s.ChangeSubscription(ctx, audit, user, func(a plan.Account) (plan.Change, error) { return a.Suspend(audit.At) })
}

// Resume lets a suspended subscription's calls through again.
func (s *Service) Resume(ctx context.Context, audit usage.Audit, user string) (SubscriptionResult, error) {
	return s.ChangeSubscription(ctx, audit, user, func(a plan.Account) (plan.Change, error) { return a.Resume(audit.At) })
}

// Account returns the account of a user; one who was never seen is a not_found failure.
func (s *Service) Account(ctx context.Context, user string) (plan.Account, error) {
	var account plan.Account
	err := s.Store.ViewBilling(ctx, func(r Reader) error {
		if err := usage.RequireKnown(ctx, r, user, "unknown_subscriber"); err != nil {
			return err
		}
		accounts, err := r.Accounts(ctx, []string{user})
		account = accounts[user]
		return err
	})
	return account, err
}

// History returns every change of a user's subscription, oldest first; a user who was never seen is a not_found
// failure.
func (s *Service) History(ctx context.Context, user string) ([]plan.HistoryEntry, error) {
	if _, err := s.Account(ctx, user); err != nil {
		return nil, err
	}
	return s.Store.History(ctx, user)
}

// ChangeSubscription asks decide what is to change on the locked account of a user, and makes the change: it is noted
// in the history and the audit log, and usage moves to the periods and plans that now hold it. A change of periods that
// are billed already, or whose usage is archived, is a conflict failure. decide may run more than once.
func (s *Service) ChangeSubscription(
	ctx context.Context, audit usage.Audit, user string, decide func(plan.Account) (plan.Change, error),
) (SubscriptionResult, error) {
	var result SubscriptionResult
	if err := usage.ValidateUser(user); err != nil {
		return result, err
	}
	err := s.Store.UpdateBilling(ctx, []string{user}, audit.At, func(tx Tx) error {
		if err := tx.HoldPlans(ctx); err != nil {
			return err
		}
		accounts, err := tx.BillingAccounts(ctx, []string{user})
		if err != nil {
			return err
		}
		u := &subscriptionUpdate{tx: tx, audit: audit, account: accounts[user]}
		if due, ok := u.account.Account.Due(audit.At); ok { // its time has come, and nobody has recorded it yet
			if err := u.apply(ctx, due); err != nil {
				return err
			}
		}
		before := u.account.Account
		change, err := decide(before)
		if err != nil {
			return err
		}
		if err := u.apply(ctx, change); err != nil {
			return err
		}
		result = SubscriptionResult{Account: u.account.Account, TakenBack: takenBack(before, u.account.Account)}
		return nil
	})
	return result, err
}

// takenBack returns the change of plan that lay ahead before and no longer does; nil for none.
func takenBack(before, after plan.Account) *PlannedChange {
	was, is := before.Subscription, after.Subscription
	if was == nil || was.NextPlanID == 0 || is.NextPlanID == was.NextPlanID && is.NextAt.Equal(was.NextAt) {
		return nil
	}
	next, _ := before.Plans.ByID(was.NextPlanID)
	return &PlannedChange{PlanName: next.Name, At: was.NextAt}
}

// subscriptionUpdate makes changes of one user's subscription in a transaction.
type subscriptionUpdate struct {
	tx      Tx
	audit   usage.Audit
	account BillingAccount // as it is by now
}

func (u *subscriptionUpdate) apply(ctx context.Context, change plan.Change) error {
	before := u.account.Account
	after := before.After(change)
	if !change.Planned && !change.Continues {
		if err := u.reopen(ctx, change.EffectiveAt); err != nil {
			return err
		}
	}
	if err := u.save(ctx, after, change); err != nil {
		return err
	}
	if err := u.requireNotArchived(ctx, before, change.EffectiveAt); err != nil {
		return err
	}
	if err := u.moveUsage(ctx, change.EffectiveAt); err != nil {
		return err
	}
	if end := change.Subscription.EndsAt; change.Action == plan.Cancel && !end.After(u.audit.At) {
		return u.tx.AddNotifications(ctx, []usage.Notification{expiredNotification(after, end, u.audit.At)})
	}
	return nil
}

// reopen refuses a change from a moment on that bills have been written for. Periods that were closed without a bill,
// since there was nothing to bill, are opened again.
func (u *subscriptionUpdate) reopen(ctx context.Context, from time.Time) error {
	user := u.account.Account.UserID
	billed, err := u.tx.BilledUntil(ctx, user)
	if err != nil {
		return err
	}
	if from.Before(billed) {
		until := billed.Format(time.RFC3339)
		return failure.Conflictf("the periods of %s are closed until %s, and this would change them from %s on",
			failure.Shorten(user), until, from.Format(time.RFC3339)).
			WithReason("periods_closed", "user", user, "until", until)
	}
	if u.account.ClosedUntil.After(from) {
		u.account.ClosedUntil = from
		if u.account.BilledFrom.After(from) {
			u.account.BilledFrom = from
		}
	}
	return nil
}

// save stores the account as it is after a change, and records the change.
func (u *subscriptionUpdate) save(ctx context.Context, after plan.Account, change plan.Change) error {
	before := u.account.Account
	if !change.Planned {
		entry, err := newSubscriptionChange(ctx, u.tx, before, change, u.audit)
		if err != nil {
			return err
		}
		if err := u.tx.AppendHistory(ctx, []SubscriptionChange{entry}); err != nil {
			return err
		}
	}
	if change.Email != "" {
		if err := u.tx.SetEmail(ctx, after.UserID, change.Email); err != nil {
			return err
		}
	}
	u.account.Account = after
	if err := u.tx.SaveSubscriptions(ctx, []plan.Account{after}, u.audit.At); err != nil {
		return err
	}
	var old map[string]any
	suspended := false
	if before.Subscription != nil {
		old, suspended = auditedSubscription(before), before.Subscription.Suspended
	}
	if !u.account.ClosedUntil.IsZero() {
		u.account.ClosesAt = time.Time{} // the change may have moved it
		// A suspension for an unpaid bill that someone takes back is over: the next one by hand is not for a bill.
		u.account.SuspendedUnpaid = u.account.SuspendedUnpaid && suspended && after.Subscription.Suspended
		if err := u.tx.SaveBillingAccounts(ctx, []BillingAccount{u.account}); err != nil {
			return err
		}
	}
	return u.tx.AddAudit(ctx, u.audit, "user "+after.UserID, old, auditedSubscription(after))
}

// newSubscriptionChange returns a change that holds from now on as the history has it, with what was used until then in
// the running period.
func newSubscriptionChange(
	ctx context.Context, r Reader, before plan.Account, change plan.Change, audit usage.Audit,
) (SubscriptionChange, error) {
	after := before.After(change)
	entry := SubscriptionChange{
		Account: before, Change: change, At: audit.At, Actor: audit.Actor, PlanID: change.Subscription.PlanID,
		PeriodBefore: before.PeriodAt(audit.At), PeriodAfter: after.PeriodAt(audit.At),
	}
	if p, ok := after.Plans.ByID(entry.PlanID); ok {
		entry.Price = p.At(change.EffectiveAt).Price(change.Subscription.Cycle)
	}
	key := usage.NewPeriodKey(before.UserID, entry.PeriodBefore.Start)
	used, err := r.Used(ctx, []usage.PeriodKey{key})
	if err == nil {
		entry.Used, err = totalOf(used[key])
	}
	return entry, err
}

// auditedSubscription is what the audit log keeps of an account: names and texts that people read.
func auditedSubscription(a plan.Account) map[string]any {
	s := a.Subscription
	p, _ := a.Plans.ByID(s.PlanID)
	kept := map[string]any{
		"plan": p.Name, "cycle": s.Cycle, "anchor": s.Anchor, "paid_until": s.PaidUntil,
		"auto_renew": s.AutoRenew, "suspended": s.Suspended,
	}
	if !s.EndsAt.IsZero() {
		kept["ends_at"] = s.EndsAt
	}
	if s.NextPlanID != 0 {
		next, _ := a.Plans.ByID(s.NextPlanID)
		kept["next_plan"], kept["next_plan_at"] = next.Name, s.NextAt
	}
	return kept
}

// requireNotArchived refuses a change that gives usage of archived months another period or plan: its log rows are in a
// file, and can't be moved. It looks at whole days, whose totals are kept.
func (u *subscriptionUpdate) requireNotArchived(ctx context.Context, before plan.Account, from time.Time) error {
	after := u.account.Account
	days, err := u.tx.ArchivedDays(ctx, after.UserID, plan.MonthOf(from))
	if err != nil {
		return err
	}
	for _, day := range days {
		if !movesUsageOf(day, from, before, after) {
			continue
		}
		month := plan.MonthOf(day)
		return failure.Conflictf("usage of %s would move to another period or plan, and the month %s is archived: "+
			"it can't be changed", after.UserID, month).WithReason("usage_archived", "file", usage.ArchiveFile(month))
	}
	return nil
}

// movesUsageOf tells whether a change from a moment on gives any moment of a day another period or plan.
func movesUsageOf(day, from time.Time, before, after plan.Account) bool {
	to := day.AddDate(0, 0, 1)
	if day.After(from) {
		from = day
	}
	moments := []time.Time{from}
	for _, s := range after.Segments {
		moments = append(moments, s.From)
	}
	for at := from; at.Before(to); { // where a period ends another begins
		end := after.PeriodAt(at).End
		if other := before.PeriodAt(at).End; other.Before(end) {
			end = other
		}
		moments, at = append(moments, end), end
	}
	return slices.ContainsFunc(moments, func(at time.Time) bool {
		return !at.Before(from) && at.Before(to) && !samePeriodAndPlan(at, before, after)
	})
}

func samePeriodAndPlan(at time.Time, before, after plan.Account) bool {
	was, errBefore := before.PlanAt(at)
	is, errAfter := after.PlanAt(at)
	return errBefore == nil && errAfter == nil && was.ID == is.ID &&
		before.PeriodAt(at).Start.Equal(after.PeriodAt(at).Start)
}

// UsageMove gives all of a user's log rows from one moment to another (inclusive) a period and a plan.
type UsageMove struct {
	First, Last time.Time
	PeriodStart time.Time
	PlanID      int64
}

// moveUsage gives the log rows from a moment on the period and plan that the account now has for their time.
func (u *subscriptionUpdate) moveUsage(ctx context.Context, from time.Time) error {
	account := u.account.Account
	var moves []UsageMove
	err := u.tx.LoggedUsage(ctx, account.UserID, from, func(at, periodStart time.Time, planID int64) error {
		current, err := account.PlanAt(at)
		if err != nil {
			return err
		}
		m := UsageMove{First: at, Last: at, PeriodStart: account.PeriodAt(at).Start, PlanID: current.ID}
		if m.PeriodStart.Equal(periodStart) && m.PlanID == planID {
			return nil
		}
		// Rows of one period and plan follow each other in time.
		if n := len(moves) - 1; n >= 0 && moves[n].PeriodStart.Equal(m.PeriodStart) && moves[n].PlanID == m.PlanID {
			moves[n].Last = at
			return nil
		}
		moves = append(moves, m)
		return nil
	})
	if err != nil || len(moves) == 0 {
		return err
	}
	return u.tx.MoveUsage(ctx, account.UserID, moves)
}
