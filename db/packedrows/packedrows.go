// Package packedrows gives SQLite the table-valued function packed_rows, written in C: thousands of rows reach a table
// by one run of one INSERT, without a statement for each.
package packedrows

// SQLite is compiled into the package of its driver. On macOS the linker takes what is missing until the last link only
// if it is told to.

// #cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
// #include "packedrows.h"
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	_ "github.com/mattn/go-sqlite3" // SQLite itself
)

// Register gives the SQLite connections that are opened from now on the function. Registering it again changes nothing.
func Register() error {
	switch code := C.alwrity_register_packed_rows(); code {
	case 0:
		return nil
	case C.NOT_LINKED:
		return errors.New("this binary was linked without the functions of SQLite that packed_rows needs")
	default:
		return fmt.Errorf("SQLite takes no functions: code %d", int(code))
	}
}

// Rows are rows of values for packed_rows, in one piece of memory.
type Rows struct{ bytes []byte }

// The kinds of packed values, as packedrows.c reads them.
const (
	null    = 0
	integer = 1
	text    = 2
)

// Reset empties the rows, and keeps their memory. Each row is to have so many columns.
func (r *Rows) Reset(columns int) {
	r.bytes = binary.NativeEndian.AppendUint32(r.bytes[:0], uint32(columns))
}

// Bytes returns the argument of packed_rows. It is valid until the rows are changed.
func (r *Rows) Bytes() []byte { return r.bytes }

// Text implements encode.Sink.
func (r *Rows) Text(s string) {
	r.bytes = binary.NativeEndian.AppendUint32(append(r.bytes, text), uint32(len(s)))
	r.bytes = append(r.bytes, s...)
}

// Integer implements encode.Sink.
func (r *Rows) Integer(n int64) {
	r.bytes = binary.NativeEndian.AppendUint64(append(r.bytes, integer), uint64(n))
}

// Small implements encode.Sink.
func (r *Rows) Small(n int16) { r.Integer(int64(n)) }

// Moment implements encode.Sink.
func (r *Rows) Moment(micros int64) { r.Integer(micros) }

// Boolean implements encode.Sink.
func (r *Rows) Boolean(b bool) {
	if b {
		r.Integer(1)
	} else {
		r.Integer(0)
	}
}

// NullInteger implements encode.Sink.
func (r *Rows) NullInteger() { r.bytes = append(r.bytes, null) }

// NullMoment implements encode.Sink.
func (r *Rows) NullMoment() { r.NullInteger() }

// NullText implements encode.Sink.
func (r *Rows) NullText() { r.NullInteger() }

// Source is the SELECT of packed rows of so many columns, of which an INSERT makes rows of a table. Without its WHERE,
// SQLite would take an ON CONFLICT after it for part of a join.
func Source(columns int) string {
	names := make([]string, columns)
	for i := range names {
		names[i] = "c" + strconv.Itoa(i+1)
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM packed_rows($1) WHERE TRUE"
}
