package pages

import (
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/report"
)

// part is a piece of a report's document as a page shows it: see report.Part.
type part struct {
	Line  []report.Cell
	Facts []report.Fact
	Table *table
}

// shortText is how many characters stand on one line.
const shortText = 26

// table is a table of which some cells lead elsewhere, and rows can be chosen.
type table struct {
	Caption string
	Columns []report.Column
	Rows    []tableRow
	Footer  []report.Cell
	Checks  bool // rows can be chosen
}

type tableRow struct {
	Cells []cell
	Check string // the value by which the row is chosen; "" where it can't be
	Name  string // of the row, for who hears the page
}

type cell struct {
	report.Cell
	Number bool
	Short  bool // it fits on one line
	Link   string
}

// links say where the cells of a table lead, by the names of their columns and the number of their row; "" is nowhere.
type links map[string]func(row int) string

// partsOf returns what a person reads of a document. Its tables are of the same rows as the links.
func partsOf(d report.Document, to links) []part {
	var parts []part
	for _, p := range report.Parts(d) {
		of := part{Line: p.Line, Facts: p.Facts}
		if p.Table != nil {
			of.Table = tableOf(p.Table, to)
		}
		parts = append(parts, of)
	}
	return parts
}

func tableOf(t *report.Table, to links) *table {
	shown := &table{Columns: t.Columns, Footer: t.Footer}
	for i, cells := range t.Rows {
		row := tableRow{}
		for j, text := range cells {
			one := cell{Cell: text, Number: t.Columns[j].Number,
				Short: utf8.RuneCountInString(text.Text) <= shortText}
			if leads := to[t.Columns[j].Name]; leads != nil && text.Text != report.Dash {
				one.Link = leads(i)
			}
			if j == 0 {
				row.Name = text.Text
			}
			row.Cells = append(row.Cells, one)
		}
		shown.Rows = append(shown.Rows, row)
	}
	return shown
}

// firstTable returns the first table of some parts, nil where there is none.
func firstTable(parts []part) *table {
	for _, p := range parts {
		if p.Table != nil {
			return p.Table
		}
	}
	return nil
}

// at is a path with a parameter.
func at(path, name, value string) string { return path + "?" + url.Values{name: {value}}.Encode() }

func userPath(user string) string {
	if user == "" {
		return ""
	}
	return at("/admin/user", "id", user)
}

func billPath(number int64) string {
	if number == 0 {
		return ""
	}
	return at("/admin/bill", "number", strconv.FormatInt(number, 10))
}
