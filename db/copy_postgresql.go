package db

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/jackc/pgx/v5"
)

// copied are rows in the binary format of COPY, which is written here because the
// driver's own way makes a value in memory of each field
// (https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4).
type copied struct {
	columns int
	rows    int // that are still to come
	next    int
	put     func(to sink, n int)
	bytes   []byte // that are not read yet
	spent   int    // of bytes, how many were read
}

// postgresEpoch is 2000-01-01 in microseconds since 1970: PostgreSQL counts from there.
const postgresEpoch = 946_684_800_000_000

// copyChunk is about how many bytes are made at a time.
const copyChunk = 60 << 10

func newCopied(columns, rows int, put func(to sink, n int)) *copied {
	header := append([]byte("PGCOPY\n\xff\r\n\x00"), 0, 0, 0, 0, 0, 0, 0, 0)
	return &copied{columns: columns, rows: rows, put: put, bytes: header}
}

// Read implements io.Reader.
func (c *copied) Read(p []byte) (int, error) {
	if c.spent == len(c.bytes) {
		if c.rows < 0 {
			return 0, io.EOF
		}
		c.bytes, c.spent = c.bytes[:0], 0
		c.fill()
	}
	n := copy(p, c.bytes[c.spent:])
	c.spent += n
	return n, nil
}

// fill makes some rows and, after the last, the mark of the end.
func (c *copied) fill() {
	for len(c.bytes) < copyChunk && c.rows > 0 {
		c.bytes = binary.BigEndian.AppendUint16(c.bytes, uint16(c.columns))
		c.put(c, c.next)
		c.next++
		c.rows--
	}
	if c.rows == 0 {
		c.bytes = binary.BigEndian.AppendUint16(c.bytes, 0xffff)
		c.rows = -1
	}
}

func (c *copied) text(s string) {
	c.bytes = append(binary.BigEndian.AppendUint32(c.bytes, uint32(len(s))), s...)
}

func (c *copied) integer(n int64) {
	c.bytes = binary.BigEndian.AppendUint64(append(c.bytes, 0, 0, 0, 8), uint64(n))
}

func (c *copied) small(n int16) {
	c.bytes = binary.BigEndian.AppendUint16(append(c.bytes, 0, 0, 0, 2), uint16(n))
}

func (c *copied) moment(micros int64) { c.integer(micros - postgresEpoch) }

func (c *copied) boolean(b bool) {
	c.bytes = append(c.bytes, 0, 0, 0, 1, 0)
	if b {
		c.bytes[len(c.bytes)-1] = 1
	}
}

func (c *copied) nullInteger() { c.bytes = append(c.bytes, 0xff, 0xff, 0xff, 0xff) }
func (c *copied) nullMoment()  { c.nullInteger() }

// copyInto adds so many rows to a table, as psql's \copy does.
func (t *tx) copyInto(ctx context.Context, table, columns string, count, rows int, put func(to sink, n int)) error {
	if err := t.send(ctx); err != nil {
		return err
	}
	return t.raw(func(conn *pgx.Conn) error {
		statement := "COPY " + pgx.Identifier{table}.Sanitize() + " (" + columns + ") FROM STDIN BINARY"
		_, err := conn.PgConn().CopyFrom(ctx, newCopied(count, rows, put), statement)
		return err
	})
}
