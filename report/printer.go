// Package report turns results into what a person or a script reads: tables,
// JSON, CSV and terminal charts. It is the only importer of tablewriter.
//
// A constructor named after what it shows returns a Document, and a Printer writes it in the format that was asked for.
package report

import (
	"bytes"
	"encoding/json"
	"io"
)

// Format is how results are written.
type Format string

// The formats.
const (
	FormatTable Format = "table"
	FormatJSON  Format = "json"
	FormatJSONL Format = "jsonl"
	FormatCSV   Format = "csv"
)

// Printer writes documents in one format.
type Printer struct {
	Out    io.Writer
	Format Format
	Color  bool
	Width  int // columns of the terminal; 0 where it is not known
	// Hint says what a person can do about a reason, as failures have one; nil says nothing.
	Hint func(reason string) string
}

// Document is one result in every format.
type Document struct {
	// JSON is encoded for json and, if it is no list, for jsonl, which has a row a line.
	JSON any
	// CSV is the result as a table for machines.
	CSV rows
	// Text writes what a person reads.
	Text func(t *Text)
}

// Print writes a document. It renders all of it before it writes anything, so
// that a document that can't be rendered leaves no half of it behind.
func (p Printer) Print(d Document) error {
	var out bytes.Buffer
	if err := p.render(&out, d); err != nil {
		return err
	}
	_, err := p.Out.Write(out.Bytes())
	return err
}

func (p Printer) render(out *bytes.Buffer, d Document) error {
	switch p.Format {
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
