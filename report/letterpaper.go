package report

import (
	"io"
	"slices"
	"time"
)

// LettersPDF shows bills as their user gets them, each on pages of its own. There is one
// at least. It tells, too, whether the font lacks characters that are in them: these are
// printed as �.
func LettersPDF(letters []Letter, from Sender, size PaperSize, now time.Time) (pdf Page, lacks bool, err error) {
	var all []letter
	for _, l := range letters {
		all = append(all, letterOf(l, from, now))
	}
	// Twice: how many pages there are of each is known only once they are written.
	var pages []int
	for range 2 {
		p, err := newPaper(size, titleOf(all), Visible(from.Company), now)
		if err != nil {
			return nil, false, err
		}
		p.ofPages = pages
		for _, l := range all {
			p.letter(l)
		}
		pages, lacks = slices.Clone(p.letterPages), p.unknown
		pdf = func(w io.Writer) error { return p.write(w) }
	}
	return pdf, lacks, nil
}

// letter writes one bill or credit note.
func (p *paper) letter(l letter) {
	p.beginLetter(l.Name)
	p.letterHead(l)
	p.parties(l)
	sums := p.sumsHeight(l)
	for i, g := range l.Groups {
		t := p.groupTable(g)
		if i == len(l.Groups)-1 {
			t.keep = sums
		}
		p.table(t)
	}
	p.sums(l)
	p.payment(l)
	p.limits(l)
	p.notes(l)
}

func (p *paper) letterHead(l letter) {
	black, soft, _, _, good, bad, _ := inks()
	y := p.y
	company, small := pen{12, true, black}, pen{8, false, soft}
	under := y
	for _, line := range p.wrapped(l.Company, company, (p.edge()-sideMargin)*.55) {
		p.put(sideMargin, under, line, company, left)
		under += company.leading()
	}
	for _, line := range l.From {
		p.put(p.edge(), y, line, small, right)
		y += small.leading()
	}
	if l.Company != "" || len(l.From) > 0 {
		p.y = max(y, under) + 10
	}
	title := pen{20, true, black}
	p.put(sideMargin, p.y, l.Name, title, left)
	p.y += title.leading() + 1
	color := map[string]ink{"open": black, "late": bad, "void": bad, "settled": good}[l.Kind]
	amount, claim := pen{12, true, color}, pen{12, false, color}
	p.put(sideMargin, p.y, l.Amount, amount, left)
	wide := p.wide(l.Amount, amount)
	if l.Kind == "void" {
		p.box(sideMargin, p.y+amount.leading()/2+.3, wide, .3, bad)
	}
	indent := wide + 2
	for i, line := range p.wrapped(l.Claim, claim, p.edge()-sideMargin-indent) {
		if i > 0 {
			p.y += claim.leading()
		}
		p.put(sideMargin+indent, p.y, line, claim, left)
	}
	p.y += claim.leading() + 5
}

// parties writes whom it is for on the left, and the facts on the right.
func (p *paper) parties(l letter) {
	black, soft, _, _, _, _, _ := inks()
	p.rule(p.y, black, .2)
	p.y += 3.5
	label, value := pen{8, false, soft}, pen{9, false, black}
	middle := sideMargin + (p.edge()-sideMargin)*.45
	y := p.y
	p.put(sideMargin, y, "To", pen{8, true, soft}, left)
	y += value.leading()
	for _, to := range l.To {
		for _, line := range p.wrapped(to, value, middle-sideMargin-8) {
			p.put(sideMargin, y, line, value, left)
			y += value.leading()
		}
	}
	under := y
	y = p.y
	for _, f := range l.Facts {
		p.put(middle, y+.2, f.Name, label, left)
		for _, line := range p.wrapped(f.Value, value, p.edge()-middle-24) {
			p.put(p.edge(), y, line, value, right)
			y += value.leading() + .35
		}
	}
	p.y = max(y, under) + 1
}

// groupTable makes the table of lines that are for the same.
func (p *paper) groupTable(g letterGroup) paperTable {
	black, soft, _, _, _, _, _ := inks()
	usual, small := pen{8.5, false, black}, pen{7.5, false, soft}
	t := paperTable{title: g.Title, note: g.Note, columns: []paperColumn{{title: "For", at: left}, {title: "Amount", at: right}}}
	if g.Usage {
		t.columns = []paperColumn{{title: "Usage", at: left}, {title: "At cost", at: right}, {title: "Amount", at: right}}
	}
	for _, r := range g.Rows {
		amount := usual
		if r.Amount == "included" {
			amount.color = soft
		}
		row := []paperCell{nil}
		if g.Usage {
			row = append(row, paperCell{{text: r.Cost, with: usual}})
		}
		t.rows = append(t.rows, append(row, paperCell{{text: r.Amount, with: amount}}))
	}
	p.fit(&t)
	for i, r := range g.Rows {
		t.rows[i][0] = p.nameCell(r, usual, small, t.columns[0])
	}
	return t
}

// nameCell writes the name of a line, and what is small beside it or, where there is no
// room, below.
func (p *paper) nameCell(r letterRow, usual, small pen, c paperColumn) paperCell {
	name, beside := p.cell(r.Name, usual, c), r.Small()
	if last := len(name) - 1; last >= 0 && beside != "" && p.wide(name[last].text, usual)+tailGap+p.wide(beside, small) <= c.room {
		name[last].tail, name[last].tailWith = beside, small
		return name
	}
	return append(name, p.cell(beside, small, c)...)
}

func (p *paper) sumPens() (usual, total pen) {
	black, _, _, _, _, _, _ := inks()
	return pen{9, false, black}, pen{12, true, black}
}

func (p *paper) sumsHeight(l letter) float64 {
	usual, total := p.sumPens()
	return 4 + float64(len(l.Sums)-1)*(usual.leading()+1) + 3 + total.leading() + 2
}

// sums writes what the lines add up to, and the total.
func (p *paper) sums(l letter) {
	black, _, _, _, _, _, _ := inks()
	usual, total := p.sumPens()
	p.need(p.sumsHeight(l))
	p.rule(p.y, black, .2)
	p.y += 2.5
	last := len(l.Sums) - 1
	for _, s := range l.Sums[:last] {
		p.put(sideMargin, p.y, s.Name, usual, left)
		p.put(p.edge(), p.y, s.Value, usual, right)
		p.y += usual.leading() + 1
	}
	if last > 0 {
		p.y += .5
		p.rule(p.y, black, .2)
		p.y += 1.8
	}
	p.put(sideMargin, p.y, l.Sums[last].Name, total, left)
	p.put(p.edge(), p.y, l.Sums[last].Value, total, right)
	p.y += total.leading() + 2
}

func (p *paper) payment(l letter) {
	if len(l.Payment) == 0 {
		return
	}
	black, _, _, _, _, _, wash := inks()
	title, usual := pen{9, true, black}, pen{8.5, false, black}
	const padding = 4.0
	var lines []string
	for _, text := range l.Payment {
		lines = append(lines, p.wrapped(text, usual, p.edge()-sideMargin-2*padding)...)
	}
	height := 2*padding + title.leading() + float64(len(lines))*usual.leading()
	p.need(height + 4)
	p.y += 4
	p.box(sideMargin, p.y, p.edge()-sideMargin, height, wash)
	y := p.y + padding
	p.put(sideMargin+padding, y, "How to pay", title, left)
	y += title.leading()
	for _, line := range lines {
		p.put(sideMargin+padding, y, line, usual, left)
		y += usual.leading()
	}
	p.y += height
}

func (p *paper) limits(l letter) {
	black, soft, _, _, _, _, _ := inks()
	usual := pen{8.5, false, black}
	t := paperTable{title: "What you used of your plan", columns: []paperColumn{
		{title: "Limit", at: left}, {title: "Used", at: right}, {title: "Of", at: right}, {title: "Percent", at: right}}}
	for _, limit := range l.Limits {
		t.rows = append(t.rows, []paperCell{nil, {{text: limit.Used, with: usual}}, {{text: limit.Max, with: usual}}, {{text: limit.Percent, with: pen{8.5, false, soft}}}})
	}
	p.fit(&t)
	for i, limit := range l.Limits {
		t.rows[i][0] = p.cell(limit.Name, usual, t.columns[0])
	}
	p.table(t)
}

func (p *paper) notes(l letter) {
	_, soft, _, _, _, _, _ := inks()
	small := pen{7, false, soft}
	for _, note := range l.Notes {
		lines := p.wrapped(note, small, p.edge()-sideMargin)
		height := 5 + float64(len(lines))*small.leading()
		if !p.room(height) {
			return // it is no reason for another page
		}
		p.y += 5
		p.paragraph(note, small)
	}
}
