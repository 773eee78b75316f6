package statement

import (
	"bytes"
	_ "embed" // the fonts
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"

	"github.com/alwrity/alwrity-sub/failure"
)

//go:embed fonts/NotoSans-Regular.ttf
var regularFont []byte

//go:embed fonts/NotoSans-Bold.ttf
var boldFont []byte

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

// color is a colour.
type color [3]int

// The colours, those of the pages on white.
var (
	black = color{22, 25, 31}    // read-only
	soft  = color{86, 94, 107}   // read-only
	faint = color{225, 228, 233} // read-only
	good  = color{15, 122, 87}   // read-only
	bad   = color{179, 38, 30}   // read-only
	wash  = color{245, 246, 248} // read-only
)

// style is how something is written.
type style struct {
	size  float64 // in points
	bold  bool
	color color
}

// leading is how far apart lines are, in millimetres.
func (s style) leading() float64 { return s.size * .3528 * 1.36 }

// alignment is where a text stands.
type alignment int

const (
	left alignment = iota
	right
)

// document is a PDF that is being written, in millimetres from the upper left corner. It
// knows where the next thing goes and begins a page where there is no room.
type document struct {
	pdf     *fpdf.Fpdf
	glyphs  *sfnt.Font
	buffer  sfnt.Buffer
	width   float64 // of what is written, without the margins
	height  float64
	y       float64
	pages   []int  // of each statement so far
	ofPages []int  // pages of each statement, once that is known
	running string // what a statement is called at the head and foot of its pages
	company string
	unknown bool // something had no glyph
}

const (
	sideMargin   = 20.0
	topMargin    = 20.0
	bottomMargin = 24.0
	fontName     = "NotoSans"
)

// newDocument begins a PDF that is the same for the same content and moment.
func newDocument(size PaperSize, title, author string, now time.Time) (*document, error) {
	glyphs, err := sfnt.Parse(regularFont)
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
	pdf.AddUTF8FontFromBytes(fontName, "", regularFont)
	pdf.AddUTF8FontFromBytes(fontName, "B", boldFont)
	w, h := pdf.GetPageSize()
	return &document{pdf: pdf, glyphs: glyphs, width: w - 2*sideMargin, height: h, company: author}, pdf.Error()
}

// printable replaces what the font has no glyph for.
func (d *document) printable(s string) string {
	return strings.Map(func(r rune) rune {
		if g, err := d.glyphs.GlyphIndex(&d.buffer, r); err != nil || g == 0 {
			d.unknown = true
			return '\ufffd'
		}
		return r
	}, s)
}

// edge is the right end of what is written.
func (d *document) edge() float64 { return sideMargin + d.width }

func (d *document) use(in style) {
	style := ""
	if in.bold {
		style = "B"
	}
	d.pdf.SetFont(fontName, style, in.size)
	d.pdf.SetTextColor(in.color[0], in.color[1], in.color[2])
}

// textWidth returns how wide a text is.
func (d *document) textWidth(s string, in style) float64 {
	d.use(in)
	return d.pdf.GetStringWidth(d.printable(s))
}

// put writes lines below each other, of which the first has its upper edge at y; x is their
// left or right end. It returns where the next line would be.
func (d *document) put(x, y float64, in style, at alignment, lines ...string) float64 {
	for _, line := range lines {
		d.use(in)
		line, start := d.printable(line), x
		if at == right {
			start -= d.pdf.GetStringWidth(line)
		}
		d.pdf.Text(start, y+in.leading()*.76, line)
		y += in.leading()
	}
	return y
}

// wrapped splits a text into lines that fit, between words where it can.
func (d *document) wrapped(s string, in style, room float64) []string {
	d.use(in)
	fits := func(s string) bool { return d.pdf.GetStringWidth(d.printable(s)) <= room }
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
func (d *document) paragraph(s string, in style) {
	d.y = d.put(sideMargin, d.y, in, left, d.wrapped(s, in, d.width)...)
}

// rule draws a line across.
func (d *document) rule(y float64, color color, thick float64) {
	d.pdf.SetDrawColor(color[0], color[1], color[2])
	d.pdf.SetLineWidth(thick)
	d.pdf.Line(sideMargin, y, d.edge(), y)
}

func (d *document) box(x, y, w, h float64, color color) {
	d.pdf.SetFillColor(color[0], color[1], color[2])
	d.pdf.Rect(x, y, w, h, "F")
}

// begin begins a page and counts pages anew.
func (d *document) begin(running string) {
	d.running = running
	d.pages = append(d.pages, 0)
	d.addPage()
}

func (d *document) addPage() {
	d.pdf.AddPage()
	n := len(d.pages) - 1
	d.pages[n]++
	small := style{7.5, false, soft}
	d.y = topMargin
	if d.pages[n] > 1 {
		d.put(sideMargin, d.y-6, small, left, d.running)
		d.put(d.edge(), d.y-6, small, right, "continued")
		d.y += 2
	}
	foot := d.height - bottomMargin + 8
	d.rule(foot-2, faint, .2)
	d.put(sideMargin, foot, small, left, strings.TrimPrefix(d.company+" · "+d.running, " · "))
	d.put(d.edge(), foot, small, right, d.pageNumber(n))
}

// pageNumber counts the pages of a statement: "Page 1 of 3".
func (d *document) pageNumber(n int) string {
	of := 0
	if n < len(d.ofPages) {
		of = d.ofPages[n]
	}
	return fmt.Sprintf("Page %d of %d", d.pages[n], of)
}

// hasRoom tells whether something so high fits on the page.
func (d *document) hasRoom(height float64) bool { return d.y+height <= d.height-bottomMargin }

// ensureRoom begins a page where something so high does not fit.
func (d *document) ensureRoom(height float64) {
	if !d.hasRoom(height) {
		d.addPage()
	}
}

// write writes the PDF.
func (d *document) write(w io.Writer) error {
	var out bytes.Buffer
	if err := d.pdf.Output(&out); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}
