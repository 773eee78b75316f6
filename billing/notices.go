package billing

import (
	"fmt"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

func when(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func billReady(b Bill, now time.Time) usage.Notice {
	return usage.Notice{Key: fmt.Sprintf("bill:%d", b.Number), Kind: usage.BillReady, UserID: b.UserID, At: now, Data: map[string]string{
		"number": strconv.FormatInt(b.Number, 10), "kind": string(b.Kind), "plan": b.PlanName, "total": b.Total.String(), "credited": b.credited().String(), "period_start": when(b.Period.Start),
		"period_end": when(b.Period.End), "due_at": when(b.DueAt), "status": string(b.Status)}}
}

// ExpiredNotice tells a user that the subscription has ended, by itself or cancelled.
func ExpiredNotice(a plan.Account, end, now time.Time) usage.Notice {
	name := ""
	if p, ok := a.Plans.ByID(a.Subscription.PlanID); ok {
		name = p.Name
	}
	return usage.Notice{Key: fmt.Sprintf("expired:%s:%s", a.UserID, when(end)), Kind: usage.Expired, UserID: a.UserID, At: now,
		Data: map[string]string{"plan": name, "ended_at": when(end)}}
}

// overdue is a notice that a bill is past due, or that its user is suspended for it.
func overdue(kind usage.NoticeKind, b Bill, suspends time.Time, now time.Time) usage.Notice {
	data := map[string]string{"number": strconv.FormatInt(b.Number, 10), "total": b.Total.String(), "due_at": when(b.DueAt)}
	if kind == usage.PastDue {
		data["suspends_at"] = ""
		if !suspends.IsZero() {
			data["suspends_at"] = when(suspends)
		}
	}
	key := fmt.Sprintf("%s:%d", kind, b.Number)
	if kind == usage.Suspended {
		key += ":" + when(now) // someone may have resumed the subscription since the last time
	}
	return usage.Notice{Key: key, Kind: kind, UserID: b.UserID, At: now, Data: data}
}

func renewalSoon(f Folder, at, now time.Time, price string, planName string) usage.Notice {
	return usage.Notice{Key: fmt.Sprintf("renewal:%s:%s", f.Account.UserID, when(at)), Kind: usage.RenewalSoon, UserID: f.Account.UserID, At: now,
		Data: map[string]string{"plan": planName, "cycle": string(f.Account.Subscription.Cycle), "price": price, "renews_at": when(at)}}
}
