package db

import (
	"context"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/db/encode"
)

// inView runs fn in a transaction that reads one state of the database, and returns its result.
func inView[T any](ctx context.Context, d *DB, fn func(*tx) (T, error)) (result T, err error) {
	err = d.view(ctx, func(t *tx) (err error) {
		result, err = fn(t)
		return err
	})
	return result, err
}

// inUpdate runs fn in a transaction that writes, and returns its result. fn may run more than once.
func inUpdate[T any](ctx context.Context, d *DB, fn func(*tx) (T, error)) (result T, err error) {
	err = d.update(ctx, func(t *tx) (err error) {
		result, err = fn(t)
		return err
	})
	return result, err
}

// into returns a function that scans a row into values.
func into(dest ...any) func(scanner) error {
	return func(row scanner) error { return row.Scan(dest...) }
}

// selectRows runs a SELECT and returns what scan makes of each row.
func selectRows[T any](
	ctx context.Context, t *tx, scan func(scanner) (T, error), query string, args ...any,
) (found []T, err error) {
	err = t.query(ctx, func(row scanner) error {
		one, err := scan(row)
		found = append(found, one)
		return err
	}, query, args...)
	return found, err
}

// selectColumn runs a SELECT of one column.
func selectColumn[T any](ctx context.Context, t *tx, query string, args ...any) ([]T, error) {
	return selectRows(ctx, t, func(row scanner) (value T, err error) {
		err = row.Scan(&value)
		return value, err
	}, query, args...)
}

// newRows are rows of a table. The conflict is what ends the INSERT, such as what overwrite returns.
func newRows(table, columns, conflict string, rows int, put func(to encode.Sink, n int)) rowsInto {
	return rowsInto{name: table, rows: rows, put: put, insert: func(source string) string {
		return "INSERT INTO " + table + " (" + columns + ") " + source + conflict
	}}
}

// overwrite ends an INSERT of columns: it overwrites the row that has the same key.
func overwrite(key, columns string) string {
	var sets []string
	for column := range strings.FieldsSeq(strings.ReplaceAll(columns, ",", " ")) {
		if column != key {
			sets = append(sets, column+" = excluded."+column)
		}
	}
	return " ON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(sets, ", ")
}

// conditions collects what a WHERE clause is made of.
type conditions struct {
	texts []string
	args  []any
}

// add adds a condition, in which each ? stands for an argument.
func (c *conditions) add(condition string, args ...any) {
	for _, arg := range args {
		condition = strings.Replace(condition, "?", c.bind(arg), 1)
	}
	c.texts = append(c.texts, condition)
}

// bind returns the placeholder of an argument.
func (c *conditions) bind(arg any) string {
	c.args = append(c.args, arg)
	return placeholders(len(c.args), 1)
}

// equal adds that a column has a value, unless that is empty.
func (c *conditions) equal(column, value string) {
	if value != "" {
		c.add(column+" = ?", value)
	}
}

// compare adds a comparison with a time, unless that is zero.
func (c *conditions) compare(operation string, at time.Time) {
	if !at.IsZero() {
		c.add(operation+" ?", at)
	}
}

func (c *conditions) sql() string {
	if len(c.texts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.texts, " AND ")
}
