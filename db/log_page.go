package db

import (
	"context"

	"github.com/alwrity/alwrity-sub/usage"
)

// LogPage implements usage.LogPages. It walks along the index of one user's log.
func (d *DB) LogPage(ctx context.Context, q usage.LogPageQuery, most int64) (
	rows []usage.PagedEntry, total int64, err error,
) {
	err = d.view(ctx, func(t *tx) error {
		if err := t.inOrder(ctx); err != nil {
			return err
		}
		counted := t.pageOf(q)
		err := t.query(ctx, into(&total), "SELECT COUNT(*) FROM (SELECT 1 FROM api_usage_logs"+counted.sql()+
			" LIMIT "+counted.bind(most)+") x", counted.args...)
		if err != nil || total == 0 {
			return err
		}
		where := t.pageOf(q)
		text := "SELECT log_id, " + entryColumns + " FROM api_usage_logs" + where.sql() +
			" ORDER BY occurred_at DESC, log_id DESC LIMIT " + where.bind(q.Limit) + " OFFSET " + where.bind(q.Offset)
		rows, err = selectRows(ctx, t, scanPaged, text, where.args...)
		return err
	})
	return rows, total, err
}

// pageOf returns the conditions of a page's rows.
func (t *tx) pageOf(q usage.LogPageQuery) conditions {
	var where conditions
	where.equal("user_id", q.User)
	where.compare("occurred_at >=", q.From)
	where.compare("occurred_at <", q.To)
	if len(q.Providers) > 0 {
		where.texts = append(where.texts, t.among("provider", where.bind(t.list(q.Providers))))
	}
	switch q.Status {
	case usage.LogOK:
		where.add("status_code < 400")
	case usage.LogFailed:
		where.add("status_code >= 400")
	}
	if q.Code != 0 {
		where.add("status_code = ?", q.Code)
	}
	where.add(stands)
	return where
}

func scanPaged(row scanner) (n usage.PagedEntry, err error) {
	n.Entry, err = scanEntry(moreColumns{row, []any{&n.Number}})
	return n, err
}
