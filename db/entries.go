package db

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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
		switch f := &fields[i]; f.Kind {
		case usage.TextField:
			dest[i] = f.Text(&e)
		case usage.StatusField:
			dest[i] = f.Status(&e)
		case usage.TimeField:
			dest[i] = moment{f.Time(&e)}
		case usage.BoolField:
			dest[i] = f.Bool(&e)
		case usage.ReferenceField:
			dest[i] = reference{f.Number(&e)}
		default:
			dest[i] = f.Number(&e)
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
	if err := t.send(ctx, t.readEntries(ids, scan)); err != nil || len(entries) == 0 {
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
func (t *tx) readEntries(ids []string, scan func(row scanner) error) statement {
	if t.kind == PostgreSQL {
		condition, arg := "= ANY ($1)", any(ids)
		if len(ids) == 1 {
			condition, arg = "= $1", ids[0]
		}
		return statement{"SELECT " + prefixed("l", entryColumns) + ` FROM usage_event_ids i
			JOIN api_usage_logs l ON l.user_id = i.user_id AND l.occurred_at = i.occurred_at AND l.event_id = i.event_id
			WHERE i.event_id ` + condition, []any{arg}, scan}
	}
	if len(ids) == 1 {
		return statement{"SELECT " + entryColumns + " FROM api_usage_logs WHERE event_key = $1", []any{eventKey(ids[0])}, scan}
	}
	return statement{"SELECT " + prefixed("l", entryColumns) + ` FROM json_each($1) k
		CROSS JOIN api_usage_logs l ON l.event_key = k.value`, []any{eventKeys(ids)}, scan}
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

// Append implements usage.Tx.
func (t *tx) Append(ctx context.Context, entries []usage.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if t.pending == nil {
		t.pending = t.buffers.takePending()
	}
	insert := t.insertEntries
	if t.kind == SQLite {
		insert = t.insertEntriesSQLite
	}
	if len(entries) < fewRows {
		t.pending.add(entries)
		return insert(ctx, entries)
	}
	var adding sync.WaitGroup
	adding.Go(func() { t.pending.add(entries) })
	err := insert(ctx, entries)
	adding.Wait()
	return err
}

// insertEntriesSQLite adds log rows. The id of an event was looked for before, in this
// transaction: nobody else can have taken it.
func (t *tx) insertEntriesSQLite(ctx context.Context, entries []usage.Entry) error {
	put := func(to sink, n int) {
		to.integer(eventKey(entries[n].ID))
		putEntry(to, &entries[n])
	}
	insert := func(source string) string {
		return "INTO api_usage_logs (event_key, " + entryColumns + ") " + source
	}
	if len(entries) < fewRows {
		return t.writeRows(ctx, "api_usage_logs", func(source string) string { return "INSERT " + insert(source) }, len(entries), put)
	}
	// OR FAIL: after an error the transaction is rolled back, so SQLite need not be able
	// to undo this statement alone, for which it would keep what each page held before.
	_, err := t.insertMany(ctx, func(source string) string { return "INSERT OR FAIL " + insert(source) }, len(entries), put)
	return err
}

// insertEntries claims the ids of entries and adds their log rows, on PostgreSQL. An id
// that another transaction has claimed meanwhile is a lost race.
func (t *tx) insertEntries(ctx context.Context, entries []usage.Entry) error {
	if err := t.claimIDs(ctx, entries); err != nil {
		return err
	}
	if len(entries) >= fewRows {
		return t.copyEntries(ctx, "api_usage_logs", entries)
	}
	return t.writeRows(ctx, "api_usage_logs", func(source string) string { return "INSERT INTO api_usage_logs (" + entryColumns + ") " + source },
		len(entries), func(to sink, n int) { putEntry(to, &entries[n]) })
}

// claimIDs notes, on PostgreSQL, where the events of ids are: none may be noted yet.
func (t *tx) claimIDs(ctx context.Context, entries []usage.Entry) error {
	times := make([]time.Time, len(entries))
	for i := range entries {
		times[i] = entries[i].Time
	}
	t.months = append(t.months, monthsOf(times)...)
	const table, columns = "usage_event_ids", "event_id, user_id, occurred_at"
	put := func(to sink, n int) {
		to.text(entries[n].ID)
		to.text(entries[n].UserID)
		to.moment(entries[n].Time.UnixMicro())
	}
	if len(entries) >= fewRows {
		return t.copyInto(ctx, table, columns, len(entries), put)
	}
	return t.writeRows(ctx, table, func(source string) string { return "INSERT INTO " + table + " (" + columns + ") " + source }, len(entries), put)
}

// fewRows is how many rows are not worth the ways of many.
const fewRows = 50

// copyEntries adds log rows to the log or to a partition of it. Since their ids are
// claimed, no row can be there already.
func (t *tx) copyEntries(ctx context.Context, table string, entries []usage.Entry) error {
	return t.copyInto(ctx, table, entryColumns, len(entries), func(to sink, n int) { putEntry(to, &entries[n]) })
}
