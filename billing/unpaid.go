package billing

import (
	"context"
	"errors"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// dunEveryone looks after everyone's unpaid bills.
func (run *closing) dunEveryone(ctx context.Context) error {
	overdue := run.now.AddDate(0, 0, -run.Rules.GraceDays)
	return each(ctx, func(after string) ([]string, error) {
		return run.Store.UnpaidUsers(ctx, run.now, overdue, after, batch)
	}, run.dun)
}

// dun marks the bills of some users that are past due, and suspends those whose grace
// days are over.
func (run *closing) dun(ctx context.Context, users []string) error {
	for _, user := range users {
		var pastDue, suspended int64
		err := run.Store.UpdateBilling(ctx, []string{user}, run.now, func(tx Tx) (err error) {
			pastDue, suspended, err = run.dunOne(ctx, tx, user)
			if err == nil && run.dry {
				err = errDryRun
			}
			return err
		})
		if errors.Is(err, errDryRun) {
			err = nil
		}
		if err != nil && !isUserError(err) {
			return err
		}
		if err != nil {
			run.result.Failures = append(run.result.Failures, UserFailure{user, err})
			continue
		}
		run.result.PastDue += pastDue
		run.result.Suspended += suspended
	}
	return nil
}

func (run *closing) dunOne(ctx context.Context, tx Tx, user string) (pastDue, suspended int64, err error) {
	bills, err := tx.UnpaidBills(ctx, user)
	if err != nil {
		return 0, 0, err
	}
	accounts, err := tx.BillingAccounts(ctx, []string{user})
	if err != nil {
		return 0, 0, err
	}
	a := accounts[user]
	var notifications []usage.Notification
	for _, b := range bills {
		if b.DueAt.After(run.now) {
			continue
		}
		suspends := run.Rules.suspendsAt(b)
		if b.Status == Open {
			pastDue++
			notifications = append(notifications, overdueNotification(usage.PastDue, b, suspends, run.now))
			if err := tx.Settle(ctx, b.Number, PastDue, time.Time{}, ""); err != nil {
				return 0, 0, err
			}
		}
		if suspends.IsZero() || suspends.After(run.now) || !a.maySuspend(run.now) {
			continue
		}
		suspended++
		notifications = append(notifications, overdueNotification(usage.Suspended, b, time.Time{}, run.now))
		if a, err = run.setSuspended(ctx, tx, a, plan.Suspend, run.now); err != nil {
			return 0, 0, err
		}
	}
	return pastDue, suspended, tx.AddNotifications(ctx, notifications)
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
) (BillingAccount, error) {
	sub := *a.Account.Subscription
	sub.Suspended = action == plan.Suspend
	c := plan.Change{Action: action, EffectiveAt: now, Subscription: sub, Continues: true}
	entry, err := newSubscriptionChange(ctx, tx, a.Account, c, usage.Audit{At: now, Actor: s.Actor})
	if err != nil {
		return a, err
	}
	if err := tx.AppendHistory(ctx, []SubscriptionChange{entry}); err != nil {
		return a, err
	}
	a.Account, a.SuspendedUnpaid = a.Account.After(c), sub.Suspended
	if err := tx.SaveSubscriptions(ctx, []plan.Account{a.Account}, now); err != nil {
		return a, err
	}
	return a, tx.SaveBillingAccounts(ctx, []BillingAccount{a})
}

// announceRenewals tells those whose subscription renews itself soon.
func (run *closing) announceRenewals(ctx context.Context) error {
	if run.Rules.RenewalNotice <= 0 {
		return nil
	}
	until := run.now.AddDate(0, 0, run.Rules.RenewalNotice)
	return each(ctx, func(after string) ([]string, error) {
		return run.Store.Renewing(ctx, run.now, until, after, batch)
	}, func(ctx context.Context, users []string) error {
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

// renewalNotification returns the notification of a renewal between two moments, if there is to be one.
func (a BillingAccount) renewalNotification(now, until time.Time) (usage.Notification, bool) {
	sub := a.Account.Subscription
	if sub == nil || !sub.AutoRenew || sub.PaidUntil.Before(now) || sub.PaidUntil.After(until) || !sub.RunsAt(sub.PaidUntil) {
		return usage.Notification{}, false
	}
	next, err := a.Account.PlanAt(sub.PaidUntil)
	price := next.Price(sub.Cycle)
	if err != nil || price == 0 { // nothing is to be paid
		return usage.Notification{}, false
	}
	return renewalSoonNotification(a, sub.PaidUntil, now, price.String(), next.Name), true
}
