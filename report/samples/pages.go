package samples

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

	"github.com/alwrity/alwrity-sub/report/page"
)

// CheckPage compares a page with testdata/NAME.html, which update writes anew, and looks whether it is well-formed and
// complete in itself.
func CheckPage(t *testing.T, update bool, name string, p page.Page) {
	t.Helper()
	text := Written(t, p)
	KeepPage(t, name+".html", text)
	CompareGolden(t, update, filepath.Join("testdata", name+".html"), []byte(text))
	wellFormed(t, text)
	selfContained(t, text)
}

// Written returns the text of a page.
func Written(t *testing.T, p page.Page) string {
	t.Helper()
	var out bytes.Buffer
	if err := p(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// KeepPage keeps a page: with ALWRITY_PAGES=DIR every page is written there too, to be looked at.
func KeepPage(t *testing.T, name, text string) {
	t.Helper()
	if dir := os.Getenv("ALWRITY_PAGES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
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
	for _, bad := range []string{"http:", "https:", "//", "<script", "<link", "<img", "<iframe", "<object", "<embed",
		"url(", "@import", "javascript:",
		"<b>", "ZgotmplZ", "\x1b", "\u202e"} {
		if i := strings.Index(strings.ToLower(text), strings.ToLower(bad)); i >= 0 {
			t.Errorf("the page has %q in it: …%s…", bad, text[max(0, i-60):min(len(text), i+60)])
		}
	}
	if m := regexp.MustCompile(`<[^>]* (on\w+|src|href|srcset|action)=`).FindString(text); m != "" {
		t.Errorf("the page has an attribute that fetches or runs something: %s", m)
	}
	for _, need := range []string{"<title>", `lang="en"`, "<h1>", "viewport", "prefers-color-scheme: dark",
		"@media print"} {
		if !strings.Contains(text, need) {
			t.Errorf("the page has no %s", need)
		}
	}
}

// CompareGolden compares bytes with a file, which update writes anew.
func CompareGolden(t *testing.T, update bool, file string, got []byte) {
	t.Helper()
	if update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is otherwise now:\n%s\nit was:\n%s", file, got, want)
	}
}
