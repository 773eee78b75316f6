package db

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// stands is the condition that a row of the log was not taken back, and takes no other one back.
const stands = `NOT EXISTS (SELECT 1 FROM usage_voids v WHERE v.event_id = api_usage_logs.event_id)
	AND NOT EXISTS (SELECT 1 FROM usage_voids v WHERE v.counter_id = api_usage_logs.event_id)`

const voidColumns = "event_id, counter_id, replaced_by, occurred_at, replacement_at, voided_at, actor, reason"

// linksBetween returns the links of the log rows between two moments, both included. Few rows have any, so they are
// found by time and not row by row.
func (t *tx) linksBetween(ctx context.Context, from, to time.Time) (map[string]*usage.Links, error) {
	voids, err := selectRows(ctx, t, func(row scanner) (v usage.Void, err error) {
		err = row.Scan(&v.EventID, &v.CounterID, &v.ReplacedBy, moment{&v.Time}, moment{&v.ReplacementAt}, moment{&v.At},
			&v.Actor, &v.Reason)
		return v, err
	}, `SELECT event_id, counter_id, COALESCE(replaced_by, ''), occurred_at, replacement_at, voided_at, actor, reason
		FROM usage_voids WHERE occurred_at >= $1 AND occurred_at <= $2
			OR replacement_at >= $1 AND replacement_at <= $2`, from, to)
	return usage.LinksOf(voids), err
}

// link gives log rows their links.
func (t *tx) link(ctx context.Context, entries []usage.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	first, last := entries[0].Time, entries[0].Time
	for i := range entries {
		if at := entries[i].Time; at.Before(first) {
			first = at
		} else if at.After(last) {
			last = at
		}
	}
	links, err := t.linksBetween(ctx, first, last)
	for i := range entries {
		entries[i].Links = links[entries[i].ID]
	}
	return err
}

// UpdateVoids implements usage.CorrectionStore.
func (d *DB) UpdateVoids(
	ctx context.Context, users []string, now time.Time, fn func(usage.VoidTx) error,
) error {
	return d.update(ctx, func(t *tx) error {
		if err := t.Lock(ctx, users, now); err != nil {
			return err
		}
		return fn(t)
	})
}

// ViewVoids implements usage.CorrectionStore.
func (d *DB) ViewVoids(ctx context.Context, fn func(usage.VoidTx) error) error {
	return d.view(ctx, func(t *tx) error { return fn(t) })
}

// AddVoids implements usage.VoidTx.
func (t *tx) AddVoids(ctx context.Context, action string, voids []usage.Voided) error {
	for i := range voids {
		v := &voids[i]
		var replacedBy any
		if v.Void.ReplacedBy != "" {
			replacedBy = v.Void.ReplacedBy
		}
		err := t.do(ctx, "INSERT INTO usage_voids ("+voidColumns+") VALUES "+valueList(1, 8), v.Void.EventID,
			v.Void.CounterID, replacedBy, v.Void.Time, v.Void.ReplacementAt, v.Void.At, v.Void.Actor, v.Void.Reason)
		if err != nil {
			return err
		}
		after := state{"voided": v.Void.Reason, "counter_entry": v.Void.CounterID}
		if v.Replacement != nil {
			after = entryState(v.Replacement)
			after["id"], after["reason"], after["counter_entry"] = v.Replacement.ID, v.Void.Reason, v.Void.CounterID
		}
		audit := usage.Audit{At: v.Void.At, Actor: v.Void.Actor, Action: action}
		if err := t.audit(ctx, audit, "event "+v.Entry.ID, entryState(&v.Entry), after); err != nil {
			return err
		}
	}
	return nil
}

// entryState is what the audit log keeps of an event: what it says, and its cost.
func entryState(e *usage.Entry) state {
	s := state{}
	fields := usage.EntryFields()
	for i := range fields {
		f := &fields[i]
		switch value := f.Value(e).(type) {
		case string:
			if value != "" && f.Name != "id" {
				s[f.Name] = value
			}
		case int64:
			if _, isID := f.In(e).(usage.Reference); !isID && value != 0 {
				s[f.Name] = value
			}
		case bool:
			if value {
				s[f.Name] = value
			}
		default:
			s[f.Name] = value
		}
	}
	return s
}

// PeriodAlerts implements usage.VoidTx.
func (t *tx) PeriodAlerts(ctx context.Context, periods []usage.PeriodKey) ([]usage.Alert, error) {
	wanted := make(map[usage.PeriodKey]bool, len(periods))
	users := make([]string, len(periods))
	for i, key := range periods {
		wanted[key], users[i] = true, key.UserID
	}
	condition, arg := t.oneOf("user_id", "$1", distinct(users))
	alerts, err := selectRows(ctx, t, scanAlert,
		alertSelect+" WHERE withdrawn_at IS NULL AND "+condition+" ORDER BY alert_id", arg)
	return slices.DeleteFunc(alerts, func(a usage.Alert) bool {
		return !wanted[usage.NewPeriodKey(a.UserID, a.PeriodStart)]
	}), err
}

// notHeld is why a message about an alert that was withdrawn is not sent.
const notHeld = "withdrawn: usage was taken back, and the threshold is no longer reached"

// WithdrawAlerts implements usage.VoidTx. What is being sent, or was sent, stays as it is.
func (t *tx) WithdrawAlerts(ctx context.Context, alerts []usage.Alert, now time.Time) error {
	ids, keys := make([]int64, len(alerts)), make([]string, len(alerts))
	for i := range alerts {
		ids[i], keys[i] = alerts[i].ID, alerts[i].Notification().Key
	}
	in, arg := t.numbers("alert_id", "$1", ids)
	err := t.do(ctx, "UPDATE usage_alerts SET withdrawn_at = $2, told_at = COALESCE(told_at, $2) WHERE "+in, arg, now)
	if err != nil {
		return err
	}
	if err := t.lockOutbox(ctx); err != nil {
		return err
	}
	named, list := t.oneOf("o.message_key", "$1", keys)
	if err := t.breakDigests(ctx, now, named, list); err != nil {
		return err
	}
	_, err = t.skipMessages(ctx, notHeld, now, "status = 'waiting'", named, list)
	return err
}
