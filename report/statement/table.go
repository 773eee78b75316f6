package statement

// column is one column of a table.
type column struct {
	title string
	end   float64 // its right edge; of a left column its left edge
	room  float64
	at    alignment
}

// cell is what stands in a column, line by line.
type cell []line

type line struct {
	text      string
	style     style
	tail      string // goes on after it, otherwise written
	tailStyle style
}

// tailGap is the room before a tail, columnGap that between columns.
const (
	tailGap   = 2.0
	columnGap = 4.0
)

// table is a table that goes on over pages: its head is repeated.
type table struct {
	title   string
	note    string
	columns []column
	rows    [][]cell
	// keep is how much room must be left under the last row, for what must not stand on a page without it.
	keep float64
}

const rowPadding = 1.1

// headStyle is that of the names of the columns.
var headStyle = style{7, true, soft} // read-only

func (d *document) table(t table) {
	if len(t.rows) == 0 {
		return
	}
	title, note := style{10.5, true, black}, style{8, false, soft}
	before := 6 + title.leading() + headHeight
	if t.note != "" {
		before += float64(len(d.wrapped(t.note, note, d.width))) * note.leading()
	}
	d.ensureRoom(before + t.height(0) + .2)
	d.y += 6
	d.paragraph(t.title, title)
	if t.note != "" {
		d.paragraph(t.note, note)
	}
	d.head(t)
	for i := range t.rows {
		if !d.hasRoom(t.height(i)) {
			d.addPage()
			d.head(t)
		}
		d.row(t, i)
		if i < len(t.rows)-1 {
			d.rule(d.y, faint, .15)
		}
	}
}

// headHeight is that of the names of the columns.
const headHeight = 6.2

func (d *document) head(t table) {
	d.y += 1.4
	for _, c := range t.columns {
		d.put(c.end, d.y, headStyle, c.at, c.title)
	}
	d.y += 4.4
	d.rule(d.y, black, .2)
}

// height returns how high a row is, with what must stay under it.
func (t table) height(i int) float64 {
	most := 0.0
	for _, cell := range t.rows[i] {
		height := 0.0
		for _, l := range cell {
			height += l.style.leading()
		}
		most = max(most, height)
	}
	most += 2 * rowPadding
	if i == len(t.rows)-1 {
		most += t.keep
	}
	return most
}

func (d *document) row(t table, i int) {
	top := d.y + rowPadding
	for n, cell := range t.rows[i] {
		y := top
		for _, l := range cell {
			x, below := t.columns[n].end, d.put(t.columns[n].end, y, l.style, t.columns[n].at, l.text)
			if l.tail != "" {
				x += d.textWidth(l.text, l.style) + tailGap
				d.put(x, y+l.style.leading()*.76-l.tailStyle.leading()*.76, l.tailStyle, left, l.tail)
			}
			y = below
		}
	}
	d.y += t.height(i)
	if i == len(t.rows)-1 {
		d.y -= t.keep
	}
}

// fit makes every column but the first as wide as what is widest in it, since an amount
// that is cut or broken reads like another one. The first has what is left.
func (d *document) fit(t *table) {
	end := d.edge()
	for n := len(t.columns) - 1; n > 0; n-- {
		c := &t.columns[n]
		c.end, c.room = end, d.textWidth(c.title, headStyle)
		for _, row := range t.rows {
			for _, l := range row[n] {
				c.room = max(c.room, d.textWidth(l.text, l.style))
			}
		}
		end -= c.room + columnGap
	}
	t.columns[0].end, t.columns[0].room = sideMargin, end-sideMargin
}

// cell makes a cell of a text that is wrapped.
func (d *document) cell(s string, in style, c column) cell {
	if s == "" {
		return nil
	}
	var cell cell
	for _, text := range d.wrapped(s, in, c.room) {
		cell = append(cell, line{text: text, style: in})
	}
	return cell
}
