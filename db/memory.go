package db

import "sync"

// memory keeps what is needed again by the next transaction: memory that rows were
// packed in, or summed up in, and the texts of long statements.
type memory struct {
	rows, pending sync.Pool
	texts         sync.Map // statements, by name
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

func (b *memory) take() *packedRows {
	if packed, ok := b.rows.Get().(*packedRows); ok {
		return packed
	}
	return &packedRows{}
}

func (b *memory) takePending() *pendingTotals {
	if pending, ok := b.pending.Get().(*pendingTotals); ok {
		return pending
	}
	return newPendingTotals()
}

func (b *memory) giveBack(packed ...*packedRows) {
	for _, p := range packed {
		b.rows.Put(p)
	}
}
