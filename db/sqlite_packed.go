package db

import (
	"context"
	"sync"

	"github.com/alwrity/alwrity-sub/db/packedrows"
)

// packedRows take the values of rows for SQLite's packed_rows.
type packedRows struct{ packedrows.Rows }

func (p *packedRows) text(s string)       { p.Text(s) }
func (p *packedRows) integer(n int64)     { p.Integer(n) }
func (p *packedRows) small(n int16)       { p.Integer(int64(n)) }
func (p *packedRows) moment(micros int64) { p.Integer(micros) }
func (p *packedRows) nullInteger()        { p.Null() }
func (p *packedRows) nullMoment()         { p.Null() }

func (p *packedRows) boolean(b bool) {
	if b {
		p.Integer(1)
	} else {
		p.Integer(0)
	}
}

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
	columns := len(valuesOf(func(to sink) { r.put(to, 0) }))
	statement := r.insert(packedrows.Source(columns))
	current, next := t.buffers.take(), t.buffers.take()
	defer t.buffers.giveBack(current, next)
	fill := func(packed *packedRows, from int) {
		packed.Reset(columns)
		for n := from; n < min(from+packedChunk, r.rows); n++ {
			r.put(packed, n)
		}
	}
	fill(next, 0)
	for from := packedChunk; ; from += packedChunk {
		current, next = next, current
		var packing sync.WaitGroup
		if from < r.rows {
			packing.Go(func() { fill(next, from) })
		}
		n, err := t.exec(ctx, statement, current.Bytes())
		changed += n
		packing.Wait()
		if err != nil || from >= r.rows {
			return changed, err
		}
	}
}
