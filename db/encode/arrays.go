package encode

import (
	"fmt"
	"strings"
)

// Arrays are rows as one array for each column, in PostgreSQL's text form
// (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO). So the statement that adds them is the same for any
// number of rows, and is prepared once.
type Arrays struct {
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
func (a *Arrays) of(element string) *array {
	if a.column == len(a.columns) {
		a.addColumn(element)
	}
	a.column++
	return &a.columns[a.column-1]
}

// addColumn begins a column, in the memory of one of before if there is some.
func (a *Arrays) addColumn(element string) {
	if len(a.columns) == cap(a.columns) {
		a.columns = append(a.columns, array{})
	} else {
		a.columns = a.columns[:len(a.columns)+1]
	}
	c := &a.columns[len(a.columns)-1]
	c.element, c.bytes = element, append(c.bytes[:0], '{')
}

// Reset empties the arrays, and keeps their memory. So many other arguments are to stand before them.
func (a *Arrays) Reset(before int) { a.column, a.offset, a.columns = 0, before, a.columns[:0] }

func (a *array) end() { a.bytes = append(a.bytes, ',') }

// Text implements Sink.
func (a *Arrays) Text(s string) {
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

// Moment implements Sink.
func (a *Arrays) Moment(micros int64) {
	c := a.of("timestamptz")
	c.bytes = append(c.bytes, '"')
	c.postgresText.moment(micros)
	c.bytes = append(c.bytes, '"')
	c.end()
}

func (a *Arrays) number(element string, n int64) {
	c := a.of(element)
	c.integer(n)
	c.end()
}

// Integer implements Sink.
func (a *Arrays) Integer(n int64) { a.number("bigint", n) }

// Small implements Sink.
func (a *Arrays) Small(n int16) { a.number("smallint", int64(n)) }

// Boolean implements Sink.
func (a *Arrays) Boolean(b bool) {
	c := a.of("boolean")
	c.postgresText.boolean(b)
	c.end()
}

// NullInteger implements Sink.
func (a *Arrays) NullInteger() { a.missing("bigint") }

// NullMoment implements Sink.
func (a *Arrays) NullMoment() { a.missing("timestamptz") }

// NullText implements Sink.
func (a *Arrays) NullText() { a.missing("text") }

func (a *Arrays) missing(element string) {
	c := a.of(element)
	c.bytes = append(c.bytes, "NULL,"...)
}

// Add adds the columns of some rows, and returns what makes the SELECT of them, of which each array, as an argument, is
// a column.
func (a *Arrays) Add(rows int, put func(to Sink, n int)) (source func() string) {
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

// Arguments completes the arrays and returns them.
func (a *Arrays) Arguments() []any {
	args := make([]any, len(a.columns))
	for i := range a.columns {
		c := &a.columns[i]
		c.bytes[len(c.bytes)-1] = '}' // for the comma after the last value
		args[i] = string(c.bytes)
	}
	return args
}
