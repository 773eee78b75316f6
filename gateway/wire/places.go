package wire

import (
	"maps"
	"slices"
	"strings"
)

// places says what is done where in a JSON text. "choices[].delta.content" is the member content of the member delta of
// each element of the list choices; "*" is any member that is not named.
type places map[string]*node

// tree makes one node of all places.
func tree(all ...places) *node {
	root := &node{}
	root.tree = root
	for _, some := range all {
		// A place comes before those within it, so that these are added to what it has already.
		for _, path := range slices.Sorted(maps.Keys(some)) {
			root.add(segments(path), some[path])
		}
	}
	return root
}

// segments splits a path: the elements of a list are a segment "[]".
func segments(path string) []string {
	return strings.FieldsFunc(strings.ReplaceAll(path, "[]", ".[]"), func(c rune) bool { return c == '.' })
}

// add adds what is done at a place below n.
func (n *node) add(path []string, what *node) {
	if len(path) == 0 {
		n.merge(what)
		return
	}
	n.child(path[0]).add(path[1:], what)
}

// child returns the node of one segment, as a node of its own.
func (n *node) child(segment string) *node {
	switch segment {
	case "[]":
		n.elements = n.elements.in(n.tree)
		return n.elements
	case "*":
		n.rest = n.rest.in(n.tree)
		return n.rest
	}
	if n.members == nil {
		n.members = map[string]*node{}
	}
	child := n.members[segment].in(n.tree)
	n.members[segment] = child
	return child
}

// in returns the node itself where it was made for a tree and no other has it, else a copy that is.
func (n *node) in(tree *node) *node {
	if n != nil && n.tree == tree && tree != nil {
		return n
	}
	c := n.own()
	c.tree = tree
	return c
}

// own returns a copy of a node that may be changed.
func (n *node) own() *node {
	if n == nil {
		return &node{}
	}
	c := *n
	c.tree, c.members = nil, maps.Clone(n.members)
	return &c
}

func (n *node) merge(c *node) {
	if c == nil {
		return
	}
	if n.members == nil && len(c.members) > 0 {
		n.members = make(map[string]*node, len(c.members))
	}
	for name, member := range c.members {
		n.members[name] = merged(n.members[name], member)
	}
	n.rest, n.elements = merged(n.rest, c.rest), merged(n.elements, c.elements)
	n.counts, n.names = n.counts || c.counts, n.names || c.names
	n.piece, n.take = both(n.piece, c.piece), both(n.take, c.take)
	n.begin, n.list, n.end = bothMarks(n.begin, c.begin), bothMarks(n.list, c.list), bothMarks(n.end, c.end)
}

// merged returns a node that does what two do, of which each may be nil.
func merged(a, b *node) *node {
	switch {
	case a == nil:
		return b
	case b == nil, a == b, a.rest == a: // the last has all that is in it
		return a
	}
	m := a.own()
	m.merge(b)
	return m
}

// both returns a function that does what two do, of which each may be nil.
func both[T any](a, b func(*reading, T)) func(*reading, T) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(r *reading, v T) { a(r, v); b(r, v) }
}

// bothMarks is both for what is not told what stands there.
func bothMarks(a, b func(*reading)) func(*reading) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(r *reading) { a(r); b(r) }
}

// under returns the places with each of the prefixes in front of them.
func (p places) under(prefixes ...string) places {
	all := places{}
	for _, prefix := range prefixes {
		for path, what := range p {
			all[strings.TrimSuffix(prefix+"."+path, ".")] = what
		}
	}
	return all
}

// bothCases gives members also their snake_case names: Google's servers read both, and some of its clients write it
// (https://protobuf.dev/programming-guides/json/#field-names).
func (n *node) bothCases() *node {
	n.aliasNames(map[*node]bool{})
	return n
}

func (n *node) aliasNames(seen map[*node]bool) {
	if n == nil || seen[n] {
		return
	}
	seen[n] = true
	for name, member := range maps.Clone(n.members) {
		n.members[snakeCase(name)] = member
		member.aliasNames(seen)
	}
	n.rest.aliasNames(seen)
	n.elements.aliasNames(seen)
}

func snakeCase(name string) string {
	var b strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
