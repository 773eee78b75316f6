package report

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// column is one column of a table.
type column struct {
	title string
	kind  columnKind
	name  string // of the field; "" where it is of none
}

type columnKind int

const (
	words  columnKind = iota // left, never cut
	names                    // left, cut where the terminal is too narrow
	number                   // right
	money                    // right, point under point
)

// table is what a person reads as rows and columns.
type table struct {
	columns []column
	rows    [][]span
	footer  []span // nil: none
}

const (
	columnGap = 2
	// narrowest is what is left at least of a name that has to be cut.
	narrowest = 8
)

// table writes a table.
func (t *Text) table(tb table) {
	if t.parts != nil {
		t.addTable(tb)
		return
	}
	lines := tb.lines()
	tb.alignPoints(lines)
	tb.cut(lines, t.width)
	var out bytes.Buffer
	w := tb.writer(&out)
	w.Header(t.painted(lines[0]))
	if tb.footer != nil {
		w.Footer(t.painted(lines[len(lines)-1]))
	}
	for _, line := range lines[1 : 1+len(tb.rows)] {
		t.err = cmp.Or(t.err, w.Append(t.painted(line)))
	}
	t.err = cmp.Or(t.err, w.Render())
	for line := range strings.Lines(out.String()) {
		t.out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

// total sets the last line of a table.
func (tb table) total(footer ...span) table {
	tb.footer = footer
	return tb
}

// lines returns the header, the rows and the footer, safe to be shown.
func (tb table) lines() [][]span {
	var header []span
	for _, c := range tb.columns {
		header = append(header, span{c.title, strong})
	}
	lines := [][]span{header}
	for _, row := range append(tb.rows[:len(tb.rows):len(tb.rows)], tb.footer) {
		line := make([]span, len(row))
		for i, cell := range row {
			line[i] = span{Visible(cell.text), cell.style}
		}
		if row != nil {
			lines = append(lines, line)
		}
	}
	return lines
}

// alignPoints fills up amounts of money on the right, so that their decimal points stand under each other.
func (tb table) alignPoints(lines [][]span) {
	for i, c := range tb.columns {
		if c.kind != money {
			continue
		}
		most := 0
		for _, line := range lines[1:] {
			most = max(most, afterPoint(line[i].text))
		}
		for _, line := range lines[1:] {
			if after := afterPoint(line[i].text); after > 0 {
				line[i].text += strings.Repeat(" ", most-after)
			}
		}
	}
}

// afterPoint returns how many characters an amount has from its point on, 0 where a text is no amount of money.
func afterPoint(amount string) int {
	if i := strings.LastIndexByte(amount, '.'); i >= 0 && strings.Contains(amount, "$") {
		return len(amount) - i
	}
	return 0
}

// cut shortens names where the table is wider than the terminal: always the
// widest first, until it fits or nothing is left that may be cut.
func (tb table) cut(lines [][]span, width int) {
	widths := make([]int, len(tb.columns))
	total := -columnGap
	for i := range tb.columns {
		for _, line := range lines {
			widths[i] = max(widths[i], twwidth.Width(line[i].text))
		}
		total += widths[i] + columnGap
	}
	if width <= 0 {
		return
	}
	for ; total > width; total-- {
		i := tb.widestName(widths)
		if i < 0 {
			break
		}
		widths[i]--
	}
	for _, line := range lines {
		for i := range line {
			if tb.columns[i].kind == names {
				line[i].text = shortened(line[i].text, widths[i])
			}
		}
	}
}

func (tb table) widestName(widths []int) int {
	widest := -1
	for i, c := range tb.columns {
		if c.kind == names && widths[i] > max(narrowest, twwidth.Width(c.title)) &&
			(widest < 0 || widths[i] > widths[widest]) {
			widest = i
		}
	}
	return widest
}

func (t *Text) painted(line []span) []string {
	cells := make([]string, len(line))
	for i, cell := range line {
		cells[i] = t.paint(cell.style, cell.text)
	}
	return cells
}

// writer returns a table of light lines: one under the header and one over the
// footer, none around it or between columns, so that rows can be copied.
func (tb table) writer(out *bytes.Buffer) *tablewriter.Table {
	aligns := make([]tw.Align, len(tb.columns))
	padding := make([]tw.Padding, len(tb.columns))
	for i, c := range tb.columns {
		aligns[i] = tw.AlignRight
		if c.kind == words || c.kind == names {
			aligns[i] = tw.AlignLeft
		}
		padding[i] = tw.Padding{Right: strings.Repeat(" ", columnGap), Overwrite: true}
	}
	padding[len(padding)-1] = tw.PaddingNone
	cells := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Alignment:  tw.CellAlignment{PerColumn: aligns},
		Padding:    tw.CellPadding{PerColumn: padding},
	}
	return tablewriter.NewTable(out, tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
		Borders: tw.BorderNone,
		Symbols: tw.NewSymbols(tw.StyleLight),
		Settings: tw.Settings{
			Separators: tw.Separators{ShowHeader: tw.On, ShowFooter: tw.On, BetweenRows: tw.Off, BetweenColumns: tw.Off},
			Lines:      tw.Lines{ShowTop: tw.Off, ShowBottom: tw.Off, ShowHeaderLine: tw.On, ShowFooterLine: tw.On},
		},
	})),
		tablewriter.WithConfig(tablewriter.Config{Header: cells, Row: cells, Footer: cells}),
		tablewriter.WithTrimSpace(tw.Off),
	)
}
