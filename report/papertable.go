package report

// paperColumn is one column of a table on paper.
type paperColumn struct {
	title string
	end   float64 // its right edge; of a left column its left edge
	room  float64
	at    alignment
}

// paperCell is what stands in a column, line by line.
type paperCell []paperLine

type paperLine struct {
	text     string
	with     pen
	tail     string // goes on after it, otherwise written
	tailWith pen
}

// tailGap is the room before a tail, paperGap that between columns.
const (
	tailGap  = 2.0
	paperGap = 4.0
)

// paperTable is a table that goes on over pages: its head is repeated.
type paperTable struct {
	title   string
	note    string
	columns []paperColumn
	rows    [][]paperCell
	// keep is how much room must be left under the last row, for what must not stand on
	// a page without it.
	keep float64
}

const rowPadding = 1.1

func (p *paper) table(t paperTable) {
	if len(t.rows) == 0 {
		return
	}
	black, soft, faint, _, _, _, _ := inks()
	title, note := pen{10.5, true, black}, pen{8, false, soft}
	before := 6 + title.leading() + headHeight
	if t.note != "" {
		before += float64(len(p.wrapped(t.note, note, p.edge()-sideMargin))) * note.leading()
	}
	p.need(before + t.height(0) + .2)
	p.y += 6
	p.paragraph(t.title, title)
	if t.note != "" {
		p.paragraph(t.note, note)
	}
	p.head(t)
	for i := range t.rows {
		if !p.room(t.height(i)) {
			p.addPage()
			p.head(t)
		}
		p.row(t, i)
		if i < len(t.rows)-1 {
			p.rule(p.y, faint, .15)
		}
	}
}

// headHeight is that of the names of the columns.
const headHeight = 6.2

func (p *paper) head(t paperTable) {
	black, soft, _, _, _, _, _ := inks()
	p.y += 1.4
	for _, c := range t.columns {
		p.put(c.end, p.y, c.title, pen{7, true, soft}, c.at)
	}
	p.y += 4.4
	p.rule(p.y, black, .2)
}

// height returns how high a row is, with what must stay under it.
func (t paperTable) height(i int) float64 {
	most := 0.0
	for _, cell := range t.rows[i] {
		height := 0.0
		for _, l := range cell {
			height += l.with.leading()
		}
		most = max(most, height)
	}
	most += 2 * rowPadding
	if i == len(t.rows)-1 {
		most += t.keep
	}
	return most
}

func (p *paper) row(t paperTable, i int) {
	top := p.y + rowPadding
	for n, cell := range t.rows[i] {
		y := top
		for _, l := range cell {
			p.put(t.columns[n].end, y, l.text, l.with, t.columns[n].at)
			if l.tail != "" {
				p.put(t.columns[n].end+p.wide(l.text, l.with)+tailGap, y+l.with.leading()*.76-l.tailWith.leading()*.76, l.tail, l.tailWith, left)
			}
			y += l.with.leading()
		}
	}
	p.y += t.height(i)
	if i == len(t.rows)-1 {
		p.y -= t.keep
	}
}

// fit makes every column but the first as wide as what is widest in it, since an amount
// that is cut or broken reads like another one. The first has what is left.
func (p *paper) fit(t *paperTable) {
	_, soft, _, _, _, _, _ := inks()
	end := p.edge()
	for n := len(t.columns) - 1; n > 0; n-- {
		c := &t.columns[n]
		c.end, c.room = end, p.wide(c.title, pen{7, true, soft})
		for _, row := range t.rows {
			for _, l := range row[n] {
				c.room = max(c.room, p.wide(l.text, l.with))
			}
		}
		end -= c.room + paperGap
	}
	t.columns[0].end, t.columns[0].room = sideMargin, end-sideMargin
}

// cell makes a cell of a text that is wrapped.
func (p *paper) cell(s string, with pen, c paperColumn) paperCell {
	if s == "" {
		return nil
	}
	var cell paperCell
	for _, line := range p.wrapped(s, with, c.room) {
		cell = append(cell, paperLine{text: line, with: with})
	}
	return cell
}
