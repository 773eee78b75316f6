package db

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

// postgresConnector opens connections with lib/pq, which ends connecting at no context, and finds out whether a pooler
// stands before the server.
type postgresConnector struct {
	config pq.Config
	// pooled says that a pooler such as PgBouncer gives each transaction to any of its connections to the server: it
	// takes no settings of a session, and a statement that is prepared may be gone, or be another client's.
	pooled atomic.Bool
}

// sessionSetting is a setting that nothing reads. If a session does not have the value that its connection asked for,
// it is not the connection's own.
const sessionSetting = "alwrity_sub.session"

// Driver implements driver.Connector.
func (c *postgresConnector) Driver() driver.Driver { return &pq.Driver{} }

// Connect implements driver.Connector.
func (c *postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if !c.pooled.Load() {
		conn, err := c.connect(ctx, false)
		if !refusesSettings(err) {
			return conn, err
		}
		c.pooled.Store(true)
	}
	return c.connect(ctx, true)
}

// refusesSettings tells whether an error is PgBouncer's about settings that it does not know.
func refusesSettings(err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && e.Code == "08P01" && strings.Contains(e.Message, "unsupported startup parameter")
}

func (c *postgresConnector) connect(ctx context.Context, pooled bool) (driver.Conn, error) {
	config, token := c.config.Clone(), ""
	if pooled {
		config.Runtime = nil
	} else {
		token = rand.Text()
		config.Runtime[sessionSetting] = token
	}
	open, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	d := &dialer{}
	open.Dialer(d)
	stop := context.AfterFunc(ctx, d.abort)
	inner, err := open.Connect(ctx)
	if !stop() && err == nil {
		err = errors.Join(ctx.Err(), inner.Close())
	}
	if err != nil {
		return nil, connectError{err}
	}
	d.connected()
	session, ok := inner.(postgresSession)
	if !ok {
		return nil, errors.Join(errors.New("this lib/pq is not the one that package db knows"), inner.Close())
	}
	conn := newPostgresConn(session, d)
	if pooled || !conn.isAlone(ctx, token) {
		c.pooled.Store(true)
		conn.poolSettings = c.localSettings()
	}
	return conn, nil
}

// localSettings are the commands that give a transaction the settings that a session would have.
func (c *postgresConnector) localSettings() string {
	var calls []string
	for name, value := range c.config.Runtime {
		calls = append(calls, "set_config("+pq.QuoteLiteral(name)+", "+pq.QuoteLiteral(value)+", true)")
	}
	slices.Sort(calls)
	return "; SELECT " + strings.Join(calls, ", ")
}

// connectError is what went wrong while connecting: never a fault of the program.
type connectError struct{ error }

// Unwrap returns what lib/pq said.
func (e connectError) Unwrap() error { return e.error }

// cancelPatience is how long a server may take to end a statement that has been cancelled, before its connection is
// given up.
const cancelPatience = 5 * time.Second

// dialer makes the network connection of one database connection, and can end it.
type dialer struct {
	net.Dialer
	mu   sync.Mutex
	link net.Conn // the last one that was made
	open bool     // the database connection is there
	over bool     // nobody wants it any more
}

// DialTimeout implements pq.Dialer. lib/pq calls DialContext.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext implements pq.DialerContext. Of several hosts, or ways to one, lib/pq tries one after another. Once there
// is a connection, it dials to cancel a statement.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	cancels := d.open
	d.mu.Unlock()
	if cancels {
		return d.dialToCancel(ctx, network, address)
	}
	link, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.link != nil {
		_ = d.link.Close() // it did not do
	}
	if d.link = link; d.over {
		_ = link.Close()
	}
	return link, nil
}

func (d *dialer) dialToCancel(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cancelPatience)
	defer cancel()
	link, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return impatientLink{link}, link.SetDeadline(time.Now().Add(cancelPatience)) //nolint:forbidigo // no matter of --now
}

// impatientLink keeps the deadline that it has.
type impatientLink struct{ net.Conn }

func (impatientLink) SetDeadline(time.Time) error { return nil }

func (d *dialer) connected() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = true
}

// abort ends an attempt to connect.
func (d *dialer) abort() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	if d.link != nil && !d.open {
		_ = d.link.Close()
	}
}

// giveUp ends the connection, unless the server answers soon.
func (d *dialer) giveUp() {
	_ = d.link.SetDeadline(time.Now().Add(cancelPatience)) //nolint:forbidigo // no matter of --now
}
