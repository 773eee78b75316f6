package db

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// monthsOf returns the first moments of the months in which some moments lie, in
// UTC, each once.
func monthsOf(times []time.Time) []time.Time {
	var months []time.Time
	for _, at := range times {
		if month := plan.MonthOf(at).Start(); len(months) == 0 || !month.Equal(months[len(months)-1]) {
			months = append(months, month)
		}
	}
	slices.SortFunc(months, time.Time.Compare)
	return slices.CompactFunc(months, time.Time.Equal)
}

// partitionName returns the name of the log's partition of a month.
func partitionName(month time.Time) string { return "api_usage_logs_" + month.UTC().Format("2006_01") }

// The months that have partitions of their own; api_usage_logs_past and _future have
// those before and after.
func firstPartition() time.Time  { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }
func afterPartitions() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }

// ensurePartitions makes the log's partitions of months on PostgreSQL, where they
// are not there yet. A table that is made first and attached then does not keep
// others from reading and writing meanwhile.
func (d *DB) ensurePartitions(ctx context.Context, months []time.Time) error {
	return d.once(ctx, func(t *tx) error {
		if _, err := t.exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('api_usage_logs partitions'))"); err != nil {
			return err
		}
		for _, month := range months {
			if !hasPartition(plan.MonthOf(month)) {
				continue
			}
			if err := t.ensurePartition(ctx, month); err != nil {
				return err
			}
		}
		return nil
	})
}

// ensurePartition makes the partition of a month, unless it is there or the month is
// archived, in which nothing can be recorded.
func (t *tx) ensurePartition(ctx context.Context, month time.Time) error {
	archived := false
	err := t.query(ctx, func(row scanner) error { return row.Scan(&archived) },
		"SELECT EXISTS (SELECT 1 FROM usage_archives WHERE month = $1)", int64(plan.MonthOf(month)))
	if err != nil || archived {
		return err
	}
	name := partitionName(month)
	there, err := t.hasTable(ctx, name)
	if err != nil || there {
		return err
	}
	if err := t.createPartition(ctx, name); err != nil {
		return err
	}
	return t.attachPartition(ctx, name, month)
}

func (t *tx) hasTable(ctx context.Context, name string) (bool, error) {
	there := false
	err := t.query(ctx, func(row scanner) error { return row.Scan(&there) }, "SELECT to_regclass($1) IS NOT NULL", name)
	return there, err
}

// createPartition makes a table that can become a partition of the log.
func (t *tx) createPartition(ctx context.Context, name string) error {
	return t.do(ctx, "CREATE TABLE "+name+
		" (LIKE api_usage_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)")
}

func (t *tx) attachPartition(ctx context.Context, name string, month time.Time) error {
	bounds := "('" + month.Format(time.RFC3339) + "') TO ('" + month.AddDate(0, 1, 0).Format(time.RFC3339) + "')"
	return t.do(ctx, "ALTER TABLE api_usage_logs ATTACH PARTITION "+name+" FOR VALUES FROM "+bounds)
}

// hasPartition tells whether a month has a partition of its own.
func hasPartition(month plan.Month) bool {
	return !month.Start().Before(firstPartition()) && month.Start().Before(afterPartitions())
}

// partitionOf returns the name of the partition that holds a month.
func partitionOf(month plan.Month) string {
	switch {
	case hasPartition(month):
		return partitionName(month.Start())
	case month.Start().Before(firstPartition()):
		return "api_usage_logs_past"
	}
	return "api_usage_logs_future"
}

// errPartitionMade says that the transaction runs again since the log had no
// partition for its month.
var errPartitionMade = errors.New("the log had no partition for the month")
