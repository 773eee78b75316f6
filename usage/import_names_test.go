package usage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	for q := range pricing.QuantityCount {
		if e.Quantities[q] > 0 && q != pricing.Requests || q == pricing.Requests && e.Quantities[q] != 1 {
			fmt.Fprintf(&b, " %s=%s", q, q.AmountText(e.Quantities[q]))
		}
	}
	for i := range entryFields {
		f := &entryFields[i]
		value := fmt.Sprint(f.Value(entry))
		if slices.Contains([]string{"response_time_ms", "error_message", "service_tier", "reported_cost"}, f.Name) &&
			!slices.Contains([]string{"", "0", "{0 false}"}, value) {
			fmt.Fprintf(&b, " %s=%s", f.Name, value)
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

func writeEvents(t *testing.T, path string, rows []row) {
	t.Helper()
	var text strings.Builder
	for _, r := range rows {
		if r.err != nil {
			t.Fatalf("%s: %s", path, r.err)
		}
		text.WriteString(shortly(r.event) + "\n")
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestVendorsFiles reads rows in the shapes that vendors and others write them in; beside each file is what it says.
// UPDATE_IMPORTED=1 writes that anew.
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
		if os.Getenv("UPDATE_IMPORTED") != "" {
			writeEvents(t, expected, rows)
			continue
		}
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
