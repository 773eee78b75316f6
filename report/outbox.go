package report

import (
	"strconv"

	"github.com/alwrity/alwrity-sub/notify"
)

type deliveryView struct {
	ID            int64           `json:"id"`
	MessageID     int64           `json:"message_id"`
	Kind          string          `json:"kind"`
	UserID        *string         `json:"user_id"`
	Channel       notify.Channel  `json:"channel"`
	Recipient     *string         `json:"recipient"`
	Audience      notify.Audience `json:"audience"`
	Urgent        bool            `json:"urgent"`
	Status        notify.Status   `json:"status"`
	Attempts      int             `json:"attempts"`
	NextAttemptAt moment          `json:"next_attempt_at"` // null where there is none
	Digest        *int64          `json:"digest"`
	LastError     *string         `json:"last_error"`
	CreatedAt     moment          `json:"created_at"`
	SentAt        moment          `json:"sent_at"`
}

func viewDelivery(d notify.Delivery) deliveryView {
	v := deliveryView{ID: d.ID, MessageID: d.Message.ID, Kind: string(d.Message.Kind), UserID: orNull(d.Message.UserID), Channel: d.Channel,
		Recipient: orNull(d.Recipient), Audience: d.Audience, Urgent: d.Urgent, Status: d.Status, Attempts: d.Attempts,
		LastError: orNull(d.LastError), CreatedAt: moment(d.Message.At), SentAt: moment(d.SentAt)}
	if d.Status == notify.Waiting {
		v.NextAttemptAt = moment(d.NextAttempt)
	}
	if d.Digest != 0 {
		v.Digest = &d.Digest
	}
	return v
}

// Deliveries lists what is in the outbox.
func Deliveries(deliveries []notify.Delivery) Document {
	header := []string{"id", "message_id", "kind", "user_id", "channel", "recipient", "audience", "urgent", "status", "attempts", "next_attempt_at",
		"digest", "last_error", "created_at", "sent_at"}
	grid := gridOf(header, deliveries, func(d notify.Delivery) []Cell {
		v := viewDelivery(d)
		next, digest := Cell(""), Cell("")
		if d.Status == notify.Waiting {
			next = TimeCell(d.NextAttempt)
		}
		if d.Digest != 0 {
			digest = NumberCell(d.Digest)
		}
		return []Cell{NumberCell(d.ID), NumberCell(v.MessageID), TextCell(v.Kind), TextCell(d.Message.UserID), TextCell(string(d.Channel)), TextCell(d.Recipient),
			TextCell(string(d.Audience)), BoolCell(d.Urgent), TextCell(string(d.Status)), NumberCell(int64(d.Attempts)), next, digest,
			TextCell(d.LastError), TimeCell(d.Message.At), TimeCell(d.SentAt)}
	})
	return listDocument(listOf(deliveries, viewDelivery), grid, func(t *Text) error {
		if len(deliveries) == 0 {
			t.Note("nothing in the outbox")
			return nil
		}
		columns := []column{{"ID", number}, {"WRITTEN", words}, {"WHAT", words}, {"USER", names}, {"BY", words}, {"TO", names}, {"STATUS", words},
			{"TRIES", number}, {"NEXT", words}, {"LAST ERROR", names}}
		return t.table(tableOf(columns, deliveries, func(d notify.Delivery) []span {
			next := Dash
			if d.Status == notify.Waiting {
				next = Time(d.NextAttempt)
			}
			return []span{text(strconv.FormatInt(d.ID, 10)), text(Time(d.Message.At)), text(string(d.Message.Kind)), orNone(d.Message.UserID),
				text(string(d.Channel)), orNone(d.Recipient), deliveryStatus(d.Status), text(strconv.Itoa(d.Attempts)), text(next), orNone(d.LastError)}
		}))
	})
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

type sentView struct {
	Sent        int               `json:"sent"`
	Again       int               `json:"again"`
	Dead        int               `json:"dead"`
	Unconfirmed int               `json:"unconfirmed"`
	Waiting     int64             `json:"waiting"` // in the outbox now, for whatever reason
	Problems    []undeliveredView `json:"problems"`
}

type undeliveredView struct {
	ID        int64          `json:"id"`
	Channel   notify.Channel `json:"channel"`
	Recipient string         `json:"recipient"`
	Status    notify.Status  `json:"status"`
	Reason    string         `json:"reason"`
}

// MessagesSent says what a run of a sender did, and how much waits after it.
func MessagesSent(summary notify.Summary) Document {
	view := sentView{summary.Sent, summary.Retrying, summary.Dead, summary.Unconfirmed, summary.Waiting, listOf(summary.Problems, func(p notify.Problem) undeliveredView {
		return undeliveredView{p.Delivery, p.Channel, p.Recipient, p.Status, p.Reason}
	})}
	grid := Grid{[]string{"sent", "again", "dead", "unconfirmed", "waiting"}, [][]Cell{{NumberCell(int64(summary.Sent)), NumberCell(int64(summary.Retrying)),
		NumberCell(int64(summary.Dead)), NumberCell(int64(summary.Unconfirmed)), NumberCell(summary.Waiting)}}}
	return Document{JSON: view, CSV: grid, Text: func(t *Text) error {
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
		return nil
	}}
}

type movedView struct {
	Moved int `json:"moved"`
}

// DeliveriesMoved says how many deliveries were put back or dropped.
func DeliveriesMoved(n int, what string) Document {
	grid := Grid{[]string{"moved"}, [][]Cell{{NumberCell(int64(n))}}}
	return Document{JSON: movedView{n}, CSV: grid, Text: func(t *Text) error {
		t.Line("%s %s", Counted(n, "message"), what)
		return nil
	}}
}

type templatesView struct {
	Written int `json:"written"`
	Kept    int `json:"kept"`
}

// TemplatesWritten says how many templates were written, and how many were there.
func TemplatesWritten(written, kept int) Document {
	grid := Grid{[]string{"written", "kept"}, [][]Cell{{NumberCell(int64(written)), NumberCell(int64(kept))}}}
	return Document{JSON: templatesView{written, kept}, CSV: grid, Text: func(t *Text) error {
		t.Line("%s written, %d left as they were", Counted(written, "template"), kept)
		return nil
	}}
}
