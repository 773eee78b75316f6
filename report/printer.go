// Package report turns results into what a person or a script reads: tables,
// JSON, CSV and terminal charts. It is the only importer of tablewriter.
//
// A constructor named after what it shows returns a Document, and a Printer writes it in the format that was asked for.
package report

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
)

// Format is how results are written.
type Format string

// The formats.
const (
	FormatTable Format = "table"
	FormatJSON  Format = "json"
	FormatJSONL Format = "jsonl"
	FormatCSV   Format = "csv"
	// FormatCompact is JSON in one line, also of a list: for programs that are not read.
	FormatCompact Format = "compact"
)

// Printer writes documents in one format.
type Printer struct {
	Out    io.Writer
	Format Format
	Color  bool
	Width  int // columns of the terminal; 0 where it is not known
	// Hint says what a person can do about a reason, as failures have one; nil says nothing.
	Hint func(reason string) string
	// Rehearsal says with every result that it is of a database for rehearsals.
	Rehearsal bool
}

// Document is one result in every format.
type Document struct {
	// JSON is encoded for json and, if it is no list, for jsonl, which has a row a line.
	JSON any
	// CSV is the result as a table for machines.
	CSV rows
	// Text writes what a person reads; nil where programs alone do.
	Text func(t *Text)
}

// Print writes a document. It renders all of it before it writes anything, so
// that a document that can't be rendered leaves no half of it behind.
func (p Printer) Print(d Document) error {
	if p.Rehearsal {
		d = d.ofRehearsal()
	}
	var out bytes.Buffer
	if err := p.render(&out, d); err != nil {
		return err
	}
	_, err := p.Out.Write(out.Bytes())
	return err
}

func (p Printer) render(out *bytes.Buffer, d Document) error {
	switch p.Format {
	case FormatCompact:
		err := writeJSON(out, d.JSON)
		out.WriteByte('\n')
		return err
	case FormatJSON:
		var line bytes.Buffer
		if err := writeJSON(&line, d.JSON); err != nil {
			return err
		}
		line.WriteByte('\n')
		return json.Indent(out, line.Bytes(), "", "  ")
	case FormatJSONL:
		return writeLines(out, d.JSON)
	case FormatCSV:
		return d.CSV.writeCSV(out)
	}
	t := &Text{out: out, paint: newPainter(p.Color), color: p.Color, width: p.Width, hints: p.Hint}
	d.Text(t)
	return t.err
}

// RehearsalMark is what stands on whatever is of a database for rehearsals.
const RehearsalMark = "REHEARSAL"

// ofRehearsal returns the document with the mark of a rehearsal: a line before all that a person reads, and a field of
// each object or row.
func (d Document) ofRehearsal() Document {
	mark, text := field{rehearsalField, "", true}, d.Text
	switch result := d.JSON.(type) {
	case fields:
		d.JSON = append(slices.Clip(result), mark)
	case rows:
		d.JSON = result.with(mark)
	}
	if d.CSV.row != nil {
		d.CSV = d.CSV.with(mark)
	}
	d.Text = func(t *Text) {
		t.line(caution.of(RehearsalMark + ": this database is for rehearsals, and nothing in it is real"))
		text(t)
	}
	return d
}

const rehearsalField = "rehearsal"

// writeLines writes a list with a row a line, and whatever else is no list on one line.
func writeLines(out *bytes.Buffer, result any) error {
	list, isList := result.(rows)
	if !isList {
		list = rows{1, func(int) fields { return result.(fields) }, nil}
	}
	for i := range list.count {
		if err := writeJSON(out, list.row(i)); err != nil {
			return err
		}
		out.WriteByte('\n')
	}
	return nil
}
