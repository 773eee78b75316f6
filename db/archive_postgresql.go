package db

import (
	"context"
	"errors"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// On PostgreSQL a month leaves the log with its partition. Whoever records reads which months are archived
// and takes no lock for it. Should the month be archived before its row is in the log, the row finds no
// partition: the transaction runs again, and refuses it.

// forgetIDs removes the ids of a month's events from usage_event_ids. That takes long, and is done while
// others record.
func (t *tx) forgetIDs(ctx context.Context, month plan.Month) error {
	if t.kind == SQLite {
		return nil
	}
	_, err := t.exec(ctx, "DELETE FROM usage_event_ids i USING "+partitionOf(month)+" l WHERE l.event_id = i.event_id")
	return err
}

// removeMonth removes the log rows of a month, while nobody else uses the log.
func (t *tx) removeMonth(ctx context.Context, month plan.Month) error {
	if t.kind == SQLite {
		_, err := t.exec(ctx, "DELETE FROM api_usage_logs WHERE occurred_at >= $1 AND occurred_at < $2",
			month.Start(), month.End())
		return err
	}
	if _, err := t.exec(ctx, "ALTER TABLE api_usage_logs DETACH PARTITION "+partitionOf(month)); err != nil {
		return err
	}
	_, err := t.exec(ctx, "DROP TABLE "+partitionOf(month))
	return err
}

const (
	// alonePatience is how long to wait for those who are using the log. Those who come meanwhile wait
	// behind, so it is short; longer than deadlock_timeout, after which PostgreSQL ends an autovacuum that
	// is in the way.
	alonePatience = "3s"
	aloneAttempts = 10
)

// haveLogAlone waits until nobody else is using the log or one of its partitions, and keeps it so. It gives
// up after a while, lets others through and tries again: all that this transaction has done would be lost.
//
// Everybody who uses the log locks it before its partitions. So nobody who has done so already waits for
// this transaction, as they would if only the partition was locked.
func (t *tx) haveLogAlone(ctx context.Context, partition string) error {
	statement := t.lockTable("ONLY api_usage_logs, ONLY "+partition, "ACCESS EXCLUSIVE")
	if statement == "" {
		return nil
	}
	if _, err := t.exec(ctx, "SET LOCAL lock_timeout = '"+alonePatience+"'"); err != nil {
		return err
	}
	for attempt := range aloneAttempts {
		if _, err := t.exec(ctx, "SAVEPOINT alone"); err != nil {
			return err
		}
		_, err := t.exec(ctx, statement)
		if err == nil || !isLockTimeout(err) {
			return err
		}
		if _, err := t.exec(ctx, "ROLLBACK TO SAVEPOINT alone"); err != nil {
			return err
		}
		if err := pause(ctx, time.Duration(attempt+1)*100*time.Millisecond); err != nil {
			return err
		}
	}
	return failure.Unavailablef("the log is in use all the time: it could not be had alone in %d attempts of %s",
		aloneAttempts, alonePatience).
		WithHint("run it again once a long export, reconcile or pg_dump is done; pg_stat_activity shows who is at work")
}

func isLockTimeout(err error) bool {
	var e interface{ SQLState() string }
	return errors.As(err, &e) && e.SQLState() == "55P03"
}
