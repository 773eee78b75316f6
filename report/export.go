package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// BillWriter writes bills for the programs of accountants, one after another.
type BillWriter interface {
	Write(b *billing.Bill) error
	// Flush writes what is still held back. It is called once, at the end.
	Flush() error
}

// rowWriter writes a bill as rows of CSV, under a header.
type rowWriter struct {
	out  *csv.Writer
	rows func(b *billing.Bill) []fields
}

// newRowWriter begins with the header, which is that of a bill with one line: an error shows when it is flushed.
func newRowWriter(w io.Writer, rows func(*billing.Bill) []fields) *rowWriter {
	out := csv.NewWriter(w)
	one := &billing.Bill{Lines: []billing.Line{{Kind: billing.Fee}}}
	_ = out.Write(rows(one)[0].header()) // csv.Writer keeps its error until Flush
	return &rowWriter{out, rows}
}

// Write implements BillWriter.
func (w *rowWriter) Write(b *billing.Bill) error {
	for _, row := range w.rows(b) {
		if err := w.out.Write(row.record()); err != nil {
			return err
		}
	}
	return nil
}

// Flush implements BillWriter.
func (w *rowWriter) Flush() error {
	w.out.Flush()
	return w.out.Error()
}

// BillsAsFocus writes bills as the charges of FOCUS 1.2, sent by the issuer.
func (p Printer) BillsAsFocus(w io.Writer, issuer string) BillWriter {
	return newRowWriter(w, func(b *billing.Bill) []fields {
		return listOf(billing.FocusRows(b, issuer), func(r billing.FocusRow) fields {
			return p.marked(focusFields(r), "x_Rehearsal")
		})
	})
}

// marked returns the fields of what is exported with one, of that name, that marks a rehearsal.
func (p Printer) marked(fs fields, name string) fields {
	if !p.Rehearsal {
		return fs
	}
	return append(fs, field{name, "", true})
}

// BillsAsLedger writes the lines of bills as CSV.
func (p Printer) BillsAsLedger(w io.Writer) BillWriter {
	return newRowWriter(w, func(b *billing.Bill) []fields {
		bill := append(fields{{"bill", "", id(b.Number)}},
			billFields(*b).pick("kind refers_to issued_at due_at status settled_at reference user_id email "+
				"plan cycle period")...)
		return listOf(numberedLines(*b), func(l numberedLine) fields {
			line := lineFields(l.Line)
			return p.marked(slices.Concat(bill, fields{
				{"line", "", l.place}, {"line_kind", "", l.Kind}, {"account", "", l.Kind.LedgerAccount()},
				{"description", "", l.Description}, {"from", "", l.Period.Start}, {"to", "", l.Period.End},
			}, line.pick("provider vendor model errors unpriced_calls"), quantities(l.Usage.Quantities, pricing.Requests),
				line.pick("cost amount"), fields{{"currency", "", "USD"}},
				contactFields(b.Contact), line.pick("estimated_calls estimated_cost")), rehearsalField)
		})
	})
}

// recordWriter writes a bill a line as JSON.
type recordWriter struct {
	Printer
	out *bufio.Writer
}

// BillsAsRecords writes bills as JSON lines, with all that is known of them.
func (p Printer) BillsAsRecords(w io.Writer) BillWriter { return recordWriter{p, bufio.NewWriter(w)} }

// Write implements BillWriter.
func (w recordWriter) Write(b *billing.Bill) error {
	return json.NewEncoder(w.out).Encode(w.marked(recordFields(*b), rehearsalField))
}

// Flush implements BillWriter.
func (w recordWriter) Flush() error { return w.out.Flush() }

// recordFields are what billFields has, and all else that is known of a bill.
func recordFields(b billing.Bill) fields {
	bill := billFields(b)
	terms := value{}
	if t := b.Terms; t != nil {
		terms = valueOf(fields{
			{"limits", "", listOf(t.Limits, termFields)}, {"markup_millionths", "", t.MarkupMillionths},
			{"parts", "", listOf(t.Parts, partFields)},
		})
	}
	lines := listOf(numberedLines(b), func(l numberedLine) fields {
		return append(fields{{"line", "", l.place}, {"kind", "", l.Kind}, {"account", "", l.Kind.LedgerAccount()}},
			lineFields(l.Line)...)
	})
	return slices.Concat(bill.pick("number kind refers_to user_id email"), fields{{"plan_id", "", b.PlanID}},
		bill.pick("plan cycle period issued_at due_at status settled_at reference"), fields{{"currency", "", "USD"}},
		bill.pick("subtotal rounding total cost"), fields{{"terms", "", terms}, {"lines", "", lines}},
		contactFields(b.Contact))
}

func partFields(p billing.PartTerms) fields {
	return fields{
		{"plan_id", "", p.PlanID}, {"microseconds", "", p.Microseconds}, {"overage", "", p.Overage},
		{"limits", "", listOf(p.Limits, termFields)}, {"markup_millionths", "", p.MarkupMillionths},
	}
}

func termFields(l plan.Limit) fields {
	return fields{
		{"name", "", l.Name}, {"meter", "", l.Meter}, {"providers", "", l.Scope.Providers},
		{"vendors", "", l.Scope.Vendors},
		{"max", "", orNull(maximum(l).csv)}, // in the meter's unit; null is unlimited
		{"action", "", l.Action},
	}
}
