package db

import (
	"context"
	"fmt"
	"strings"
)

// arrays are rows as one array for each column, in PostgreSQL's text form
// (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO). So the statement that adds them is the same for any
// number of rows, and is prepared once.
type arrays struct {
	columns []array
	column  int // of the next value
	offset  int // how many arguments stand before the first array
}

// array is a column: "{" and values, each with a comma after it.
type array struct {
	postgresText
	element string // the type of its values
}

// of returns the array that takes the next value.
func (a *arrays) of(element string) *array {
	if a.column == len(a.columns) {
		a.addColumn(element)
	}
	a.column++
	return &a.columns[a.column-1]
}

// addColumn begins a column, in the memory of one of before if there is some.
func (a *arrays) addColumn(element string) {
	if len(a.columns) == cap(a.columns) {
		a.columns = append(a.columns, array{})
	} else {
		a.columns = a.columns[:len(a.columns)+1]
	}
	c := &a.columns[len(a.columns)-1]
	c.element, c.bytes = element, append(c.bytes[:0], '{')
}

// reset empties the arrays, and keeps their memory.
func (a *arrays) reset() { a.column, a.offset, a.columns = 0, 0, a.columns[:0] }

func (a *array) end() { a.bytes = append(a.bytes, ',') }

func (a *arrays) text(s string) {
	c := a.of("text")
	c.bytes = append(c.bytes, '"')
	for {
		i := strings.IndexAny(s, `"\`)
		if i < 0 {
			break
		}
		c.bytes = append(append(c.bytes, s[:i]...), '\\', s[i])
		s = s[i+1:]
	}
	c.bytes = append(append(c.bytes, s...), '"')
	c.end()
}

func (a *arrays) moment(micros int64) {
	c := a.of("timestamptz")
	c.bytes = append(c.bytes, '"')
	c.postgresText.moment(micros)
	c.bytes = append(c.bytes, '"')
	c.end()
}

func (a *arrays) number(element string, n int64) {
	c := a.of(element)
	c.integer(n)
	c.end()
}

func (a *arrays) integer(n int64) { a.number("bigint", n) }
func (a *arrays) small(n int16)   { a.number("smallint", int64(n)) }

func (a *arrays) boolean(b bool) {
	c := a.of("boolean")
	c.postgresText.boolean(b)
	c.end()
}

func (a *arrays) nullInteger() { a.missing("bigint") }
func (a *arrays) nullMoment()  { a.missing("timestamptz") }

func (a *arrays) missing(element string) {
	c := a.of(element)
	c.bytes = append(c.bytes, "NULL,"...)
}

// add adds the columns of some rows, and returns what makes the SELECT of them, of which each array, as an argument, is
// a column.
func (a *arrays) add(rows int, put func(to sink, n int)) (source func() string) {
	first := len(a.columns)
	for n := range rows {
		a.column = first
		put(a, n)
	}
	after := len(a.columns)
	return func() string {
		lists := make([]string, 0, after-first)
		for i, c := range a.columns[first:after] {
			lists = append(lists, fmt.Sprintf("$%d::%s[]", a.offset+first+i+1, c.element))
		}
		return "SELECT * FROM unnest(" + strings.Join(lists, ", ") + ")"
	}
}

// arguments completes the arrays and returns them.
func (a *arrays) arguments() []any {
	args := make([]any, len(a.columns))
	for i := range a.columns {
		c := &a.columns[i]
		c.bytes[len(c.bytes)-1] = '}' // for the comma after the last value
		args[i] = string(c.bytes)
	}
	return args
}

// insertArrays writes rows as arrays, and returns how many rows of the table were changed.
func insertArrays(ctx context.Context, t *tx, r rowsInto) (changed int64, err error) {
	if r.rows == 0 {
		return 0, nil
	}
	a := t.buffers.takeArrays()
	defer t.buffers.arrays.give(a)
	source := a.add(r.rows, r.put)
	text := t.buffers.text(r.name+" of arrays", func() string { return r.insert(source()) })
	return t.exec(ctx, text, a.arguments()...)
}
