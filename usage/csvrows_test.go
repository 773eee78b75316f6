package usage

import (
	"encoding/csv"
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
