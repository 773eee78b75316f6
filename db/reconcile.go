package db

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// Reconcile implements usage.Reconciler.
func (d *DB) Reconcile(ctx context.Context, repair bool) (usage.Reconciliation, error) {
	compare := func(t *tx) (r usage.Reconciliation, err error) {
		// Before anything is read: a month that is archived between the first look at the
		// database and the first at the log would be missing from both.
		if err := t.lock(ctx, "ONLY api_usage_logs", "ACCESS SHARE"); err != nil {
			return r, err
		}
		if err := t.countRows(ctx, &r); err != nil {
			return r, err
		}
		for _, table := range t.totalsTables() {
			if err := t.compare(ctx, table.comparison(), &r); err != nil {
				return r, err
			}
		}
		if err := t.compareTokens(ctx, &r); err != nil {
			return r, err
		}
		if len(r.Discrepancies) == 0 { // else they are the sums of what is wrong itself
			r.Rollups = true
			if err := t.compareRollups(ctx, &r); err != nil {
				return r, err
			}
		}
		if !repair || len(r.Discrepancies) == 0 {
			return r, nil
		}
		r.Repaired = true
		if err := t.rebuildTotals(ctx); err != nil {
			return r, err
		}
		return r, t.changeCatalogue(ctx) // who keeps what users have used has to notice
	}
	if !repair {
		return inView(ctx, d, compare)
	}
	return inUpdate(ctx, d, func(t *tx) (r usage.Reconciliation, err error) {
		// Nobody may add to the log between the comparison and the repair.
		if err := t.lock(ctx, "api_usage_logs", "SHARE ROW EXCLUSIVE"); err != nil {
			return r, err
		}
		return compare(t)
	})
}

func (t *tx) countRows(ctx context.Context, r *usage.Reconciliation) error {
	return t.query(ctx, into(&r.LogRows, &r.ArchivedRows, &r.Summaries, &r.Daily, &r.FleetDaily, &r.UserMonthly),
		`SELECT (SELECT COUNT(*) FROM api_usage_logs),
			(SELECT CAST(COALESCE(SUM(row_count), 0) AS BIGINT) FROM usage_archives),
			(SELECT COUNT(*) FROM usage_summaries), (SELECT COUNT(*) FROM usage_daily),
			(SELECT COUNT(*) FROM usage_fleet_daily), (SELECT COUNT(*) FROM usage_user_monthly)`)
}

// comparison is of a table of totals with what it is the sum of.
type comparison struct {
	table   string
	keys    string // columns that tell its totals apart
	columns string // what is compared
	stored  string // the SELECT of both from the table
	sums    string // the SELECT of what they have to be
}

// comparison is of a table with the log and what is archived of it.
func (table totalsTable) comparison() comparison {
	return comparison{table: table.name, keys: table.keys, columns: totalColumns,
		stored: "SELECT " + table.keys + ", " + totalColumns + " FROM " + table.name, sums: table.sums("TRUE", "TRUE")}
}

// compare lists where a table says otherwise. A total that is missing, or one that
// nothing adds up to, differs too.
func (t *tx) compare(ctx context.Context, c comparison, r *usage.Reconciliation) error {
	return t.query(ctx, func(row scanner) error { return noteDiscrepancies(row, c, r) }, c.statement())
}

// statement selects the keys that differ, and of each column what it has to be and what
// it is. Both sides are put below each other, each with its own columns, and brought
// together by grouping: SQLite would answer a FULL JOIN by looking through one side for
// each row of the other.
func (c comparison) statement() string {
	keys, columns := strings.Split(c.keys, ", "), strings.Split(c.columns, ", ")
	names := slices.Clone(keys)
	var fromLog, fromStored, selected, differ []string
	for _, column := range columns {
		const none = "CAST(NULL AS BIGINT)"
		names = append(names, "log_"+column, "stored_"+column)
		fromLog, fromStored = append(fromLog, column, none), append(fromStored, none, column)
		log, stored := "COALESCE(MAX(log_"+column+"), 0)", "COALESCE(MAX(stored_"+column+"), 0)"
		selected = append(selected, log, stored)
		differ = append(differ, log+" <> "+stored)
	}
	heading, places := " ("+c.keys+", "+c.columns+") AS ", make([]string, len(keys))
	for n := range keys {
		places[n] = strconv.Itoa(n + 1)
	}
	return "WITH l" + heading + "(" + c.sums + "), s" + heading + "(" + c.stored + ")," +
		" sides (" + strings.Join(names, ", ") + ") AS (" +
		"SELECT " + c.keys + ", " + strings.Join(fromLog, ", ") + " FROM l UNION ALL" +
		" SELECT " + c.keys + ", " + strings.Join(fromStored, ", ") + " FROM s)" +
		" SELECT " + c.keys + ", " + strings.Join(selected, ", ") + " FROM sides" +
		" GROUP BY " + c.keys + " HAVING " + strings.Join(differ, " OR ") +
		fmt.Sprintf(" ORDER BY %s LIMIT %d", strings.Join(places, ", "), usage.MostDiscrepancies+1) // one tells of more
}

func noteDiscrepancies(row scanner, c comparison, r *usage.Reconciliation) error {
	keys, columns := strings.Split(c.keys, ", "), strings.Split(c.columns, ", ")
	values := make([]any, len(keys)+2*len(columns))
	dest := make([]any, len(values))
	for i := range values {
		dest[i] = &values[i]
	}
	if err := row.Scan(dest...); err != nil {
		return err
	}
	var key []string
	for i, name := range keys {
		key = append(key, name+"="+shownValue(name, values[i]))
	}
	for i, column := range columns {
		at := len(keys) + 2*i
		log, stored := shownValue(column, values[at]), shownValue(column, values[at+1])
		if log == stored {
			continue
		}
		if len(r.Discrepancies) == usage.MostDiscrepancies {
			r.More = true
			return nil
		}
		r.Discrepancies = append(r.Discrepancies,
			usage.Discrepancy{Table: c.table, Key: strings.Join(key, " "), Field: column, Log: log, Stored: stored})
	}
	return nil
}

// shownValue writes a value of either driver alike.
func shownValue(column string, value any) string {
	switch v := value.(type) {
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case int64:
		if strings.HasSuffix(column, "_start") {
			return time.UnixMicro(v).UTC().Format(time.RFC3339Nano)
		}
	}
	return fmt.Sprint(value)
}
