package notify

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// NoMailServer is written down as the reason of mails that wait for a server to be
// configured; by it they are told from those that wait for the server.
const NoMailServer = "no mail server is configured (SMTP_HOST)"

// deliveries returns who gets a message, and how.
func (s *Settings) deliveries(m Message) []Delivery {
	if !slices.Contains(Kinds(), m.Kind) { // a newer program wrote it; that can retry it
		return []Delivery{{Channel: Email, Audience: ToOperators, Status: Skipped, NextAttempt: m.At,
			LastError: "this version of alwrity-sub knows no message of the kind " + pricing.Shorten(string(m.Kind))}}
	}
	var made []Delivery
	add := func(d Delivery) {
		// Who is both the user and an operator gets one mail.
		if !slices.ContainsFunc(made, func(e Delivery) bool { return e.Channel == d.Channel && e.Recipient == d.Recipient }) {
			made = append(made, d)
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
			add(Delivery{Channel: Slack, Recipient: e.Name(), Audience: ToOperators, Urgent: urgent(m.Kind), Status: Waiting, NextAttempt: m.At})
		}
	}
	for _, e := range s.Webhooks {
		add(Delivery{Channel: Webhook, Recipient: e.Name(), Audience: ToProgram, Urgent: urgent(m.Kind), Status: Waiting, NextAttempt: m.At})
	}
	return made
}

func (s *Settings) mailTo(m Message, address string, audience Audience) Delivery {
	d := Delivery{Channel: Email, Recipient: address, Audience: audience, Urgent: urgent(m.Kind), Status: Waiting, NextAttempt: s.due(m)}
	switch {
	case address == "":
		d.Status, d.LastError = Skipped, "the user "+pricing.Shorten(m.UserID)+" has no email address"
	case s.Mail.Host == "":
		d.LastError = NoMailServer
	}
	return d
}

// due returns when a mail may go out.
func (s *Settings) due(m Message) time.Time {
	if s.Digest && !urgent(m.Kind) {
		return digestTime(m.At, s.Zone)
	}
	return m.At
}
