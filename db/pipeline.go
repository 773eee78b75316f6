package db

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// statement is one of several that are sent together.
type statement struct {
	text string
	args []any
	scan func(row scanner) error // of each row that comes back; nil where none is wanted
}

// queued is a statement that is left to do later.
type queued struct {
	statement
	row string // the name of one that adds a row, and is always the same; "" of others
}

// later runs a statement whose result does not matter, if it is no error: together
// with the next one whose result does, or with the commit. SQLite, to which there is
// no way to save, runs it at once.
func (t *tx) later(ctx context.Context, text string, args ...any) error {
	return t.laterRow(ctx, "", text, args...)
}

// laterRow is later with a statement that adds one row. By its name it is told from others.
func (t *tx) laterRow(ctx context.Context, name, text string, args ...any) error {
	if t.kind == SQLite {
		_, err := t.exec(ctx, text, args...)
		return err
	}
	t.queue = append(t.queue, queued{statement{text: text, args: args}, name})
	return nil
}

// send runs statements in their order. On PostgreSQL what was left to do later and
// they go in one message, and their answers come back in one.
func (t *tx) send(ctx context.Context, statements ...statement) error {
	if t.kind == SQLite {
		for _, s := range statements {
			if err := t.query(ctx, s.scan, s.text, s.args...); err != nil {
				return err
			}
		}
		return nil
	}
	all := append(t.joined(), statements...)
	t.queue = nil
	if len(all) == 0 {
		return nil
	}
	return t.raw(func(conn *pgx.Conn) error {
		batch := &pgx.Batch{}
		for _, s := range all {
			batch.Queue(s.text, t.values(s.args)...)
		}
		results := conn.SendBatch(ctx, batch)
		for _, s := range all {
			if err := readResult(results, s); err != nil {
				return errors.Join(err, closeAfter(results))
			}
			t.answered = true
		}
		return results.Close()
	})
}

// joined returns the queue. Those in it that add one row each to different tables, one
// after another, are made one: what a recorded call adds is a single statement then, which
// spares the server and the driver a part of their work.
func (t *tx) joined() []statement {
	all := make([]statement, 0, len(t.queue)+1)
	for rest := t.queue; len(rest) > 0; {
		n := 0
		for n < len(rest) && rest[n].row != "" && !slices.ContainsFunc(rest[:n], func(q queued) bool { return q.row == rest[n].row }) {
			n++
		}
		if n > 1 {
			all = append(all, t.join(rest[:n]))
		} else {
			n = 1
			all = append(all, rest[0].statement)
		}
		rest = rest[n:]
	}
	return all
}

// join makes one statement of several, of which the first is the last in the text: there
// PostgreSQL begins, and goes on from the end of the list before it, so that rows are
// locked in the same order as by single statements. It does not promise that; on it
// depends only how often two that lock the same rows have to run again.
func (t *tx) join(parts []queued) statement {
	names := make([]string, len(parts))
	var args []any
	for i, part := range parts {
		names[i] = part.row
		args = append(args, part.args...)
	}
	text := t.buffers.text(strings.Join(names, " + "), func() string {
		list, before := "", 0
		var text string
		for i, part := range parts {
			shifted := parameter.ReplaceAllStringFunc(part.text, func(p string) string {
				n, _ := strconv.Atoi(p[1:]) // it is digits alone
				return "$" + strconv.Itoa(before+n)
			})
			before += len(part.args)
			if i == 0 {
				text = shifted
			} else {
				list = fmt.Sprintf(", part%d AS (%s)", i, shifted) + list
			}
		}
		return "WITH " + strings.TrimPrefix(list, ", ") + " " + text
	})
	return statement{text: text, args: args}
}

var parameter = regexp.MustCompile(`\$[0-9]+`)

// closeAfter closes results of which one was an error: that error comes again, and
// says nothing new.
func closeAfter(results pgx.BatchResults) error {
	_ = results.Close()
	return nil
}

func readResult(results pgx.BatchResults, s statement) error {
	if s.scan == nil {
		tag, err := results.Exec()
		if err == nil && s.text == "COMMIT" && tag.String() != "COMMIT" {
			err = fmt.Errorf("the transaction was rolled back: %s", tag)
		}
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := s.scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// raw gives the driver's connection to a function.
func (t *tx) raw(fn func(conn *pgx.Conn) error) error {
	return t.conn.Raw(func(driverConn any) error { return fn(driverConn.(*stdlib.Conn).Conn()) })
}

// isIDTaken tells whether another transaction has claimed the id of an event.
func isIDTaken(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505" && e.ConstraintName == "usage_event_ids_pkey"
}
