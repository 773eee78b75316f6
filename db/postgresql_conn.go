package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"

	"github.com/lib/pq"
)

// postgresSession is what a connection of lib/pq can do. Its Commit and Rollback end the transaction that is under way,
// and tell if the server answers a COMMIT with ROLLBACK.
type postgresSession interface {
	driver.Conn
	driver.Tx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

// postgresConn is a connection of lib/pq that keeps what it has prepared, begins transactions as we need them, and is
// given up where the network falls silent.
type postgresConn struct {
	postgresSession
	dialer *dialer
	// poolSettings are sent with BEGIN; empty where the session has its settings, and is this connection's own.
	poolSettings string
	statements   statementCache
	inTx         bool
	broken       bool        // it must not be used again
	stopWatching func() bool // nil: no context is watched
}

func newPostgresConn(session postgresSession, d *dialer) *postgresConn {
	return &postgresConn{postgresSession: session, dialer: d, statements: newStatementCache()}
}

// isAlone tells whether the session has the setting that this connection asked for.
func (c *postgresConn) isAlone(ctx context.Context, token string) bool {
	rows, err := c.postgresSession.QueryContext(ctx, "SELECT current_setting('"+sessionSetting+"', true)", nil)
	if err != nil {
		return false
	}
	value := make([]driver.Value, 1)
	err = errors.Join(rows.Next(value), rows.Close())
	return err == nil && value[0] == token
}

// BeginTx implements driver.ConnBeginTx. A transaction that waited for a lock must read what the one before it wrote,
// whatever the server's default is; one that reads sees one state. Whether the server takes changes is left to it.
func (c *postgresConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	begin := "BEGIN ISOLATION LEVEL READ COMMITTED"
	if options.ReadOnly {
		begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
	}
	c.watch(ctx)
	if _, err := c.postgresSession.ExecContext(ctx, begin+c.poolSettings, nil); err != nil {
		c.broken = true // it may have begun
		if isLost(err) {
			err = lostBefore{err}
		}
		return nil, err
	}
	c.inTx = true
	return postgresTx{c}, nil
}

// lostBefore is the failure of a connection that was lost before anything was done on it. That it was may not have been
// known here when it was taken from the pool, so database/sql begins again on another one.
type lostBefore struct{ error }

// Is makes it a driver.ErrBadConn.
func (lostBefore) Is(target error) bool { return target == driver.ErrBadConn }

// Unwrap returns what the network says.
func (e lostBefore) Unwrap() error { return e.error }

// postgresTx is the transaction of a connection.
type postgresTx struct{ conn *postgresConn }

// Commit implements driver.Tx.
func (t postgresTx) Commit() error { return t.end(t.conn.Commit) }

// Rollback implements driver.Tx.
func (t postgresTx) Rollback() error { return t.end(t.conn.Rollback) }

func (t postgresTx) end(how func() error) error {
	t.conn.inTx = false
	return how()
}

// watch gives the connection up some time after a context has ended: a server that can be reached has ended what it was
// doing by then.
func (c *postgresConn) watch(ctx context.Context) {
	if !c.inTx && c.unwatch() {
		c.stopWatching = context.AfterFunc(ctx, c.dialer.giveUp)
	}
}

// unwatch ends that, and tells whether the connection is still good.
func (c *postgresConn) unwatch() bool {
	if c.stopWatching != nil && !c.stopWatching() {
		c.broken = true
	}
	c.stopWatching = nil
	return !c.broken
}

// IsValid implements driver.Validator. It is called when the connection is given back to the pool.
func (c *postgresConn) IsValid() bool { return c.unwatch() && c.postgresSession.IsValid() }

// PrepareContext implements driver.ConnPrepareContext. Statements are prepared here where that pays.
func (c *postgresConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return nil, errors.New("statements are not prepared by hand")
}

// ExecContext implements driver.ExecerContext.
func (c *postgresConn) ExecContext(
	ctx context.Context, query string, args []driver.NamedValue,
) (result driver.Result, err error) {
	c.watch(ctx)
	err = c.settled(ctx, func() error {
		s, err := c.prepared(ctx, query, args)
		if err != nil {
			return err
		}
		if s == nil {
			result, err = c.postgresSession.ExecContext(ctx, query, args)
		} else {
			result, err = s.ExecContext(ctx, args)
		}
		return c.noted(err)
	})
	return result, err
}

// QueryContext implements driver.QueryerContext.
func (c *postgresConn) QueryContext(
	ctx context.Context, query string, args []driver.NamedValue,
) (rows driver.Rows, err error) {
	c.watch(ctx)
	err = c.settled(ctx, func() error {
		s, err := c.prepared(ctx, query, args)
		if err != nil {
			return err
		}
		if s == nil {
			rows, err = c.postgresSession.QueryContext(ctx, query, args)
		} else {
			rows, err = s.QueryContext(ctx, args)
		}
		if err == nil && c.needsSettings() {
			rows, err = readAll(rows)
		}
		return c.noted(err)
	})
	return rows, err
}

func (c *postgresConn) needsSettings() bool { return c.poolSettings != "" && !c.inTx }

// settled runs a statement, behind a pooler in a transaction with the settings that the session does not have.
func (c *postgresConn) settled(ctx context.Context, run func() error) error {
	if !c.needsSettings() {
		return run()
	}
	if _, err := c.postgresSession.ExecContext(ctx, "BEGIN"+c.poolSettings, nil); err != nil {
		c.broken = true
		return err
	}
	if err := run(); err != nil {
		return errors.Join(err, c.Rollback())
	}
	return c.Commit()
}

// bufferedRows are rows that have been read.
type bufferedRows struct {
	driver.Rows
	rows [][]driver.Value
}

func readAll(rows driver.Rows) (driver.Rows, error) {
	all := &bufferedRows{Rows: rows}
	for {
		row := make([]driver.Value, len(rows.Columns()))
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return all, rows.Close()
		case err != nil:
			return nil, errors.Join(err, rows.Close())
		}
		for i, value := range row {
			if b, ok := value.([]byte); ok { // it is valid until the next row
				row[i] = string(b)
			}
		}
		all.rows = append(all.rows, row)
	}
}

// Next implements driver.Rows.
func (r *bufferedRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}

// Close implements driver.Rows.
func (r *bufferedRows) Close() error { return nil }

// preparedStatement is a statement of lib/pq.
type preparedStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statementCache keeps the statements that a connection has prepared, by their texts. Preparing takes a round trip and
// spares the server its parsing from then on, so it is done for what runs a second time.
type statementCache struct {
	seen     map[string]bool // what ran once
	prepared map[string]preparedStatement
}

// mostStatements bounds both maps. Some texts depend on how many values they list.
const mostStatements = 200

func newStatementCache() statementCache {
	return statementCache{seen: map[string]bool{}, prepared: map[string]preparedStatement{}}
}

// prepared returns the prepared statement of a query, nil where it runs without.
func (c *postgresConn) prepared(
	ctx context.Context, query string, args []driver.NamedValue,
) (preparedStatement, error) {
	cache := &c.statements
	// A text without arguments may be several commands, or one that can't be prepared.
	if c.poolSettings != "" || len(args) == 0 && !strings.HasPrefix(query, "SELECT ") {
		return nil, nil
	}
	if s := cache.prepared[query]; s != nil || len(cache.prepared) == mostStatements {
		return s, nil
	}
	if !cache.seen[query] {
		if len(cache.seen) == mostStatements {
			clear(cache.seen)
		}
		cache.seen[query] = true
		return nil, nil
	}
	s, err := c.postgresSession.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	delete(cache.seen, query)
	cache.prepared[query] = s.(preparedStatement)
	return cache.prepared[query], nil
}

// noted looks at the error of a statement: what the server keeps of the tables for this connection may be of before a
// change. A partition that is attached by another one at an unlucky moment stays unknown to it.
func (c *postgresConn) noted(err error) error {
	if isStalePlan(err) || isPartitionMissing(err) {
		c.broken = true
	}
	return err
}

// isStalePlan tells whether a prepared statement no longer fits the tables, or is gone.
func isStalePlan(err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && (e.Code == "26000" || e.Code == "0A000" && strings.Contains(e.Message, "cached plan"))
}

// copyIn runs a COPY … FROM STDIN of lines. next returns some at a time, without the last one's end, and none in the
// end.
func (c *postgresConn) copyIn(ctx context.Context, statement string, next func() []byte) error {
	s, err := c.postgresSession.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	copying := s.(interface {
		CopyData(ctx context.Context, line string) (driver.Result, error)
	})
	for lines := next(); len(lines) > 0; lines = next() {
		if _, err := copying.CopyData(ctx, string(lines)); err != nil {
			_ = s.Close() // it has the same error
			return c.noted(err)
		}
	}
	return c.noted(s.Close())
}
