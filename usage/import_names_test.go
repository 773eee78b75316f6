package usage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// shortly writes what an event says, in one line.
func shortly(e Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %s %s %d",
		e.ID, e.UserID, e.Provider, e.Model, e.Time.Format(time.RFC3339Nano), e.StatusCode)
	entry := &Entry{Event: e}
	for i := range entryFields {
		f := &entryFields[i]
		q := pricing.Quantity(0)
		for q < pricing.QuantityCount && q.String() != f.Name {
			q++
		}
		if q < pricing.QuantityCount && e.Quantities[q] == 0 || f.Name == "requests" && e.Quantities[q] == 1 {
			continue
		}
		isQuantity := q < pricing.QuantityCount
		if isQuantity || f.Name == "response_time_ms" && e.ResponseTimeMS > 0 || f.Name == "error_message" &&
			e.ErrorMessage != "" || f.Name == "reported_cost" || f.Name == "service_tier" {
			fmt.Fprintf(&b, " %s=%v", f.Name, f.Value(entry))
		}
	}
	return b.String()
}

// readFile reads a file of testdata/import as an import does.
func readImported(t *testing.T, name string) []row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "import", name))
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSource(bytes.NewReader(text), name, "")
	if err != nil {
		t.Fatal(err)
	}
	scan := nameScanner{tree: newColumnTree(false)}
	events := newEventReader()
	var rows rowReader
	switch s.format {
	case CSV:
		in := newCSVReader(newLineReader(s.text, nil), events)
		if err := in.readHeader(); err != nil {
			t.Fatalf("%s: %s", name, err)
		}
		rows = in
	case JSONArray:
		rows = newJSONLReader(newElements(s.text, nil), events)
	default:
		rows = newJSONLReader(newLineReader(s.text, nil), events)
	}
	all := readRows(t, rows)
	for _, r := range all {
		if s.format != CSV {
			scan.row(r.raw)
		}
	}
	if len(scan.suspects) > 0 {
		t.Errorf("%s: %q look as if they mattered", name, scan.suspects)
	}
	return all
}

// TestVendorsFiles reads rows in the shapes that vendors and others write them in; beside each file is what it says.
func TestVendorsFiles(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "import", "*.events"))
	if err != nil || len(names) == 0 {
		t.Fatal("there are no files", err)
	}
	for _, expected := range names {
		text, err := os.ReadFile(expected)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		name := strings.TrimSuffix(filepath.Base(expected), ".events")
		rows := readImported(t, name)
		if len(rows) != len(want) {
			t.Errorf("%s: %d rows, want %d", name, len(rows), len(want))
			continue
		}
		for i, r := range rows {
			if got := shortly(r.event); r.err != nil || got != want[i] {
				t.Errorf("%s, row %d: %v\ngot  %s\nwant %s", name, i+1, r.err, got, want[i])
			}
		}
	}
}
