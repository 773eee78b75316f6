package usage

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
)

// recordParser splits the texts of CSV records into fields, as encoding/csv does. The zero value is ready for use.
type recordParser struct {
	fields [][]byte
	in     *bufio.Reader // what encoding/csv reads from
}

// parse returns the fields of one record, or the reason why the text is none. A field may be part of the text, and the
// slice of them is good until the next call.
func (p *recordParser) parse(text []byte) ([][]byte, error) {
	p.fields = p.fields[:0]
	if quotesNothing(text) {
		for field := range bytes.SplitSeq(text, []byte(",")) {
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
	reader.FieldsPerRecord = -1
	record, err := reader.Read()
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return nil, parse.Err
	}
	return record, err
}
