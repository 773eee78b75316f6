package db

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// On PostgreSQL a month leaves the log with its partition. Whoever records reads which months are archived
// and takes no lock for it. Should the month be archived before its row is in the log, the row finds no
// partition: the transaction runs again, and refuses it.

// forgetIDs removes the ids of a month's events from usage_event_ids. That takes long.
func forgetIDs(ctx context.Context, t *tx, month plan.Month) error {
	return t.do(ctx, "DELETE FROM usage_event_ids i USING "+partitionOf(month)+" l WHERE l.event_id = i.event_id")
}

// dropPartition removes the partition of a month.
func dropPartition(ctx context.Context, t *tx, month plan.Month) error {
	if err := t.do(ctx, "ALTER TABLE api_usage_logs DETACH PARTITION "+partitionOf(month)); err != nil {
		return err
	}
	return t.do(ctx, "DROP TABLE "+partitionOf(month))
}

// restorePartition fills a table apart from the log, which becomes a partition of it then: who reads the log while its
// rows and partitions change at once would see only one of both. Months that share a partition go into that.
func restorePartition(ctx context.Context, t *tx, month plan.Month, fill fillMonth) error {
	table := partitionOf(month)
	attached, err := t.hasTable(ctx, table)
	if err != nil {
		return err
	}
	if !attached {
		if err := t.createPartition(ctx, table); err != nil {
			return err
		}
	}
	err = fill(func(batch []usage.Entry) error { return t.copyEntries(ctx, table, batch) })
	if err != nil || attached {
		return err
	}
	if err := t.lockWholeLog(ctx, table); err != nil {
		return err
	}
	return t.attachPartition(ctx, table, month.Start())
}

const (
	// logLockTimeout is how long to wait for those who are using the log. Those who come meanwhile wait
	// behind, so it is short; longer than deadlock_timeout, after which PostgreSQL ends an autovacuum that
	// is in the way.
	logLockTimeout  = "3s"
	logLockAttempts = 10
)

// lockWholeLog waits until nobody else is using the log or one of its partitions, and keeps it so. It gives
// up after a while, lets others through and tries again: all that this transaction has done would be lost.
//
// Everybody who uses the log locks it before its partitions. So nobody who has done so already waits for
// this transaction, as they would if only the partition was locked.
func (t *tx) lockWholeLog(ctx context.Context, partition string) error {
	statement := t.lockTable("ONLY api_usage_logs, ONLY "+partition, "ACCESS EXCLUSIVE")
	if statement == "" {
		return nil
	}
	if err := t.do(ctx, "SET LOCAL lock_timeout = '"+logLockTimeout+"'"); err != nil {
		return err
	}
	for attempt := range logLockAttempts {
		if err := t.do(ctx, "SAVEPOINT whole_log"); err != nil {
			return err
		}
		err := t.do(ctx, statement)
		if err == nil || stateOf(err) != "55P03" {
			return err
		}
		if err := t.do(ctx, "ROLLBACK TO SAVEPOINT whole_log"); err != nil {
			return err
		}
		if err := pause(ctx, time.Duration(attempt+1)*100*time.Millisecond); err != nil {
			return err
		}
	}
	return failure.Unavailablef("the log is in constant use: it could not be locked in %d attempts of %s",
		logLockAttempts, logLockTimeout).
		WithHint("run it again once a long export, reconcile or pg_dump is done; pg_stat_activity shows who is at work")
}
