package usage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alwrity/alwrity-sub/failure"
)

// mostSuspects is how many fields a message names at most.
const mostSuspects = 20

// checkNames looks at the names of all fields of a file before the first row is recorded, and returns an invalid
// failure where some look as if they mattered and are not read. A file that can't be read twice passes.
func checkNames(ctx context.Context, file io.Reader, tree *columnTree, opts ImportOptions) error {
	again, ok := file.(io.ReadSeeker)
	if !ok {
		return nil
	}
	suspects, err := namesThatMatter(ctx, again, tree, opts)
	if err != nil {
		return err
	}
	if _, err := again.Seek(0, io.SeekStart); err != nil {
		return failure.Unavailablef("the file %s can't be read again: %s", opts.Name, err).Because(err)
	}
	if len(suspects) > 0 {
		return suspectFields(suspects)
	}
	return nil
}

func namesThatMatter(ctx context.Context, file io.Reader, tree *columnTree, opts ImportOptions) ([]string, error) {
	source, err := openSource(file, opts.Name, opts.Format)
	if err != nil {
		return nil, describeDamage(err, opts.Name, 0)
	}
	defer source.close()
	scan := nameScanner{tree: tree, fallback: []byte(opts.Provider)}
	var next func() error
	switch source.format {
	case JSONArray:
		next = scan.lines(newElements(source.text, io.Discard))
	case JSONLines:
		in := newLineReader(source.text, io.Discard)
		in.passing = true
		next = scan.lines(in)
	default:
		if next = scan.cells(newCSVReader(newLineReader(source.text, io.Discard), makeEventReader(tree))); next == nil {
			return nil, nil
		}
	}
	for n := 0; ; n++ {
		err := next()
		switch {
		case failure.Is(err, failure.Invalid):
			return nil, err
		case err != nil: // the rows before it count, and the import says what it is
			return scan.suspects, nil
		case n%1000 == 0 && ctx.Err() != nil:
			return nil, ctx.Err()
		}
	}
}

// lines returns what scans the next of some lines.
func (s *nameScanner) lines(in lines) func() error {
	return func() error {
		l, err := in.next()
		if err == nil && !l.tooLong {
			s.row(l.text)
		}
		return err
	}
}

// cells returns what scans the objects in the cells of the next row, and the credits of its provider, nil where no
// column can have any: the import looks at the header itself.
func (s *nameScanner) cells(in *csvReader) func() error {
	holds := func(c *column) bool { return c.children != nil || c.How == asCredits }
	if in.readColumns() != nil || !slices.ContainsFunc(in.columns, holds) {
		return nil
	}
	return func() error {
		_, err := in.nextCells()
		beside := marksOf(in.objects.cells)
		s.vendor = vendorSaid{}
		for i := range in.objects.cells {
			c := &in.objects.cells[i]
			if c.isSuspect() && (!c.column.aside || c.column.lacks(beside)) {
				s.note(c.column)
			}
			s.vendor.read(c.column, c.text)
		}
		s.noteCredits()
		return err
	}
}

// marksOf returns the marks of all cells that say something.
func marksOf(cells []cell) (all marks) {
	for i := range cells {
		if len(cells[i].text) > 0 {
			all |= cells[i].column.marks
		}
	}
	return all
}

// nameScanner finds the names in JSON objects, and nothing else: so it is much faster than reading them. What is no
// JSON it leaves to who reads it.
type nameScanner struct {
	tree     *columnTree
	text     []byte
	at       int
	marks    marks
	needy    []*column // that mean something only beside others
	vendor   vendorSaid
	fallback []byte // the provider of rows that name none
	suspects []string
	seen     map[*column]bool
}

// vendorSaid is what a row says of its provider, and its column of credits, which are known of one provider alone.
type vendorSaid struct {
	provider []byte
	implied  string
	credits  *column
}

func (v *vendorSaid) read(c *column, text []byte) {
	switch {
	case c.fate != read || len(text) == 0:
	case c.How == asCredits:
		v.credits = c
	case c.Field == "provider" && v.provider == nil:
		v.provider = text
	case v.implied == "":
		v.implied = c.Provider
	}
}

// noteCredits notes the credits of a row whose provider's are not known. A row without a provider is bad by itself.
func (s *nameScanner) noteCredits() {
	if s.vendor.credits == nil {
		return
	}
	provider := cmp.Or(string(s.vendor.provider), s.vendor.implied, string(s.fallback))
	if provider != "" && !strings.EqualFold(provider, s.vendor.credits.Only) {
		s.note(s.vendor.credits)
	}
}

func (s *nameScanner) row(text []byte) {
	s.text, s.at, s.marks, s.needy, s.vendor = text, 0, 0, s.needy[:0], vendorSaid{}
	if s.space() == '{' {
		s.object(s.tree.root, 0)
	}
	for _, c := range s.needy {
		if c.lacks(s.marks) {
			s.note(c)
		}
	}
	s.noteCredits()
}

// space skips spaces and returns the byte that follows, 0 at the end.
func (s *nameScanner) space() byte {
	for ; s.at < len(s.text); s.at++ {
		if c := s.text[s.at]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
	}
	return 0
}

// object goes over an object, whose columns are below one; nil: nobody wants to know.
func (s *nameScanner) object(in *column, depth int) {
	if depth > mostDepth {
		s.at = len(s.text)
		return
	}
	s.at++ // the brace
	for s.space() == '"' {
		c := s.member(in)
		if s.space() != ':' {
			s.at = len(s.text)
			return
		}
		s.at++
		s.value(c, depth)
		if s.space() == ',' {
			s.at++
		}
	}
	s.at++ // the closing brace
}

// member goes over the name of a member, and returns its column.
func (s *nameScanner) member(in *column) *column {
	if in == nil {
		s.quoted()
		return nil
	}
	if c, length := s.tree.expected(in, s.text[s.at:]); c != nil {
		s.at += length
		return c
	}
	return s.tree.ofMember(in, s.quoted())
}

// quoted goes over a string and returns it.
func (s *nameScanner) quoted() []byte {
	start := s.at
	for s.at++; s.at < len(s.text); s.at++ {
		end := bytes.IndexByte(s.text[s.at:], '"')
		if end < 0 {
			break
		}
		s.at += end
		escapes := 0
		for s.text[s.at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			s.at++
			return s.text[start:s.at]
		}
	}
	s.at = len(s.text)
	return []byte(`""`)
}

// value goes over a value of a column.
func (s *nameScanner) value(c *column, depth int) {
	first := s.space()
	empty := first == 'n'
	start := s.at
	switch first {
	case '"':
		text := s.quoted()
		empty = len(text) == 2 || s.written(c, text, depth)
		if c != nil && !empty {
			s.vendor.read(c, unquote(text))
		}
	case '{':
		s.object(s.inside(c, depth), depth+1)
	case '[':
		empty = !s.list(s.inside(c, depth), depth+1)
	default:
		s.plain()
	}
	if c == nil || empty {
		return
	}
	s.marks |= c.marks
	number := first == '-' || first >= '0' && first <= '9'
	if number {
		s.vendor.read(c, s.text[start:s.at])
	}
	looks := c.fate == suspect && first != '{' || c.fate == suspectCount && number
	switch {
	case looks && !c.aside:
		s.note(c)
	case looks, c.fate == read && c.lacks(0):
		s.needy = append(s.needy, c)
	}
}

// plain goes over a number, or a word such as true.
func (s *nameScanner) plain() {
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return
		}
	}
}

// written goes over an object that was written as a text, or returns false for a text that is none.
func (s *nameScanner) written(c *column, quoted []byte, depth int) bool {
	if c == nil || c.children == nil || quoted[1] != '{' {
		return false
	}
	text := unquote(quoted)
	if !c.holds(text) || depth+1 >= deepest || !jsontext.Value(text).IsValid() {
		return false
	}
	outer, at := s.text, s.at
	s.text, s.at = text, 0
	s.object(c, depth+1)
	s.text, s.at = outer, at
	return true
}

// inside returns the column whose members are looked at, nil for none.
func (s *nameScanner) inside(c *column, depth int) *column {
	if c == nil || c.opaque && c.children == nil || c.fate == read && c.children == nil || depth+1 >= deepest {
		return nil
	}
	return c
}

// mostDepth is where the scanner gives up: no row lies so deep.
const mostDepth = 1000

// list goes over a list, and tells whether it has anything but objects.
func (s *nameScanner) list(in *column, depth int) (values bool) {
	if depth > mostDepth {
		s.at = len(s.text)
		return false
	}
	s.at++ // the bracket
	for {
		switch s.space() {
		case 0:
			return values
		case ']':
			s.at++
			return values
		case ',':
			s.at++
		case '{':
			s.object(in, depth)
		default:
			before := s.at
			s.value(nil, depth)
			values = true
			if s.at == before {
				s.at = len(s.text)
			}
		}
	}
}

func (s *nameScanner) note(c *column) {
	if s.seen[c] || len(s.suspects) == mostSuspects {
		return
	}
	if s.seen == nil {
		s.seen = map[*column]bool{}
	}
	s.seen[c] = true
	s.suspects = append(s.suspects, c.name)
}

// isSuspect tells whether an error is that of a field that looks as if it mattered.
func isSuspect(err error) bool {
	f, ok := errors.AsType[*failure.Error](err)
	return ok && (f.Reason == "suspect_fields" || f.Reason == "suspect_results")
}
