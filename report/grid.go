package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Grid is a result as CSV: a header and its rows.
type Grid struct {
	Header []string
	Rows   [][]Cell
}

// Cell is one value of a Grid, as it stands in the file.
type Cell string

// TextCell holds a text that may come from anyone: it is kept from running as a
// formula in a spreadsheet, and usage.UnprotectCell gives it back.
func TextCell(s string) Cell { return Cell(usage.ProtectCell(s)) }

// NumberCell holds a whole number.
func NumberCell(n int64) Cell { return Cell(strconv.FormatInt(n, 10)) }

// MoneyCell holds exact decimal dollars: a pricing.USD or pricing.Total.
func MoneyCell(amount fmt.Stringer) Cell { return Cell(amount.String()) }

// TimeCell holds a moment, or nothing for the zero time.
func TimeCell(t time.Time) Cell {
	if t.IsZero() {
		return ""
	}
	return Cell(moment(t).String())
}

// BoolCell holds true or false.
func BoolCell(b bool) Cell { return Cell(strconv.FormatBool(b)) }

// rateCell holds the price of one unit, or nothing where there is none.
func rateCell(u *pricing.USD) Cell {
	if u == nil {
		return ""
	}
	return MoneyCell(*u)
}

func (g Grid) write(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(g.Header); err != nil {
		return err
	}
	if err := writeCells(out, g.Rows); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

func writeCells(out *csv.Writer, rows [][]Cell) error {
	for _, row := range rows {
		record := make([]string, len(row))
		for i, cell := range row {
			record[i] = string(cell)
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	return nil
}

// gridOf makes a grid of a list, a row for each item.
func gridOf[T any](header []string, items []T, row func(T) []Cell) Grid {
	g := Grid{Header: header}
	for _, item := range items {
		g.Rows = append(g.Rows, row(item))
	}
	return g
}
