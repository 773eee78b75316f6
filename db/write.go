package db

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/usage"
)

// rowsInto are rows that one statement writes into one table.
type rowsInto struct {
	name   string                     // of the statement; it tells it from others
	insert func(source string) string // makes it of a SELECT of the rows
	rows   int
	put    func(to encode.Sink, n int) // puts the values of one of them
	each   bool                        // each has to be written: if one was not, another transaction was quicker
}

// Write implements usage.Tx.
func (t *tx) Write(ctx context.Context, c usage.Changes) error {
	if t.pending == nil {
		t.pending = t.buffers.takePending()
	}
	t.pending.add(c.Entries)
	if !c.Continues {
		defer t.endPending()
	}
	if c.Continues || len(c.Entries) >= manyRows || len(c.Alerts)+len(c.Notifications)+len(c.RemovedUsers) > 0 {
		if err := t.begin(ctx); err != nil { // for more than one statement
			return err
		}
	}
	if err := t.writeUsage(ctx, t, c); err != nil {
		return err
	}
	if _, err := t.AddAlerts(ctx, c.Alerts); err != nil {
		return err
	}
	if err := t.AddNotifications(ctx, c.Notifications); err != nil {
		return err
	}
	return t.removeUsers(ctx, c.RemovedUsers)
}

// endPending forgets what was pending, once it is written.
func (t *tx) endPending() {
	t.buffers.givePending(t.pending)
	t.pending = nil
}

// rowsBeside are what is written beside log rows. A sum that does not fit is an invalid failure.
func (t *tx) rowsBeside(c usage.Changes) (rows []rowsInto, err error) {
	if !c.Continues {
		rows, err = t.totalRows(t.pending)
	}
	if len(c.Reservations) > 0 {
		rows = append(rows, reservationRows(c.Reservations))
	}
	return rows, err
}

// writeApart writes log rows and then what belongs to them, table by table.
func writeApart(ctx context.Context, t *tx, c usage.Changes) error {
	if c.Assumed != nil {
		if holds, err := t.holds(ctx, c.Assumed); err != nil || !holds {
			return outdatedUnless(err)
		}
	}
	var rows []rowsInto
	summed := beside(func() (err error) {
		rows, err = t.rowsBeside(c)
		return err
	})
	defer func() { _ = summed() }() // also where another error comes first: what it sums up is used again
	if err := t.insertEntries(ctx, t, c.Entries); err != nil {
		return err
	}
	if err := summed(); err != nil {
		return err
	}
	for _, r := range rows {
		if err := t.writeRows(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// beside runs fn beside what is done until the function that it returns is called, which waits for its end and may be
// called again. A panic is an error, since it would end the whole process.
func beside(fn func() error) (wait func() error) {
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if fault := recover(); fault != nil {
				err = fmt.Errorf("a fault of the program: %v\n%s", fault, debug.Stack())
			}
			done <- err
		}()
		err = fn()
	}()
	return sync.OnceValue(func() error { return <-done })
}

func outdatedUnless(err error) error {
	if err != nil {
		return err
	}
	return usage.ErrOutdated
}

// writeRows writes rows: each alone or, where there are enough, all with one statement.
func (t *tx) writeRows(ctx context.Context, r rowsInto) error {
	if r.rows >= t.enoughRows || r.each {
		written, err := t.insertMany(ctx, t, r)
		if err == nil && r.each && written != int64(r.rows) {
			err = errLostRace
		}
		return err
	}
	for n := range r.rows {
		row := encode.ValuesOf(func(to encode.Sink) { r.put(to, n) })
		one := t.buffers.text(r.name, func() string { return r.insert("VALUES " + valueList(1, len(row))) })
		if err := t.do(ctx, one, row...); err != nil {
			return err
		}
	}
	return nil
}
