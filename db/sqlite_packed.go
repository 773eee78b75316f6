package db

// SQLite itself is compiled into its driver's package, where the linker finds what
// sqlite_packed.c leaves open.

// #cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-all
// #cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
// #include "sqlite_packed.h"
import "C"

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// registerPackedRows gives the SQLite connections that are opened from now on the
// table-valued function packed_rows. Registering it again changes nothing.
func registerPackedRows() error {
	if code := C.alwrity_register_packed_rows(); code != 0 {
		return fmt.Errorf("SQLite takes no functions: code %d", int(code))
	}
	return nil
}

// packedRows are rows of values for packed_rows, in one piece of memory.
type packedRows struct{ bytes []byte }

// The kinds of packed values, as sqlite_packed.c reads them.
const (
	packedNull    = 0
	packedInteger = 1
	packedText    = 2
)

// packedChunk is how many rows are packed at a time.
const packedChunk = 2048

func (p *packedRows) nullInteger() { p.bytes = append(p.bytes, packedNull) }
func (p *packedRows) nullMoment()  { p.nullInteger() }

func (p *packedRows) integer(n int64) {
	p.bytes = binary.NativeEndian.AppendUint64(append(p.bytes, packedInteger), uint64(n))
}

func (p *packedRows) text(s string) {
	p.bytes = binary.NativeEndian.AppendUint32(append(p.bytes, packedText), uint32(len(s)))
	p.bytes = append(p.bytes, s...)
}

func (p *packedRows) boolean(b bool) {
	if b {
		p.integer(1)
	} else {
		p.integer(0)
	}
}

func (p *packedRows) small(n int16)       { p.integer(int64(n)) }
func (p *packedRows) moment(micros int64) { p.integer(micros) }

// packedSource is the SELECT of packed rows of so many columns, of which an INSERT makes
// rows of a table. Without its WHERE, SQLite would take an ON CONFLICT after it for part
// of a join.
func packedSource(columns int) string {
	names := make([]string, columns)
	for i := range names {
		names[i] = "c" + strconv.Itoa(i+1)
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM packed_rows($1) WHERE TRUE"
}

// insertPacked runs an INSERT from packedSource for so many rows, on SQLite: put is
// asked to put row after row, from another goroutine while SQLite is at work on those
// before. It returns how many rows of tables were changed.
func (t *tx) insertPacked(ctx context.Context, statement string, columns, rows int, put func(to sink, n int)) (changed int64, err error) {
	if rows == 0 {
		return 0, nil
	}
	current, next := t.buffers.take(), t.buffers.take()
	defer t.buffers.giveBack(current, next)
	fill := func(packed *packedRows, from int) {
		packed.bytes = binary.NativeEndian.AppendUint32(packed.bytes[:0], uint32(columns))
		for n := from; n < min(from+packedChunk, rows); n++ {
			put(packed, n)
		}
	}
	fill(next, 0)
	for from := packedChunk; ; from += packedChunk {
		current, next = next, current
		var packing sync.WaitGroup
		if from < rows {
			packing.Go(func() { fill(next, from) })
		}
		n, err := t.changes(t.exec(ctx, statement, current.bytes))
		changed += n
		packing.Wait()
		if err != nil || from >= rows {
			return changed, err
		}
	}
}

// changes returns how many rows a statement has changed.
func (t *tx) changes(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
