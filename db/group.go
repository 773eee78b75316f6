package db

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/alwrity/alwrity-sub/failure"
)

// group lets those who want to change a SQLite file at the same moment share a
// transaction: the commit, for which the disk has to be waited, is what a small change
// costs most. Each runs within a savepoint and fails alone; none is told of success
// before the commit.
type group struct {
	mutex   sync.Mutex
	waiting []*member
	leading bool // somebody runs the members before those that wait
}

// member is one change that shares a transaction.
type member struct {
	ctx  context.Context //nolint:containedctx // each member has its own
	fn   func(*tx) error
	err  error
	lead chan struct{} // is closed when this one has to run those that wait
	done chan struct{} // is closed when it has run
}

// largestGroup bounds for how long the first of a group waits for the last.
const largestGroup = 64

// together runs fn in a transaction that others may share, on a SQLite file.
func (d *DB) together(ctx context.Context, fn func(*tx) error) error {
	m := &member{ctx: ctx, fn: fn, lead: make(chan struct{}), done: make(chan struct{})}
	g := &d.group
	g.mutex.Lock()
	g.waiting = append(g.waiting, m)
	first := !g.leading
	g.leading = true
	g.mutex.Unlock()
	if !first {
		if ended := g.wait(m); ended {
			return m.err
		}
	}
	defer g.passOn()
	d.runGroup(g.next())
	return m.err
}

// wait waits until a member has run, or has given up, or has to lead.
func (g *group) wait(m *member) (ended bool) {
	interrupted := m.ctx.Done()
	for {
		select {
		case <-m.done:
			return true
		case <-m.lead:
			return false
		case <-interrupted:
			if g.leave(m) {
				m.err = m.ctx.Err()
				return true
			}
			interrupted = nil // its turn has come: it ends like the others
		}
	}
}

// leave takes a member out of those who wait, unless somebody counts on it already.
func (g *group) leave(m *member) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	i := slices.Index(g.waiting, m)
	select {
	case <-m.lead:
		return false
	default:
	}
	if i >= 0 {
		g.waiting = slices.Delete(slices.Clone(g.waiting), i, i+1)
	}
	return i >= 0
}

// next takes those who wait, of whom the leader is the first.
func (g *group) next() []*member {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	n := min(len(g.waiting), largestGroup)
	members := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return members
}

// passOn makes the first of those who have come meanwhile the leader.
func (g *group) passOn() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if len(g.waiting) == 0 {
		g.leading = false
		return
	}
	close(g.waiting[0].lead)
}

func (d *DB) runGroup(members []*member) {
	ended := false
	defer func() {
		for _, m := range members[1:] { // the first is who runs this
			if !ended { // one of them has panicked: nothing was committed
				m.err = failure.Unavailablef("another change that shared the transaction broke it").WithHint("try again")
			}
			close(m.done)
		}
	}()
	if len(members) == 1 {
		m := members[0]
		m.err = d.within(m.ctx, d.writer, nil, m.fn)
		ended = true
		return
	}
	// Who waits for the lock waits for all: no longer than lockTimeout.
	ctx := context.WithoutCancel(members[0].ctx)
	err := d.within(ctx, d.writer, nil, func(t *tx) error {
		for _, m := range members {
			if err := t.runMember(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	for _, m := range members {
		if m.err == nil {
			m.err = err
		}
	}
	ended = true
}

// runMember runs a member's change. An error is one that has ended the transaction of all.
func (t *tx) runMember(ctx context.Context, m *member) error {
	if m.err = m.ctx.Err(); m.err != nil {
		return nil
	}
	if _, err := t.run.ExecContext(ctx, "SAVEPOINT member"); err != nil {
		return err
	}
	end := "RELEASE member"
	if m.err = m.fn(&tx{dialect: t.dialect, conn: t.conn, run: t.run, catalogue: t.catalogue, short: true}); m.err != nil {
		end = "ROLLBACK TO member; RELEASE member"
	}
	if _, err := t.run.ExecContext(ctx, end); err != nil {
		return errors.Join(m.err, err)
	}
	return nil
}
