package db

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// arrays are rows as one array for each column, in PostgreSQL's binary format: of many
// values, the driver's own way would make one by one.
type arrays struct {
	columns []array
	column  int // of the next value
}

// array is a column of arrays: a header, and each value after its length.
type array struct {
	element uint32 // the type of its values, by its number in pg_type
	bytes   []byte
	nulls   uint32 // 1 where a value is missing
}

// arrayHeader is how long what stands before the values is: the number of dimensions,
// whether there are NULLs, the type, how many there are and the number of the first.
const arrayHeader = 20

// of returns the array that takes the next value.
func (a *arrays) of(element uint32) *array {
	if a.column == len(a.columns) {
		a.addColumn(element)
	}
	a.column++
	return &a.columns[a.column-1]
}

// addColumn begins a column, in the memory of one of before if there is some.
func (a *arrays) addColumn(element uint32) {
	if len(a.columns) == cap(a.columns) {
		a.columns = append(a.columns, array{})
	} else {
		a.columns = a.columns[:len(a.columns)+1]
	}
	c := &a.columns[len(a.columns)-1]
	*c = array{element: element, bytes: append(c.bytes[:0], make([]byte, arrayHeader)...)}
}

// reset empties the arrays, and keeps their memory.
func (a *arrays) reset() { a.column, a.columns = 0, a.columns[:0] }

func (a *arrays) text(s string) {
	c := a.of(pgtype.TextOID)
	c.bytes = append(binary.BigEndian.AppendUint32(c.bytes, uint32(len(s))), s...)
}

func (a *arrays) number(element uint32, n int64) {
	c := a.of(element)
	c.bytes = binary.BigEndian.AppendUint64(append(c.bytes, 0, 0, 0, 8), uint64(n))
}

func (a *arrays) integer(n int64)     { a.number(pgtype.Int8OID, n) }
func (a *arrays) moment(micros int64) { a.number(pgtype.TimestamptzOID, micros-postgresEpoch) }

func (a *arrays) nullInteger() { a.missing(pgtype.Int8OID) }
func (a *arrays) nullMoment()  { a.missing(pgtype.TimestamptzOID) }

func (a *arrays) missing(element uint32) {
	c := a.of(element)
	c.bytes, c.nulls = append(c.bytes, 0xff, 0xff, 0xff, 0xff), 1
}

func (a *arrays) boolean(b bool) {
	c := a.of(pgtype.BoolOID)
	c.bytes = append(c.bytes, 0, 0, 0, 1, 0)
	if b {
		c.bytes[len(c.bytes)-1] = 1
	}
}

// Nothing that is added so has columns of this type.
func (a *arrays) small(int16) { panic("there are no arrays of small numbers") }

// source is the table of which each array, as an argument, is a column.
func (a *arrays) source() string {
	lists := make([]string, len(a.columns))
	for i, c := range a.columns {
		lists[i] = fmt.Sprintf("$%d::%s[]", i+1, typeNames()[c.element])
	}
	return "unnest(" + strings.Join(lists, ", ") + ")"
}

func typeNames() map[uint32]string {
	return map[uint32]string{pgtype.TextOID: "text", pgtype.Int8OID: "bigint", pgtype.TimestamptzOID: "timestamptz", pgtype.BoolOID: "boolean"}
}

// arguments completes the arrays of so many rows and returns them with their types.
func (a *arrays) arguments(rows int) (args [][]byte, types []uint32) {
	arrayTypes := map[uint32]uint32{pgtype.TextOID: pgtype.TextArrayOID, pgtype.Int8OID: pgtype.Int8ArrayOID, pgtype.TimestamptzOID: pgtype.TimestamptzArrayOID,
		pgtype.BoolOID: pgtype.BoolArrayOID}
	for _, c := range a.columns {
		for i, n := range []uint32{1, c.nulls, c.element, uint32(rows), 1} {
			binary.BigEndian.PutUint32(c.bytes[4*i:], n)
		}
		args = append(args, c.bytes)
		types = append(types, arrayTypes[c.element])
	}
	return args, types
}

// insertArrays runs the INSERT that statement makes of a source of rows, for so many rows,
// and returns how many rows of the table were changed.
func (t *tx) insertArrays(ctx context.Context, statement func(source string) string, rows int, put func(to sink, n int)) (changed int64, err error) {
	if err := t.send(ctx); err != nil {
		return 0, err
	}
	a := t.buffers.takeArrays()
	defer t.buffers.arrays.give(a)
	for n := range rows {
		a.column = 0
		put(a, n)
	}
	args, types := a.arguments(rows)
	err = t.raw(func(conn *pgx.Conn) error {
		result := conn.PgConn().ExecParams(ctx, statement("SELECT * FROM "+a.source()), args, types, []int16{pgx.BinaryFormatCode}, nil).Read()
		changed = result.CommandTag.RowsAffected()
		t.answered = true
		return result.Err
	})
	return changed, err
}
