package db

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// entryColumns are the columns of a log row, in the order of usage.EntryFields.
var entryColumns = namesOfColumns() // read-only

func namesOfColumns() string {
	var names []string
	for _, f := range usage.EntryFields() {
		names = append(names, f.Column)
	}
	return strings.Join(names, ", ")
}

// scanEntry reads entryColumns.
func scanEntry(row scanner) (usage.Entry, error) {
	var e usage.Entry
	fields := usage.EntryFields()
	dest := make([]any, len(fields))
	for i := range fields {
		switch to := fields[i].In(&e).(type) {
		case *time.Time:
			dest[i] = moment{to}
		case *pricing.USD:
			dest[i] = (*int64)(to)
		case usage.Reference:
			dest[i] = reference{to.ID}
		default:
			dest[i] = to
		}
	}
	err := row.Scan(dest...)
	return e, err
}

// reference reads the id of a row of another table: 0 for NULL.
type reference struct{ to *int64 }

// Scan implements sql.Scanner.
func (r reference) Scan(value any) error {
	id, isID := value.(int64)
	if !isID && value != nil {
		return fmt.Errorf("an id is stored as %T", value)
	}
	*r.to = id
	return nil
}

func nullID(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// Entries implements usage.Reader.
func (t *tx) Entries(ctx context.Context, ids []string) (map[string]usage.Entry, error) {
	entries := make(map[string]usage.Entry)
	scan := func(row scanner) error {
		e, err := scanEntry(row)
		entries[e.ID] = e
		return err
	}
	if err := t.readEntries(ctx, ids, scan); err != nil || len(entries) == 0 {
		return entries, err
	}
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	maps.DeleteFunc(entries, func(id string, _ usage.Entry) bool { return !wanted[id] })
	return entries, nil
}

// readEntries reads the events of some ids. On SQLite, others may come with them that
// have the same keys.
func (t *tx) readEntries(ctx context.Context, ids []string, scan func(row scanner) error) error {
	if t.kind == PostgreSQL {
		condition, arg := "= ANY ($1)", any(ids)
		if len(ids) == 1 {
			condition, arg = "= $1", ids[0]
		}
		return t.query(ctx, scan, "SELECT "+prefixed("l", entryColumns)+` FROM usage_event_ids i
			JOIN api_usage_logs l ON l.user_id = i.user_id AND l.occurred_at = i.occurred_at AND l.event_id = i.event_id
			WHERE i.event_id `+condition, arg)
	}
	if len(ids) == 1 {
		return t.query(ctx, scan, "SELECT "+entryColumns+" FROM api_usage_logs WHERE event_key = $1", eventKey(ids[0]))
	}
	return t.query(ctx, scan, "SELECT "+prefixed("l", entryColumns)+` FROM json_each($1) k
		CROSS JOIN api_usage_logs l ON l.event_key = k.value`, eventKeys(ids))
}

// eventKeys returns the keys of ids as a JSON array, in their order in the index.
func eventKeys(ids []string) string {
	keys := make([]int64, len(ids))
	for i, id := range ids {
		keys[i] = eventKey(id)
	}
	slices.Sort(keys)
	text := []byte{'['}
	for i, key := range slices.Compact(keys) {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, key, 10)
	}
	return string(append(text, ']'))
}

// prefixed writes a list of columns as those of a table's alias.
func prefixed(alias, columns string) string {
	return alias + "." + strings.ReplaceAll(columns, ", ", ", "+alias+".")
}

// logInsert is the INSERT of log rows of a source.
func logInsert(source string) string {
	return "INSERT INTO api_usage_logs (" + entryColumns + ") " + source
}

// logRows are log rows on PostgreSQL, with the ids that they claim: none may be noted yet.
func (t *tx) logRows(entries []usage.Entry) []rowsInto {
	t.noteMonths(entries)
	return []rowsInto{
		{"usage_event_ids", func(source string) string {
			return "INSERT INTO usage_event_ids (" + idColumns + ") " + source
		}, len(entries), func(to sink, n int) { putID(to, &entries[n]) }},
		{"api_usage_logs", logInsert, len(entries), func(to sink, n int) { putEntry(to, &entries[n]) }},
	}
}

const idColumns = "event_id, user_id, occurred_at"

func putID(to sink, e *usage.Entry) {
	to.text(e.ID)
	to.text(e.UserID)
	to.moment(e.Time.UnixMicro())
}

// noteMonths notes which partitions of the log are needed.
func (t *tx) noteMonths(entries []usage.Entry) {
	times := make([]time.Time, len(entries))
	for i := range entries {
		times[i] = entries[i].Time
	}
	t.months = append(t.months, monthsOf(times)...)
}

// insertEntries adds log rows. On PostgreSQL their ids are claimed: one that another transaction has claimed meanwhile
// is a lost race. On SQLite they were looked for before, in this transaction: nobody else can have taken them.
func (t *tx) insertEntries(ctx context.Context, entries []usage.Entry) error {
	if t.kind == PostgreSQL {
		return t.copyEntries(ctx, "api_usage_logs", entries)
	}
	verb := "INSERT"
	if len(entries) >= fewRows {
		// After an error the transaction is rolled back, so SQLite need not be able to undo this statement alone, for
		// which it would keep what each page held before.
		verb = "INSERT OR FAIL"
	}
	return t.writeRows(ctx, rowsInto{"api_usage_logs", func(source string) string {
		return verb + " INTO api_usage_logs (event_key, " + entryColumns + ") " + source
	}, len(entries), func(to sink, n int) {
		to.integer(eventKey(entries[n].ID))
		putEntry(to, &entries[n])
	}})
}

// copyEntries adds log rows to the log on PostgreSQL, or to a partition of it, and claims their ids.
func (t *tx) copyEntries(ctx context.Context, table string, entries []usage.Entry) error {
	t.noteMonths(entries)
	err := t.copyInto(ctx, "usage_event_ids", idColumns, len(entries), func(to sink, n int) { putID(to, &entries[n]) })
	if err != nil {
		return err
	}
	return t.copyInto(ctx, table, entryColumns, len(entries), func(to sink, n int) { putEntry(to, &entries[n]) })
}
