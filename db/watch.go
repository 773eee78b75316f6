package db

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/usage"
)

// NewWatch implements usage.Store.
func (d *DB) NewWatch() usage.Watch {
	if d.kind == SQLite {
		return &fileWatch{}
	}
	return &serverWatch{own: map[int64]bool{}}
}

// fileWatch watches a SQLite file. SQLite counts, for each connection, what others have
// committed (https://www.sqlite.org/pragma.html#pragma_data_version); what is committed
// on the one connection that writes is counted here.
type fileWatch struct{ expected fileState }

type fileState struct {
	conn            any
	version, writes int64
}

// Quiet implements usage.Watch.
func (w *fileWatch) Quiet(ctx context.Context, asking usage.Tx) (bool, error) {
	t := asking.(*tx)
	now := fileState{writes: t.writes.Load()}
	if err := t.onDriver(func(driverConn any) error { now.conn = driverConn; return nil }); err != nil {
		return false, err
	}
	if err := t.query(ctx, func(row scanner) error { return row.Scan(&now.version) }, "PRAGMA data_version"); err != nil {
		return false, err
	}
	quiet := now == w.expected
	w.expected = now
	w.expected.writes++ // this one, whether it is committed or rolled back
	return quiet, nil
}

// serverWatch watches a PostgreSQL server: each transaction that changes something has a
// number, and a snapshot says which have ended
// (https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT).
// Users are locked, so of those that end later none concerns them.
type serverWatch struct {
	own  map[int64]bool // the numbers of the transactions that have asked
	last *snapshot
}

// Quiet implements usage.Watch.
func (w *serverWatch) Quiet(ctx context.Context, asking usage.Tx) (bool, error) {
	t := asking.(*tx)
	var number int64
	var text string
	err := t.send(ctx, statement{"SELECT txid_current(), txid_current_snapshot()::text", nil, func(row scanner) error { return row.Scan(&number, &text) }})
	if err != nil {
		return false, err
	}
	now, err := parseSnapshot(text)
	if err != nil {
		return false, err
	}
	quiet := w.last != nil && w.last.until(now, w.own)
	clear(w.own) // whatever has ended by now is looked at no more
	w.own[number] = true
	w.last = now
	return quiet, nil
}

// snapshot says which transactions have ended: those before next, but for some that are
// still running.
type snapshot struct {
	next    int64
	running map[int64]bool
}

// parseSnapshot reads xmin:xmax:xip_list.
func parseSnapshot(text string) (*snapshot, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no snapshot of transactions", text)
	}
	s := &snapshot{running: map[int64]bool{}}
	var err error
	if s.next, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return nil, err
	}
	for number := range strings.SplitSeq(parts[2], ",") {
		if number == "" {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, err
		}
		s.running[n] = true
	}
	return s, nil
}

// mostLookedAt is how many transactions may have begun between two snapshots until it is
// quicker to read everything again.
const mostLookedAt = 100_000

// until tells whether of the transactions that have ended between two snapshots all are
// among some.
func (s *snapshot) until(later *snapshot, some map[int64]bool) bool {
	if later.next-s.next > mostLookedAt {
		return false
	}
	for n := range s.running {
		if !later.running[n] && !some[n] {
			return false
		}
	}
	for n := s.next; n < later.next; n++ {
		if !later.running[n] && !some[n] {
			return false
		}
	}
	return true
}
