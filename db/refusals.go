package db

import (
	"context"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// AddRefusals implements usage.RefusalStore.
func (d *DB) AddRefusals(ctx context.Context, counted []usage.Refusals) error {
	return d.update(ctx, func(t *tx) error {
		users := make([]string, len(counted))
		for i, r := range counted {
			users[i] = r.User
		}
		known, err := selectColumn[string](ctx, t, "SELECT user_id FROM users WHERE "+t.among("user_id", "$1"), t.list(users))
		if err != nil {
			return err
		}
		rows := togetherUnlessKnown(counted, known)
		return t.writeRows(ctx, newRows("usage_refusals", "day, user_id, reason, limit_name, calls",
			` ON CONFLICT (day, user_id, reason, limit_name) DO UPDATE SET calls = usage_refusals.calls + excluded.calls`,
			len(rows), func(to encode.Sink, n int) {
				r := &rows[n]
				putAll(to, plan.Day(r.Day), r.User, r.Reason, r.Limit, r.Calls)
			}))
	})
}

// togetherUnlessKnown adds up the refusals of all users but some, each kind once.
func togetherUnlessKnown(counted []usage.Refusals, known []string) (rows []usage.Refusals) {
	slices.Sort(known)
	at := map[usage.Refusals]int{}
	for _, r := range counted {
		calls := r.Calls
		if _, isKnown := slices.BinarySearch(known, r.User); !isKnown {
			r.User = ""
		}
		r.Calls = 0
		i, seen := at[r]
		if !seen {
			i = len(rows)
			at[r] = i
			rows = append(rows, r)
		}
		rows[i].Calls = usage.AtMost(rows[i].Calls, calls)
	}
	return rows
}

// Refusals implements usage.ReadRefusals.
func (d *DB) Refusals(ctx context.Context, q usage.RefusalQuery) ([]usage.Refusals, error) {
	columns := []string{"0", "''", "''", "''"}
	var grouped []string
	for _, by := range q.By {
		i := slices.Index([]usage.RefusalDimension{usage.RefusedDay, usage.RefusedUser, usage.RefusedReason,
			usage.RefusedLimit}, by)
		columns[i] = []string{"day", "user_id", "reason", "limit_name"}[i]
		grouped = append(grouped, columns[i])
	}
	var where conditions
	where.add("day >= ? AND day < ?", plan.Day(q.From), plan.Day(q.To))
	where.equal("user_id", q.User)
	query := "SELECT " + strings.Join(columns, ", ") + ", CAST(COALESCE(SUM(calls), 0) AS BIGINT) FROM usage_refusals" +
		where.sql()
	if len(grouped) > 0 {
		query += " GROUP BY " + strings.Join(grouped, ", ")
	}
	return inView(ctx, d, func(t *tx) ([]usage.Refusals, error) {
		return selectRows(ctx, t, func(row scanner) (r usage.Refusals, err error) {
			var day int32
			if err = row.Scan(&day, &r.User, &r.Reason, &r.Limit, &r.Calls); day != 0 {
				r.Day = dayTime(day)
			}
			return r, err
		}, query, where.args...)
	})
}
