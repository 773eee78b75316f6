package db

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// LockUsers implements usage.Tx. On SQLite the transaction has locked the file already.
func (t *tx) LockUsers(ctx context.Context, users []string, now time.Time, skip bool) (usage.Locked, error) {
	var locked usage.Locked
	if len(users) == 0 {
		return locked, nil
	}
	users = distinct(slices.Clone(users))
	missing := users
	if t.kind == PostgreSQL {
		found, err := t.lockKnown(ctx, users, skip)
		if err != nil {
			return locked, err
		}
		missing = slices.DeleteFunc(slices.Clone(users), func(user string) bool { return found[user] })
	}
	if len(missing) == 0 {
		return locked, nil
	}
	err := t.query(ctx, func(row scanner) error {
		var user string
		err := row.Scan(&user)
		locked.Added = append(locked.Added, user)
		return err
	}, "INSERT INTO users (user_id, created_at) SELECT u, $2 FROM "+t.rowsOf("$1", "u")+
		" WHERE TRUE ORDER BY u ON CONFLICT (user_id) DO NOTHING RETURNING user_id", t.list(missing), now)
	if err != nil || t.kind == SQLite || len(locked.Added) == len(missing) {
		return locked, err
	}
	// Those who are neither new nor locked are another transaction's, or it has just added them.
	rest := slices.DeleteFunc(missing, func(user string) bool { return slices.Contains(locked.Added, user) })
	if skip {
		locked.Busy = rest
		return locked, nil
	}
	_, err = t.lockKnown(ctx, rest, false)
	return locked, err
}

// lockKnown locks the rows of users that there are, in one order, and tells which it has.
func (t *tx) lockKnown(ctx context.Context, users []string, skip bool) (map[string]bool, error) {
	wait := ""
	if skip {
		wait = " SKIP LOCKED"
	}
	found := make(map[string]bool, len(users))
	return found, t.query(ctx, func(row scanner) error {
		var user string
		err := row.Scan(&user)
		found[user] = true
		return err
	}, "SELECT user_id FROM users WHERE user_id = ANY($1) ORDER BY user_id FOR UPDATE"+wait, t.list(users))
}

// RemoveUsers implements usage.Tx.
func (t *tx) RemoveUsers(ctx context.Context, users []string) error {
	if len(users) == 0 {
		return nil
	}
	condition, arg := t.oneOf("user_id", "$1", users)
	_, err := t.exec(ctx, "DELETE FROM users WHERE "+condition, arg)
	return err
}
