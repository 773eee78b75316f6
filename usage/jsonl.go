package usage

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alwrity/alwrity-sub/failure"
)

// jsonlReader reads objects, one of each line or element of a list.
type jsonlReader struct {
	lines   lines
	events  *eventReader
	objects objectReader
}

// lines are the rows of a file as they stand in it, one by one, io.EOF after the last.
type lines interface{ next() (line, error) }

func newJSONLReader(in lines, events *eventReader) *jsonlReader {
	return &jsonlReader{lines: in, events: events, objects: objectReader{what: "line", tree: events.tree}}
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
		return Event{}, failure.Invalidf("the %s is not valid UTF-8 text", r.objects.what)
	}
	if err := r.readObject(text); err != nil {
		return Event{}, err
	}
	return r.events.event(r.objects.cells)
}

// readObject puts the members of a JSON object into the cells, in their order. It reads the whole line first: of a line
// that is no object, no member counts.
func (r *jsonlReader) readObject(text []byte) error {
	r.objects.cells = r.objects.cells[:0]
	return r.objects.read(text, r.objects.tree.root, 0)
}

// objectReader makes cells of JSON objects. It is jsontext that reads them, because it refuses by itself what
// encoding/json lets pass or replaces in silence (a name that appears twice: which one counts? half a surrogate pair:
// two different ids could become one), and because it copies nothing.
type objectReader struct {
	what   string // each object is, for messages
	tree   *columnTree
	cells  []cell
	levels []*level
}

// level is what an object needs to be read, used again for the next of the same depth.
type level struct {
	source  bytes.Buffer // what decoder reads
	decoder jsontext.Decoder
}

// deepest is how many objects within one another are looked at. No vendor's figures lie deeper.
const deepest = 8

// read puts the members of an object into the cells, and those of the objects in it. The columns are those below one.
func (r *objectReader) read(text []byte, in *column, depth int) error {
	for len(r.levels) <= depth {
		r.levels = append(r.levels, &level{})
	}
	l := r.levels[depth]
	l.source.Reset()
	l.source.Write(text)
	l.decoder.Reset(&l.source)
	opening, err := l.decoder.ReadToken()
	if err != nil || opening.Kind() != '{' {
		return r.noObject(err)
	}
	for l.decoder.PeekKind() != '}' {
		name, err := l.readValue(text)
		if err != nil {
			return r.noObject(err)
		}
		value, err := l.readValue(text)
		if err != nil {
			return r.noObject(err)
		}
		r.add(r.tree.ofMember(in, name), value, depth)
	}
	if _, err := l.decoder.ReadToken(); err != nil { // the closing brace
		return r.noObject(err)
	}
	if _, err := l.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return failure.Invalidf("the %s has more than one JSON object", r.what)
	}
	return nil
}

// readValue returns the next name or value as it stands in the text: what the decoder returns is its own, and gone with
// what it reads next.
func (l *level) readValue(text []byte) ([]byte, error) {
	value, err := l.decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	end := int(l.decoder.InputOffset())
	return text[end-len(value) : end], nil
}

// add adds the cell of a member: the text of a string, number or boolean, "" for null. An object or list has the cells
// of what is in it.
func (r *objectReader) add(c *column, value []byte, depth int) {
	switch value[0] {
	case '"':
		text := unquote(value)
		if c.holds(text) && r.addText(c, text, depth) {
			return
		}
		r.cells = append(r.cells, cell{column: c, text: text, quoted: true})
	case 'n':
		r.cells = append(r.cells, cell{column: c})
	case '{', '[':
		r.addNested(c, value, depth)
	default:
		r.cells = append(r.cells, cell{column: c, text: value})
	}
}

func (r *objectReader) addNested(c *column, value []byte, depth int) {
	switch {
	case c.fate == read && c.children == nil:
		r.cells = append(r.cells, cell{column: c, err: failure.Invalidf(
			"%s is a JSON object or array: it must be a single value", failure.Shorten(c.name))})
		return
	case c.fate != read && c.children == nil && c.opaque || depth+1 == deepest:
		r.cells = append(r.cells, cell{column: c, text: value, quoted: true})
		return
	}
	before := len(r.cells)
	if value[0] == '{' {
		_ = r.read(value, c, depth+1) // what is within a valid value is valid
	} else {
		r.addList(c, value, depth)
	}
	if c.fate == suspect && value[0] == '[' && len(r.cells) == before {
		r.cells = append(r.cells, cell{column: c, text: emptyText(value), quoted: true})
	}
	switch {
	case (c.fate == unread || c.fate == suspectCount) && !c.isKnownWithin(r.cells[before:]):
		// It is noted itself, and not each of its members.
		isUnread := func(member cell) bool { return member.column.fate == unread }
		r.cells = append(r.cells[:before], slices.DeleteFunc(r.cells[before:], isUnread)...)
		r.cells = append(r.cells, cell{column: c, text: emptyText(value), quoted: true})
	case c.fate == read && c.How == asFailure && !saysFailure(r.cells[before:], value):
		r.cells = append(r.cells, cell{column: c, text: emptyText(value), quoted: true})
	}
}

// isKnownWithin tells whether of the members of an object some are read and the others can be noted by their own names.
func (c *column) isKnownWithin(members []cell) bool {
	known := false
	for i := range members {
		m := members[i].column
		if (c.opaque || c.asides) && m.Path == "" {
			return false // it is of nobody's interest, and so is never noted itself
		}
		known = known || m.fate != unread
	}
	return known
}

// saysFailure tells whether the members of an object say what went wrong, or nothing: the object is none that does so
// by being there.
func saysFailure(members []cell, value []byte) bool {
	empty := value[0] == '{'
	for i := range members {
		empty = empty && len(members[i].text) == 0
		if members[i].column.How == asFailure && len(members[i].text) > 0 {
			return true
		}
	}
	return empty
}

// addText adds the cells of an object that was written as a text, or returns false for a text that is none.
func (r *objectReader) addText(c *column, text []byte, depth int) bool {
	before := len(r.cells)
	if depth+1 < deepest && utf8.Valid(text) && r.read(text, c, depth+1) == nil {
		return true
	}
	r.cells = r.cells[:before]
	return false
}

// addList adds the cells of the objects of a list, whose names are those below the list's. Gemini's lists of tokens by
// modality are read as an object of them.
func (r *objectReader) addList(c *column, value []byte, depth int) {
	decoder := jsontext.NewDecoder(bytes.NewReader(value))
	_, _ = decoder.ReadToken() // the list is valid JSON
	for decoder.PeekKind() != ']' {
		element, err := decoder.ReadValue()
		if err != nil {
			return
		}
		element = bytes.Clone(element)
		switch modality, count := modalityOf(element); {
		case modality != "":
			r.cells = append(r.cells, cell{column: r.tree.below(c, []byte(modality)), text: count})
		case element[0] == '{':
			_ = r.read(element, c, depth+1)
		}
	}
}

// modalityOf returns the members of {"modality":"AUDIO","tokenCount":12}, and "" for another object.
func modalityOf(element []byte) (modality string, count []byte) {
	var object struct {
		Modality string      `json:"modality"`
		Camel    json.Number `json:"tokenCount"`
		Snake    json.Number `json:"token_count"`
	}
	if !bytes.Contains(element, []byte(`"modality"`)) || json.Unmarshal(element, &object) != nil {
		return "", nil
	}
	return strings.ToLower(object.Modality), []byte(cmp.Or(object.Camel, object.Snake))
}

// emptyText returns "" for an empty object or list, which says as much as null.
func emptyText(value []byte) []byte {
	if len(bytes.Trim(value, "{}[] \t\r\n")) == 0 {
		return nil
	}
	return value
}

// holds tells whether a text is that of an object whose members are read.
func (c *column) holds(text []byte) bool {
	return c.children != nil && len(text) > 1 && text[0] == '{' && text[len(text)-1] == '}'
}

// unquote returns the text of a valid JSON string: part of it where nothing in it is escaped, else a copy.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, quoted) // fails for what is no JSON string, and this was read as one
	return text
}

// noObject returns the invalid failure for a text of which jsontext says err, or for one that is some other JSON value,
// where err is nil.
func (r *objectReader) noObject(err error) error {
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok || errors.Is(err, io.ErrUnexpectedEOF):
		return failure.Invalidf("the %s is no complete JSON object", r.what)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return failure.Invalidf("the %s names %q twice", r.what, failure.Shorten(syntax.JSONPointer.LastToken()))
	}
	return failure.Invalidf("the %s is no JSON object: %s", r.what, strings.TrimPrefix(err.Error(), "jsontext: "))
}
