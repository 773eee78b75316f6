package torture_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/db"
)

// dumped are the tables of which an interrupted and an undisturbed run must have left the
// same rows. What differs between two undisturbed runs too is left out: when a row was
// written, how often and by which process, and numbers that the database counts up.
func dumped() map[string][]string {
	return map[string][]string{
		"api_usage_logs":     {"recorded_at", "log_id", "event_key"},
		"usage_summaries":    {"changes"},
		"usage_daily":        {},
		"usage_alerts":       {"alert_id", "created_at"},
		"usage_reservations": {"created_at", "closed_at"},
		"users":              {"created_at", "last_writer"},
	}
}

// dump returns the state of the database: each table's rows in one order.
func (a *arena) dump(t testing.TB) map[string][]string {
	t.Helper()
	state := map[string][]string{}
	for table, without := range dumped() {
		state[table] = a.dumpTable(t, table, without)
	}
	return state
}

// dumpAll adds the report that the program makes of the tables.
func (a *arena) dumpAll(t testing.TB) map[string][]string {
	t.Helper()
	state := a.dump(t)
	state["usage report"] = strings.SplitAfter(a.must(t, begin(), "usage", "report", "--from", "2026-10-01", "--to",
		"2027-01-01",
		"--by", "day,user,provider,vendor,model").out, "\n")
	return state
}

// dumpTable has the database write each row as a text: it is much faster at it than we
// are under the race detector.
func (a *arena) dumpTable(t testing.TB, table string, without []string) []string {
	t.Helper()
	var parts []string
	for _, column := range a.columns(t, table) {
		if !slices.Contains(without, column) {
			parts = append(parts, "'"+column+"=' || COALESCE(CAST("+column+" AS TEXT), 'NULL')")
		}
	}
	var lines []string
	a.rows(t, "SELECT "+strings.Join(parts, " || ' ' || ")+" FROM "+table, func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		lines = append(lines, line)
		return err
	})
	slices.Sort(lines)
	return lines
}

// columns returns the table's columns, whatever later versions have added.
func (a *arena) columns(t testing.TB, table string) []string {
	t.Helper()
	rows, err := a.SQL.Query("SELECT * FROM " + table + " WHERE 1 = 0")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err == nil {
		err = rows.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	return columns
}

// mustEqual compares two dumps and shows the first rows in which they differ.
func mustEqual(t testing.TB, what string, got, want map[string][]string) {
	t.Helper()
	for table, wanted := range want {
		if slices.Equal(got[table], wanted) {
			continue
		}
		t.Errorf("%s: %s has %d rows, after an undisturbed run %d\nonly here: %s\nonly there: %s", what, table,
			len(got[table]), len(wanted),
			strings.Join(first(missing(got[table], wanted)), "\n"), strings.Join(first(missing(wanted, got[table])), "\n"))
	}
}

// missing returns the lines that are not among the others as often.
func missing(lines, others []string) []string {
	count := map[string]int{}
	for _, line := range others {
		count[line]++
	}
	var found []string
	for _, line := range lines {
		if count[line]--; count[line] < 0 {
			found = append(found, line)
		}
	}
	return found
}

func first(lines []string) []string { return lines[:min(len(lines), 5)] }

// intact requires that a SQLite file is sound after what was done to it.
func (a *arena) intact(t testing.TB) {
	t.Helper()
	if a.Kind != db.SQLite {
		return
	}
	var verdict string
	if err := a.SQL.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("the file is damaged: %s %v", verdict, err)
	}
}
