package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3/database"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// dialect is what differs between the two databases: dialect_sqlite.go and dialect_postgresql.go have one each.
type dialect struct {
	kind Kind

	// open makes the pools of connections. The mode is createMode where a SQLite file may be made.
	open func(d *DB, mode string) error
	// ignoreCloseErrors: a connection that is broken can't say goodbye, and has nothing to lose.
	ignoreCloseErrors bool
	// scratch makes an empty database beside the target's, and the function that removes it.
	scratch func(ctx context.Context, target Target) (*DB, func() error, error)
	// backup writes a copy of the database into an empty file.
	backup func(ctx context.Context, d *DB, file string) error

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
	// briefly runs fn, or takes back what it did and returns errBusy where it has to wait for another transaction.
	briefly func(ctx context.Context, t *tx, fn func() error) error
	// lockTable is the statement that keeps other changes of a table away for the rest of the transaction; empty where
	// BEGIN does that.
	lockTable func(table, mode string) string
	// walkIndex are settings of a transaction whose SELECTs read along an index and stop at their limit.
	walkIndex []string
	// softwareQuery asks for the software with its version, and for the encoding of text.
	softwareQuery string
	// sizeQuery asks how many bytes the database takes.
	sizeQuery string
	// ownTables are those that the other database does not have.
	ownTables []string

	// classify turns the driver's error into a failure.
	classify func(err error) error
	// retry tells whether a transaction that failed so may simply run again.
	retry func(err error) bool
	// mayBegin tells whether to begin again, after a wait, a transaction that could not begin.
	mayBegin func(err error, attempt int, waited time.Duration, target Target) (again bool, wait time.Duration)

	// listen begins to listen for changes, where the database tells of them.
	listen func(d *DB) *ears

	goose database.Dialect
	// fileSetting is a statement that sets, before migrations, what a database file remembers.
	fileSetting string
	// migrateAlone runs migrations while no other process does, where they need that.
	migrateAlone func(ctx context.Context, d *DB, run func() error) error
	// isMigrationRace tells whether a migration failed because of another one, or of those who are recording.
	isMigrationRace func(err error) bool

	// shortUpdates: no statement of recording lasts long enough to be interrupted.
	shortUpdates bool
	// assume runs fn once, for usage.Store.Assume.
	assume func(d *DB, ctx context.Context, fn func(*tx) error) error
	// rows are how many rows of a file one transaction has at most, and goesOn whether it takes up what comes meanwhile.
	rows   int
	goesOn bool
	// writers is how many transactions, of different users, go on at the same time.
	writers int
	// pause is left to other processes after a transaction of many rows.
	pause time.Duration
	// dayOf is the expression over a log row that makes its day, yyyymmdd.
	dayOf string
	// monthOf is the expression over a log row l that makes the start of its month.
	monthOf string
	// minuteOfWeek is the expression over a log row that makes its minute of the week, as 1970 began: from a Thursday on.
	minuteOfWeek string
	// slots is how many parts a total of the fleet may have, so that several can add to it at once.
	slots int64
	// readEntries reads the events of some ids; others may come with them.
	readEntries func(ctx context.Context, t *tx, ids []string, scan func(row scanner) error) error
	// insertEntries adds log rows.
	insertEntries func(ctx context.Context, t *tx, entries []usage.Entry) error
	// writeUsage writes log rows and what belongs to them.
	writeUsage func(ctx context.Context, t *tx, c usage.Changes) error
	// insertMany writes rows with one statement, and returns how many rows of the table were changed.
	insertMany func(ctx context.Context, t *tx, r rowsInto) (changed int64, err error)
	// enoughRows is from how many rows on that is quicker than one by one.
	enoughRows int

	// forgetIDs forgets the ids of a month's events, as far as they are kept beside the log. Others record meanwhile.
	forgetIDs func(ctx context.Context, t *tx, month plan.Month) error
	// removeMonth removes a month from the log, which nobody else uses.
	removeMonth func(ctx context.Context, t *tx, month plan.Month) error
	// restoreMonth puts the rows that fill inserts back into the log.
	restoreMonth func(ctx context.Context, t *tx, month plan.Month, fill fillMonth) error

	// buffers are what rows are packed and summed up in.
	buffers *memory
}

// fillMonth inserts rows, batch after batch.
type fillMonth func(insert func(batch []usage.Entry) error) error

func dialectOf(kind Kind) dialect {
	d := sqliteDialect()
	if kind == PostgreSQL {
		d = postgresDialect()
	}
	d.buffers = &memory{}
	return d
}

// oneOf returns the condition that a column is one of some texts, and its argument.
func (d *dialect) oneOf(column, placeholder string, texts []string) (condition string, arg any) {
	if len(texts) == 1 {
		return column + " = " + placeholder, texts[0]
	}
	return column + " IN (SELECT u FROM " + d.rowsOf(placeholder, "u") + ")", d.list(texts)
}

// numbers returns the condition that a column is one of some numbers, and its argument.
func (d *dialect) numbers(column, placeholder string, ids []int64) (condition string, arg any) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return column + " IN (SELECT CAST(n AS BIGINT) FROM " + d.rowsOf(placeholder, "n") + ")", d.list(texts)
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

// jsonText writes a value that can always be written as JSON; "" stands for nothing.
func jsonText(value any, nothing bool) string {
	if nothing {
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// fromJSON scans a value of JSON; where there is none, what it points to stays as it is.
type fromJSON struct{ to any }

// Scan implements sql.Scanner.
func (j fromJSON) Scan(value any) error {
	var text sql.NullString
	if err := text.Scan(value); err != nil || text.String == "" {
		return err
	}
	return json.Unmarshal([]byte(text.String), j.to)
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
