package db

import (
	"sync"

	"github.com/alwrity/alwrity-sub/db/encode"
	"github.com/alwrity/alwrity-sub/db/packedrows"
)

// memory keeps what is needed again by the next transaction: memory that rows were
// packed in, or summed up in, and the texts of long statements.
type memory struct {
	rows    spares[*packedrows.Rows]
	pending spares[*pendingTotals]
	arrays  spares[*encode.Arrays]
	texts   sync.Map // statements, by name
}

// text returns the statement of a name, which is made once.
func (b *memory) text(name string, make func() string) string {
	if text, ok := b.texts.Load(name); ok {
		return text.(string)
	}
	text := make()
	b.texts.Store(name, text)
	return text
}

func (b *memory) take() *packedrows.Rows {
	if packed, ok := b.rows.take(); ok {
		return packed
	}
	return &packedrows.Rows{}
}

func (b *memory) takePending() *pendingTotals {
	if pending, ok := b.pending.take(); ok {
		return pending
	}
	return newPendingTotals()
}

func (b *memory) givePending(pending *pendingTotals) {
	pending.reset()
	b.pending.give(pending)
}

func (b *memory) takeArrays(before int) *encode.Arrays {
	a, ok := b.arrays.take()
	if !ok {
		a = &encode.Arrays{}
	}
	a.Reset(before)
	return a
}

func (b *memory) giveBack(packed ...*packedrows.Rows) {
	for _, p := range packed {
		b.rows.give(p)
	}
}

// spares are a few values that are not in use. A sync.Pool would lose them with each
// garbage collection, of which an import has many.
type spares[T any] struct {
	mu   sync.Mutex
	kept []T
}

// mostSpares is how many values are kept: as many as are in use at once.
const mostSpares = 4

func (s *spares[T]) take() (value T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.kept) - 1; last >= 0 {
		value, s.kept = s.kept[last], s.kept[:last]
		return value, true
	}
	return value, false
}

func (s *spares[T]) give(value T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) < mostSpares {
		s.kept = append(s.kept, value)
	}
}
