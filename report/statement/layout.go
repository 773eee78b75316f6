package statement

import (
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/page"
)

// PDF shows bills as their user gets them, each on pages of its own. There is one at least.
// It tells, too, whether the font lacks characters that are in them: these are printed as �.
func PDF(statements []Statement, from Sender, size PaperSize, now time.Time) (pdf page.Page, lacks bool, err error) {
	views := viewsOf(statements, from, now)
	// Twice: how many pages there are of each is known only once they are written.
	var pages []int
	for range 2 {
		d, err := newDocument(size, titleOf(views), report.Visible(from.Company), now)
		if err != nil {
			return nil, false, err
		}
		d.ofPages = pages
		for _, v := range views {
			d.statement(v)
		}
		pages, lacks = slices.Clone(d.pages), d.unknown
		pdf = d.write
	}
	return pdf, lacks, nil
}

// statement writes one bill or credit note.
func (d *document) statement(v view) {
	d.begin(v.Name)
	d.heading(v)
	d.parties(v)
	sums := d.sumsHeight(v)
	for i, g := range v.Groups {
		t := d.groupTable(g)
		if i == len(v.Groups)-1 {
			t.keep = sums
		}
		d.table(t)
	}
	d.sums(v)
	d.payment(v)
	d.limits(v)
	d.notes(v)
}

func (d *document) heading(v view) {
	company, small := style{12, true, black}, style{8, false, soft}
	under := d.put(sideMargin, d.y, company, left, d.wrapped(v.Company, company, d.width*.55)...)
	beside := d.put(d.edge(), d.y, small, right, v.From...)
	if v.Company != "" || len(v.From) > 0 {
		d.y = max(beside, under) + 10
	}
	title := style{20, true, black}
	d.y = d.put(sideMargin, d.y, title, left, v.Name) + 1
	color := map[string]color{"open": black, "late": bad, "void": bad, "settled": good}[v.Kind]
	amount, claim := style{12, true, color}, style{12, false, color}
	d.put(sideMargin, d.y, amount, left, v.Amount)
	wide := d.textWidth(v.Amount, amount)
	if v.Kind == "void" {
		d.box(sideMargin, d.y+amount.leading()/2+.3, wide, .3, bad)
	}
	indent := wide + 2
	d.y = d.put(sideMargin+indent, d.y, claim, left, d.wrapped(v.Claim, claim, d.width-indent)...) + 5
}

// parties writes whom it is for on the left, and the facts on the right.
func (d *document) parties(v view) {
	d.rule(d.y, black, .2)
	d.y += 3.5
	label, value := style{8, false, soft}, style{9, false, black}
	middle := sideMargin + d.width*.45
	d.put(sideMargin, d.y, style{8, true, soft}, left, "To")
	under := d.y + value.leading()
	for _, to := range v.To {
		under = d.put(sideMargin, under, value, left, d.wrapped(to, value, d.width*.45-8)...)
	}
	y := d.y
	for _, f := range v.Facts {
		d.put(middle, y+.2, label, left, f.Name)
		for _, line := range d.wrapped(f.Value, value, d.width*.55-24) {
			y = d.put(d.edge(), y, value, right, line) + .35
		}
	}
	d.y = max(y, under) + 1
}

// groupTable makes the table of lines that are for the same.
func (d *document) groupTable(g group) table {
	usual, small := style{8.5, false, black}, style{7.5, false, soft}
	t := table{title: g.Title, note: g.Note, columns: []column{{title: "For", at: left}, {title: "Amount", at: right}}}
	if g.Usage {
		t.columns = []column{{title: "Usage", at: left}, {title: "At cost", at: right}, {title: "Amount", at: right}}
	}
	for _, r := range g.Rows {
		amount := usual
		if r.Amount == "included" {
			amount.color = soft
		}
		row := []cell{nil}
		if g.Usage {
			row = append(row, cell{{text: r.Cost, style: usual}})
		}
		t.rows = append(t.rows, append(row, cell{{text: r.Amount, style: amount}}))
	}
	d.fit(&t)
	for i, r := range g.Rows {
		t.rows[i][0] = d.nameCell(r, usual, small, t.columns[0])
	}
	return t
}

// nameCell writes the name of a line, and what is small beside it or, where there is no room, below.
func (d *document) nameCell(r row, usual, small style, c column) cell {
	name, beside := d.cell(r.Name, usual, c), r.Small()
	if last := len(name) - 1; last >= 0 && beside != "" && d.textWidth(name[last].text, usual)+tailGap+d.textWidth(beside,
		small) <= c.room {
		name[last].tail, name[last].tailStyle = beside, small
		return name
	}
	return append(name, d.cell(beside, small, c)...)
}

// The styles of the sums.
var sumStyle, totalStyle = style{9, false, black}, style{12, true, black} // read-only

func (d *document) sumsHeight(v view) float64 {
	return 4 + float64(len(v.Sums)-1)*(sumStyle.leading()+1) + 3 + totalStyle.leading() + 2
}

// sums writes what the lines add up to, and the total.
func (d *document) sums(v view) {
	d.ensureRoom(d.sumsHeight(v))
	d.rule(d.y, black, .2)
	d.y += 2.5
	last := len(v.Sums) - 1
	for _, s := range v.Sums[:last] {
		d.put(sideMargin, d.y, sumStyle, left, s.Name)
		d.y = d.put(d.edge(), d.y, sumStyle, right, s.Value) + 1
	}
	if last > 0 {
		d.y += .5
		d.rule(d.y, black, .2)
		d.y += 1.8
	}
	d.put(sideMargin, d.y, totalStyle, left, v.Sums[last].Name)
	d.y = d.put(d.edge(), d.y, totalStyle, right, v.Sums[last].Value) + 2
}

func (d *document) payment(v view) {
	if len(v.Payment) == 0 {
		return
	}
	title, usual := style{9, true, black}, style{8.5, false, black}
	const padding = 4.0
	var lines []string
	for _, text := range v.Payment {
		lines = append(lines, d.wrapped(text, usual, d.width-2*padding)...)
	}
	height := 2*padding + title.leading() + float64(len(lines))*usual.leading()
	d.ensureRoom(height + 4)
	d.y += 4
	d.box(sideMargin, d.y, d.width, height, wash)
	y := d.put(sideMargin+padding, d.y+padding, title, left, "How to pay")
	d.put(sideMargin+padding, y, usual, left, lines...)
	d.y += height
}

func (d *document) limits(v view) {
	usual, percent := style{8.5, false, black}, style{8.5, false, soft}
	t := table{title: "What you used of your plan", columns: []column{
		{title: "Limit", at: left}, {title: "Used", at: right}, {title: "Of", at: right}, {title: "Percent", at: right}}}
	for _, limit := range v.Limits {
		t.rows = append(t.rows, []cell{nil, {{text: limit.Used, style: usual}}, {{text: limit.Max, style: usual}},
			{{text: limit.Percent, style: percent}}})
	}
	d.fit(&t)
	for i, limit := range v.Limits {
		t.rows[i][0] = d.cell(limit.Name, usual, t.columns[0])
	}
	d.table(t)
}

func (d *document) notes(v view) {
	small := style{7, false, soft}
	for _, note := range v.Notes {
		lines := d.wrapped(note, small, d.width)
		height := 5 + float64(len(lines))*small.leading()
		if !d.hasRoom(height) {
			return // it is no reason for another page
		}
		d.y += 5
		d.paragraph(note, small)
	}
}
