package report

import (
	"time"

	"github.com/alwrity/alwrity-sub/notify"
)

// Deliveries lists what is in the outbox.
func Deliveries(deliveries []notify.Delivery) Document {
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
			{"audience", "", d.Audience},
			{"urgent", "", d.Urgent},
			{"status", "STATUS", shown(d.Status, deliveryStatus(d.Status))},
			{"attempts", "TRIES", id(d.Attempts)},
			{"next_attempt_at", "NEXT", d.NextAttempt},
			{"digest", "", orNull(d.Digest)},
			{"last_error", "LAST ERROR", orNull(name(d.LastError))},
			{"created_at", "WRITTEN", d.Message.At},
			{"sent_at", "", d.SentAt},
		}
	}).document("id created_at kind user_id channel recipient status attempts next_attempt_at last_error", "nothing in the outbox")
}

func deliveryStatus(s notify.Status) span {
	switch s {
	case notify.Sent:
		return good.of(string(s))
	case notify.Dead:
		return bad.of(string(s))
	case notify.Unconfirmed:
		return caution.of(string(s))
	}
	return text(string(s))
}

// MessagesSent says what a run of a sender did, and how much waits after it.
func MessagesSent(summary notify.Summary) Document {
	return fields{
		{"sent", "", summary.Sent},
		{"again", "", summary.Retrying},
		{"dead", "", summary.Dead},
		{"unconfirmed", "", summary.Unconfirmed},
		{"waiting", "", summary.Waiting}, // in the outbox now, for whatever reason
		{"problems", "", listOf(summary.Problems, func(p notify.Problem) fields {
			return fields{{"id", "", p.Delivery}, {"channel", "", p.Channel}, {"recipient", "", p.Recipient},
				{"status", "", p.Status}, {"reason", "", p.Reason}}
		})},
	}.document(func(t *Text) {
		t.Line("%s sent, %d to be tried again, %d waiting in all", Counted(summary.Sent, "message"), summary.Retrying, summary.Waiting)
		if summary.Dead > 0 {
			t.line(bad.of(Counted(summary.Dead, "message") + " could not be delivered"))
		}
		if summary.Unconfirmed > 0 {
			t.line(caution.of(Counted(summary.Unconfirmed, "message") + " may have been sent before a sender was stopped"))
		}
		for _, p := range summary.Problems {
			t.Line("  %d to %s (%s): %s", p.Delivery, p.Recipient, p.Status, p.Reason)
		}
	})
}

// DeliveriesMoved says how many deliveries were put back or dropped.
func DeliveriesMoved(n int, what string) Document {
	return fields{{"moved", "", n}}.says("%s %s", Counted(n, "message"), what)
}

// TemplatesWritten says how many templates were written, and how many were there.
func TemplatesWritten(written, kept int) Document {
	return fields{{"written", "", written}, {"kept", "", kept}}.
		says("%s written, %d left as they were", Counted(written, "template"), kept)
}
