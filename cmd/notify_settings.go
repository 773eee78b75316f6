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
		{keySMTPHost, "", "", "the mail server; without one no mail is sent"},
		{keySMTPPort, "", "", "its port; 587 by default, 465 with SMTP_TLS=implicit"},
		{keySMTPUser, "", "", "the user to log in as; none by default"},
		{keySMTPPassword, "", "", "the password to log in with"},
		{keySMTPFrom, "", "", "who mails are from: billing@example.com, or Example <billing@example.com>"},
		{keySMTPTLS, "", string(notify.TLSAuto),
			"auto (implicit on port 465, else STARTTLS, which must work), implicit, starttls or none"},
		{keySMTPCAFile, "", "", "a file of certificates that count beside the system's"},
		{keySMTPTimeout, "", "30", "seconds that each step with the mail server may take; the answer to a whole mail may " +
			"take four times as long"},
		{keyAlertEmail, "", "", "the operators' addresses, with commas between them"},
		{keyAlertKinds, "", joinKinds(notify.DefaultOperatorKinds(), ","),
			"what operators and Slack are told about users; all for everything"},
		{keyWebhookURL, "", "", "where every message is posted as JSON; several with spaces between them"},
		{keyWebhookSecret, "", "", "what webhooks are signed with"},
		{keyWebhookTimeout, "", "10", "seconds that a webhook may take"},
		{keySlackURL, "", "", "an incoming webhook of Slack"},
		{keyQuietHours, "", "", "such as 22:00-07:00, in which only what is urgent goes out"},
		{keyTimeZone, "", "UTC", "the zone of quiet hours and digests, such as Europe/Berlin"},
		{keyDigest, "", "off", "off, or daily: what is not urgent in one mail a day, at 8:00"},
		{keyTemplates, "", "", "a directory with templates that replace the built-in ones"},
	}
}

// addNotifySecrets learns the secrets among the settings of a layer, however short, and in
// the forms in which a server may send them back.
func (r *redactor) addNotifySecrets(values map[string]any) {
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
	for _, address := range append(splitList(text(keyWebhookURL)), text(keySlackURL)) {
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

// notify reads the settings of mail and webhooks.
func (r *reader) notify(p Process) (s notify.Settings) {
	m := &s.Mail
	m.Host, m.User, m.Password = r.text(keySMTPHost), r.text(keySMTPUser), r.text(keySMTPPassword)
	m.TLS = notify.TLS(r.enum(keySMTPTLS, string(notify.TLSAuto), string(notify.TLSImplicit), string(notify.TLSStart),
		string(notify.TLSNone)))
	m.Port, m.Timeout, m.From = r.mailPort(m.TLS), r.seconds(keySMTPTimeout), r.mailFrom()
	s.Operators, s.OperatorKinds = r.operators(), r.operatorKinds()
	s.Webhooks, s.Slack = r.endpoints(keyWebhookURL), r.endpoints(keySlackURL)
	s.Secret, s.Timeout = r.text(keyWebhookSecret), r.seconds(keyWebhookTimeout)
	s.Quiet, s.Zone = r.quietHours(), r.timeZone()
	s.Digest = r.enum(keyDigest, "off", "daily") == "daily"
	m.Company, s.PaymentNote = r.text(keyCompanyName), r.text(keyPaymentNote)
	s.Templates, m.CAFile = r.path(keyTemplates, p.Dir), r.path(keySMTPCAFile, p.Dir)
	m.HelloName = helloName()
	return s
}

// helloName is how this machine introduces itself: by its name, if that can be one on the net.
func helloName() string {
	name, err := os.Hostname()
	if err != nil || name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return !(r == '.' || r == '-' || (r < 0x80 && isLetter(r)))
	}) {
		return "localhost"
	}
	return name
}

func (r *reader) seconds(name string) time.Duration {
	return time.Duration(r.integer(name, 1, 600)) * time.Second
}

func (r *reader) mailPort(encryption notify.TLS) int {
	switch {
	case r.text(keySMTPPort) != "":
		return r.integer(keySMTPPort, 1, 65535)
	case encryption == notify.TLSImplicit:
		return 465
	}
	return 587
}

func (r *reader) mailFrom() mail.Address {
	text := r.text(keySMTPFrom)
	if text == "" {
		return mail.Address{}
	}
	from, err := mail.ParseAddress(text)
	if err != nil {
		r.fail(failure.Invalidf("%s is %q: it must be an address", r.label(keySMTPFrom), failure.Shorten(text)).
			WithHint("write billing@example.com, or Example <billing@example.com>").Because(err))
		return mail.Address{}
	}
	return *from
}

func (r *reader) operators() (addresses []string) {
	for _, text := range r.list(keyAlertEmail) {
		address, err := mail.ParseAddress(text)
		if err != nil {
			r.fail(failure.Invalidf("%s has %q in it: that is no address", r.label(keyAlertEmail), failure.Shorten(text)).
				WithHint("write ops@example.com, several with commas between them").Because(err))
			return nil
		}
		addresses = append(addresses, address.Address)
	}
	return addresses
}

func (r *reader) operatorKinds() (kinds []usage.NotificationKind) {
	words := r.list(keyAlertKinds)
	if slices.Equal(words, []string{"all"}) {
		return notify.Kinds()
	}
	for _, word := range words {
		kind := usage.NotificationKind(word)
		if !slices.Contains(notify.Kinds(), kind) {
			r.fail(failure.Invalidf("%s has %q in it: there is no such message", r.label(keyAlertKinds),
				failure.Shorten(word)).WithHint("write all, or some of: %s", joinKinds(notify.Kinds(), ", ")))
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

func joinKinds(kinds []usage.NotificationKind, between string) string {
	var words []string
	for _, kind := range kinds {
		words = append(words, string(kind))
	}
	return strings.Join(words, between)
}

func (r *reader) endpoints(name string) (endpoints []notify.Endpoint) {
	for _, address := range r.list(name) {
		u, err := url.Parse(address)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			r.fail(failure.Invalidf("%s has something in it that is no URL of http or https", r.label(name)).
				WithHint("write https://…"))
		}
		endpoints = append(endpoints, notify.Endpoint{URL: address})
	}
	return endpoints
}

func (r *reader) quietHours() notify.QuietHours {
	hours, err := notify.ParseQuietHours(r.text(keyQuietHours))
	if err != nil {
		r.fail(failure.Within(err, "%s", r.label(keyQuietHours)))
	}
	return hours
}

func (r *reader) timeZone() *time.Location {
	name := r.text(keyTimeZone)
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.fail(failure.Invalidf("%s is %q: there is no such time zone", r.label(keyTimeZone), failure.Shorten(name)).
			WithHint("write a name such as Europe/Berlin, or UTC"))
	}
	return zone
}
