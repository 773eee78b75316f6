package notify

import (
	"cmp"
	"slices"

	"github.com/alwrity/alwrity-sub/failure"
)

// deliveries returns who gets a message, and how.
func (s *Settings) deliveries(m Message) []Delivery {
	if !slices.Contains(Kinds(), m.Kind) { // a newer version wrote it; that one can retry it
		return []Delivery{{Channel: Email, Audience: ToOperators, Status: Skipped, NextAttempt: m.At,
			LastError: "this version of alwrity-sub knows no message of the kind " + failure.Shorten(string(m.Kind))}}
	}
	var all []Delivery
	add := func(d Delivery) {
		// Somebody who is both the user and an operator gets one mail.
		if !slices.ContainsFunc(all, func(e Delivery) bool { return e.Channel == d.Channel && e.Recipient == d.Recipient }) {
			d.Urgent, d.Status = urgent(m.Kind), cmp.Or(d.Status, Waiting)
			all = append(all, d)
		}
	}
	if forUsers(m.Kind) && m.UserID != "" {
		add(s.mailTo(m, m.Email, ToUser))
	}
	if slices.Contains(s.OperatorKinds, m.Kind) || !forUsers(m.Kind) {
		for _, operator := range s.Operators {
			add(s.mailTo(m, operator, ToOperators))
		}
		for _, e := range s.Slack {
			add(Delivery{Channel: Slack, Recipient: e.Name(), Audience: ToOperators, NextAttempt: m.At})
		}
	}
	for _, e := range s.Webhooks {
		add(Delivery{Channel: Webhook, Recipient: e.Name(), Audience: ToProgram, NextAttempt: m.At})
	}
	return all
}

func (s *Settings) mailTo(m Message, address string, audience Audience) Delivery {
	d := Delivery{Channel: Email, Recipient: address, Audience: audience, NextAttempt: m.At}
	if s.Digest && !urgent(m.Kind) {
		d.NextAttempt = digestTime(m.At, s.Zone)
	}
	switch {
	case address == "":
		d.Status, d.LastError = Skipped, "the user "+failure.Shorten(m.UserID)+" has no email address"
	case s.Mail.Host == "":
		d.Held, d.LastError = true, "no mail server is configured (SMTP_HOST)"
	}
	return d
}
