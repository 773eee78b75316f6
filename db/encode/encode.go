// Package encode has the ways in which many rows reach a database: as the values of one statement, packed for SQLite's
// packed_rows, as PostgreSQL's arrays, and as lines of its COPY.
package encode

import "time"

// Sink takes the values of one row after another, column by column.
type Sink interface {
	Text(s string)
	Integer(n int64)
	Small(n int16)
	Moment(micros int64) // since 1970
	Boolean(b bool)
	NullInteger()
	NullMoment()
	NullText()
}

// Values collects the values of one row as arguments of a statement.
type Values []any

// ValuesOf returns the values that are put into a sink.
func ValuesOf(put func(to Sink)) []any {
	var v Values
	put(&v)
	return v
}

// Text implements Sink.
func (v *Values) Text(s string) { *v = append(*v, s) }

// Integer implements Sink.
func (v *Values) Integer(n int64) { *v = append(*v, n) }

// Small implements Sink.
func (v *Values) Small(n int16) { *v = append(*v, n) }

// Moment implements Sink.
func (v *Values) Moment(micros int64) { *v = append(*v, time.UnixMicro(micros).UTC()) }

// Boolean implements Sink.
func (v *Values) Boolean(b bool) { *v = append(*v, b) }

// NullInteger implements Sink.
func (v *Values) NullInteger() { *v = append(*v, nil) }

// NullMoment implements Sink.
func (v *Values) NullMoment() { *v = append(*v, nil) }

// NullText implements Sink.
func (v *Values) NullText() { *v = append(*v, nil) }
