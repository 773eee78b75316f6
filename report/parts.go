package report

import "strings"

// Part is a piece of what a person reads of a document, for who shows it elsewhere than in a terminal: a line, facts,
// or a table. The others are empty.
type Part struct {
	Line  []Cell
	Facts []Fact
	Table *Table
}

// Cell is a text in one style: "", strong, dim, good, caution or bad. The text is visible (see Visible).
type Cell struct{ Text, Style string }

// Fact is a value and what it is called.
type Fact struct {
	Name string // as in JSON; "" where it has none there
	Cell
	Title string
}

// Table is rows under a header.
type Table struct {
	Columns []Column
	Rows    [][]Cell
	Footer  []Cell // nil: none
}

// Column is one of a table.
type Column struct {
	Name   string // as in JSON; "" where it has none there
	Title  string
	Number bool // it is read from the right
}

// Parts returns what a person reads of a document, piece by piece. Charts are left out.
func Parts(d Document) []Part {
	var parts []Part
	d.Text(&Text{parts: &parts})
	return parts
}

func (t *Text) add(p Part) { *t.parts = append(*t.parts, p) }

func cellOf(s span) Cell {
	return Cell{Visible(s.text), [...]string{"", "strong", "dim", "good", "caution", "bad"}[s.style]}
}

// padded returns the cell with its spaces behind an amount as wide as digits are, so that points stand under each other
// where letters are not all of one width.
func (c Cell) padded() Cell {
	amount := strings.TrimRight(c.Text, " ")
	c.Text = amount + strings.Repeat("\u2007", len(c.Text)-len(amount))
	return c
}

func (t *Text) addFacts(facts fields) {
	t.add(Part{Facts: listOf(facts, func(f field) Fact {
		return Fact{f.name, cellOf(valueOf(f.value).span()), sentence(f.title)}
	})})
}

func (t *Text) addTable(tb table) {
	lines := tb.lines()
	shown := &Table{Columns: listOf(tb.columns, func(c column) Column {
		return Column{c.name, sentence(c.title), c.kind == number || c.kind == money}
	})}
	tb.alignPoints(lines)
	cells := func(line []span) []Cell {
		return listOf(line, func(s span) Cell { return cellOf(s).padded() })
	}
	for _, line := range lines[1 : 1+len(tb.rows)] {
		shown.Rows = append(shown.Rows, cells(line))
	}
	if tb.footer != nil {
		shown.Footer = cells(lines[len(lines)-1])
	}
	t.add(Part{Table: shown})
}

// abbreviations are words of titles that are never written small.
const abbreviations = " ID IDS VAT USD EUR (UTC) "

// sentence writes a title of a table, which is in capitals, as one writes a sentence: “Paid until”.
func sentence(title string) string {
	words := strings.Fields(title)
	for i, word := range words {
		small := strings.ReplaceAll(strings.ToLower(word), "/1m", "/1M")
		if strings.Contains(abbreviations, " "+strings.ToUpper(word)+" ") {
			small = strings.ToUpper(word)
		} else if i == 0 {
			small = strings.ToUpper(small[:1]) + small[1:]
		}
		words[i] = small
	}
	return strings.Join(words, " ")
}
