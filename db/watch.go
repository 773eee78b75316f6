package db

import (
	"context"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

// How often the counters of changes are read: often where nobody tells of changes; else in case that a connection is
// dead and does not say so, or that of a pooler, which tells nothing.
const (
	pollAlone  = 200 * time.Millisecond
	pollBeside = 500 * time.Millisecond
)

// versions are the counters of all that others may keep.
type versions struct{ catalogue, access int64 }

func (d *DB) versions(ctx context.Context) (v versions, err error) {
	err = d.view(ctx, func(t *tx) error {
		return t.query(ctx, into(&v.catalogue, &v.access),
			"SELECT c.version, a.version FROM catalogue_version c, access_version a")
	})
	return v, err
}

// Watch implements access.Store. It reads the counters now and then; where PostgreSQL tells of changes, at once.
func (d *DB) Watch(ctx context.Context, changed func(live bool)) error {
	ears := d.listen(d)
	defer ears.stop()
	var last versions
	live := false
	for {
		now, err := d.versions(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && live:
			live = false
			changed(false)
		case err == nil && (!live || now != last):
			live, last = true, now
			changed(true)
		}
		wait := pollAlone
		if ears.open.Load() {
			wait = pollBeside
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ears.told:
		case <-time.After(wait):
		}
	}
}

// ears hear of changes, where the database tells of them.
type ears struct {
	told chan struct{} // has a value when it is time to look
	open atomic.Bool   // a change would be heard of
	stop func()
}

func deaf(*DB) *ears { return &ears{stop: func() {}} }

// changedChannel is the channel on which the triggers tell of changes.
const changedChannel = "alwrity_sub_changed"

// How long to wait before connecting again, at first and at most.
const (
	listenAgain  = 100 * time.Millisecond
	listenAtMost = 5 * time.Second
)

// listenPostgreSQL listens on a connection of its own, which is made again whenever it is lost.
func listenPostgreSQL(d *DB) *ears {
	u, err := url.Parse(d.target.dsn)
	if err != nil {
		return deaf(d)
	}
	e := &ears{told: make(chan struct{}, 1)}
	look := func() {
		select {
		case e.told <- struct{}{}:
		default: // somebody has said so already
		}
	}
	var connected, listens atomic.Bool
	// Where a server has no TLS, lib/pq leaves the connection open on which it has asked for it. A server that is to end
	// waits for that one for a minute, and everybody for the server. Our dialer closes it.
	listener := pq.NewDialListener(&dialer{}, connectionString(optionsOf(u)), listenAgain, listenAtMost,
		func(event pq.ListenerEventType, _ error) {
			connected.Store(event == pq.ListenerEventConnected || event == pq.ListenerEventReconnected)
			e.open.Store(connected.Load() && listens.Load())
			look()
		})
	go func() {
		if listener.Listen(changedChannel) == nil { // it waits for the first connection
			listens.Store(true)
			e.open.Store(connected.Load())
		}
		look()
	}()
	go func() {
		for range listener.Notify {
			look()
		}
	}()
	e.stop = func() { go func() { _ = listener.Close() }() } // which waits for an attempt to connect
	return e
}
