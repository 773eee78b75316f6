package db

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// entryColumns are the columns of a log row, in the order of usage.EntryFields.
var entryColumns = namesOfColumns(true) // read-only

// commonEntryColumns are those that are not rare.
var commonEntryColumns = namesOfColumns(false) // read-only

// logColumns are the columns that log rows have something in, and the name of the statement that writes them. Where no
// row has anything that few have, no time goes to what is NULL anyway.
func logColumns(entries []usage.Entry) (statement, columns string, put func(to encode.Sink, n int)) {
	for i := range entries {
		if entries[i].HasRare() {
			return "api_usage_logs", entryColumns, func(to encode.Sink, n int) { putEntry(to, &entries[n], true) }
		}
	}
	return "api_usage_logs_common", commonEntryColumns, func(to encode.Sink, n int) { putEntry(to, &entries[n], false) }
}

func namesOfColumns(rare bool) string {
	var names []string
	for _, f := range usage.EntryFields() {
		if rare || !f.Rare {
			names = append(names, f.Column)
		}
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
		case *pricing.ReportedCost:
			dest[i] = reported{to}
		case usage.Reference:
			dest[i] = reference{to.ID}
		default:
			dest[i] = to
		}
		if fields[i].Rare {
			dest[i] = rare(dest[i])
		}
	}
	err := row.Scan(dest...)
	return e, err
}

// rare returns where to scan a value to that may be NULL instead of 0 or "".
func rare(to any) any {
	switch to := to.(type) {
	case *int64:
		return reference{to}
	case *string:
		return textOrNull{to}
	}
	return to
}

// textOrNull reads a text: "" for NULL.
type textOrNull struct{ to *string }

// Scan implements sql.Scanner.
func (t textOrNull) Scan(value any) error {
	var text sql.NullString
	err := text.Scan(value)
	*t.to = text.String
	return err
}

// reported reads a cost that may be missing.
type reported struct{ to *pricing.ReportedCost }

// Scan implements sql.Scanner.
func (r reported) Scan(value any) error {
	var cost sql.NullInt64
	err := cost.Scan(value)
	*r.to = pricing.ReportedCost{USD: pricing.USD(cost.Int64), Given: cost.Valid}
	return err
}

// reference reads the id of a row of another table, or a number: 0 for NULL.
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
	if err := t.readEntries(ctx, t, ids, scan); err != nil || len(entries) == 0 {
		return entries, err
	}
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	maps.DeleteFunc(entries, func(id string, _ usage.Entry) bool { return !wanted[id] })
	found := slices.Collect(maps.Values(entries))
	if err := t.link(ctx, found); err != nil {
		return nil, err
	}
	for i := range found {
		entries[found[i].ID] = found[i]
	}
	return entries, nil
}

// prefixed writes a list of columns as those of a table's alias.
func prefixed(alias, columns string) string {
	return alias + "." + strings.ReplaceAll(columns, ", ", ", "+alias+".")
}
