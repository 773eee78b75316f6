package db

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// dialect is what differs between the two databases.
type dialect struct {
	kind Kind
	// rebind turns $n placeholders into those of the driver.
	rebind func(query string) string
	// value turns an argument into one that the driver stores rightly.
	value func(arg any) any
	// rowsOf makes a table of one column of a list that is one argument.
	rowsOf func(placeholder, column string) string
	// list turns a list of texts into such an argument.
	list func(texts []string) any
	// among is the condition that a column is one of such a list.
	among func(column, placeholder string) string
	// lockRows ends a SELECT that locks its rows, or of them those that nobody else has; empty where BEGIN locks all.
	lockRows func(skipLocked bool) string
	// lockTable is the statement that keeps other changes of a table away for
	// the rest of the transaction; empty where BEGIN does that.
	lockTable func(table, mode string) string
	// softwareQuery asks for the software with its version, and for the encoding of text.
	softwareQuery string
	// sizeQuery asks how many bytes the database takes.
	sizeQuery string
	// buffers are what rows are packed and summed up in.
	buffers *memory
	// classify turns the driver's error into a failure.
	classify func(err error) error
	// retry tells whether a transaction that failed so may simply run again.
	retry func(err error) bool
	// mayBegin tells whether to begin again, after a wait, a transaction that could not begin.
	mayBegin func(err error, attempt int, waited time.Duration, target Target) (again bool, wait time.Duration)
}

func sqliteDialect() dialect {
	return dialect{
		kind:          SQLite,
		softwareQuery: "SELECT 'SQLite ' || sqlite_version(), 'UTF8'",
		sizeQuery:     "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
		// Unrewritten, SQLite would bind $n in the order of appearance.
		rebind:  func(query string) string { return strings.ReplaceAll(query, "$", "?") },
		value:   sqliteValue,
		buffers: &memory{},
		rowsOf: func(list, column string) string {
			return "(SELECT value AS " + column + " FROM json_each(" + list + "))"
		},
		list: jsonList,
		among: func(column, list string) string {
			return column + " IN (SELECT value FROM json_each(" + list + "))"
		},
		lockRows:  func(bool) string { return "" },
		lockTable: func(string, string) string { return "" },
		classify:  classifySQLite,
		retry:     func(error) bool { return false },
		mayBegin:  mayBeginSQLite,
	}
}

func postgresDialect() dialect {
	return dialect{
		kind:          PostgreSQL,
		softwareQuery: "SELECT 'PostgreSQL ' || current_setting('server_version'), current_setting('server_encoding')",
		sizeQuery:     "SELECT pg_database_size(current_database())",
		rebind:        func(query string) string { return query },
		value:         postgresValue,
		buffers:       &memory{},
		rowsOf:        func(list, column string) string { return "unnest(" + list + "::text[]) AS " + column },
		list:          func(texts []string) any { return texts },
		among:         func(column, list string) string { return column + " = ANY(" + list + ")" },
		lockRows:      lockRowsPostgreSQL,
		lockTable:     func(table, mode string) string { return "LOCK TABLE " + table + " IN " + mode + " MODE" },
		classify:      classifyPostgreSQL,
		retry:         retryPostgreSQL,
		mayBegin:      mayBeginPostgreSQL,
	}
}

func lockRowsPostgreSQL(skipLocked bool) string {
	if skipLocked {
		return " FOR UPDATE SKIP LOCKED"
	}
	return " FOR UPDATE"
}

// oneOf returns the condition that a column is one of some texts, and its argument.
func (d *dialect) oneOf(column, placeholder string, texts []string) (condition string, arg any) {
	if len(texts) == 1 {
		return column + " = " + placeholder, texts[0]
	}
	return column + " IN (SELECT u FROM " + d.rowsOf(placeholder, "u") + ")", d.list(texts)
}

// jsonList writes texts as a JSON array. They are valid UTF-8: that was checked when
// they came in.
func jsonList(texts []string) any {
	text, err := json.Marshal(texts)
	if err != nil { // which texts never cause
		panic(err)
	}
	return string(text)
}

// sqliteValue stores times as microseconds since 1970, and no time as NULL.
func sqliteValue(arg any) any {
	if t, ok := arg.(time.Time); ok {
		if t.IsZero() {
			return nil
		}
		return t.UnixMicro()
	}
	return arg
}

func postgresValue(arg any) any {
	switch v := arg.(type) {
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.UTC()
	case []byte: // as text: lib/pq takes bytes for a value in binary
		return string(v)
	}
	return arg
}

// moment scans a time of either database; NULL is the zero time.
type moment struct{ to *time.Time }

// Scan implements sql.Scanner.
func (m moment) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*m.to = time.Time{}
	case int64:
		*m.to = time.UnixMicro(v).UTC()
	case time.Time:
		*m.to = v.UTC()
	default:
		return fmt.Errorf("a time is stored as %T", value)
	}
	return nil
}

// valueList returns "($1,$2),($3,$4)" for so many rows and columns.
func valueList(rows, columns int) string {
	var b strings.Builder
	for r := range rows {
		if r > 0 {
			b.WriteByte(',')
		}
		n := r * columns
		b.WriteString("(" + placeholders(n+1, columns) + ")")
	}
	return b.String()
}

// placeholders returns "$from,$from+1,…" for n values.
func placeholders(from, n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf("$%d", from+i)
	}
	return strings.Join(parts, ",")
}
