package db

import (
	"context"
	"time"
)

// changedChannel is the channel on which the triggers of PostgreSQL tell of changes.
const changedChannel = "alwrity_sub_changed"

// How often the counters of changes are read: often where nobody tells of changes; else in case that a connection is
// dead and does not say so.
const (
	pollAlone  = 200 * time.Millisecond
	pollBeside = time.Second
)

// versions are the counters of all that others may keep.
type versions struct{ catalogue, access int64 }

func (d *DB) versions(ctx context.Context) (v versions, err error) {
	err = d.view(ctx, func(t *tx) error {
		return t.query(ctx, into(&v.catalogue, &v.access), "SELECT c.version, a.version FROM catalogue_version c, access_version a")
	})
	return v, err
}

// Watch implements access.Store. It reads the counters now and then; where PostgreSQL tells of changes, at once.
func (d *DB) Watch(ctx context.Context, changed func(live bool)) error {
	told, listens, stop := d.listen()
	defer stop()
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
		if listens() {
			wait = pollBeside
		}
		select {
		case <-ctx.Done():
			return nil
		case <-told:
		case <-time.After(wait):
		}
	}
}

// listen begins to listen for changes, where the database tells of them: told has a value after each, and listens says
// whether it would have.
func (d *DB) listen() (told <-chan struct{}, listens func() bool, stop func()) {
	return nil, func() bool { return false }, func() {}
}
