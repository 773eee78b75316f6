package notify

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"time"
)

// ProbeStep is one step of a test. After a step that failed there are no more.
type ProbeStep struct {
	Name   string
	OK     bool
	Detail string
	Hint   string // what to do about it
}

// probe collects steps.
type probe struct {
	settings *Settings
	steps    []ProbeStep
	now      time.Time
}

func (p *probe) passed(name, format string, args ...any) {
	p.steps = append(p.steps, ProbeStep{Name: name, OK: true, Detail: p.settings.Redact(fmt.Sprintf(format, args...))})
}

func (p *probe) failed(name, hint string, err error) {
	p.steps = append(p.steps, ProbeStep{Name: name, Detail: p.settings.Redact(describe(err)), Hint: hint})
}

// ProbeMail connects to the mail server step by step and says how far it came. If an address is given, it sends a
// test mail there.
func ProbeMail(ctx context.Context, s *Settings, t *Templates, to string, now time.Time) []ProbeStep {
	p := &probe{settings: s, now: now}
	conn := &connection{mail: &s.Mail}
	defer conn.close()
	if p.checkConnection(ctx, conn) && p.checkEncryption(ctx, conn) && p.checkLogin(conn) && to != "" {
		p.sendTestMail(conn, t, to)
	}
	return p.steps
}

// checkConnection finds the server and connects to it.
func (p *probe) checkConnection(ctx context.Context, conn *connection) bool {
	m := &p.settings.Mail
	var err error
	if conn.roots, err = m.loadRoots(); err != nil {
		p.failed("certificates", "mend SMTP_CA_FILE", err)
		return false
	}
	lookup, stop := context.WithTimeout(ctx, m.Timeout)
	defer stop()
	addresses, err := net.DefaultResolver.LookupHost(lookup, m.Host)
	if err != nil {
		p.failed("resolve", "is SMTP_HOST spelt right, and does this machine reach its name server?", err)
		return false
	}
	p.passed("resolve", "%s is %s", m.Host, strings.Join(addresses, ", "))
	if err := conn.dial(ctx); err != nil {
		p.failed("connect", "is SMTP_PORT right, and does a firewall let this machine out? "+
			"Many providers block port 25: try 587 or 465", err)
		return false
	}
	p.passed("connect", "%s answers", m.address())
	return true
}

// checkEncryption encrypts the connection, at once or by STARTTLS, and says hello.
func (p *probe) checkEncryption(ctx context.Context, conn *connection) bool {
	m := &p.settings.Mail
	if err := conn.handshake(ctx); err != nil {
		p.failed("tls", tlsHint(m, err), err)
		return false
	}
	if err := conn.hello(); err != nil {
		hint := "is this a mail server? One that speaks TLS from the first byte needs SMTP_PORT=465 or SMTP_TLS=implicit"
		if m.Implicit() {
			hint = "is this a mail server? See its log"
		}
		p.failed("greeting", hint, err)
		return false
	}
	if err := conn.startTLS(); err != nil {
		p.failed("tls", tlsHint(m, err), err)
		return false
	}
	state, encrypted := conn.client.TLSConnectionState()
	if !encrypted {
		p.passed("tls", "none, as SMTP_TLS says: everything can be read on the way")
		return true
	}
	cert := state.PeerCertificates[0]
	p.passed("tls", "%s, certificate for %s, valid until %s (%d days)", tls.VersionName(state.Version),
		strings.Join(certificateNames(cert), ", "), cert.NotAfter.UTC().Format("2 January 2006"),
		int(cert.NotAfter.Sub(p.now).Hours()/24))
	return true
}

func certificateNames(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	for _, address := range cert.IPAddresses {
		names = append(names, address.String())
	}
	if len(names) == 0 {
		names = []string{cert.Subject.CommonName}
	}
	return names
}

func tlsHint(m *Mail, err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, errNoStartTLS):
		return "use the server's port for TLS (465 with SMTP_TLS=implicit); only where nobody listens: SMTP_TLS=none"
	case errors.As(err, &authority):
		return "name the file of the authority that made the certificate with SMTP_CA_FILE"
	case errors.As(err, &host):
		return "set SMTP_HOST to a name that is in the certificate: " + strings.Join(certificateNames(host.Certificate), ", ")
	case errors.As(err, &invalid):
		return "the server needs a new certificate: tell who runs it"
	case m.Implicit():
		return "does this port speak TLS from the first byte? STARTTLS is usual on port 587"
	}
	return "see the server's log"
}

func (p *probe) checkLogin(conn *connection) bool {
	m := &p.settings.Mail
	if m.User == "" {
		p.passed("login", "none, as no SMTP_USER is set")
		return true
	}
	if err := conn.login(); err != nil {
		p.failed("login", "are SMTP_USER and SMTP_PASSWORD right? Some providers want a password made for programs", err)
		return false
	}
	p.passed("login", "as %s", m.User)
	return true
}

func (p *probe) sendTestMail(conn *connection, t *Templates, to string) {
	m := &p.settings.Mail
	content, err := t.RenderTestMail(p.settings)
	if err != nil {
		p.failed("mail", "mend the templates", err)
		return
	}
	address := netmail.Address{Address: to}
	text, err := m.compose(&address, "test-"+rand.Text(), p.now, content)
	if err != nil {
		p.failed("mail", "", err)
		return
	}
	o := conn.send(m.From.Address, to, text, func() error { return nil })
	if o.kind != accepted {
		hint := "the server's answer says why; may " + m.From.Address + " send through it?"
		p.steps = append(p.steps, ProbeStep{Name: "accepted", Detail: p.settings.Redact(o.reason), Hint: hint})
		return
	}
	p.passed("accepted", "the server took the mail to %s", to)
	conn.quit()
}

// ProbeEndpoints posts a test to each webhook and to Slack.
func ProbeEndpoints(ctx context.Context, s *Settings, t *Templates, now time.Time) []ProbeStep {
	p := &probe{settings: s, now: now}
	for _, e := range s.Webhooks {
		p.sendTestRequest(ctx, newWebhookTransport(s, t, e, false), "webhook "+e.Name())
	}
	for _, e := range s.Slack {
		p.sendTestRequest(ctx, newWebhookTransport(s, t, e, true), "slack "+e.Name())
	}
	return p.steps
}

// testKind stands for the kind of a test message.
const testKind = "test"

func (p *probe) sendTestRequest(ctx context.Context, t *webhookTransport, name string) {
	defer t.close()
	o := t.sendTest(ctx, p.now)
	if o.kind != accepted {
		p.steps = append(p.steps, ProbeStep{Name: name, Detail: p.settings.Redact(o.reason),
			Hint: "is the URL right, and does whoever answers there check the signature with the same secret?"})
		return
	}
	p.passed(name, "took the test")
}
