package report

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"

	"github.com/alwrity/alwrity-sub/failure"
)

//go:embed fonts/NotoSans-Regular.ttf fonts/NotoSans-Bold.ttf
var fonts embed.FS

// PaperSize is the size of a page of a PDF.
type PaperSize string

// The sizes.
const (
	A4       PaperSize = "A4"
	USLetter PaperSize = "Letter"
)

// ParsePaperSize reads "a4" or "letter"; anything else is an invalid failure.
func ParsePaperSize(text string) (PaperSize, error) {
	for _, size := range []PaperSize{A4, USLetter} {
		if strings.EqualFold(text, string(size)) {
			return size, nil
		}
	}
	return "", failure.Invalidf("paper is %q: it must be a4 or letter", text)
}

// ink is a colour.
type ink [3]int

// The colours, those of the pages on white.
func inks() (black, soft, faint, first, good, bad, wash ink) {
	return ink{22, 25, 31}, ink{86, 94, 107}, ink{225, 228, 233}, ink{31, 95, 174}, ink{15, 122, 87}, ink{179, 38, 30}, ink{245, 246, 248}
}

// pen is how something is written.
type pen struct {
	size  float64 // in points
	bold  bool
	color ink
}

// leading is how far apart lines are, in millimetres.
func (p pen) leading() float64 { return p.size * .3528 * 1.36 }

// alignment is where a text stands.
type alignment int

const (
	left alignment = iota
	right
)

// paper is a PDF that is being written, in millimetres from the upper left corner. It
// knows where the next thing goes and begins a page where there is no room.
type paper struct {
	pdf         *fpdf.Fpdf
	glyphs      *sfnt.Font
	buffer      sfnt.Buffer
	width       float64
	height      float64
	y           float64
	letterPages []int  // pages of each letter so far
	ofPages     []int  // pages of each letter, once that is known
	running     string // what a letter is called at the head and foot of its pages
	company     string
	unknown     bool // something had no glyph
}

const (
	sideMargin   = 20.0
	topMargin    = 20.0
	bottomMargin = 24.0
	fontName     = "NotoSans"
)

// newPaper begins a PDF that is the same for the same content and moment.
func newPaper(size PaperSize, title, author string, now time.Time) (*paper, error) {
	regular, err := fonts.ReadFile("fonts/NotoSans-Regular.ttf")
	if err != nil {
		return nil, err
	}
	bold, err := fonts.ReadFile("fonts/NotoSans-Bold.ttf")
	if err != nil {
		return nil, err
	}
	glyphs, err := sfnt.Parse(regular)
	if err != nil {
		return nil, err
	}
	pdf := fpdf.New("P", "mm", string(size), "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(now)
	pdf.SetModificationDate(now)
	pdf.SetProducer("alwrity-sub", true)
	pdf.SetTitle(title, true)
	pdf.SetAuthor(author, true)
	pdf.SetLang("en")
	pdf.SetMargins(sideMargin, topMargin, sideMargin)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes(fontName, "", regular)
	pdf.AddUTF8FontFromBytes(fontName, "B", bold)
	w, h := pdf.GetPageSize()
	return &paper{pdf: pdf, glyphs: glyphs, width: w, height: h, company: author}, pdf.Error()
}

// printable replaces what the font has no glyph for.
func (p *paper) printable(s string) string {
	return strings.Map(func(r rune) rune {
		if g, err := p.glyphs.GlyphIndex(&p.buffer, r); err != nil || g == 0 {
			p.unknown = true
			return '\ufffd'
		}
		return r
	}, s)
}

// right edge of what is written.
func (p *paper) edge() float64 { return p.width - sideMargin }

func (p *paper) use(with pen) {
	style := ""
	if with.bold {
		style = "B"
	}
	p.pdf.SetFont(fontName, style, with.size)
	p.pdf.SetTextColor(with.color[0], with.color[1], with.color[2])
}

// wide returns how wide a text is.
func (p *paper) wide(s string, with pen) float64 {
	p.use(with)
	return p.pdf.GetStringWidth(p.printable(s))
}

// put writes one line whose upper edge is at y; x is its left or right end.
func (p *paper) put(x, y float64, s string, with pen, at alignment) {
	p.use(with)
	s = p.printable(s)
	if at == right {
		x -= p.pdf.GetStringWidth(s)
	}
	p.pdf.Text(x, y+with.leading()*.76, s)
}

// wrapped splits a text into lines that fit, between words where it can.
func (p *paper) wrapped(s string, with pen, room float64) []string {
	p.use(with)
	fits := func(s string) bool { return p.pdf.GetStringWidth(p.printable(s)) <= room }
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && fits(line+" "+word) {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		line = ""
		for _, r := range word { // a word that is too long for a line is split
			if line != "" && !fits(line+string(r)) {
				lines = append(lines, line)
				line = ""
			}
			line += string(r)
		}
	}
	return append(lines, line)
}

// paragraph writes a text over the whole width.
func (p *paper) paragraph(s string, with pen) {
	for _, line := range p.wrapped(s, with, p.edge()-sideMargin) {
		p.put(sideMargin, p.y, line, with, left)
		p.y += with.leading()
	}
}

// rule draws a line across.
func (p *paper) rule(y float64, color ink, thick float64) {
	p.pdf.SetDrawColor(color[0], color[1], color[2])
	p.pdf.SetLineWidth(thick)
	p.pdf.Line(sideMargin, y, p.edge(), y)
}

func (p *paper) box(x, y, w, h float64, color ink) {
	p.pdf.SetFillColor(color[0], color[1], color[2])
	p.pdf.Rect(x, y, w, h, "F")
}

// beginLetter begins a page and counts pages anew.
func (p *paper) beginLetter(running string) {
	p.running = running
	p.letterPages = append(p.letterPages, 0)
	p.addPage()
}

func (p *paper) addPage() {
	p.pdf.AddPage()
	n := len(p.letterPages) - 1
	p.letterPages[n]++
	_, soft, faint, _, _, _, _ := inks()
	small := pen{7.5, false, soft}
	p.y = topMargin
	if p.letterPages[n] > 1 {
		p.put(sideMargin, p.y-6, p.running, small, left)
		p.put(p.edge(), p.y-6, "continued", small, right)
		p.y += 2
	}
	foot := p.height - bottomMargin + 8
	p.rule(foot-2, faint, .2)
	p.put(sideMargin, foot, strings.TrimPrefix(p.company+" · "+p.running, " · "), small, left)
	p.put(p.edge(), foot, p.pageNumber(n), small, right)
}

// pageNumber counts the pages of a letter: "Page 1 of 3".
func (p *paper) pageNumber(letter int) string {
	of := 0
	if letter < len(p.ofPages) {
		of = p.ofPages[letter]
	}
	return fmt.Sprintf("Page %d of %d", p.letterPages[letter], of)
}

// room tells whether something so high fits on the page.
func (p *paper) room(height float64) bool { return p.y+height <= p.height-bottomMargin }

// need begins a page where something so high does not fit.
func (p *paper) need(height float64) {
	if !p.room(height) {
		p.addPage()
	}
}

// write writes the PDF.
func (p *paper) write(w io.Writer) error {
	var out bytes.Buffer
	if err := p.pdf.Output(&out); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}
