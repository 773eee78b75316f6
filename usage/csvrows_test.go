package usage

import (
	"encoding/csv"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// FuzzCSVRecord: a record is the same fields, or none, as for encoding/csv, and what was parsed before it makes no
// difference.
func FuzzCSVRecord(f *testing.F) {
	for _, text := range []string{"", "a", "a,b", ",", ",,", "a,b\r", "a\rb,c", "\r", `"a,b",c`, `"a""b"`, `a"b`, `"a"b`,
		`"`, "\"a\nb\",c", " a , b ", "é,\xff", "'=1", "\"a\r\nb\"", "a,\x00"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, before, text string) {
		if strings.Contains(text, "\n") && !strings.Contains(text, `"`) {
			return // it is more than one line only because of a quotation mark
		}
		reader := csv.NewReader(strings.NewReader(text))
		reader.FieldsPerRecord = -1
		want, wantErr := reader.Read()
		var parser recordParser
		_, _ = parser.parse([]byte(before)) // whatever it is
		got, err := parser.parse([]byte(text))
		same := slices.EqualFunc(got, want, func(a []byte, b string) bool { return string(a) == b })
		if (err == nil) != (wantErr == nil) || (err == nil && !same) {
			t.Errorf("%q: %q, %v; want %q, %v", text, got, err, want, wantErr)
		}
	})
}

// Rows that each leave a quotation mark open take memory in proportion to the file, and not to its square.
func TestStrayQuotesAreReadInLinearTime(t *testing.T) {
	const rows = 40_000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	file := strings.NewReader("user_id,provider\n" + strings.Repeat("\"\n", rows))
	reader := newCSVReader(newLineReader(file, io.Discard), newEventReader())
	if err := reader.readHeader(); err != nil {
		t.Fatal(err)
	}
	bad := 0
	for {
		row, err := reader.next()
		if err != nil {
			break
		}
		if row.err != nil {
			bad++
		}
	}
	runtime.ReadMemStats(&after)
	if bad != rows {
		t.Errorf("%d of %d rows are bad", bad, rows)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 10_000*rows {
		t.Errorf("it took %d bytes for each row", took/rows)
	}
}
