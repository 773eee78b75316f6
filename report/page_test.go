package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/report"
)

type namedPage struct {
	name string
	page report.Page
}

func revenuePages() []namedPage {
	none := billing.RevenueOf(october().Start, now(), nil)
	one := revenue()
	one.Months = monthsOf("", "", "", "303.1")
	loss := revenue()
	loss.Months = monthsOf("-12", "0", "0.04", "-3")
	return []namedPage{
		{"page-revenue", report.RevenuePage(revenue(), `Words & "Co" <b>`, 10)},
		{"page-revenue-none", report.RevenuePage(none, "", 10)},
		{"page-revenue-one", report.RevenuePage(one, "", 2)},
		{"page-revenue-loss", report.RevenuePage(loss, "", 10)},
		{"page-revenue-many", report.RevenuePage(manyUsers(3000), "Alwrity", 10)},
	}
}

func written(t *testing.T, p report.Page) string {
	t.Helper()
	var out bytes.Buffer
	if err := p(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// With ALWRITY_PAGES=DIR every page is written there too, to be looked at.
func keepPage(t *testing.T, name, text string) {
	t.Helper()
	if dir := os.Getenv("ALWRITY_PAGES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Pages are as testdata has them: read the difference, look at the page with
// scripts/screenshots.sh, and if it is what you wanted, run: go test ./report -update
func TestPages(t *testing.T) {
	for _, p := range revenuePages() {
		t.Run(p.name, func(t *testing.T) {
			text := written(t, p.page)
			keepPage(t, p.name+".html", text)
			compareGolden(t, filepath.Join("testdata", p.name+".html"), []byte(text))
			wellFormed(t, text)
			selfContained(t, text)
		})
	}
}

// wellFormed wants every element closed, in order, and each id once.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.Entity = true, xml.HTMLEntity
	ids := map[string]bool{}
	rows := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if start.Name.Local == "tr" {
			rows++
		}
		for _, a := range start.Attr {
			if a.Name.Local == "id" {
				if ids[a.Value] {
					t.Errorf("the id %s is there twice", a.Value)
				}
				ids[a.Value] = true
			}
		}
	}
	for _, used := range regexp.MustCompile(`aria-labelledby="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !ids[used[1]] {
			t.Errorf("there is no %s to label something by", used[1])
		}
	}
	if rows > 400 && strings.Contains(text, "user-") {
		t.Errorf("the page has %d rows: thousands of users are too long a list", rows)
	}
}

// selfContained wants nothing that a browser would fetch or run.
func selfContained(t *testing.T, text string) {
	t.Helper()
	for _, bad := range []string{"http:", "https:", "//", "<script", "<link", "<img", "<iframe", "<object", "<embed", "url(", "@import", "javascript:",
		"<b>", "ZgotmplZ", "\x1b", "\u202e"} {
		if i := strings.Index(strings.ToLower(text), strings.ToLower(bad)); i >= 0 {
			t.Errorf("the page has %q in it: …%s…", bad, text[max(0, i-60):min(len(text), i+60)])
		}
	}
	if m := regexp.MustCompile(`<[^>]* (on\w+|src|href|srcset|action)=`).FindString(text); m != "" {
		t.Errorf("the page has an attribute that fetches or runs something: %s", m)
	}
	for _, need := range []string{"<title>", `lang="en"`, "<h1>", "viewport", "prefers-color-scheme: dark", "@media print"} {
		if !strings.Contains(text, need) {
			t.Errorf("the page has no %s", need)
		}
	}
}
