package billing

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// dunEveryone looks after everyone's unpaid bills.
func (run *closing) dunEveryone(ctx context.Context) error {
	overdue := run.now.AddDate(0, 0, -run.Rules.GraceDays)
	err := usage.EachPage(batch, func(after string, limit int) ([]string, error) {
		return run.Store.UnpaidUsers(ctx, run.now, overdue, after, limit)
	}, func(users []string) error { return run.dun(ctx, users) })
	if err != nil {
		return err
	}
	return run.dun(ctx, slices.Sorted(maps.Keys(run.drafts))) // who has nothing unpaid but what was drafted
}

// dun marks the bills of some users that are past due, and suspends those whose grace days are over.
func (run *closing) dun(ctx context.Context, users []string) error {
	for _, user := range users {
		d, err := run.dunOne(ctx, user)
		switch {
		case err == nil:
			run.result.PastDue += int64(len(d.pastDue))
			if d.suspends {
				run.result.Suspended++
			}
		case !failure.OfStorage(err):
			run.result.Failures = append(run.result.Failures, UserFailure{user, err})
		default:
			return err
		}
	}
	return nil
}

func (run *closing) dunOne(ctx context.Context, user string) (d dunning, err error) {
	if run.dry {
		drafts := run.drafts[user]
		delete(run.drafts, user)
		err = run.Store.ViewBilling(ctx, func(reader Reader) error {
			d, _, err = run.readDunning(ctx, reader, user, drafts)
			return err
		})
		return d, err
	}
	err = run.Store.UpdateBilling(ctx, []string{user}, run.now, func(tx Tx) error {
		var a BillingAccount
		if d, a, err = run.readDunning(ctx, tx, user, nil); err != nil {
			return err
		}
		for _, number := range d.pastDue {
			if err := tx.Settle(ctx, number, PastDue, time.Time{}, ""); err != nil {
				return err
			}
		}
		if d.suspends {
			if err := run.setSuspended(ctx, tx, a, plan.Suspend, run.now); err != nil {
				return err
			}
		}
		return tx.AddNotifications(ctx, d.notifications)
	})
	return d, err
}

// dunning is what follows from the unpaid bills of a user.
type dunning struct {
	pastDue       []int64 // numbers of bills that become past due
	suspends      bool    // whether the user is suspended
	notifications []usage.Notification
}

// readDunning decides what follows from the unpaid bills of a user, and from drafts of more.
func (run *closing) readDunning(
	ctx context.Context, reader Reader, user string, drafts []Bill,
) (d dunning, a BillingAccount, err error) {
	bills, err := reader.UnpaidBills(ctx, user)
	if err != nil {
		return d, a, err
	}
	accounts, err := reader.BillingAccounts(ctx, []string{user})
	a = accounts[user]
	for _, b := range append(bills, drafts...) {
		if b.DueAt.After(run.now) {
			continue
		}
		suspends := run.Rules.suspendsAt(b)
		if b.Status == Open {
			d.pastDue = append(d.pastDue, b.Number)
			d.notifications = append(d.notifications, overdueNotification(usage.PastDue, b, suspends, run.now))
		}
		if d.suspends || suspends.IsZero() || suspends.After(run.now) || !a.maySuspend(run.now) {
			continue
		}
		d.suspends = true
		d.notifications = append(d.notifications, overdueNotification(usage.Suspended, b, time.Time{}, run.now))
	}
	return d, a, err
}

// suspendsAt returns when a bill that stays unpaid suspends its user; zero for never.
func (r Rules) suspendsAt(b Bill) time.Time {
	if !r.Suspend {
		return time.Time{}
	}
	return b.DueAt.AddDate(0, 0, r.GraceDays)
}

// maySuspend tells whether there is a running subscription that is not suspended.
func (a BillingAccount) maySuspend(now time.Time) bool {
	sub := a.Account.Subscription
	return sub != nil && !sub.Suspended && !sub.StatusAt(now).Ended()
}

// setSuspended suspends a user for an unpaid bill, or takes that back.
func (s *Service) setSuspended(
	ctx context.Context, tx Tx, a BillingAccount, action plan.ChangeAction, now time.Time,
) error {
	sub := *a.Account.Subscription
	sub.Suspended = action == plan.Suspend
	c := plan.Change{Action: action, EffectiveAt: now, Subscription: sub, Continues: true}
	entry, err := newSubscriptionChange(ctx, tx, a.Account, c, usage.Audit{At: now, Actor: s.Actor})
	if err != nil {
		return err
	}
	if err := tx.AppendHistory(ctx, []SubscriptionChange{entry}); err != nil {
		return err
	}
	a.Account, a.SuspendedUnpaid = a.Account.After(c), sub.Suspended
	if err := tx.SaveSubscriptions(ctx, []plan.Account{a.Account}, now); err != nil {
		return err
	}
	return tx.SaveBillingAccounts(ctx, []BillingAccount{a})
}

// announceRenewals tells those whose subscription renews itself soon.
func (run *closing) announceRenewals(ctx context.Context) error {
	if run.Rules.RenewalNotice <= 0 {
		return nil
	}
	until := run.now.AddDate(0, 0, run.Rules.RenewalNotice)
	return usage.EachPage(batch, func(after string, limit int) ([]string, error) {
		return run.Store.Renewing(ctx, run.now, until, after, limit)
	}, func(users []string) error {
		return run.Store.UpdateBilling(ctx, users, run.now, func(tx Tx) error {
			accounts, err := tx.BillingAccounts(ctx, users)
			if err != nil {
				return err
			}
			var notifications []usage.Notification
			for _, user := range users {
				if n, ok := accounts[user].renewalNotification(run.now, until); ok {
					notifications = append(notifications, n)
				}
			}
			return tx.AddNotifications(ctx, notifications)
		})
	})
}

// renewalNotification returns the notice of a renewal between two moments, if there is to be one.
func (a BillingAccount) renewalNotification(now, until time.Time) (usage.Notification, bool) {
	sub := a.Account.Subscription
	if sub == nil || !sub.AutoRenew || sub.PaidUntil.Before(now) || sub.PaidUntil.After(until) ||
		!sub.RunsAt(sub.PaidUntil) {
		return usage.Notification{}, false
	}
	next, err := a.Account.PlanAt(sub.PaidUntil)
	price := next.Price(sub.Cycle)
	if err != nil || price == 0 { // nothing is to be paid
		return usage.Notification{}, false
	}
	return renewalSoonNotification(a, sub.PaidUntil, now, price.String(), next.Name), true
}
