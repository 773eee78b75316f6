package db

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/alwrity/alwrity-sub/usage"
)

// audit notes a change that an admin makes: what was before and what is after, as
// JSON; nil where there was or is nothing.
func (t *tx) audit(ctx context.Context, audit usage.Audit, subject string, before, after state) error {
	states := [2]any{}
	for i, s := range []state{before, after} {
		if s == nil {
			continue
		}
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		states[i] = string(text)
	}
	_, err := t.exec(ctx, `INSERT INTO audit_log (at, actor, action, subject, before_state, after_state) VALUES ($1, $2, $3, $4, $5, $6)`,
		audit.At, audit.Actor, audit.Action, subject, states[0], states[1])
	return err
}

// Audit returns the last changes, newest first.
func (d *DB) Audit(ctx context.Context, limit int) ([]usage.AuditEntry, error) {
	var entries []usage.AuditEntry
	err := d.view(ctx, func(t *tx) error {
		return t.query(ctx, func(row scanner) error {
			var e usage.AuditEntry
			var before, after sql.NullString
			err := row.Scan(moment{&e.At}, &e.Actor, &e.Action, &e.Subject, &before, &after)
			e.Before, e.After = before.String, after.String
			entries = append(entries, e)
			return err
		}, "SELECT at, actor, action, subject, before_state, after_state FROM audit_log ORDER BY audit_id DESC LIMIT $1", limit)
	})
	return entries, err
}
