package usage

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// row is one record of an event file.
type row struct {
	line  int64  // where it begins
	raw   []byte // as it stands in the file
	event Event
	err   error // why it is no event
	// spilled says that raw was written to the rejects already.
	spilled bool
}

// rowReader reads the records of an event file one by one, io.EOF after the
// last. A bad record has its reason in the row; an error is one of the file.
type rowReader interface {
	next() (row, error)
}

func tooLongRow(l line) row {
	return row{line: l.number, spilled: true, err: failure.Invalidf("the line is longer than %d bytes", longestLine)}
}

// jsonlReader reads JSON lines.
type jsonlReader struct {
	lines  *lineReader
	events *eventReader
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

func (r *jsonlReader) parse(text []byte) (Event, error) {
	if !utf8.Valid(text) { // encoding/json would replace what is none in silence
		return Event{}, failure.Invalidf("the line is not valid UTF-8 text")
	}
	names, values, err := objectFields(text)
	if err != nil {
		return Event{}, err
	}
	return r.events.event(func(yield func(name, text string) error) error {
		for i, name := range names {
			value, err := scalarText(name, values[i])
			if err == nil {
				err = yield(name, value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// objectFields returns the names and values of a JSON object in their order. A
// name that appears twice is an invalid failure: which one counts?
func objectFields(text []byte) (names []string, values []json.RawMessage, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	opening, err := decoder.Token()
	if err != nil || opening != json.Delim('{') {
		return nil, nil, noObject(err)
	}
	seen := map[string]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, nil, noObject(err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, nil, noObject(err)
		}
		if seen[fmt.Sprint(name)] {
			return nil, nil, failure.Invalidf("the line names %q twice", pricing.Shorten(fmt.Sprint(name)))
		}
		seen[fmt.Sprint(name)] = true
		names, values = append(names, fmt.Sprint(name)), append(values, value)
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return nil, nil, noObject(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, failure.Invalidf("the line has more than one JSON object")
	}
	return names, values, nil
}

func noObject(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return failure.Invalidf("the line is no JSON object: %s", err)
	}
	return failure.Invalidf("the line is no complete JSON object")
}

// scalarText returns the text of a JSON string, number or boolean, "" for null.
func scalarText(name string, value json.RawMessage) (string, error) {
	switch value[0] {
	case '"':
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return "", failure.Invalidf("%s is no JSON string: %s", pricing.Shorten(name), err)
		}
		if replaced(value, text) {
			return "", failure.Invalidf("%s has half a surrogate pair in it, which is no text", pricing.Shorten(name))
		}
		return text, nil
	case 'n':
		return "", nil
	case '{', '[':
		return "", failure.Invalidf("%s is a JSON object or array: it must be a single value", pricing.Shorten(name))
	}
	return string(value), nil
}

// replaced tells whether encoding/json put replacement characters into the text
// that its JSON does not have: two different ids could become one.
func replaced(value json.RawMessage, text string) bool {
	const mark = "\uFFFD"
	return strings.Count(text, mark) > bytes.Count(value, []byte(mark))+bytes.Count(bytes.ToLower(value), []byte(`\ufffd`))
}

// csvReader reads CSV with a header.
type csvReader struct {
	lines  *lineReader
	events *eventReader
	header []string
	raw    []byte // the header as it stands in the file
}

// readHeader reads the first line. A header that names no user_id and provider is
// an invalid failure: nothing in the file could be recorded.
func (r *csvReader) readHeader() error {
	l, err := r.lines.next()
	if errors.Is(err, io.EOF) {
		return failure.Invalidf("the file is empty: a CSV file begins with a header")
	}
	if err != nil {
		return err
	}
	if r.header, err = parseRecord(l.text); err != nil {
		return failure.Invalidf("the header (line 1) is no CSV: %s", err)
	}
	r.raw = l.text
	seen := map[string]bool{}
	for i, name := range r.header {
		name = strings.ToLower(strings.TrimSpace(name))
		if seen[name] {
			return failure.Invalidf("the header names %q twice", pricing.Shorten(name))
		}
		seen[name] = true
		r.header[i] = name
	}
	for _, required := range []string{"user_id", "provider"} {
		if !seen[required] {
			return failure.Invalidf("the header (line 1) has no column %s: it must name the fields, separated by commas, at least user_id and provider", required)
		}
	}
	return nil
}

func (r *csvReader) next() (row, error) {
	first, err := r.lines.next()
	for err == nil && !first.tooLong && len(bytes.TrimSpace(first.text)) == 0 {
		first, err = r.lines.next()
	}
	if err != nil {
		return row{}, err
	}
	if first.tooLong {
		return tooLongRow(first), nil
	}
	text, more, err := r.wholeRecord(first)
	if err != nil {
		return row{}, err
	}
	fields, err := r.split(text)
	if err != nil {
		// What was taken for one record of several lines is none: only its first
		// line is bad for certain, the others are read on their own.
		r.lines.unread(more)
		return row{line: first.number, raw: first.text, err: err}, nil
	}
	event, err := r.event(fields)
	return row{line: first.number, raw: text, event: event, err: err}, nil
}

// wholeRecord returns the text of the record that begins with a line, and the
// further lines that belong to it: as long as a quoted field is open. A quotation
// mark that is never closed takes in no more than longestLine bytes.
func (r *csvReader) wholeRecord(first line) (text []byte, more []line, err error) {
	open := opensQuote(first.text)
	if !open {
		return first.text, nil, nil
	}
	text = slices.Clone(first.text)
	for open {
		l, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			return text, more, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if l.tooLong || len(text)+len(l.text) > longestLine {
			r.lines.unread([]line{l})
			return text, more, nil
		}
		more = append(more, l)
		text = append(append(text, '\n'), l.text...)
		open = open != opensQuote(l.text)
	}
	return text, more, nil
}

// opensQuote tells whether a line leaves a quoted field open, or closes one that
// was: its number of quotation marks is odd.
func opensQuote(text []byte) bool { return bytes.Count(text, []byte(`"`))%2 == 1 }

// split returns the fields of a record, or an invalid failure for a text that is
// none.
func (r *csvReader) split(text []byte) ([]string, error) {
	fields, err := parseRecord(text)
	if err != nil {
		return nil, failure.Invalidf("the row is no CSV: %s", err)
	}
	if len(fields) != len(r.header) {
		return nil, failure.Invalidf("the row has %d fields and the header %d", len(fields), len(r.header))
	}
	return fields, nil
}

func (r *csvReader) event(fields []string) (Event, error) {
	return r.events.event(func(yield func(name, text string) error) error {
		for i, text := range fields {
			if err := yield(r.header[i], UnprotectCell(text)); err != nil {
				return err
			}
		}
		return nil
	})
}

func parseRecord(text []byte) ([]string, error) {
	reader := csv.NewReader(bytes.NewReader(text))
	reader.FieldsPerRecord = -1
	fields, err := reader.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return nil, parse.Err
	}
	return fields, err
}
