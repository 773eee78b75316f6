package usage

import "sync"

// ObjectReaders lends readers to callers who come at the same time: to make one costs more than to read some events.
type ObjectReaders struct {
	Ignored []string // fields that are not looked at
	pool    sync.Pool
}

// Use calls fn with a reader that nobody else has meanwhile.
func (p *ObjectReaders) Use(fn func(r *ObjectReader) error) error {
	r, _ := p.pool.Get().(*ObjectReader)
	if r == nil {
		var err error
		if r, err = NewObjectReader(p.Ignored...); err != nil {
			return err
		}
	}
	err := fn(r)
	if r.lines.events.tree.count < mostNames { // else it is full of names that nobody has
		p.pool.Put(r)
	}
	return err
}
