package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"net/url"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Settings say who is notified, how, and when.
type Settings struct {
	Mail          Mail
	PaymentNote   string   // how to pay, line by line; a written \n ends a line too
	Operators     []string // their addresses
	OperatorKinds []usage.NotificationKind
	Webhooks      []Endpoint
	Secret        string     // that webhooks are signed with
	Slack         []Endpoint // one or none
	Rehearsal     bool       // nothing that is told of is real, and each message says so
	Timeout       time.Duration
	Quiet         QuietHours
	Zone          *time.Location
	Digest        bool                // mails that are not urgent go out once a day
	Templates     string              // a directory; "" for the built-in ones
	Redact        func(string) string // takes secrets out of a text
}

// Configured tells whether messages have any way out.
func (s *Settings) Configured() bool { return s.Mail.Host != "" || len(s.Webhooks)+len(s.Slack) > 0 }

// Check returns the invalid failure of settings that contradict each other. It is called only by what sends
// messages: a mistake here must not keep usage from being recorded.
func (s *Settings) Check() error {
	m := &s.Mail
	switch {
	case !s.Configured():
		return failure.Invalidf("there is no way to send anything: neither a mail server nor a webhook is configured").
			WithReason("nothing_configured")
	case m.Host != "" && m.From.Address == "":
		return failure.Invalidf("SMTP_HOST is set and SMTP_FROM is not: a mail must be from somebody").
			WithHint("set SMTP_FROM, for example to billing@example.com")
	case m.Host != "" && m.User != "" && m.Password == "":
		return failure.Invalidf("SMTP_USER is set and SMTP_PASSWORD is not").
			WithHint("set both, or none for a server that asks for no login")
	case m.Host != "" && m.User != "" && m.TLS == TLSNone &&
		!slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, m.Host):
		return failure.Invalidf("SMTP_TLS is none: the password would be sent to %s without encryption",
			failure.Shorten(m.Host)).WithHint("leave SMTP_TLS at auto; a certificate of your own can be named with SMTP_CA_FILE")
	case len(s.Webhooks) > 0 && s.Secret == "":
		return failure.Invalidf("ALWRITY_SUB_WEBHOOK_URL is set and ALWRITY_SUB_WEBHOOK_SECRET is not: " +
			"who gets a webhook could not tell whether it is from you").
			WithHint("set it to a long random text, such as that of: openssl rand -hex 32")
	}
	return nil
}

// TLS says how the connection to a mail server is encrypted.
type TLS string

// The modes. Auto is implicit TLS on port 465, else STARTTLS, which is then required.
const (
	TLSAuto     TLS = "auto"
	TLSImplicit TLS = "implicit"
	TLSStart    TLS = "starttls"
	TLSNone     TLS = "none"
)

// Mail is a mail server, and whom mails are from.
type Mail struct {
	Host      string // "" for none
	Port      int
	User      string // "" for no login
	Password  string
	From      mail.Address
	Company   string // signs if From has no name
	TLS       TLS
	CAFile    string        // certificates that are trusted beside the system's; "" for none
	HelloName string        // the name of this machine in HELO
	Timeout   time.Duration // of each step
}

// Implicit tells whether the connection is encrypted from its first byte.
func (m *Mail) Implicit() bool {
	return m.TLS == TLSImplicit || (m.TLS == TLSAuto && m.Port == implicitPort)
}

const implicitPort = 465

// SenderName is the name that mails are signed with.
func (m *Mail) SenderName() string {
	return cmp.Or(m.From.Name, m.Company, domainOf(m.From.Address))
}

// Endpoint is a URL that accepts messages by HTTP.
type Endpoint struct{ URL string }

// Name identifies an endpoint in lists and in the database without its URL, which may be a secret: the host and a
// part of the URL's hash.
func (e Endpoint) Name() string {
	sum := sha256.Sum256([]byte(e.URL))
	host := "?"
	if parsed, err := url.Parse(e.URL); err == nil {
		host = parsed.Host
	}
	return host + "#" + hex.EncodeToString(sum[:4])
}

// DefaultOperatorKinds are the kinds that operators and Slack get by default.
func DefaultOperatorKinds() []usage.NotificationKind {
	return []usage.NotificationKind{usage.LimitReached, usage.PastDue, usage.Suspended, usage.Expired,
		usage.ImportRejected, usage.PriceMissing}
}

// Kinds are all kinds of notifications.
func Kinds() []usage.NotificationKind {
	return []usage.NotificationKind{usage.ThresholdReached, usage.LimitReached, usage.RenewalSoon, usage.Expired,
		usage.BillReady, usage.PastDue, usage.Suspended, usage.ImportRejected, usage.PriceMissing}
}

// urgent tells whether a message may disturb people at night.
func urgent(kind usage.NotificationKind) bool {
	return slices.Contains([]usage.NotificationKind{usage.LimitReached, usage.PastDue, usage.Suspended}, kind)
}

// forUsers tells whether a message is for the user, and not only for the operators.
func forUsers(kind usage.NotificationKind) bool {
	return !slices.Contains([]usage.NotificationKind{usage.ImportRejected, usage.PriceMissing}, kind)
}
