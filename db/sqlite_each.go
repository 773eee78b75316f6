package db

// SQLite itself is compiled into its driver's package, where the linker finds what
// sqlite_each.c leaves open.

// #cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-all
// #cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
// #include "sqlite_each.h"
import "C"

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// registerEachRow gives the SQLite connections that are opened from now on the SQL
// function each_row. Registering it again changes nothing.
func registerEachRow() error {
	if code := C.alwrity_register_each_row(); code != 0 {
		return fmt.Errorf("SQLite takes no functions: code %d", int(code))
	}
	return nil
}

// packedRows are rows of values for each_row, in one piece of memory.
type packedRows struct{ bytes []byte }

// The kinds of packed values, as sqlite_each.c reads them.
const (
	packedNull    = 0
	packedInteger = 1
	packedText    = 2
)

// packedChunk is how many rows are packed at a time.
const packedChunk = 2048

func (p *packedRows) null() { p.bytes = append(p.bytes, packedNull) }

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

// value packs a text or an integer.
func (p *packedRows) value(v any) {
	switch v := v.(type) {
	case string:
		p.text(v)
	case int:
		p.integer(int64(v))
	case int64:
		p.integer(v)
	default:
		panic(fmt.Sprintf("a value of the type %T can't be packed", v))
	}
}

func (p *packedRows) moment(t time.Time) { p.integer(t.UnixMicro()) }

// eachPacked runs a statement once for each of so many rows, on SQLite: pack is asked
// to pack row after row, from another goroutine while SQLite is at work on those before.
// It returns how many rows of tables were changed.
func (t *tx) eachPacked(ctx context.Context, statement string, rows int, pack func(packed *packedRows, n int)) (changed int64, err error) {
	if rows == 0 {
		return 0, nil
	}
	current, next := t.buffers.take(), t.buffers.take()
	defer t.buffers.giveBack(current, next)
	fill := func(packed *packedRows, from int) {
		packed.bytes = packed.bytes[:0]
		for n := from; n < min(from+packedChunk, rows); n++ {
			pack(packed, n)
		}
	}
	fill(next, 0)
	for from := packedChunk; ; from += packedChunk {
		current, next = next, current
		var packing sync.WaitGroup
		if from < rows {
			packing.Go(func() { fill(next, from) })
		}
		n, err := t.eachRow(ctx, statement, current)
		changed += n
		packing.Wait()
		if err != nil || from >= rows {
			return changed, err
		}
	}
}

// eachRow runs a statement once for each row, on SQLite, and returns how many rows
// of tables it changed.
func (t *tx) eachRow(ctx context.Context, statement string, rows *packedRows) (int64, error) {
	if len(rows.bytes) == 0 {
		return 0, nil
	}
	var changed int64
	err := t.query(ctx, func(row scanner) error { return row.Scan(&changed) }, "SELECT each_row($1, $2)", t.rebind(statement), rows.bytes)
	return changed, err
}
