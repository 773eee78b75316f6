// Package report turns results into what a person or a script reads: tables,
// JSON, CSV and terminal charts. It is the only importer of tablewriter.
//
// A constructor named after what it shows returns a Document, and a Printer
// writes it in the format that was asked for.
package report

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/alwrity/alwrity-sub/failure"
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

// ParseFormat reads the name of a format; anything else is an invalid failure.
func ParseFormat(text string) (Format, error) {
	switch f := Format(text); f {
	case FormatTable, FormatJSON, FormatJSONL, FormatCSV:
		return f, nil
	}
	return "", failure.Invalidf("output is %q: it must be table, json, jsonl or csv", text)
}

// Printer writes documents in one format.
type Printer struct {
	Out    io.Writer
	Format Format
	Color  bool
	Width  int // columns of the terminal; 0 where it is not known
}

// Document is one result in every format.
type Document struct {
	// JSON is encoded for json, and for jsonl where Lines is nil. An empty list
	// must be an empty slice, not nil.
	JSON any
	// Lines are encoded one a line for jsonl.
	Lines []any
	// CSV is the result as a grid.
	CSV Grid
	// Text writes what a person reads.
	Text func(t *Text) error
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
		return encode(out, d.JSON, "  ")
	case FormatJSONL:
		return encodeLines(out, d)
	case FormatCSV:
		return d.CSV.write(out)
	}
	return d.Text(&Text{out: out, paint: newPainter(p.Color), color: p.Color, width: p.Width})
}

func encodeLines(out *bytes.Buffer, d Document) error {
	if d.Lines == nil {
		return encode(out, d.JSON, "")
	}
	for _, line := range d.Lines {
		if err := encode(out, line, ""); err != nil {
			return err
		}
	}
	return nil
}

// encode writes JSON and a line break. A < stays a <: what reads it is no browser.
func encode(out *bytes.Buffer, v any, indent string) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	return e.Encode(v)
}
