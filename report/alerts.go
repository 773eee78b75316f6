package report

import (
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

// Alerts shows a list of alerts.
func Alerts(alerts []usage.Alert) Document {
	return rowsOf(alerts, func(a usage.Alert) fields {
		return fields{
			{"id", "ID", id(a.ID)},
			{"user_id", "USER", name(a.UserID)},
			{"period_start", "PERIOD FROM", day(a.PeriodStart)},
			{"limit", "LIMIT", a.Limit.Name},
			{"meter", "", a.Limit.Meter},
			{"threshold", "REACHED", shown(a.Threshold, threshold(a.Threshold))},
			{"used", "USED", measure{a.Limit.Meter, a.Used}},
			{"max", "MAXIMUM", maximum(a.Limit)},
			{"action", "ACTION", a.Limit.Action},
			{"event_id", "", orNull(a.EventID)},
			{"created_at", "WHEN", a.CreatedAt},
			{"read_at", "READ", shown(a.ReadAt, readAt(a))},
			{"withdrawn_at", "", orNull(a.WithdrawnAt)},
		}
	}).document("id created_at user_id limit threshold used max action period_start read_at", "no alerts")
}

func threshold(percent int) span {
	s := caution
	if percent >= 100 {
		s = bad
	}
	return s.of(strconv.Itoa(percent) + "%")
}

func readAt(a usage.Alert) span {
	if !a.WithdrawnAt.IsZero() {
		return dim.of("withdrawn")
	}
	if a.ReadAt.IsZero() {
		return strong.of("no")
	}
	return dim.of(Time(a.ReadAt))
}

// AlertsChecked says how many users were looked at and how many alerts are new.
func AlertsChecked(users, added int) Document {
	return fields{{"users", "", users}, {"added", "", added}}.
		says("%s checked, %s", failure.Counted(users, "user"), failure.Counted(added, "new alert"))
}

// AlertsRead says how many alerts were marked as read.
func AlertsRead(n int) Document {
	return fields{{"read", "", n}}.says("%s marked as read", failure.Counted(n, "alert"))
}

// Deliveries lists what is in the outbox.
func Deliveries(deliveries []notify.Delivery) Document {
	statusStyles := map[notify.Status]style{notify.Sent: good, notify.Dead: bad, notify.Unconfirmed: caution}
	return rowsOf(deliveries, func(d notify.Delivery) fields {
		if d.Status != notify.Waiting {
			d.NextAttempt = time.Time{}
		}
		return fields{
			{"id", "ID", id(d.ID)},
			{"message_id", "", id(d.Message.ID)},
			{"kind", "WHAT", d.Message.Kind},
			{"user_id", "USER", orNull(name(d.Message.UserID))},
			{"channel", "BY", d.Channel},
			{"recipient", "TO", orNull(name(d.Recipient))},
			{"audience", "", d.Audience}, {"urgent", "", d.Urgent},
			{"status", "STATUS", styled(d.Status, statusStyles)},
			{"attempts", "TRIES", id(d.Attempts)},
			{"next_attempt_at", "NEXT", d.NextAttempt},
			{"digest", "", orNull(d.Digest)},
			{"last_error", "LAST ERROR", orNull(name(d.LastError))},
			{"created_at", "WRITTEN", d.Message.At},
			{"sent_at", "", d.SentAt},
		}
	}).document("id created_at kind user_id channel recipient status attempts next_attempt_at last_error",
		"nothing in the outbox")
}

// MessagesSent says what a run of a sender did, and how much waits after it.
func MessagesSent(summary notify.Summary) Document {
	return fields{
		{"sent", "", summary.Sent}, {"again", "", summary.Retrying}, {"dead", "", summary.Dead},
		{"unconfirmed", "", summary.Unconfirmed},
		{"skipped", "", summary.Skipped}, // about a time that is over
		{"waiting", "", summary.Waiting}, // in the outbox now, for whatever reason
		{"problems", "", listOf(summary.Problems, func(p notify.Problem) fields {
			return fields{{"id", "", p.Delivery}, {"channel", "", p.Channel}, {"recipient", "", p.Recipient},
				{"status", "", p.Status}, {"reason", "", p.Reason}}
		})},
	}.document(func(t *Text) {
		t.Line("%s sent, %d to be tried again, %d waiting in all", failure.Counted(summary.Sent, "message"),
			summary.Retrying, summary.Waiting)
		if summary.Skipped > 0 {
			t.Line("%s not sent: what they are about is over", failure.Counted(summary.Skipped, "message"))
		}
		if summary.Dead > 0 {
			t.line(bad.of(failure.Counted(summary.Dead, "message") + " could not be delivered"))
		}
		if summary.Unconfirmed > 0 {
			t.line(caution.of(failure.Counted(summary.Unconfirmed, "message") +
				" may have been sent before a sender was stopped"))
		}
		for _, p := range summary.Problems {
			t.Line("  %d to %s (%s): %s", p.Delivery, p.Recipient, p.Status, p.Reason)
		}
	})
}

// DeliveriesMoved says how many deliveries were put back or dropped.
func DeliveriesMoved(n int, what string) Document {
	return fields{{"moved", "", n}}.says("%s %s", failure.Counted(n, "message"), what)
}

// TemplatesWritten says how many templates were written, and how many were there.
func TemplatesWritten(written, kept int) Document {
	return fields{{"written", "", written}, {"kept", "", kept}}.
		says("%s written, %d left as they were", failure.Counted(written, "template"), kept)
}
