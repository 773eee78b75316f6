package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"net/url"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Settings say who is told, how, and when.
type Settings struct {
	Mail          Mail
	PaymentNote   string   // how to pay, line by line; \n written out ends one too
	Operators     []string // their addresses
	OperatorKinds []usage.NoticeKind
	Webhooks      []Endpoint
	Secret        string     // that webhooks are signed with
	Slack         []Endpoint // one or none
	Timeout       time.Duration
	Quiet         Quiet
	Zone          *time.Location
	Digest        bool                // what is not urgent goes out once a day
	Templates     string              // a directory; "" for the built-in ones
	Redact        func(string) string // takes secrets out of a text
}

// Configured tells whether there is any way to tell anybody.
func (s *Settings) Configured() bool { return s.Mail.Host != "" || len(s.Webhooks)+len(s.Slack) > 0 }

// Check returns the invalid failure of settings that do not go together. Commands that
// send nothing work all the same: a mistake here must not keep usage from being recorded.
func (s *Settings) Check() error {
	m := &s.Mail
	switch {
	case !s.Configured():
		return failure.Invalidf("there is no way to send anything: neither a mail server nor a webhook is configured").
			WithHint("set SMTP_HOST and SMTP_FROM, ALWRITY_SUB_WEBHOOK_URL or ALWRITY_SUB_SLACK_WEBHOOK_URL, then try: alwrity-sub alerts test --to you@example.com")
	case m.Host != "" && m.From.Address == "":
		return failure.Invalidf("SMTP_HOST is set and SMTP_FROM is not: a mail must be from somebody").WithHint("set SMTP_FROM, for example to billing@example.com")
	case m.Host != "" && m.User != "" && m.Password == "":
		return failure.Invalidf("SMTP_USER is set and SMTP_PASSWORD is not").WithHint("set both, or none for a server that asks for no login")
	case m.Host != "" && m.User != "" && m.TLS == TLSNone && !slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, m.Host):
		return failure.Invalidf("SMTP_TLS is none: the password would be sent to %s without encryption", pricing.Shorten(m.Host)).
			WithHint("leave SMTP_TLS at auto; a certificate of your own can be named with SMTP_CA_FILE")
	case len(s.Webhooks) > 0 && s.Secret == "":
		return failure.Invalidf("ALWRITY_SUB_WEBHOOK_URL is set and ALWRITY_SUB_WEBHOOK_SECRET is not: who gets a webhook could not tell whether it is from you").
			WithHint("set it to a long random text, such as that of: openssl rand -hex 32")
	}
	return nil
}

// TLS says how the connection to a mail server is encrypted.
type TLS string

// The ways. Auto is implicit TLS on port 465, else STARTTLS, which is then required.
const (
	TLSAuto     TLS = "auto"
	TLSImplicit TLS = "implicit"
	TLSStart    TLS = "starttls"
	TLSNone     TLS = "none"
)

// Mail is a mail server, and who writes.
type Mail struct {
	Host     string // "" for none
	Port     int
	User     string // "" for no login
	Password string
	From     mail.Address
	Company  string // signs where From has no name
	TLS      TLS
	CAFile   string        // with certificates that count beside the system's; "" for none
	Hello    string        // how this machine calls itself
	Timeout  time.Duration // of each step
}

// Implicit tells whether the connection is encrypted from its first byte.
func (m *Mail) Implicit() bool {
	return m.TLS == TLSImplicit || (m.TLS == TLSAuto && m.Port == implicitPort)
}

const implicitPort = 465

// Sender is the name that mails are signed with.
func (m *Mail) Sender() string {
	if m.From.Name != "" {
		return m.From.Name
	}
	if m.Company != "" {
		return m.Company
	}
	return domainOf(m.From.Address)
}

// Endpoint is the URL of somebody who takes messages by HTTP.
type Endpoint struct{ URL string }

// Name tells endpoints apart in lists and in the database without showing what may be a
// secret: the host, and a part of the URL's hash.
func (e Endpoint) Name() string {
	sum := sha256.Sum256([]byte(e.URL))
	host := "?"
	if parsed, err := url.Parse(e.URL); err == nil {
		host = parsed.Host
	}
	return host + "#" + hex.EncodeToString(sum[:4])
}

// DefaultOperatorKinds are what operators and Slack are told where no setting says.
func DefaultOperatorKinds() []usage.NoticeKind {
	return []usage.NoticeKind{usage.LimitReached, usage.PastDue, usage.Suspended, usage.Expired, usage.ImportRejected, usage.PriceMissing}
}

// Kinds are all kinds of notices.
func Kinds() []usage.NoticeKind {
	return []usage.NoticeKind{usage.ThresholdReached, usage.LimitReached, usage.RenewalSoon, usage.Expired, usage.BillReady,
		usage.PastDue, usage.Suspended, usage.ImportRejected, usage.PriceMissing}
}

// urgent tells whether a message may disturb at night.
func urgent(kind usage.NoticeKind) bool {
	return slices.Contains([]usage.NoticeKind{usage.LimitReached, usage.PastDue, usage.Suspended}, kind)
}

// forUsers tells whether a message concerns the user, and not the operators alone.
func forUsers(kind usage.NoticeKind) bool {
	return !slices.Contains([]usage.NoticeKind{usage.ImportRejected, usage.PriceMissing}, kind)
}
