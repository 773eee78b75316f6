package usage

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alwrity/alwrity-sub/failure"
)

// jsonlReader reads JSON lines: each is one object of single values. It is jsontext that reads them, because it refuses
// by itself what encoding/json lets pass or replaces in silence (a name that appears twice: which one counts? half a
// surrogate pair: two different ids could become one), and because it copies nothing.
type jsonlReader struct {
	lines  *lineReader
	events *eventReader

	// What one line needs, used again for the next.
	source  bytes.Buffer // what decoder reads
	decoder jsontext.Decoder
	cells   []cell
}

func (r *jsonlReader) next() (row, error) {
	for {
		l, err := r.lines.next()
		if err != nil {
			return row{}, err
		}
		if l.tooLong {
			return tooLongRow(l), nil
		}
		if len(bytes.TrimSpace(l.text)) == 0 {
			continue
		}
		event, err := r.parse(l.text)
		return row{line: l.number, raw: l.text, event: event, err: err}, nil
	}
}

// parse returns the event of a line, or an invalid failure for a line that is none.
func (r *jsonlReader) parse(text []byte) (Event, error) {
	if !utf8.Valid(text) { // jsontext finds it too, but only where it does not stop before
		return Event{}, failure.Invalidf("the line is not valid UTF-8 text")
	}
	if err := r.readObject(text); err != nil {
		return Event{}, err
	}
	return r.events.event(r.cells)
}

// readObject puts the members of a JSON object into r.cells, in their order. It reads the whole line first: of a line
// that is no object, no member counts.
func (r *jsonlReader) readObject(text []byte) error {
	r.source.Reset()
	r.source.Write(text)
	r.decoder.Reset(&r.source)
	r.cells = r.cells[:0]
	opening, err := r.decoder.ReadToken()
	if err != nil || opening.Kind() != '{' {
		return noObject(err)
	}
	for r.decoder.PeekKind() != '}' {
		name, err := r.readValue(text)
		if err != nil {
			return noObject(err)
		}
		value, err := r.readValue(text)
		if err != nil {
			return noObject(err)
		}
		r.cells = append(r.cells, r.cell(name, value))
	}
	if _, err := r.decoder.ReadToken(); err != nil { // the closing brace
		return noObject(err)
	}
	if _, err := r.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return failure.Invalidf("the line has more than one JSON object")
	}
	return nil
}

// readValue returns the next name or value as it stands in the text: what the decoder returns is its own, and gone with
// what it reads next.
func (r *jsonlReader) readValue(text []byte) ([]byte, error) {
	value, err := r.decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	end := int(r.decoder.InputOffset())
	return text[end-len(value) : end], nil
}

// cell returns a member as what the event reader takes: the text of a string, number or boolean, "" for null.
func (r *jsonlReader) cell(name, value []byte) cell {
	name = unquote(name)
	c := cell{column: r.events.column(name)}
	switch value[0] {
	case '"':
		c.text = unquote(value)
	case 'n':
	case '{', '[':
		c.err = failure.Invalidf("%s is a JSON object or array: it must be a single value", failure.Shorten(string(name)))
	default:
		c.text = value
	}
	return c
}

// unquote returns the text of a valid JSON string: part of it where nothing in it is escaped, else a copy.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, quoted) // fails for what is no JSON string, and this was read as one
	return text
}

// noObject returns the invalid failure for a line of which jsontext says err, or for one that is some other JSON value,
// where err is nil.
func noObject(err error) error {
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok || errors.Is(err, io.ErrUnexpectedEOF):
		return failure.Invalidf("the line is no complete JSON object")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return failure.Invalidf("the line names %q twice", failure.Shorten(syntax.JSONPointer.LastToken()))
	}
	return failure.Invalidf("the line is no JSON object: %s", strings.TrimPrefix(err.Error(), "jsontext: "))
}
