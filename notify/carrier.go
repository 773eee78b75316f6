package notify

import (
	"context"
	"crypto/x509"
	netmail "net/mail"
	"time"
)

// carrier hands parcels over to one server.
type carrier interface {
	// carry hands one over. It calls begin just before the other side may take it, and
	// hands nothing over where that fails.
	carry(ctx context.Context, p Parcel, at time.Time, begin func() error) verdict
	close()
}

// mailCarrier keeps a connection for many mails.
type mailCarrier struct {
	settings  *Settings
	templates *Templates
	roots     *x509.CertPool
	conn      *connection
	carried   int // over this connection
}

// mailsPerConnection is after how many mails a new connection is made: servers have
// limits.
const mailsPerConnection = 100

func (c *mailCarrier) carry(ctx context.Context, p Parcel, at time.Time, begin func() error) verdict {
	to, err := netmail.ParseAddress(p.Head().Recipient)
	if err != nil {
		return verdict{kind: refused, reason: "the address can't be read"}
	}
	letter, err := c.templates.Write(c.settings, p)
	if err != nil {
		return verdict{kind: abandoned, err: err}
	}
	mail, err := c.settings.Mail.compose(to, p.reference(), at, letter)
	if err != nil {
		return verdict{kind: refused, reason: "the mail can't be written: " + clean(err.Error())}
	}
	if v := c.connect(ctx); v.kind != taken {
		return v
	}
	// Interrupted, it hangs up at once, unless the answer to a whole mail is awaited.
	begun := false
	hangUp := context.AfterFunc(ctx, c.conn.close)
	v := c.conn.submit(c.settings.Mail.From.Address, to.Address, mail, func() error {
		if !hangUp() {
			return ctx.Err()
		}
		begun = true
		return begin()
	})
	hangUp()
	if ctx.Err() != nil && !begun {
		v = beginning(ctx.Err()) // no fault of the server's: it is no attempt
	}
	c.carried++
	c.after(v)
	return v
}

// connect makes a connection, unless there is one.
func (c *mailCarrier) connect(ctx context.Context) verdict {
	if c.conn != nil && c.carried >= mailsPerConnection {
		c.conn.quit()
		c.conn = nil
	}
	if c.conn != nil {
		return verdict{kind: taken}
	}
	conn := &connection{mail: &c.settings.Mail, roots: c.roots}
	if err := conn.open(ctx); err != nil {
		return verdict{kind: down, reason: reasonOf(err), err: ctx.Err()}
	}
	c.conn, c.carried = conn, 0
	return verdict{kind: taken}
}

// after leaves the connection fit for the next mail, or none.
func (c *mailCarrier) after(v verdict) {
	switch {
	case v.kind == taken:
	case v.trouble || v.kind == abandoned || c.conn.patience(1) != nil || c.conn.client.Reset() != nil:
		c.conn.close()
		c.conn = nil
	}
}

func (c *mailCarrier) close() {
	if c.conn != nil {
		c.conn.quit()
	}
}
