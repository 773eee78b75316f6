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
	var r usage.Reconciliation
	compare := func(t *tx) error {
		r = usage.Reconciliation{}
		// Before anything is read: a month that is archived between the first look at the
		// database and the first at the log would be missing from both.
		if err := t.lock(ctx, "ONLY api_usage_logs", "ACCESS SHARE"); err != nil {
			return err
		}
		if err := t.countRows(ctx, &r); err != nil {
			return err
		}
		for _, table := range t.totalsTables() {
			if err := t.compareTotals(ctx, table, &r); err != nil {
				return err
			}
		}
		if len(r.Discrepancies) == 0 { // else they are the sums of what is wrong itself
			if err := t.compareRollups(ctx, &r); err != nil {
				return err
			}
			r.Rollups = true
		}
		if !repair || len(r.Discrepancies) == 0 {
			return nil
		}
		r.Repaired = true
		return t.rebuildTotals(ctx)
	}
	if !repair {
		return r, d.view(ctx, compare)
	}
	err := d.update(ctx, func(t *tx) error {
		// Nobody may add to the log between the comparison and the repair.
		if err := t.lock(ctx, "api_usage_logs", "SHARE ROW EXCLUSIVE"); err != nil {
			return err
		}
		return compare(t)
	})
	return r, err
}

func (t *tx) countRows(ctx context.Context, r *usage.Reconciliation) error {
	return t.query(ctx, func(row scanner) error {
		return row.Scan(&r.LogRows, &r.ArchivedRows, &r.Summaries, &r.Daily, &r.FleetDaily, &r.UserMonthly)
	}, `SELECT (SELECT COUNT(*) FROM api_usage_logs), (SELECT CAST(COALESCE(SUM(row_count), 0) AS BIGINT) FROM usage_archives),
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

// compareTotals compares a table with the log and what is archived of it.
func (t *tx) compareTotals(ctx context.Context, table totalsTable, r *usage.Reconciliation) error {
	return t.compare(ctx, table.comparison(), r)
}

func (table totalsTable) comparison() comparison {
	return comparison{table: table.name, keys: table.keys, columns: totalColumns,
		stored: "SELECT " + table.keys + ", " + totalColumns + " FROM " + table.name, sums: table.sums("TRUE")}
}

// compare lists where a table says otherwise. A total that is missing, or one that
// nothing adds up to, differs too.
func (t *tx) compare(ctx context.Context, c comparison, r *usage.Reconciliation) error {
	keys, columns := strings.Split(c.keys, ", "), strings.Split(c.columns, ", ")
	return t.query(ctx, func(row scanner) error { return noteDiscrepancies(row, c.table, keys, columns, r) }, c.statement())
}

// statement selects the keys that differ, and of each column what it has to be and what
// it is. Both sides are put below each other, each with its own columns, and brought
// together by grouping: SQLite would answer a FULL JOIN by looking through one side for
// each row of the other.
func (c comparison) statement() string {
	keys, columns := strings.Split(c.keys, ", "), strings.Split(c.columns, ", ")
	names := slices.Clone(keys)
	none := make([]string, len(columns))
	var selected, differ []string
	for i, column := range columns {
		names = append(names, "log_"+column, "stored_"+column)
		none[i] = "CAST(NULL AS BIGINT)"
		log, stored := "COALESCE(MAX(log_"+column+"), 0)", "COALESCE(MAX(stored_"+column+"), 0)"
		selected = append(selected, log, stored)
		differ = append(differ, log+" <> "+stored)
	}
	heading := " (" + c.keys + ", " + c.columns + ") AS "
	return "WITH l" + heading + "(" + c.sums + "), s" + heading + "(" + c.stored + "), sides (" + strings.Join(names, ", ") + ") AS (" +
		"SELECT " + c.keys + ", " + alternating(columns, none) + " FROM l UNION ALL SELECT " + c.keys + ", " + alternating(none, columns) + " FROM s)" +
		" SELECT " + c.keys + ", " + strings.Join(selected, ", ") + " FROM sides GROUP BY " + c.keys + " HAVING " + strings.Join(differ, " OR ") + firstOnes(len(keys))
}

// alternating lists the first of one list, the first of another, the second of the one
// and so on.
func alternating(one, other []string) string {
	var all []string
	for i := range one {
		all = append(all, one[i], other[i])
	}
	return strings.Join(all, ", ")
}

// firstOnes orders differences by their keys, which come first, and asks for one more
// than is listed.
func firstOnes(keys int) string {
	places := make([]string, keys)
	for i := range places {
		places[i] = strconv.Itoa(i + 1)
	}
	return fmt.Sprintf(" ORDER BY %s LIMIT %d", strings.Join(places, ", "), usage.MostDiscrepancies+1)
}

func noteDiscrepancies(row scanner, table string, keys, totals []string, r *usage.Reconciliation) error {
	values := make([]any, len(keys)+2*len(totals))
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
	for i, column := range totals {
		log, stored := shownValue(column, values[len(keys)+2*i]), shownValue(column, values[len(keys)+2*i+1])
		if log == stored {
			continue
		}
		if len(r.Discrepancies) == usage.MostDiscrepancies {
			r.More = true
			return nil
		}
		r.Discrepancies = append(r.Discrepancies, usage.Discrepancy{Table: table, Key: strings.Join(key, " "), Field: column, Log: log, Stored: stored})
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
