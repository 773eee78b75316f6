package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/wneessen/go-mail/smtp"

	"github.com/alwrity/alwrity-sub/failure"
)

// connection is a connection to a mail server, which is set up step by step.
type connection struct {
	mail   *Mail
	raw    *boundedConn
	secure *tls.Conn // nil: not encrypted from the first byte
	client *smtp.Client
	roots  *x509.CertPool // nil: the system's
}

// contentTimeoutFactor is how many times longer than other steps the answer to a whole mail may take: servers look
// for spam and viruses then.
const contentTimeoutFactor = 4

// loadRoots reads the certificates that are trusted beside the system's.
func (m *Mail) loadRoots() (*x509.CertPool, error) {
	if m.CAFile == "" {
		return nil, nil
	}
	pem, err := failure.ReadFile(m.CAFile)
	if err != nil {
		return nil, failure.Invalidf("SMTP_CA_FILE is %q: it can't be read: %s", m.CAFile, failure.WithoutPath(err)).
			Because(err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, failure.Invalidf("SMTP_CA_FILE is %q: there is no certificate in it", m.CAFile).
			WithHint("it must have certificates in PEM form")
	}
	return roots, nil
}

func (m *Mail) address() string { return net.JoinHostPort(m.Host, strconv.Itoa(m.Port)) }

func (c *connection) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.mail.Host, RootCAs: c.roots, MinVersion: tls.VersionTLS12}
}

func (c *connection) dial(ctx context.Context) (err error) {
	dialer := net.Dialer{Timeout: c.mail.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", c.mail.address())
	if err == nil {
		c.raw = &boundedConn{conn, mostAnswered}
	}
	return err
}

// mostAnswered is how many bytes a mail server may send at a step: some hundred are usual, and an answer without an end
// would fill the memory.
const mostAnswered = 1 << 20

var errEndless = errors.New("the server's answer does not end")

// boundedConn is a connection of which so many bytes may be read.
type boundedConn struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errEndless
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// handshake encrypts from the first byte, if the server wants that.
func (c *connection) handshake(ctx context.Context) error {
	if !c.mail.Implicit() {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, c.mail.Timeout)
	defer stop()
	c.secure = tls.Client(c.raw, c.tlsConfig())
	return c.secure.HandshakeContext(ctx)
}

// hello waits for the greeting and says hello.
func (c *connection) hello() error {
	var conn net.Conn = c.raw
	if c.secure != nil {
		conn = c.secure
	}
	//nolint:forbidigo // a connection's deadline is no matter of --now
	if err := conn.SetDeadline(time.Now().Add(c.mail.Timeout)); err != nil {
		return err
	}
	client, err := smtp.NewClient(conn, c.mail.Host)
	if err != nil {
		return err
	}
	c.client = client
	return client.Hello(c.mail.HelloName)
}

var errNoStartTLS = errors.New("the server offers no STARTTLS")

// startTLS encrypts a connection that began in the clear, unless SMTP_TLS is none.
func (c *connection) startTLS() error {
	if c.mail.Implicit() || c.mail.TLS == TLSNone {
		return nil
	}
	if err := c.extendDeadline(1); err != nil {
		return err
	}
	if ok, _ := c.client.Extension("STARTTLS"); !ok {
		return errNoStartTLS
	}
	return c.client.StartTLS(c.tlsConfig())
}

var errNoLogin = errors.New("the server offers no login by SCRAM-SHA-256, PLAIN, LOGIN or CRAM-MD5")

// login logs in, if a user is configured.
func (c *connection) login() error {
	if c.mail.User == "" {
		return nil
	}
	if err := c.extendDeadline(1); err != nil {
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

// open does all the steps after which mail can be sent.
func (c *connection) open(ctx context.Context) error {
	for _, step := range []func() error{
		func() error { return c.dial(ctx) },
		func() error { return c.handshake(ctx) },
		c.hello, c.startTLS, c.login,
	} {
		if err := step(); err != nil {
			c.close()
			return err
		}
	}
	return nil
}

func (c *connection) extendDeadline(times int) error {
	c.raw.left = mostAnswered
	return c.client.UpdateDeadline(time.Duration(times) * c.mail.Timeout)
}

// close hangs up without a goodbye.
func (c *connection) close() {
	if c.raw != nil {
		_ = c.raw.Close() // what counts was answered before
	}
}

// quit says goodbye, as polite servers expect.
func (c *connection) quit() {
	if c.client != nil && c.extendDeadline(1) == nil {
		_ = c.client.Quit() // what counts was answered before
	}
	c.close()
}

// send sends a mail. It calls begin just before the server may accept it: from then on, no answer means that the
// server may have it.
func (c *connection) send(from, to string, mail []byte, begin func() error) outcome {
	if err := c.extendDeadline(1); err != nil {
		return outcome{kind: retryLater, reason: describe(err), serverFault: true}
	}
	c.client.SkipSMTPUTF8(isASCII(from) && isASCII(to))
	if err := c.client.Mail("<" + from + ">"); err != nil {
		return senderOutcome(err)
	}
	if err := c.client.Rcpt("<" + to + ">"); err != nil {
		return replyOutcome(err, "the recipient")
	}
	content, err := c.client.Data()
	if err != nil {
		return replyOutcome(err, "the mail")
	}
	if _, err := content.Write(mail); err != nil {
		return outcome{kind: retryLater, reason: describe(err), serverFault: true}
	}
	if err := begin(); err != nil {
		c.close() // without the final dot, the server discards what it has
		return notBegun(err)
	}
	if err := c.extendDeadline(contentTimeoutFactor); err != nil {
		return outcome{kind: retryLater, reason: describe(err), serverFault: true}
	}
	if err := content.Close(); err != nil { // sends the final dot and waits for the answer
		return replyOutcome(err, "the mail")
	}
	return outcome{kind: accepted}
}

// senderOutcome is the outcome of an answer to the sender's address. If that is rejected, it will be for every mail,
// and no mail is to blame.
func senderOutcome(err error) outcome {
	o := replyOutcome(err, "the sender")
	if o.kind == rejected {
		o.kind = unavailable
	}
	return o
}

// replyOutcome is the outcome of an answer: 5xx is for good, 4xx for now, and no answer is the server's fault.
func replyOutcome(err error, what string) outcome {
	reply, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return outcome{kind: retryLater, reason: describe(err), serverFault: true}
	}
	reason := "the server refuses " + what + ": " + strconv.Itoa(reply.Code) + " " + oneLine(reply.Msg)
	switch {
	case reply.Code == 530 || reply.Code == 535: // it wants a login: no mail is to blame
		return outcome{kind: unavailable, reason: reason}
	case reply.Code == 421: // it is about to hang up
		return outcome{kind: retryLater, reason: reason, serverFault: true}
	case reply.Code >= 500:
		return outcome{kind: rejected, reason: reason}
	}
	return outcome{kind: retryLater, reason: reason}
}

// describe says in a few words what went wrong on the way.
func describe(err error) string {
	var reply *textproto.Error
	var timeout net.Error
	var operation *net.OpError
	switch {
	case errors.As(err, &reply):
		return "the server answers " + strconv.Itoa(reply.Code) + " " + oneLine(reply.Msg)
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed without an answer"
	case errors.As(err, &operation):
		return oneLine(operation.Err.Error())
	}
	return oneLine(err.Error())
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}
