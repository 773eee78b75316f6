package usage

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/failure"
)

// csvReader reads CSV with a header.
type csvReader struct {
	lines    *lineReader
	events   *eventReader
	mapped   []Renamed
	optional []string // fields that the header need not name, since something else says them for all rows
	raw      []byte   // the header as it stands in the file

	columns []*column    // of the file
	records recordParser // of this row, used again for the next
	objects objectReader // likewise
}

func newCSVReader(in *lineReader, events *eventReader) *csvReader {
	return &csvReader{lines: in, events: events, objects: objectReader{what: "line", tree: events.tree}}
}

// readHeader reads the first line. A header that names no user_id and provider is an invalid failure: nothing in the
// file could be recorded. So is one with a name that looks as if it mattered, and that is not read.
func (r *csvReader) readHeader() error {
	if err := r.readColumns(); err != nil {
		return err
	}
	return r.checkHeader()
}

func (r *csvReader) readColumns() error {
	l, err := r.lines.next()
	if errors.Is(err, io.EOF) {
		return failure.Invalidf("the file is empty: a CSV file begins with a header")
	}
	if err != nil {
		return err
	}
	if !utf8.Valid(l.text) {
		return failure.Invalidf("the header (line 1) is not valid UTF-8 text").WithHint("save the file as UTF-8 or UTF-16")
	}
	r.records.separator = separatorOf(l.text)
	names, err := r.records.parse(l.text)
	if err != nil {
		return failure.Invalidf("the header (line 1) is no CSV: %s", err)
	}
	r.raw = l.text
	seen := map[string]bool{}
	for _, written := range names {
		name := strings.TrimSpace(string(written))
		if lower := strings.ToLower(name); seen[lower] {
			return failure.Invalidf("the header names %q twice", failure.Shorten(lower))
		} else {
			seen[lower] = true
		}
		r.columns = append(r.columns, r.events.column([]byte(name)))
	}
	return nil
}

// separatorOf returns what stands most often between the names of a header: a comma, a semicolon or a tab.
func separatorOf(header []byte) byte {
	best, most := byte(','), 0
	for _, separator := range []byte{',', ';', '\t'} {
		n, quoted := 0, false
		for _, c := range header {
			quoted = quoted != (c == '"')
			if c == separator && !quoted {
				n++
			}
		}
		if n > most {
			best, most = separator, n
		}
	}
	return best
}

// within tells whether a name is the column's, or leads into the objects that it holds.
func (c *column) within(name string) bool {
	path, own := wordsOf(name), wordsOf(c.name)
	return path == own || strings.HasPrefix(path, own+".")
}

func (r *csvReader) checkHeader() error {
	given := slices.Clone(r.optional)
	var suspects []string
	var all marks
	for _, c := range r.columns {
		all |= c.marks
	}
	for _, c := range r.columns {
		switch {
		case c.fate == read && c.field != nil:
			given = append(given, c.Field)
			if c.Provider != "" {
				given = append(given, "provider")
			}
		case c.fate == suspect:
			suspects = append(suspects, c.name)
		}
		if c.lacks(all) {
			suspects = append(suspects, c.name)
		}
	}
	for _, m := range r.mapped {
		if !m.MayMiss && !slices.ContainsFunc(r.columns, func(c *column) bool { return c.within(m.Theirs) }) {
			return failure.Invalidf("the mapping names %s, which is no column of the file", m.Theirs)
		}
	}
	for _, required := range []string{"user_id", "provider"} {
		if !slices.Contains(given, required) {
			return failure.Invalidf("the header (line 1) has no column %s: it must name the fields, separated by commas, "+
				"semicolons or tabs, at least user_id and provider", required).
				WithReason("no_column", "field", required, "flag", "--"+strings.TrimSuffix(required, "_id"))
		}
	}
	if len(suspects) > 0 {
		return suspectFields(suspects)
	}
	return nil
}

func (r *csvReader) next() (row, error) {
	read, err := r.nextCells()
	if err == nil && read.err == nil {
		read.event, read.err = r.events.event(r.objects.cells)
	}
	return read, err
}

// nextCells puts the fields of the next record into r.objects.cells; none where the row is bad.
func (r *csvReader) nextCells() (row, error) {
	r.objects.cells = r.objects.cells[:0]
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
	if err := r.split(text); err != nil {
		// What was taken for one record of several lines is none: only its first line is bad for certain, the others are read
		// on their own.
		r.lines.unread(more)
		return row{line: first.number, raw: first.text, err: err}, nil
	}
	return row{line: first.number, raw: text}, nil
}

// wholeRecord returns the text of the record that begins with a line, and the further lines that belong to it: as long
// as a quoted field is open. A quotation mark that is never closed takes in no more than longestLine bytes.
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

// opensQuote tells whether a line leaves a quoted field open, or closes one that was: its number of quotation marks is
// odd.
func opensQuote(text []byte) bool { return bytes.Count(text, []byte(`"`))%2 == 1 }

// split puts the fields of a record into r.cells, or returns an invalid failure for a text that is none.
func (r *csvReader) split(text []byte) error {
	record, err := r.records.parse(text)
	if err != nil {
		return failure.Invalidf("the row is no CSV: %s", err)
	}
	if len(record) != len(r.columns) {
		return failure.Invalidf("the row has %d fields and the header %d", len(record), len(r.columns))
	}
	for i, text := range record {
		if len(text) > 0 && text[0] == '\'' { // no other text is a protected one
			text = []byte(UnprotectCell(string(text)))
		}
		if c := r.columns[i]; !c.holds(text) || !r.objects.addText(c, text, 0) {
			r.objects.cells = append(r.objects.cells, cell{column: c, text: text})
		}
	}
	return nil
}

// recordParser splits the texts of CSV records into fields, as encoding/csv does. The zero value is ready for use, and
// separates them at commas.
type recordParser struct {
	separator byte
	fields    [][]byte
	in        *bufio.Reader // what encoding/csv reads from
}

// parse returns the fields of one record, or the reason why the text is none. A field may be part of the text, and the
// slice of them is good until the next call.
func (p *recordParser) parse(text []byte) ([][]byte, error) {
	p.fields = p.fields[:0]
	if quotesNothing(text) {
		for field := range bytes.SplitSeq(text, []byte{cmp.Or(p.separator, ',')}) {
			p.fields = append(p.fields, field)
		}
		return p.fields, nil
	}
	record, err := p.parseQuoted(text)
	if err != nil {
		return nil, err
	}
	for _, field := range record {
		p.fields = append(p.fields, []byte(field))
	}
	return p.fields, nil
}

// quotesNothing tells whether the record is one in which commas are all there is to know: most are, and they need no
// csv.Reader. The others are those with a quotation mark, those that end in a carriage return, which encoding/csv takes
// for a line break, and the empty one, which is no record.
func quotesNothing(text []byte) bool {
	return len(text) > 0 && text[len(text)-1] != '\r' && bytes.IndexByte(text, '"') < 0
}

// parseQuoted leaves it to encoding/csv.
func (p *recordParser) parseQuoted(text []byte) ([]string, error) {
	if p.in == nil {
		p.in = bufio.NewReader(nil)
	}
	// csv.NewReader takes a bufio.Reader as it is, instead of one of 4 KB for each row.
	p.in.Reset(bytes.NewReader(text))
	reader := csv.NewReader(p.in)
	reader.FieldsPerRecord, reader.Comma = -1, rune(cmp.Or(p.separator, ','))
	record, err := reader.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, parse.Err
	}
	return record, err
}

// formulaStarts are the characters with which a spreadsheet begins to calculate.
const formulaStarts = "=+-@\t\r"

// ProtectCell returns a text of a CSV file so that no spreadsheet runs it as a formula: where it begins like one, an
// apostrophe is put before it. A text that would read as protected already gets one more, so that UnprotectCell finds
// every text again.
func ProtectCell(s string) string {
	if startsFormula(s) || looksProtected(s) {
		return "'" + s
	}
	return s
}

// UnprotectCell is the exact inverse of ProtectCell.
func UnprotectCell(s string) string {
	if looksProtected(s) {
		return s[1:]
	}
	return s
}

func startsFormula(s string) bool { return s != "" && strings.IndexByte(formulaStarts, s[0]) >= 0 }

func looksProtected(s string) bool {
	rest, quoted := strings.CutPrefix(s, "'")
	return quoted && (startsFormula(rest) || strings.HasPrefix(rest, "'"))
}
