package usage

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/pricing"
)

// checkEvent checks what holds for every event that was read without an error.
func checkEvent(t *testing.T, e Event) {
	t.Helper()
	if e.Normalise() != e {
		t.Errorf("it is not normalised: %+v", e)
	}
	if e.StatusCode < 0 || e.Quantities[pricing.Requests] < 0 || e.Time.Location() != time.UTC {
		t.Errorf("it has impossible values: %+v", e)
	}
	if e.ID == "" {
		e.ID = "id"
	}
	if e.Validate() == nil && (!utf8.ValidString(e.UserID) || strings.ContainsRune(e.ErrorMessage, 0)) {
		t.Errorf("it is valid and can't be stored: %+v", e)
	}
}

// FuzzJSONLines: every line that is not blank is one row, with its bytes, and is
// an event or has a reason.
func FuzzJSONLines(f *testing.F) {
	for _, text := range []string{
		`{"id":"e1","user_id":"alice","provider":"gemini","input_tokens":15,"time":"2026-11-23T10:00:00Z"}`, "{}\n{}", `{"a":1e999}`, `{"user_id":"\ud800"}`,
		"{\"response_time\":\"1.5\"}\r\n\xff", `{"id":"a","id":"b"}`, `{"user_id":{"a":[null]}}`, "\xef\xbb\xbf{}", `null`, `{"requests":"1500.0","billable":"TRUE"}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := 0
		for _, line := range strings.Split(strings.TrimPrefix(text, "\xef\xbb\xbf"), "\n") {
			if len(bytes.TrimSpace([]byte(line))) > 0 {
				lines++
			}
		}
		rows := readJSONLines(t, text)
		if len(rows) != lines {
			t.Errorf("%d rows of %d lines", len(rows), lines)
		}
		for _, r := range rows {
			if !strings.Contains(text, string(r.raw)) {
				t.Errorf("the raw row %q is not of the file", r.raw)
			}
			if r.err == nil {
				checkEvent(t, r.event)
				if !json.Valid(r.raw) {
					t.Errorf("%q was read and is no JSON", r.raw)
				}
			} else if !utf8.ValidString(r.err.Error()) {
				t.Errorf("the reason is %q", r.err)
			}
		}
	})
}

// FuzzCSV: nothing of a file is lost: each row has the bytes that it was made of.
func FuzzCSV(f *testing.F) {
	const header = "user_id,provider,requests,error_message\n"
	for _, text := range []string{
		"alice,gemini,1,x\n", "\"alice,gemini\nbob,gemini,2,y", "a,b,c\n", "\"a\nb\",gemini,1,\"x\"\"y\"\r\n", "a,b,1,'=1+1", "\"\"\"\n\"\n\"", ",,,\n\n,,,",
	} {
		f.Add(header + text)
	}
	f.Add("user_id,user_id\n")
	f.Add("\"user_id\nx\",provider\n")
	f.Fuzz(func(t *testing.T, text string) {
		reader := &csvReader{lines: newLineReader(strings.NewReader(text), io.Discard), events: newEventReader()}
		if reader.readHeader() != nil {
			return
		}
		kept := len(reader.raw)
		for _, r := range readRows(t, reader) {
			kept += len(r.raw)
			if r.err == nil {
				checkEvent(t, r.event)
			}
		}
		// Only line breaks, blank lines and the byte order mark are left out.
		if blank := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, " ") + strings.Count(text, "\t") + 3; kept > len(text) || kept+blank < len(text)-countBlank(text) {
			t.Errorf("%d bytes of %d are kept", kept, len(text))
		}
	})
}

func countBlank(text string) int {
	n := 0
	for _, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			n += len(line)
		}
	}
	return n
}

// FuzzParseTime: what was read is between 1970 and 8999, in UTC and whole
// microseconds, and comes back from its own text.
func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"2026-11-23T10:00:00Z", "2026-11-23", "2026-11-23 10:00:00.123456+05:30", "9999-12-31T23:59:59.999999999-12:00", "1970-01-01T00:00:00+00:01",
		"2026-11-23T10:00", "2026-02-30", "2026-11-23T10:00:00,5Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTime("time", text)
		if err != nil {
			return
		}
		if !validTime(got) || got.Location() != time.UTC || got.Nanosecond()%1000 != 0 {
			t.Errorf("%q is %s", text, got)
		}
		again, err := ParseTime("time", got.Format(time.RFC3339Nano))
		if err != nil || !again.Equal(got) {
			t.Errorf("%q is %s and comes back as %s, %v", text, got, again, err)
		}
	})
}
