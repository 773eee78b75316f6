package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
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
	rows func(b *billing.Bill) ([][]Cell, error)
}

// BillsAsFocus writes bills as the charges of FOCUS 1.2, sent by the issuer.
func BillsAsFocus(w io.Writer, issuer string) BillWriter {
	return newRowWriter(w, focusHeader(), func(b *billing.Bill) ([][]Cell, error) {
		var cells [][]Cell
		for _, row := range billing.FocusRows(b, issuer) {
			line, err := focusCells(row)
			if err != nil {
				return nil, err
			}
			cells = append(cells, line)
		}
		return cells, nil
	})
}

// BillsAsLedger writes the lines of bills as CSV.
func BillsAsLedger(w io.Writer) BillWriter { return newRowWriter(w, ledgerHeader(), ledgerCells) }

// newRowWriter begins with the header: an error shows when it is flushed.
func newRowWriter(w io.Writer, header []string, rows func(*billing.Bill) ([][]Cell, error)) *rowWriter {
	out := csv.NewWriter(w)
	_ = out.Write(header) // csv.Writer keeps its error until Flush
	return &rowWriter{out, rows}
}

// Write implements BillWriter.
func (w *rowWriter) Write(b *billing.Bill) error {
	rows, err := w.rows(b)
	if err != nil {
		return err
	}
	return writeCells(w.out, rows)
}

// Flush implements BillWriter.
func (w *rowWriter) Flush() error {
	w.out.Flush()
	return w.out.Error()
}

// recordWriter writes a bill a line as JSON.
type recordWriter struct{ out *bufio.Writer }

// BillsAsRecords writes bills as JSON lines, with all that is known of them.
func BillsAsRecords(w io.Writer) BillWriter { return recordWriter{bufio.NewWriter(w)} }

// Write implements BillWriter.
func (w recordWriter) Write(b *billing.Bill) error {
	return json.NewEncoder(w.out).Encode(recordBill(*b))
}

// Flush implements BillWriter.
func (w recordWriter) Flush() error { return w.out.Flush() }

func ledgerHeader() []string {
	header := []string{"bill", "kind", "refers_to", "issued_at", "due_at", "status", "settled_at", "reference", "user_id", "email", "plan", "cycle",
		"period_start", "period_end", "line", "line_kind", "account", "description", "from", "to", "provider", "vendor", "model", "errors", "unpriced_calls"}
	for _, q := range pricing.AllQuantities() {
		header = append(header, q.String())
	}
	return append(header, "cost", "amount", "currency")
}

func ledgerCells(b *billing.Bill) ([][]Cell, error) {
	var rows [][]Cell
	for i, l := range b.Lines {
		row := []Cell{NumberCell(b.Number), TextCell(string(b.Kind)), numberCellOrNone(b.RefersTo), TimeCell(b.IssuedAt), TimeCell(b.DueAt), TextCell(string(b.Status)),
			TimeCell(b.SettledAt), TextCell(b.Reference), TextCell(b.UserID), TextCell(b.Email), TextCell(b.PlanName), TextCell(string(b.Cycle)),
			TimeCell(b.Period.Start), TimeCell(b.Period.End), NumberCell(int64(i + 1)), TextCell(string(l.Kind)), TextCell(string(l.Kind.LedgerAccount())),
			TextCell(l.Description), TimeCell(l.Period.Start), TimeCell(l.Period.End), TextCell(l.Provider), TextCell(l.Vendor), TextCell(l.Model),
			NumberCell(l.Usage.Errors), NumberCell(l.Usage.Unpriced)}
		row = append(row, quantityCells(l.Usage)...)
		rows = append(rows, append(row, MoneyCell(l.Usage.Cost), MoneyCell(l.Amount), "USD"))
	}
	return rows, nil
}

func quantityCells(a usage.Amounts) []Cell {
	var cells []Cell
	for _, n := range a.Quantities {
		cells = append(cells, NumberCell(n))
	}
	return cells
}
