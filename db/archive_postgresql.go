package db

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Whoever writes into a month of the log holds the month's advisory lock together with
// all others who do; whoever archives it holds it alone. A lock on the log itself would
// not do: a recorder who waited for it would have read the log before, and so keep its
// partition from being detached for as long as it waits. The key has the schema in it,
// since advisory locks are those of a whole database.
const monthKey = "hashtext(current_schema() || ' api_usage_logs'), month"

// HoldMonths implements usage.Tx. It costs no way to the server of its own.
func (t *tx) HoldMonths(ctx context.Context, months []usage.Month) error {
	if t.kind == SQLite || len(months) == 0 { // where only one writes
		return nil
	}
	numbers := make([]int32, len(months))
	for i, m := range months {
		numbers[i] = int32(m)
	}
	return t.later(ctx, "SELECT pg_advisory_xact_lock_shared("+monthKey+") FROM unnest($1::int4[]) AS month", numbers)
}

// takeMonth waits for those who are writing into a month, and keeps others from it.
func (t *tx) takeMonth(ctx context.Context, month usage.Month) error {
	_, err := t.exec(ctx, "SELECT pg_advisory_xact_lock("+monthKey+") FROM (SELECT $1::int4 AS month) m", int32(month))
	return err
}

// lockPartition keeps away whoever would write into a month without holding it; reading
// goes on. A month without a partition has no rows.
func (t *tx) lockPartition(ctx context.Context, month usage.Month) error {
	there, err := t.hasTable(ctx, partitionOf(month))
	if err != nil || !there {
		return err
	}
	return t.lock(ctx, partitionOf(month), "SHARE ROW EXCLUSIVE")
}

// removeMonthPostgreSQL removes the ids of a month's events and then its partition, or
// its rows where it has none of its own.
func (t *tx) removeMonthPostgreSQL(ctx context.Context, month usage.Month) error {
	table := partitionOf(month)
	_, err := t.exec(ctx, "DELETE FROM usage_event_ids i USING "+table+" l WHERE l.event_id = i.event_id AND l.occurred_at >= $1 AND l.occurred_at < $2",
		month.Start(), month.End())
	if err != nil {
		return err
	}
	if !hasPartition(month) {
		_, err := t.exec(ctx, "DELETE FROM "+table+" WHERE occurred_at >= $1 AND occurred_at < $2", month.Start(), month.End())
		return err
	}
	if err := t.reshape(ctx, "ALTER TABLE api_usage_logs DETACH PARTITION "+table); err != nil {
		return err
	}
	_, err = t.exec(ctx, "DROP TABLE "+table)
	return err
}

const (
	// reshapePatience is how long to wait for those who are using the log. Those who come
	// meanwhile wait behind, so it is short; longer than deadlock_timeout, after which
	// PostgreSQL ends an autovacuum that is in the way.
	reshapePatience = "3s"
	reshapeAttempts = 10
)

// reshape runs a statement that needs the log for itself. While others are using it, it
// tries again and again and lets them through between: all that this transaction has
// done would be lost.
func (t *tx) reshape(ctx context.Context, statement string) error {
	if _, err := t.exec(ctx, "SET LOCAL lock_timeout = '"+reshapePatience+"'"); err != nil {
		return err
	}
	for attempt := range reshapeAttempts {
		if _, err := t.exec(ctx, "SAVEPOINT reshaping"); err != nil {
			return err
		}
		_, err := t.exec(ctx, statement)
		if err == nil || !isLockTimeout(err) {
			return err
		}
		if _, err := t.exec(ctx, "ROLLBACK TO SAVEPOINT reshaping"); err != nil {
			return err
		}
		if err := pause(ctx, time.Duration(attempt+1)*100*time.Millisecond); err != nil {
			return err
		}
	}
	return failure.Unavailablef("the log is in use all the time: it could not be had alone in %d attempts of %s", reshapeAttempts, reshapePatience).
		WithHint("run it again once a long export, reconcile or pg_dump is done; pg_stat_activity shows who is at work")
}

// attachMonth makes a table that has the rows of a month a partition of the log. The
// table is checked before that, while nobody waits. Nobody may be using the log then:
// who reads it while its rows and partitions change at once would see only one of both.
func (t *tx) attachMonth(ctx context.Context, table string, month usage.Month) error {
	check := "CHECK (occurred_at >= '" + month.Start().Format(time.RFC3339) + "' AND occurred_at < '" + month.End().Format(time.RFC3339) + "')"
	if _, err := t.exec(ctx, "ALTER TABLE "+table+" ADD CONSTRAINT of_the_month "+check); err != nil {
		return err
	}
	if err := t.reshape(ctx, "LOCK TABLE ONLY api_usage_logs IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	if err := t.attachPartition(ctx, table, month.Start()); err != nil {
		return err
	}
	_, err := t.exec(ctx, "ALTER TABLE "+table+" DROP CONSTRAINT of_the_month")
	return err
}

func isLockTimeout(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "55P03"
}
