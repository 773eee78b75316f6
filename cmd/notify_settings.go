package cmd

import (
	"encoding/base64"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones also where the system has none

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/usage"
)

const (
	keySMTPHost       = "smtp_host"
	keySMTPPort       = "smtp_port"
	keySMTPUser       = "smtp_user"
	keySMTPPassword   = "smtp_password"
	keySMTPFrom       = "smtp_from"
	keySMTPTLS        = "smtp_tls"
	keySMTPCAFile     = "smtp_ca_file"
	keySMTPTimeout    = "smtp_timeout"
	keyAlertEmail     = "alert_email"
	keyAlertKinds     = "alert_kinds"
	keyWebhookURL     = "webhook_url"
	keyWebhookSecret  = "webhook_secret"
	keyWebhookTimeout = "webhook_timeout"
	keySlackURL       = "slack_webhook_url"
	keyQuietHours     = "quiet_hours"
	keyTimeZone       = "time_zone"
	keyDigest         = "digest"
	keyTemplates      = "templates"
)

// notifyKeys is every setting of mail and webhooks.
func notifyKeys() []key {
	return []key{
		{keySMTPHost, "SMTP_HOST", "", "", "the mail server; without one no mail is sent"},
		{keySMTPPort, "SMTP_PORT", "", "", "its port; 587 by default, 465 with SMTP_TLS=implicit"},
		{keySMTPUser, "SMTP_USER", "", "", "the user to log in as; none by default"},
		{keySMTPPassword, "SMTP_PASSWORD", "", "", "the password to log in with"},
		{keySMTPFrom, "SMTP_FROM", "", "", "who mails are from: billing@example.com, or Example <billing@example.com>"},
		{keySMTPTLS, "SMTP_TLS", "", string(notify.TLSAuto),
			"auto (implicit on port 465, else STARTTLS, which must work), implicit, starttls or none"},
		{keySMTPCAFile, "SMTP_CA_FILE", "", "", "a file of certificates that count beside the system's"},
		{keySMTPTimeout, "SMTP_TIMEOUT", "", "30",
			"seconds that each step with the mail server may take; the answer to a whole mail may take four times as long"},
		{keyAlertEmail, "ALWRITY_SUB_ALERT_EMAIL", "", "", "the operators' addresses, with commas between them"},
		{keyAlertKinds, "ALWRITY_SUB_ALERT_KINDS", "", defaultAlertKinds(),
			"what operators and Slack are told about users; all for everything"},
		{keyWebhookURL, "ALWRITY_SUB_WEBHOOK_URL", "", "",
			"where every message is posted as JSON; several with spaces between them"},
		{keyWebhookSecret, "ALWRITY_SUB_WEBHOOK_SECRET", "", "", "what webhooks are signed with"},
		{keyWebhookTimeout, "ALWRITY_SUB_WEBHOOK_TIMEOUT", "", "10", "seconds that a webhook may take"},
		{keySlackURL, "ALWRITY_SUB_SLACK_WEBHOOK_URL", "", "", "an incoming webhook of Slack"},
		{keyQuietHours, "ALWRITY_SUB_QUIET_HOURS", "", "", "such as 22:00-07:00, in which only what is urgent goes out"},
		{keyTimeZone, "ALWRITY_SUB_TIME_ZONE", "", "UTC", "the zone of quiet hours and digests, such as Europe/Berlin"},
		{keyDigest, "ALWRITY_SUB_DIGEST", "", "off", "off, or daily: what is not urgent in one mail a day, at 8:00"},
		{keyTemplates, "ALWRITY_SUB_TEMPLATES", "", "", "a directory with templates that replace the built-in ones"},
	}
}

func defaultAlertKinds() string {
	var words []string
	for _, kind := range notify.DefaultOperatorKinds() {
		words = append(words, string(kind))
	}
	return strings.Join(words, ",")
}

// learnNotify learns the secrets among the settings of a layer, however short, and in
// the forms in which a server may send them back.
func (r *redactor) learnNotify(values map[string]any) {
	text := func(name string) string {
		if values[name] == nil {
			return ""
		}
		return fmt.Sprint(values[name]) // a password may look like a number
	}
	if password := text(keySMTPPassword); password != "" {
		plain := "\x00" + text(keySMTPUser) + "\x00" + password
		r.add(password, base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString([]byte(plain)))
	}
	if secret := text(keyWebhookSecret); secret != "" {
		r.add(secret)
	}
	for _, address := range append(listed(text(keyWebhookURL)), text(keySlackURL)) {
		if u, err := url.Parse(address); err == nil && address != "" {
			r.add(address)
			for _, part := range []string{strings.Trim(u.Path, "/"), u.RawQuery} {
				if len(part) >= shortestKey {
					r.add(part)
				}
			}
		}
	}
}

// listed splits a list at commas and spaces.
func listed(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}

// texts returns a setting that is a list, written as one or with commas or spaces.
func (c *config) texts(name string) ([]string, error) {
	if list, ok := c.values.Get(name).([]any); ok {
		var words []string
		for _, item := range list {
			word, isText := item.(string)
			if !isText {
				return nil, failure.Invalidf("%s must be a list of texts", c.label(name))
			}
			words = append(words, word)
		}
		return words, nil
	}
	text, err := c.text(name)
	return listed(text), err
}

// notify reads the settings of mail and webhooks.
func (c *config) notify(p Process) (s notify.Settings, err error) {
	for _, read := range []func(*notify.Settings) error{c.mailSettings, c.recipients, c.endpoints, c.hours} {
		if err := read(&s); err != nil {
			return s, err
		}
	}
	for name, to := range map[string]*string{keyCompanyName: &s.Mail.Company, keyPaymentNote: &s.PaymentNote} {
		if *to, err = c.text(name); err != nil {
			return s, err
		}
	}
	for name, path := range map[string]*string{keyTemplates: &s.Templates, keySMTPCAFile: &s.Mail.CAFile} {
		if *path, err = c.text(name); err != nil {
			return s, err
		}
		if *path != "" {
			*path = within(p.Dir, *path)
		}
	}
	s.Mail.HelloName = hello()
	return s, nil
}

// hello is how this machine calls itself: by its name, if that can be one on the net.
func hello() string {
	name, err := os.Hostname()
	if err != nil || name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return !(r == '.' || r == '-' || (r < 0x80 && isLetter(r)))
	}) {
		return "localhost"
	}
	return name
}

func (c *config) mailSettings(s *notify.Settings) (err error) {
	m := &s.Mail
	for name, to := range map[string]*string{keySMTPHost: &m.Host, keySMTPUser: &m.User, keySMTPPassword: &m.Password} {
		if *to, err = c.text(name); err != nil {
			return err
		}
	}
	way, err := c.choice(keySMTPTLS, string(notify.TLSAuto), string(notify.TLSImplicit), string(notify.TLSStart),
		string(notify.TLSNone))
	if err != nil {
		return err
	}
	m.TLS = notify.TLS(way)
	if m.Port, err = c.mailPort(m.TLS); err != nil {
		return err
	}
	seconds, err := c.number(keySMTPTimeout, 1, 600)
	if err != nil {
		return err
	}
	m.Timeout = time.Duration(seconds) * time.Second
	return c.mailFrom(m)
}

func (c *config) mailPort(way notify.TLS) (int, error) {
	switch text, err := c.text(keySMTPPort); {
	case err != nil:
		return 0, err
	case text == "" && way == notify.TLSImplicit:
		return 465, nil
	case text == "":
		return 587, nil
	}
	return c.number(keySMTPPort, 1, 65535)
}

func (c *config) mailFrom(m *notify.Mail) error {
	text, err := c.text(keySMTPFrom)
	if err != nil {
		return err
	}
	if text == "" {
		return nil
	}
	from, err := mail.ParseAddress(text)
	if err != nil {
		return failure.Invalidf("%s is %q: it must be an address", c.label(keySMTPFrom), failure.Shorten(text)).
			WithHint("write billing@example.com, or Example <billing@example.com>").Because(err)
	}
	m.From = *from
	return nil
}

func (c *config) recipients(s *notify.Settings) error {
	addresses, err := c.texts(keyAlertEmail)
	if err != nil {
		return err
	}
	for _, address := range addresses {
		parsed, err := mail.ParseAddress(address)
		if err != nil {
			return failure.Invalidf("%s has %q in it: that is no address", c.label(keyAlertEmail), failure.Shorten(address)).
				WithHint("write ops@example.com, several with commas between them").Because(err)
		}
		s.Operators = append(s.Operators, parsed.Address)
	}
	words, err := c.texts(keyAlertKinds)
	if err != nil {
		return err
	}
	if slices.Equal(words, []string{"all"}) {
		s.OperatorKinds = notify.Kinds()
		return nil
	}
	for _, word := range words {
		if !slices.Contains(notify.Kinds(), usage.NotificationKind(word)) {
			return failure.Invalidf("%s has %q in it: there is no such message", c.label(keyAlertKinds), failure.Shorten(word)).
				WithHint("write all, or some of: %s", strings.Trim(strings.Join(kindWords(), ", "), " "))
		}
		s.OperatorKinds = append(s.OperatorKinds, usage.NotificationKind(word))
	}
	return nil
}

func kindWords() []string {
	var words []string
	for _, kind := range notify.Kinds() {
		words = append(words, string(kind))
	}
	return words
}

func (c *config) endpoints(s *notify.Settings) error {
	for name, to := range map[string]*[]notify.Endpoint{keyWebhookURL: &s.Webhooks, keySlackURL: &s.Slack} {
		addresses, err := c.texts(name)
		if err != nil {
			return err
		}
		for _, address := range addresses {
			u, err := url.Parse(address)
			if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
				return failure.Invalidf("%s has something in it that is no URL of http or https", c.label(name)).
					WithHint("write https://…")
			}
			*to = append(*to, notify.Endpoint{URL: address})
		}
	}
	var err error
	if s.Secret, err = c.text(keyWebhookSecret); err != nil {
		return err
	}
	seconds, err := c.number(keyWebhookTimeout, 1, 600)
	s.Timeout = time.Duration(seconds) * time.Second
	return err
}

func (c *config) hours(s *notify.Settings) error {
	text, err := c.text(keyQuietHours)
	if err != nil {
		return err
	}
	if s.Quiet, err = notify.ParseQuietHours(text); err != nil {
		return failure.Within(err, "%s", c.label(keyQuietHours))
	}
	zone, err := c.text(keyTimeZone)
	if err != nil {
		return err
	}
	if s.Zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
		return failure.Invalidf("%s is %q: there is no such time zone", c.label(keyTimeZone), failure.Shorten(zone)).
			WithHint("write a name such as Europe/Berlin, or UTC")
	}
	digest, err := c.choice(keyDigest, "off", "daily")
	s.Digest = digest == "daily"
	return err
}
