package volatile

// recent keeps what was used lately, up to a weight. It is two maps: when the young one is half of all, it becomes the
// old one, and what was in that is forgotten. What is asked for becomes young again.
type recent[V any] struct {
	most, weight int
	young, old   map[string]weighed[V]
}

type weighed[V any] struct {
	value  V
	weight int
}

func (r *recent[V]) get(key string) (V, bool) {
	w, ok := r.young[key]
	if !ok {
		if w, ok = r.old[key]; ok {
			delete(r.old, key)
			r.put(key, w.value, w.weight)
		}
	}
	return w.value, ok
}

func (r *recent[V]) put(key string, v V, weight int) {
	if r.young == nil {
		r.young = map[string]weighed[V]{}
	}
	r.weight += weight - r.young[key].weight
	r.young[key] = weighed[V]{v, weight}
	delete(r.old, key)
	if r.weight > r.most/2 {
		r.old, r.young, r.weight = r.young, nil, 0
	}
}
