package db

import (
	"context"
	"errors"
	"fmt"

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

// later runs a statement whose result does not matter, if it is no error: together
// with the next one whose result does, or with the commit. SQLite, to which there is
// no way to save, runs it at once.
func (t *tx) later(ctx context.Context, text string, args ...any) error {
	if t.kind == SQLite {
		_, err := t.exec(ctx, text, args...)
		return err
	}
	t.queue = append(t.queue, statement{text: text, args: args})
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
	all := append(t.queue, statements...)
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
