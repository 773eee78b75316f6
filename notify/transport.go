package notify

import (
	"context"
	"crypto/x509"
	"errors"
	netmail "net/mail"
	"time"
)

// transport hands batches over to one server.
type transport interface {
	// send hands one over. It calls begin just before the other side may accept it, and hands nothing over if that fails.
	send(ctx context.Context, b Batch, at time.Time, begin func() error) outcome
	close()
}

// mailTransport keeps a connection open for many mails.
type mailTransport struct {
	settings  *Settings
	templates *Templates
	roots     *x509.CertPool
	conn      *connection
	sent      int // over this connection
}

// mailsPerConnection is after how many mails a new connection is made: servers limit them.
const mailsPerConnection = 100

func (t *mailTransport) send(ctx context.Context, b Batch, at time.Time, begin func() error) outcome {
	to, err := netmail.ParseAddress(b.First().Recipient)
	if err != nil {
		return outcome{kind: rejected, reason: "the address can't be read"}
	}
	content, err := t.templates.RenderMail(t.settings, b)
	if err != nil {
		return outcome{kind: aborted, err: err}
	}
	mail, err := t.settings.Mail.compose(to, b.reference(), at, content)
	if err != nil {
		return outcome{kind: rejected, reason: "the mail can't be written: " + oneLine(err.Error())}
	}
	if o := t.connect(ctx); o.kind != accepted {
		return o
	}
	// An interrupt hangs up at once, unless the whole mail is out and only its answer is awaited.
	begun := false
	hangUp := context.AfterFunc(ctx, t.conn.close)
	o := t.conn.send(t.settings.Mail.From.Address, to.Address, mail, func() error {
		if !hangUp() {
			return ctx.Err()
		}
		begun = true
		return begin()
	})
	hangUp()
	if ctx.Err() != nil && !begun {
		o = notBegun(ctx.Err()) // not the server's fault: it does not count as an attempt
	}
	t.sent++
	t.afterMail(o)
	return o
}

// connect makes a connection, unless there is one.
func (t *mailTransport) connect(ctx context.Context) outcome {
	if t.conn != nil && t.sent >= mailsPerConnection {
		t.conn.quit()
		t.conn = nil
	}
	if t.conn != nil {
		return outcome{kind: accepted}
	}
	conn := &connection{mail: &t.settings.Mail, roots: t.roots}
	if err := conn.open(ctx); err != nil {
		return outcome{kind: unavailable, reason: describe(err), err: ctx.Err()}
	}
	t.conn, t.sent = conn, 0
	return outcome{kind: accepted}
}

// afterMail leaves the connection ready for the next mail, or closes it.
func (t *mailTransport) afterMail(o outcome) {
	if o.kind == accepted {
		return
	}
	if o.serverFault || o.kind == aborted || t.conn.extendDeadline(1) != nil || t.conn.client.Reset() != nil {
		t.conn.close()
		t.conn = nil
	}
}

func (t *mailTransport) close() {
	if t.conn != nil {
		t.conn.quit()
	}
}

// outcome is how an attempt to hand over a batch ended.
type outcome struct {
	kind       outcomeKind
	reason     string
	retryAfter time.Duration // the wait that the other side asks for; 0: none
	err        error         // an error of our own, such as the database's: the run ends
	// serverFault says that the other side, and not this message, may be the cause.
	serverFault bool
}

type outcomeKind int

const (
	accepted    outcomeKind = iota
	retryLater              // not now
	rejected                // for good
	unavailable             // the server takes nothing from us now; this message is not to blame
	aborted                 // nothing was sent: somebody else has the claim, or the run ends
)

// errClaimLost says that somebody else has claimed a batch in the meantime.
var errClaimLost = errors.New("the claim was lost")

// notBegun is the outcome of a batch that could not be marked as being sent.
func notBegun(err error) outcome {
	if errors.Is(err, errClaimLost) {
		err = nil
	}
	return outcome{kind: aborted, err: err}
}
