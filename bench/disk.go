package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/db"
)

// diskMeasurements weigh the log on the disk, a row, beside the same rows as bare CSV.
func diskMeasurements() []measurement {
	return []measurement{
		{"sqlite-disk", "disk", func(ctx context.Context, l *lab) ([]result,
			error) {
			return disk(ctx, l, db.SQLite, idsV4)
		}},
		{"sqlite-disk-v7", "disk", func(ctx context.Context, l *lab) ([]result,
			error) {
			return disk(ctx, l, db.SQLite, idsV7)
		}},
		{"postgresql-disk", "disk", func(ctx context.Context, l *lab) ([]result,
			error) {
			return disk(ctx, l, db.PostgreSQL, idsV4)
		}},
		{"postgresql-disk-v7", "disk", func(ctx context.Context, l *lab) ([]result,
			error) {
			return disk(ctx, l, db.PostgreSQL, idsV7)
		}},
	}
}

// part is a table or index on the disk.
type part struct {
	name  string
	table bool
	bytes int64
}

func disk(ctx context.Context, l *lab, kind db.Kind, ids idKind) ([]result, error) {
	f, err := l.filledWith(ctx, kind, l.sample(ids))
	if err != nil {
		return nil, err
	}
	csv, err := l.bareCSV(ctx, f)
	if err != nil {
		return nil, err
	}
	parts, err := l.logParts(ctx, f)
	if err != nil {
		return nil, err
	}
	var table, all int64
	for _, p := range parts {
		all += p.bytes
		if p.table {
			table += p.bytes
		}
	}
	rows := float64(f.sample.rows)
	row := func(what string, bytes int64) result {
		return result{What: what, Rows: f.sample.rows, Unit: "bytes/row",
			Ours: float64(bytes) / rows}.against(float64(csv)/rows, "CSV")
	}
	results := []result{row("log with indexes", all), row("log alone", table)}
	// What an index of PostgreSQL needs is PostgreSQL's; the table is ours to lay out.
	which := map[db.Kind]int{db.SQLite: 0, db.PostgreSQL: 1}[kind]
	results[which] = results[which].ratioAtMost(1.3)
	for _, p := range parts {
		if !p.table {
			results = append(results, row("  "+p.name, p.bytes))
		}
	}
	return results, nil
}

// logParts returns the log's table and indexes with their sizes.
func (l *lab) logParts(ctx context.Context, f *filled) ([]part, error) {
	var r ran
	var err error
	if f.database.kind == db.SQLite {
		r, err = l.sqlite3(ctx, f.path, ".separator '|' '\n'", sqliteParts)
	} else {
		r, err = l.psql(ctx, f.database, "-c", postgresParts)
	}
	if err != nil {
		return nil, err
	}
	var parts []part
	for lines := bufio.NewScanner(bytes.NewReader(r.out)); lines.Scan(); {
		fields := strings.Split(strings.TrimSpace(lines.Text()), "|")
		if len(fields) != 3 {
			return nil, fmt.Errorf("the sizes of the log's parts have the line %q", lines.Text())
		}
		size, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{name: fields[0], table: fields[1] == "table", bytes: size})
	}
	return parts, nil
}

// sqliteParts counts the pages of the log and of each of its indexes.
const sqliteParts = `SELECT s.name, s.type, sum(d.pgsize) FROM sqlite_schema s JOIN dbstat d ON d.name = s.name
	WHERE s.tbl_name = '` + logTable + `' GROUP BY s.name ORDER BY 3 DESC`

// postgresParts adds up the log's partitions, where it has any, with their indexes, and
// where there is one, the table of the ids: it is an index in all but name.
const postgresParts = `WITH leaves AS (SELECT relid FROM pg_partition_tree('` + logTable + `') WHERE isleaf
		UNION SELECT oid FROM pg_class WHERE oid = '` + logTable + `'::regclass AND relkind = 'r'),
	indexes AS (SELECT coalesce(inhparent, indexrelid)::regclass::text AS name, pg_relation_size(indexrelid) AS bytes
		FROM pg_index LEFT JOIN pg_inherits ON inhrelid = indexrelid WHERE indrelid IN (SELECT relid FROM leaves))
	SELECT '` + logTable + `', 'table', sum(pg_table_size(relid))::bigint FROM leaves
	UNION ALL SELECT * FROM (SELECT name, 'index', sum(bytes)::bigint FROM indexes GROUP BY name ORDER BY 3 DESC) i
	UNION ALL SELECT relname, 'index', pg_total_relation_size(oid)
		FROM pg_class WHERE relname = 'usage_event_ids' AND relkind = 'r'`

// ownColumns are columns of the log that hold nothing of the events. They are no part
// of bare CSV: that would make the file we are compared with larger.
const ownColumns = "'log_id', 'event_key'"

// bareCSV returns how many bytes the log's rows are as CSV.
func (l *lab) bareCSV(ctx context.Context, f *filled) (int64, error) {
	columns, err := l.eventColumns(ctx, f)
	if err != nil {
		return 0, err
	}
	file, query := l.path("bare.csv"), "SELECT "+columns+" FROM "+logTable
	if f.database.kind == db.SQLite {
		_, err = l.sqlite3(ctx, f.path, ".separator ',' '\n'", ".once "+quoted(file), query)
	} else {
		_, err = l.psql(ctx, f.database, "-c", `\copy (`+query+") TO "+quoted(file)+" CSV")
	}
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Size(), os.Remove(file)
}

// eventColumns returns the names of the log's columns, without our own.
func (l *lab) eventColumns(ctx context.Context, f *filled) (string, error) {
	var r ran
	var err error
	if f.database.kind == db.SQLite {
		r, err = l.sqlite3(ctx, f.path, ".mode list", "SELECT group_concat(name, ', ') FROM pragma_table_info('"+
			logTable+"') WHERE name NOT IN ("+ownColumns+")")
	} else {
		r, err = l.psql(ctx, f.database, "-c", "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE "+
			"attrelid = '"+logTable+
			"'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ("+ownColumns+")")
	}
	return strings.TrimSpace(string(r.out)), err
}
