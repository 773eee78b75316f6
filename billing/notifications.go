package billing

import (
	"fmt"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func billReadyNotification(b Bill, now time.Time) usage.Notification {
	return usage.Notification{Key: fmt.Sprintf("bill:%d", b.Number), Kind: usage.BillReady, UserID: b.UserID, At: now,
		Data: map[string]string{
			"number": strconv.FormatInt(b.Number, 10), "kind": string(b.Kind), "plan": b.PlanName,
			"total": b.Total.String(), "credited": b.credited().String(), "period_start": rfc3339(b.Period.Start),
			"period_end": rfc3339(b.Period.End), "due_at": rfc3339(b.DueAt), "status": string(b.Status)}}
}

// expiredNotification tells a user that the subscription has ended, by itself or cancelled.
func expiredNotification(a plan.Account, end, now time.Time) usage.Notification {
	name := ""
	if p, ok := a.Plans.ByID(a.Subscription.PlanID); ok {
		name = p.Name
	}
	return usage.Notification{Key: fmt.Sprintf("expired:%s:%s", a.UserID, rfc3339(end)), Kind: usage.Expired,
		UserID: a.UserID, At: now,
		Data: map[string]string{"plan": name, "ended_at": rfc3339(end)}}
}

// overdueNotification is a notification that a bill is past due, or that its user is suspended for it.
func overdueNotification(kind usage.NotificationKind, b Bill, suspends time.Time, now time.Time) usage.Notification {
	data := map[string]string{"number": strconv.FormatInt(b.Number, 10), "total": b.Total.String(),
		"due_at": rfc3339(b.DueAt)}
	if kind == usage.PastDue {
		data["suspends_at"] = ""
		if !suspends.IsZero() {
			data["suspends_at"] = rfc3339(suspends)
		}
	}
	key := fmt.Sprintf("%s:%d", kind, b.Number)
	if kind == usage.Suspended {
		key += ":" + rfc3339(now) // someone may have resumed the subscription since the last time
	}
	return usage.Notification{Key: key, Kind: kind, UserID: b.UserID, At: now, Data: data}
}

func renewalSoonNotification(a BillingAccount, at, now time.Time, price string, planName string) usage.Notification {
	return usage.Notification{Key: fmt.Sprintf("renewal:%s:%s", a.Account.UserID, rfc3339(at)), Kind: usage.RenewalSoon,
		UserID: a.Account.UserID, At: now,
		Data: map[string]string{"plan": planName, "cycle": string(a.Account.Subscription.Cycle), "price": price,
			"renews_at": rfc3339(at)}}
}
