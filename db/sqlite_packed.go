package db

import (
	"context"
	"database/sql"
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

// insertPacked runs an INSERT from packedrows.Source for so many rows, on SQLite: put is
// asked to put row after row, from another goroutine while SQLite is at work on those
// before. It returns how many rows of tables were changed.
func (t *tx) insertPacked(
	ctx context.Context, statement string, columns, rows int, put func(to sink, n int),
) (changed int64, err error) {
	if rows == 0 {
		return 0, nil
	}
	current, next := t.buffers.take(), t.buffers.take()
	defer t.buffers.giveBack(current, next)
	fill := func(packed *packedRows, from int) {
		packed.Reset(columns)
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
		n, err := t.changes(t.exec(ctx, statement, current.Bytes()))
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
