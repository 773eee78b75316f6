package db

import (
	"cmp"
	"context"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/db/packedrows"
)

// packedChunk is how many rows are packed at a time.
const packedChunk = 2048

// fewRows is how many rows are not worth packing.
const fewRows = 50

// insertPacked writes rows by way of packedrows.Source. They are put from another goroutine while SQLite is at work on
// those before. It returns how many rows of tables were changed.
func insertPacked(ctx context.Context, t *tx, r rowsInto) (changed int64, err error) {
	if r.rows == 0 {
		return 0, nil
	}
	columns := len(encode.ValuesOf(func(to encode.Sink) { r.put(to, 0) }))
	statement := r.insert(packedrows.Source(columns))
	current, next := t.buffers.take(), t.buffers.take()
	defer t.buffers.giveBack(current, next)
	fill := func(packed *packedrows.Rows, from int) {
		packed.Reset(columns)
		for n := from; n < min(from+packedChunk, r.rows); n++ {
			r.put(packed, n)
		}
	}
	fill(next, 0)
	packed := func() error { return nil }
	defer func() { _ = packed() }() // before the memory is given back
	for from := packedChunk; ; from += packedChunk {
		current, next = next, current
		packed = beside(func() error {
			fill(next, from)
			return nil
		})
		n, err := t.exec(ctx, statement, current.Bytes())
		changed += n
		if err := cmp.Or(err, packed()); err != nil || from >= r.rows {
			return changed, err
		}
	}
}
