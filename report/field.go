package report

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// fields are one result, or one row of a list. Each field is declared once, in the order of
// JSON and CSV; tables and lists of facts pick those that they show by name.
type fields []field

// field is a value and what it is called.
type field struct {
	name  string // in JSON and CSV
	title string // in tables and lists of facts; "" for none
	value any    // what valueOf knows
}

// MarshalJSON writes an object.
func (fs fields) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	err := writeJSON(&out, fs)
	return out.Bytes(), err
}

// header returns the columns of a CSV with these fields: those of an object within are
// called period_start and the like.
func (fs fields) header() []string {
	var header []string
	for _, f := range fs {
		v := valueOf(f.value)
		if v.noCSV {
			continue
		}
		if v.object == nil {
			header = append(header, f.name)
		}
		for _, inner := range v.object.header() {
			header = append(header, f.name+"_"+inner)
		}
	}
	return header
}

// record returns the values of the columns.
func (fs fields) record() []string {
	record := make([]string, 0, len(fs))
	for _, f := range fs {
		v := valueOf(f.value)
		if v.noCSV {
			continue
		}
		if v.object == nil {
			record = append(record, v.csv)
		}
		record = append(record, v.object.record()...)
	}
	return record
}

// spans returns what a person reads of each field.
func (fs fields) spans() []span {
	return listOf(fs, func(f field) span { return valueOf(f.value).span() })
}

// positions finds fields by their names, which are separated by spaces. Without names it finds all that have titles.
func (fs fields) positions(names string) []int {
	var at []int
	if names == "" {
		for i, f := range fs {
			if f.title != "" {
				at = append(at, i)
			}
		}
	}
	for name := range strings.FieldsSeq(names) {
		at = append(at, slices.IndexFunc(fs, func(f field) bool { return f.name == name }))
	}
	return at
}

// pick returns the fields with these names in their order; without names those with titles.
func (fs fields) pick(names string) fields {
	return listOf(fs.positions(names), func(i int) field { return fs[i] })
}

// document is a document of one result.
func (fs fields) document(text func(*Text)) Document {
	return Document{JSON: fs, CSV: rowsOf([]fields{fs}, func(fields) fields { return fs }), Text: text}
}

// says is a document of which a person reads one line.
func (fs fields) says(format string, args ...any) Document {
	return fs.document(func(t *Text) { t.Line(format, args...) })
}

// rows are a list. A row is made when it is written, since there may be very many.
type rows struct {
	count int
	row   func(i int) fields
	shape func() fields // of a row without values: its names, titles and kinds
}

// rowsOf makes a list whose rows all have the same fields. It asks for those of the zero value, too.
func rowsOf[T any](items []T, row func(T) fields) rows {
	var none T
	return rows{len(items), func(i int) fields { return row(items[i]) }, func() fields { return row(none) }}
}

// pick returns the rows with some of their fields: see fields.pick.
func (r rows) pick(names string) rows {
	shape := r.shape()
	at := shape.positions(names)
	pick := func(fs fields) fields { return listOf(at, func(i int) field { return fs[i] }) }
	return rows{r.count, func(i int) fields { return pick(r.row(i)) }, func() fields { return pick(shape) }}
}

// with returns the rows with one more field, of the same value in each.
func (r rows) with(f field) rows {
	with := func(fs fields) fields { return append(slices.Clip(fs), f) }
	return rows{r.count, func(i int) fields { return with(r.row(i)) }, func() fields { return with(r.shape()) }}
}

// writeCSV writes a header and the rows.
func (r rows) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write(r.shape().header()) // csv.Writer keeps its error until Flush
	for i := range r.count {
		_ = out.Write(r.row(i).record())
	}
	out.Flush()
	return out.Error()
}

// table returns a table with these columns: see fields.pick.
func (r rows) table(columns string) table {
	r = r.pick(columns)
	tb := table{columns: listOf(r.shape(), func(f field) column { return column{f.title, valueOf(f.value).kind, f.name} })}
	for i := range r.count {
		tb.rows = append(tb.rows, r.row(i).spans())
	}
	return tb
}

// document is a document of a list, of which a person reads a table with these columns, or
// what is said where it is empty.
func (r rows) document(columns, empty string) Document {
	return Document{JSON: r, CSV: r, Text: func(t *Text) { t.list(r, columns, empty) }}
}

// list writes a list as a table, or what is said where it is empty.
func (t *Text) list(r rows, columns, empty string) {
	if r.count == 0 {
		t.Note("%s", empty)
		return
	}
	t.table(r.table(columns))
}

// listOf turns every item into something else.
func listOf[T, V any](items []T, turn func(T) V) []V {
	list := make([]V, len(items))
	for i, item := range items {
		list[i] = turn(item)
	}
	return list
}

// writeJSON writes a result without a line break. A < stays a <: what reads it is no browser.
func writeJSON(out *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case fields:
		return writeObject(out, v)
	case []fields:
		return writeArray(out, len(v), func(i int) any { return v[i] })
	case rows:
		return writeArray(out, v.count, func(i int) any { return v.row(i) })
	}
	if writePlain(out, v) {
		return nil
	}
	if of := reflect.ValueOf(v); of.Kind() == reflect.String && of.NumMethod() == 0 && writePlainText(out, of.String()) {
		return nil
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	out.Truncate(out.Len() - len("\n"))
	return err
}

// writePlain writes a value that needs neither an encoder nor what valueOf makes for other formats, and tells whether
// it has. Most are such, and that makes writing an answer several times faster.
func writePlain(out *bytes.Buffer, v any) bool {
	switch v := v.(type) {
	case string:
		return writePlainText(out, v)
	case name:
		return writePlainText(out, string(v))
	case pricing.USD:
		return writePlainText(out, v.String())
	case json.Number:
		out.WriteString(cmp.Or(string(v), "0"))
	case int:
		out.Write(strconv.AppendInt(out.AvailableBuffer(), int64(v), 10))
	case int64:
		out.Write(strconv.AppendInt(out.AvailableBuffer(), v, 10))
	case bool:
		out.Write(strconv.AppendBool(out.AvailableBuffer(), v))
	case time.Time:
		text, _ := moment(v).MarshalJSON() // never fails
		out.Write(text)
	default:
		return false
	}
	return true
}

// writePlainText writes a text in which JSON escapes nothing, and tells whether it is one.
func writePlainText(out *bytes.Buffer, text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	out.WriteByte('"')
	out.WriteString(text)
	out.WriteByte('"')
	return true
}

func writeObject(out *bytes.Buffer, fs fields) error {
	between := byte('{')
	for _, f := range fs {
		before := out.Len()
		out.WriteByte(between)
		writePlainText(out, f.name)
		out.WriteByte(':')
		if !writePlain(out, f.value) {
			v := valueOf(f.value)
			if v.noJSON {
				out.Truncate(before)
				continue
			}
			if err := writeJSON(out, v.json); err != nil {
				return err
			}
		}
		between = ','
	}
	if between == '{' {
		out.WriteByte('{')
	}
	out.WriteByte('}')
	return nil
}

func writeArray(out *bytes.Buffer, n int, item func(int) any) error {
	out.WriteByte('[')
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := writeJSON(out, item(i)); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	return nil
}
