package report_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ledongthuc/pdf"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/report"
)

// pdfOf writes letters as PDF and returns the file and the text of each page, line by line.
func pdfOf(t *testing.T, name string, letters []report.Letter, from report.Sender, size report.PaperSize) (file []byte, texts []string) {
	t.Helper()
	page, _, err := report.LettersPDF(letters, from, size, now())
	if err != nil {
		t.Fatal(err)
	}
	text := written(t, page)
	if dir := os.Getenv("ALWRITY_PAGES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".pdf"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := pdf.NewReader(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.NumPage() {
		rows, err := r.Page(i + 1).GetTextByRow()
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, row := range rows {
			for _, word := range row.Content {
				b.WriteString(word.S + "|")
			}
			b.WriteByte('\n')
		}
		texts = append(texts, b.String())
	}
	return []byte(text), texts
}

func TestLettersPDF(t *testing.T) {
	for i, l := range letters() {
		_, texts := pdfOf(t, fmt.Sprintf("statement-%d", i), []report.Letter{l}, sender(), report.A4)
		fmt.Println(strings.Join(texts, "\n=====\n"))
	}
	_, texts := pdfOf(t, "statement-all", letters(), report.Sender{}, report.USLetter)
	_ = texts
	one, texts := pdfOf(t, "statement-long", []report.Letter{longLetter()}, sender(), report.A4)
	again, _ := pdfOf(t, "statement-long", []report.Letter{longLetter()}, sender(), report.A4)
	if !bytes.Equal(one, again) {
		t.Error("differs")
	}
	fmt.Println(len(texts), len(one))
	_ = billing.Open
}
