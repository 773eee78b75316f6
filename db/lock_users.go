package db

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// Lock locks the rows of users, adding those that are new, for a transaction that keeps nothing in memory. Everyone
// locks them in one order, so that a deadlock is rare; one is run again. On SQLite the file is locked already.
func (t *tx) Lock(ctx context.Context, users []string, now time.Time) error {
	_, err := t.LockUsers(ctx, users, now, usage.NoWriter, false)
	return err
}

// LockUsers implements usage.Tx.
func (t *tx) LockUsers(
	ctx context.Context, users []string, now time.Time, writer usage.Writer, skip bool,
) (usage.Locked, error) {
	var locked usage.Locked
	if len(users) == 0 {
		return locked, nil
	}
	users = distinct(slices.Clone(users))
	known, err := t.lockKnown(ctx, users, writer, skip, &locked)
	if err != nil {
		return locked, err
	}
	missing := slices.DeleteFunc(users, func(user string) bool { return known[user] })
	if len(missing) == 0 {
		return locked, nil
	}
	add := func() (err error) {
		locked.Added, err = selectColumn[string](ctx, t, "INSERT INTO users (user_id, created_at, last_writer)"+
			" SELECT u, $2, $3 FROM "+t.rowsOf("$1", "u")+
			" WHERE TRUE ORDER BY u ON CONFLICT (user_id) DO NOTHING RETURNING user_id", t.list(missing), now, int64(writer))
		return err
	}
	if skip {
		err = t.briefly(ctx, t, add)
	} else {
		err = add()
	}
	switch {
	case errors.Is(err, errBusy):
		locked.Added, locked.Busy = nil, missing
		return locked, nil
	case err != nil || len(locked.Added) == len(missing):
		return locked, err
	}
	// Those who are neither new nor locked are another transaction's, or it has just added them.
	rest := slices.DeleteFunc(missing, func(user string) bool { return slices.Contains(locked.Added, user) })
	if skip {
		locked.Busy = rest
		return locked, nil
	}
	_, err = t.lockKnown(ctx, rest, writer, false, &locked)
	return locked, err
}

// lockKnown locks the rows of users who are known, tells which it has, and notes who writes now.
func (t *tx) lockKnown(
	ctx context.Context, users []string, writer usage.Writer, skip bool, locked *usage.Locked,
) (known map[string]bool, err error) {
	known = make(map[string]bool, len(users))
	var changed []string
	err = t.query(ctx, func(row scanner) error {
		var user string
		var last int64
		err := row.Scan(&user, &last)
		known[user] = true
		if usage.Writer(last) != writer {
			changed = append(changed, user)
		}
		return err
	}, "SELECT user_id, last_writer FROM users WHERE "+t.among("user_id", "$1")+" ORDER BY user_id"+t.lockRows(skip),
		t.list(users))
	locked.Changed = append(locked.Changed, changed...)
	if err != nil || len(changed) == 0 {
		return known, err
	}
	return known, t.do(ctx, "UPDATE users SET last_writer = $2 WHERE "+t.among("user_id", "$1"),
		t.list(changed), int64(writer))
}

// assumptionQuery asks whether a usage.Assumption holds, with four arguments: the users, their number, who wrote for
// them last, and the version of the catalogue. It waits for nobody, and locks the users.
func (d *dialect) assumptionQuery() string {
	return "SELECT (SELECT COUNT(*) FROM (SELECT user_id FROM users WHERE " + d.among("user_id", "$1") +
		" AND last_writer = $3 ORDER BY user_id" + d.lockRows(true) + ") AS mine) = $2" +
		" AND (SELECT version FROM catalogue_version) = $4"
}

func (d *dialect) assumptionArguments(a *usage.Assumption) []any {
	return []any{d.list(a.Users), int64(len(a.Users)), int64(a.Writer), a.Catalogue}
}

// holds tells whether an assumption holds.
func (t *tx) holds(ctx context.Context, a *usage.Assumption) (holds bool, err error) {
	err = t.query(ctx, func(row scanner) error { return row.Scan(&holds) },
		t.assumptionQuery(), t.assumptionArguments(a)...)
	return holds, err
}

func (t *tx) removeUsers(ctx context.Context, users []string) error {
	if len(users) == 0 {
		return nil
	}
	return t.do(ctx, "DELETE FROM users WHERE "+t.among("user_id", "$1"), t.list(users))
}
