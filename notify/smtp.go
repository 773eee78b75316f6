package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/wneessen/go-mail/smtp"

	"github.com/alwrity/alwrity-sub/failure"
)

// connection is one to a mail server, as it is set up step by step.
type connection struct {
	mail   *Mail
	raw    net.Conn
	secure *tls.Conn // nil: not from the first byte
	client *smtp.Client
	roots  *x509.CertPool // nil: the system's
}

// dotPatience is how many times longer than other steps the answer to a whole mail may
// take: servers look for spam and viruses then.
const dotPatience = 4

// rootsOf reads the certificates that count beside the system's.
func (m *Mail) rootsOf() (*x509.CertPool, error) {
	if m.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(m.CAFile)
	if err != nil {
		return nil, failure.Invalidf("SMTP_CA_FILE is %q: it can't be read: %s", m.CAFile, plainly(err)).Because(err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, failure.Invalidf("SMTP_CA_FILE is %q: there is no certificate in it", m.CAFile).WithHint("it must have certificates in PEM form")
	}
	return roots, nil
}

func (m *Mail) address() string { return net.JoinHostPort(m.Host, strconv.Itoa(m.Port)) }

func (c *connection) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.mail.Host, RootCAs: c.roots, MinVersion: tls.VersionTLS12}
}

// dial connects.
func (c *connection) dial(ctx context.Context) (err error) {
	dialer := net.Dialer{Timeout: c.mail.Timeout}
	c.raw, err = dialer.DialContext(ctx, "tcp", c.mail.address())
	return err
}

// encrypt does TLS from the first byte, where the server wants that.
func (c *connection) encrypt(ctx context.Context) error {
	if !c.mail.Implicit() {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, c.mail.Timeout)
	defer stop()
	c.secure = tls.Client(c.raw, c.tlsConfig())
	return c.secure.HandshakeContext(ctx)
}

// greet waits for the greeting and says hello.
func (c *connection) greet() error {
	conn := c.raw
	if c.secure != nil {
		conn = c.secure
	}
	if err := conn.SetDeadline(time.Now().Add(c.mail.Timeout)); err != nil { //nolint:forbidigo // a connection's deadline is no matter of --now
		return err
	}
	client, err := smtp.NewClient(conn, c.mail.Host)
	if err != nil {
		return err
	}
	c.client = client
	return client.Hello(c.mail.Hello)
}

// errNoStartTLS says that a server can't do what is required of it.
var errNoStartTLS = errors.New("the server offers no STARTTLS")

// startTLS encrypts what has begun in the clear, where that is required.
func (c *connection) startTLS() error {
	if c.mail.Implicit() || c.mail.TLS == TLSNone {
		return nil
	}
	if err := c.patience(1); err != nil {
		return err
	}
	if ok, _ := c.client.Extension("STARTTLS"); !ok {
		return errNoStartTLS
	}
	return c.client.StartTLS(c.tlsConfig())
}

// errNoLogin says that a server has no way of logging in that is known here.
var errNoLogin = errors.New("the server offers no login by SCRAM-SHA-256, PLAIN, LOGIN or CRAM-MD5")

// login logs in, where there is a user.
func (c *connection) login() error {
	if c.mail.User == "" {
		return nil
	}
	if err := c.patience(1); err != nil {
		return err
	}
	_, offered := c.client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	user, password := c.mail.User, c.mail.Password
	switch {
	case slices.Contains(mechanisms, "SCRAM-SHA-256"):
		return c.client.Auth(smtp.ScramSHA256Auth(user, password))
	case slices.Contains(mechanisms, "PLAIN"):
		return c.client.Auth(smtp.PlainAuth("", user, password, c.mail.Host, false))
	case slices.Contains(mechanisms, "LOGIN"):
		return c.client.Auth(smtp.LoginAuth(user, password, c.mail.Host, false))
	case slices.Contains(mechanisms, "CRAM-MD5"):
		return c.client.Auth(smtp.CRAMMD5Auth(user, password))
	}
	return errNoLogin
}

// open goes all the way to where mail can be handed over.
func (c *connection) open(ctx context.Context) error {
	for _, step := range []func() error{
		func() error { return c.dial(ctx) },
		func() error { return c.encrypt(ctx) },
		c.greet, c.startTLS, c.login,
	} {
		if err := step(); err != nil {
			c.close()
			return err
		}
	}
	return nil
}

func (c *connection) patience(times int) error {
	return c.client.UpdateDeadline(time.Duration(times) * c.mail.Timeout)
}

// close hangs up without ceremony.
func (c *connection) close() {
	if c.raw != nil {
		_ = c.raw.Close() // nothing is lost by it: what counts was answered
	}
}

// quit says goodbye, as polite servers expect.
func (c *connection) quit() {
	if c.client != nil && c.patience(1) == nil {
		_ = c.client.Quit() // what counts was answered before
	}
	c.close()
}

// submit hands a mail over. begin is called just before the server may take it: from
// then on, no answer means that it may have.
func (c *connection) submit(from, to string, mail []byte, begin func() error) verdict {
	if err := c.patience(1); err != nil {
		return verdict{kind: again, reason: reasonOf(err), trouble: true}
	}
	c.client.SkipSMTPUTF8(isASCII(from) && isASCII(to))
	if err := c.client.Mail("<" + from + ">"); err != nil {
		return fromSender(err)
	}
	if err := c.client.Rcpt("<" + to + ">"); err != nil {
		return fromReply(err, "the recipient")
	}
	content, err := c.client.Data()
	if err != nil {
		return fromReply(err, "the mail")
	}
	if _, err := content.Write(mail); err != nil {
		return verdict{kind: again, reason: reasonOf(err), trouble: true}
	}
	if err := begin(); err != nil {
		c.close() // without the final dot: the server throws away what it has
		return beginning(err)
	}
	if err := c.patience(dotPatience); err != nil {
		return verdict{kind: again, reason: reasonOf(err), trouble: true}
	}
	if err := content.Close(); err != nil { // it sends the final dot and waits for the answer
		return fromReply(err, "the mail")
	}
	return verdict{kind: taken}
}

// fromSender judges an answer to who writes. If that is refused, it will be for every
// mail, and no mail is to blame.
func fromSender(err error) verdict {
	v := fromReply(err, "the sender")
	if v.kind == refused {
		v.kind = down
	}
	return v
}

// fromReply judges an answer: 5xx is for good, 4xx for now, and none at all is trouble.
func fromReply(err error, what string) verdict {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return verdict{kind: again, reason: reasonOf(err), trouble: true}
	}
	reason := "the server refuses " + what + ": " + strconv.Itoa(reply.Code) + " " + clean(reply.Msg)
	switch {
	case reply.Code == 530 || reply.Code == 535: // it wants a login: no mail is to blame
		return verdict{kind: down, reason: reason}
	case reply.Code == 421: // it is about to hang up
		return verdict{kind: again, reason: reason, trouble: true}
	case reply.Code >= 500:
		return verdict{kind: refused, reason: reason}
	}
	return verdict{kind: again, reason: reason}
}

// reasonOf says what went wrong on the way, in few words.
func reasonOf(err error) string {
	var reply *textproto.Error
	var timeout net.Error
	var operation *net.OpError
	switch {
	case errors.As(err, &reply):
		return "the server answers " + strconv.Itoa(reply.Code) + " " + clean(reply.Msg)
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed without an answer"
	case errors.As(err, &operation):
		return clean(operation.Err.Error())
	}
	return clean(err.Error())
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}
