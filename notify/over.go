package notify

import (
	"context"
	"maps"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// skipOver marks messages as skipped that are about a time that is over: they would say what is no longer so. A user
// who is still refused by the limit that a message is about is told how it stands now.
func (r *run) skipOver(ctx context.Context) error {
	now := r.clock()
	for last, n := int64(0), expandChunk; n == expandChunk; {
		messages, err := r.Store.WaitingMessages(ctx, kindsOfTime(), last, expandChunk)
		if err != nil {
			return err
		}
		skipped := map[string][]int64{} // the messages, by reason
		for _, m := range messages {
			last = m.ID
			reason := overSince(m.Notification, now)
			if reason == "" {
				continue
			}
			told, err := r.bringUpToDate(ctx, m, now)
			if err != nil {
				return err
			}
			if !told {
				skipped[reason] = append(skipped[reason], m.ID)
			}
		}
		for reason, ids := range skipped {
			count, err := r.Store.SkipMessages(ctx, ids, now, reason)
			r.summary.Skipped += count
			if err != nil {
				return err
			}
		}
		n = len(messages)
	}
	return nil
}

// kindsOfTime are the kinds of messages that say something of a time that will be over: of a period, or that something
// lies ahead. What a bill, a payment or an ended subscription is about does not pass.
func kindsOfTime() []usage.NotificationKind {
	return []usage.NotificationKind{usage.ThresholdReached, usage.LimitReached, usage.RenewalSoon}
}

// overSince says why a message of one of these kinds is not to be sent at a moment, "" where it is.
func overSince(n usage.Notification, now time.Time) string {
	over := func(text, reason string) string {
		if at, err := time.Parse(time.RFC3339, text); err == nil && !at.After(now) {
			return reason + at.UTC().Format("2006-01-02 15:04 UTC")
		}
		return ""
	}
	if n.Kind == usage.RenewalSoon {
		return over(n.Data["renews_at"], "the renewal that it announces was due at ")
	}
	end := n.Data["period_end"]
	if start, err := time.Parse(time.RFC3339, n.Data["period_start"]); err == nil && end == "" { // of an older version
		end = plan.AddMonths(start, 1).Format(time.RFC3339)
	}
	return over(end, "the period that it is about ended at ")
}

// bringUpToDate makes a message about a used up limit one about the running period, where that limit refuses calls now.
func (r *run) bringUpToDate(ctx context.Context, m Message, now time.Time) (bool, error) {
	if m.Kind != usage.LimitReached || r.Refused == nil {
		return false, nil
	}
	alert, refused, err := r.Refused(ctx, m.UserID, m.Data["limit"], now)
	if err != nil || !refused {
		return false, err
	}
	data := maps.Clone(m.Data)
	maps.Copy(data, alert.Notification().Data)
	return true, r.Store.RewriteMessage(ctx, m.ID, data)
}
