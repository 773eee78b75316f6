package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Logs implements usage.Logs. It continues after a key, never after an offset,
// so that every page costs the same.
func (d *DB) Logs(ctx context.Context, q usage.LogQuery) ([]usage.Entry, error) {
	return inView(ctx, d, func(t *tx) ([]usage.Entry, error) {
		s := &logSearch{tx: t, query: q}
		if err := s.run(ctx); err != nil {
			return nil, err
		}
		return s.entries, t.link(ctx, s.entries)
	})
}

// logSearch collects the rows of one page of the log.
type logSearch struct {
	*tx
	query   usage.LogQuery
	last    int64 // the log_id of the row that the page comes after
	entries []usage.Entry
}

func (s *logSearch) run(ctx context.Context) error {
	if err := s.inOrder(ctx); err != nil {
		return err
	}
	q := s.query
	where, sought := stretch{q.From, q.To}, q.Provider != "" || q.Model != ""
	if sought {
		used, err := s.narrow(ctx, &where)
		if err != nil || !used {
			return err
		}
	}
	if !q.BeforeTime.IsZero() {
		var err error
		if s.last, err = s.logID(ctx, q.BeforeTime, q.BeforeID); err != nil {
			return err
		}
		where.clip(stretch{to: q.BeforeTime.Add(time.Microsecond)})
	}
	if sought {
		return s.search(ctx, where)
	}
	return s.read(ctx, where)
}

// read reads the page's rows of some stretches, the newest first.
func (s *logSearch) read(ctx context.Context, stretches ...stretch) error {
	pages := make([]statement, len(stretches))
	for i, part := range stretches {
		pages[i] = s.page(part)
	}
	return s.send(ctx, pages...)
}

func (s *logSearch) full() bool { return len(s.entries) == s.query.Limit }

// inOrder has PostgreSQL read rows in the order of an index and stop when the page
// is full. Without statistics, as after an import, or with those of yesterday, it takes
// the rows of a time for few, and would collect and sort all of them. What a walk to the
// end would cost may be a lot, so that it would compile the statement first, for longer
// than a page takes.
func (t *tx) inOrder(ctx context.Context) error {
	for _, setting := range t.walkIndex {
		if err := t.do(ctx, setting); err != nil {
			return err
		}
	}
	return nil
}

// page returns the statement that reads the page's rows of a stretch.
func (s *logSearch) page(part stretch) statement {
	q := s.query
	var where conditions
	where.equal("user_id", q.User)
	where.equal("provider", q.Provider)
	where.equal("model", q.Model)
	switch q.Status {
	case usage.LogOK:
		where.add("status_code < 400")
	case usage.LogFailed:
		where.add("status_code >= 400")
	case usage.LogUnpriced:
		where.add("pricing = 'unpriced' AND (status_code < 400 OR billable)")
	}
	switch measured, _ := usage.ParseMeasured(q.Measured); { // it was validated
	case measured == usage.UseEstimated:
		where.add("measured = 'estimated'")
	case q.Measured != "":
		where.add("measured IS NULL")
	}
	if q.Voided {
		where.add("NOT (" + stands + ")")
	} else if q.Standing || q.Status == usage.LogUnpriced {
		where.add(stands)
	}
	where.compare("occurred_at >=", part.from)
	// Of two ends SQLite begins at the first, and would walk to the other.
	if q.BeforeTime.IsZero() || !part.to.IsZero() && !part.to.After(q.BeforeTime) {
		where.compare("occurred_at <", part.to)
	} else {
		where.compare("occurred_at <=", q.BeforeTime) // leaves out the partitions of later months
		where.add("(occurred_at, log_id) < (?, ?)", q.BeforeTime, s.last)
	}
	text := "SELECT " + entryColumns + " FROM api_usage_logs" + where.sql() +
		" ORDER BY occurred_at DESC, log_id DESC LIMIT " + where.bind(q.Limit)
	return statement{text, where.args, func(row scanner) error {
		if s.full() { // of stretches that are read together, the first may be enough
			return nil
		}
		e, err := scanEntry(row)
		s.entries = append(s.entries, e)
		return err
	}}
}

// UserLog implements simulate.Store. It continues after a key, as Logs does.
func (d *DB) UserLog(ctx context.Context, q usage.UserLogQuery) ([]usage.Entry, error) {
	return inView(ctx, d, func(t *tx) ([]usage.Entry, error) {
		if err := t.inOrder(ctx); err != nil {
			return nil, err
		}
		var where conditions
		where.equal("user_id", q.User)
		where.compare("occurred_at <", q.To)
		where.add(stands)
		if q.AfterTime.IsZero() {
			where.compare("occurred_at >=", q.From)
		} else {
			last, err := t.logID(ctx, q.AfterTime, q.AfterID)
			if err != nil {
				return nil, err
			}
			where.compare("occurred_at >=", q.AfterTime) // leaves out the partitions of earlier months
			where.add("(occurred_at, log_id) > (?, ?)", q.AfterTime, last)
		}
		return selectRows(ctx, t, scanEntry, "SELECT "+entryColumns+" FROM api_usage_logs"+where.sql()+
			" ORDER BY occurred_at, log_id LIMIT "+where.bind(q.Limit), where.args...)
	})
}

// logID returns the log_id of an event.
func (t *tx) logID(ctx context.Context, at time.Time, id string) (int64, error) {
	found := int64(-1)
	err := t.query(ctx, into(&found),
		"SELECT log_id FROM api_usage_logs WHERE occurred_at = $1 AND event_id = $2", at, id)
	if err == nil && found < 0 {
		err = failure.Conflictf("the event %s is no longer in the log: it can't be continued after it",
			failure.Shorten(id)).WithHint("begin again at the newest")
	}
	return found, err
}
